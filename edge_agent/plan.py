"""The read plan: the fewest requests that fetch all that is wanted of a machine, within what it allows.

Fast requests go out at every poll and make a sample: the state, the order, the stop code and the counts,
which come from one request, and the evidence that they are to be believed (serial, boot count, uptime,
heartbeat). Slow requests are for people: gauges, and what the profile expects. A gauge that lies within a
fast request comes with it; none makes one longer, or a machine that refuses it would refuse its counters.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from edge_agent.block import Block, holds, hull, touch
from edge_agent.profile import Profile, StateRead
from edge_agent.register import Register
from edge_agent.request import Limits, fused, objection, pack

_FEW: Final = 6
"""So many registers a complaint names."""


class PlanError(Exception):
    """What must be read together does not fit into one request."""


class ReadPlan(Struct, frozen=True, kw_only=True):
    fast: tuple[Block, ...]
    """Sent at every poll, in this order."""
    again: int
    """So many of the first come again as the last: the state is read before and after the counts."""
    needed: frozenset[int]
    """Places in ``fast``: without these there is no sample. Others may be refused."""
    slow: tuple[Block, ...]
    """Sent now and then. Each stands for itself."""


def read_plan(profile: Profile) -> ReadPlan:
    """The requests for a profile. Raises PlanError, which a profile read from a file never does."""
    if problem := misfit(profile):
        raise PlanError(problem)
    limits, known = Limits.of(profile), profile.registers
    wanted = sampled(profile)
    spans = [register.block for register in known if register.name in wanted]
    said = _twice(profile)
    once = _expecting(profile, pack((*spans, *_hulls(profile)), limits, said), limits)
    fast, again = _around(profile, once, said)
    rest = [r.block for r in known if not any(holds(block, r.block) for block in fast)]
    names = posture(profile) | counted(profile) | evidence(profile)
    vital = [r.block for r in known if r.name in names]
    needed = {at for at, block in enumerate(fast) if any(holds(block, span) for span in vital)}
    return ReadPlan(fast=fast, again=again, needed=frozenset(needed), slow=pack(rest, limits))


def plan(profile: Profile) -> tuple[Block, ...]:
    """What is sent at every poll. Raises PlanError, which a profile read from a file never does."""
    return read_plan(profile).fast


def posture(profile: Profile) -> set[str]:
    """The registers that say what the machine does, for whom, and why it does not."""
    names = {name for rule in profile.rules for name in rule.registers}
    if profile.roles.valid:
        names.add(profile.roles.valid.register)
    return names | {name for name in (profile.roles.order, profile.roles.stop_code) if name}


def counted(profile: Profile) -> set[str]:
    return {name for counter in profile.counters for name in counter.registers}


def evidence(profile: Profile) -> set[str]:
    """The registers that tell whether the rest is to be believed."""
    roles = profile.roles
    return {name for name in (roles.serial, roles.boot_count, roles.uptime_s, roles.heartbeat) if name}


def sampled(profile: Profile) -> set[str]:
    """All registers that a sample is made of."""
    vendor = {profile.roles.vendor_code} if profile.roles.vendor_code else set[str]()
    return posture(profile) | counted(profile) | evidence(profile) | vendor


def together(profile: Profile) -> tuple[tuple[Register, ...], ...]:
    """Groups that each come from one request: a count belongs to the state and the order it was read with.

    Where the state is read around the counts, only the two parts of one count.
    """
    if profile.state_read is StateRead.WITH_COUNTS:
        groups = [posture(profile) | counted(profile)]
    else:
        groups = [set(counter.registers) for counter in profile.counters]
    found = (tuple(r for r in profile.registers if r.name in group) for group in groups)
    return tuple(group for group in found if group)


def misfit(profile: Profile) -> str:
    """Why the registers that must be read together cannot be; empty when they can."""
    limits = Limits.of(profile)
    for group in together(profile):
        if len({register.table for register in group}) > 1:
            return f"they stand in more than one table: {_listed(group)}"
        around = hull(*(register.block for register in group))
        (whole,) = fused([around], limits)
        if problem := objection(whole, limits):
            beyond = [r for r in group if r.end - whole.address > limits.most(whole)]
            return f"{problem}; beyond: {_listed(beyond)}" if beyond else f"{problem}: {_listed(group)}"
    return ""


def _hulls(profile: Profile) -> list[Block]:
    return [hull(*(register.block for register in group)) for group in together(profile)]


def _expecting(profile: Profile, fast: tuple[Block, ...], limits: Limits) -> tuple[Block, ...]:
    """What the profile expects comes along where that takes no request of its own."""
    blocks = list(fast)
    expected = {equal.register for equal in profile.expect}
    for register in profile.registers:
        if register.name not in expected or any(holds(block, register.block) for block in blocks):
            continue
        for at, block in enumerate(blocks):
            wider = hull(block, register.block) if block.table is register.table else block
            others = (other for other in blocks if other is not block)
            if wider != block and not objection(wider, limits) and not any(touch(wider, o) for o in others):
                blocks[at] = wider
                break
    return tuple(blocks)


def _twice(profile: Profile) -> list[Block]:
    around = profile.state_read is StateRead.AROUND_COUNTS
    return [r.block for r in profile.registers if r.name in posture(profile)] if around else []


def _around(profile: Profile, blocks: tuple[Block, ...], said: list[Block]) -> tuple[tuple[Block, ...], int]:
    """The requests for the state first, and again last unless one of them reads the counts as well."""
    counts = [r.block for r in profile.registers if r.name in counted(profile)]
    head = tuple(block for block in blocks if any(holds(block, each) for each in said))
    if not head or (len(head) == 1 and all(holds(head[0], count) for count in counts)):
        return blocks, 0
    return (*head, *(block for block in blocks if block not in head), *head), len(head)


def _listed(registers: Sequence[Register]) -> str:
    named = [f"{register.name} ({register.table} {register.address})" for register in registers[:_FEW]]
    more = len(registers) - _FEW
    return ", ".join([*named, f"and {more} more"] if more > 0 else named)
