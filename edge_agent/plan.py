"""The read plan: the fewest requests that fetch all of a machine's registers."""

from collections.abc import Iterable, Sequence

from edge_agent.block import Block
from edge_agent.decode import Register
from edge_agent.profile import Profile


class PlanError(Exception):
    """The registers that must be read together do not fit into one request."""


def plan(profile: Profile) -> tuple[Block, ...]:
    """The requests for a profile. Raises PlanError, which a profile read from a file never does."""
    if problem := misfit(profile):
        raise PlanError(problem)
    return pack(profile.registers, together(profile), profile.max_registers, profile.max_gap)


def together(profile: Profile) -> tuple[Register, ...]:
    """What must come from one request: a count belongs to the state and the order it was read with."""
    names = {counter.name for counter in profile.counters}
    for rule in profile.rules:
        names |= rule.registers
    if profile.roles.valid:
        names.add(profile.roles.valid.register)
    if profile.roles.order:
        names.add(profile.roles.order)
    return tuple(register for register in profile.registers if register.name in names)


def pack(
    registers: Iterable[Register], group: Iterable[Register], max_registers: int, max_gap: int
) -> tuple[Block, ...]:
    """The fewest blocks of at most ``max_registers`` that hold every register whole and the group in one.

    A block reads over at most ``max_gap`` unwanted registers in a row. Any part of a legal block is legal, so
    taking as much as fits, from the left, is never beaten.
    """
    blocks: list[Block] = []
    for span in _fuse(registers, group):
        joined = _join(blocks[-1], span) if blocks else None
        if joined is not None and joined.count <= max_registers and span.address - blocks[-1].end <= max_gap:
            blocks[-1] = joined
        else:
            blocks.append(span)
    return tuple(blocks)


def misfit(profile: Profile) -> str:
    """Why the registers that must be read together cannot be; empty when they can."""
    group = sorted(together(profile), key=lambda register: (register.table, register.address))
    if not group:
        return ""
    if len({register.table for register in group}) > 1:
        return f"they stand in both tables: {_listed(group)}"
    low, high = group[0].address, max(register.end for register in group)
    if high - low > profile.max_registers:
        beyond = [register for register in group if register.end - low > profile.max_registers]
        return f"{high - low} registers from {low}, {profile.max_registers} fit; beyond: {_listed(beyond)}"
    inside = [register for register in profile.registers if register.table == group[0].table]
    return _gap([register for register in inside if low <= register.address < high], profile.max_gap)


def _gap(registers: Sequence[Register], max_gap: int) -> str:
    end = registers[0].end
    for register in sorted(registers, key=lambda register: register.address):
        if register.address - end > max_gap:
            wide = register.address - end
            return f"{wide} unused registers before {_listed([register])}, max_gap is {max_gap}"
        end = max(end, register.end)
    return ""


def _fuse(registers: Iterable[Register], group: Iterable[Register]) -> list[Block]:
    """Spans that must not be torn, ascending: each register, and the group with all that lies inside it."""
    held = tuple(group)
    spans = sorted(
        Block(register.table, register.address, register.count) for register in (*registers, *held)
    )
    if not held:
        return spans
    table, low, high = held[0].table, min(r.address for r in held), max(r.end for r in held)
    inside = [span for span in spans if span.table is table and span.address < high and low < span.end]
    return sorted([Block(table, low, high - low), *(span for span in spans if span not in inside)])


def _join(left: Block, right: Block) -> Block | None:
    """One block over both, or None across tables."""
    if left.table is not right.table:
        return None
    low, high = min(left.address, right.address), max(left.end, right.end)
    return Block(left.table, low, high - low)


def _listed(registers: Iterable[Register]) -> str:
    return ", ".join(f"{register.name} ({register.table} {register.address})" for register in registers)
