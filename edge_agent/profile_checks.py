"""What a profile file says wrongly although each of its tables is well formed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from edge_agent.decode import RegisterType
from edge_agent.profile_shape import (
    CounterShape,
    QuantityShape,
    RegisterShape,
    RolesShape,
    StateShape,
    TimeShape,
    TopShape,
)
from edge_agent.toml_tables import Reading

OUTAGE_H: Final = 8
"""The longest silence after which every count must still come back, in hours."""
_MARGIN: Final = 10


class Parts(Struct, kw_only=True):
    """The tables of a profile file; what is ill-formed is missing or None."""

    top: TopShape | None
    registers: dict[int, RegisterShape]
    roles: RolesShape | None
    bits: dict[str, str]
    states: dict[int, StateShape]
    counters: dict[int, CounterShape]
    quantities: dict[int, QuantityShape]
    run_time: TimeShape | None
    stop_time: TimeShape | None
    stop_codes: dict[str, int]
    expect: dict[str, list[int]]


def check(reading: Reading, parts: Parts) -> None:
    """Add every complaint to ``reading``."""
    _check_name(reading, parts)
    _check_registers(reading, parts)
    _check_roles(reading, parts)
    _check_bits(reading, parts)
    _check_states(reading, parts)
    _check_counters(reading, parts)
    _check_quantities(reading, parts)
    _check_stop_codes(reading, parts)
    for name in parts.expect:
        _known(reading, ("expect", name), name, reading.named("register"), "register")


def _known(reading: Reading, path: tuple[str | int, ...], name: str, names: Iterable[str], what: str) -> bool:
    known = sorted(names)
    if name in known:
        return True
    remedy = f"name one of: {', '.join(known)}" if known else f"add a [[{what}]] first"
    reading.complain(path, f"names {name!r}, which is no {what} of this file", remedy)
    return False


def _check_name(reading: Reading, parts: Parts) -> None:
    stem = Path(reading.file.name).stem
    if parts.top and parts.top.name != stem:
        reading.complain(("name",), f"is {parts.top.name!r} in a file called {stem}", "give both one name")


def _check_registers(reading: Reading, parts: Parts) -> None:
    reading.unique(
        "register", ((i, r.name) for i, r in parts.registers.items()), "name", "give each register its name"
    )
    if not reading.file.data.get("register"):
        reading.complain(("register",), "names no register", "add [[register]] with name, address and type")
    limit = parts.top.max_registers if parts.top else 125
    ends: dict[tuple[str, int], int] = {}
    for index, register in parts.registers.items():
        table = register.table or (parts.top.table if parts.top else "holding")
        end = register.address + _count(register)
        if _count(register) > limit:
            remedy = "raise max_registers or take a shorter type"
            reading.complain(("register", index, "type"), f"takes more than {limit} registers", remedy)
        if end > 1 << 16:
            remedy = "addresses are zero-based and end at 65535"
            reading.complain(("register", index, "address"), "its last word is past the table's end", remedy)
        for address in range(register.address, end):
            earlier = ends.setdefault((table, address), index)
            if earlier != index:
                line = reading.file.line_of(("register", earlier))
                problem = f"{table} register {address} belongs to the one in line {line} already"
                reading.complain(("register", index, "address"), problem, "mend the address or the type")
                break


def _count(register: RegisterShape) -> int:
    return RegisterType(register.type).bits // 16


def _check_roles(reading: Reading, parts: Parts) -> None:
    roles = parts.roles.model_dump(exclude_none=True) if parts.roles else {}
    if valid := roles.pop("valid", None):
        _known(reading, ("roles", "valid"), valid, reading.file.data.get("bits", {}), "bit")
    for role, name in roles.items():
        if _known(reading, ("roles", role), name, reading.named("register"), "register"):
            _unsigned(reading, ("roles", role), name, parts)


def _unsigned(reading: Reading, path: tuple[str | int, ...], name: str, parts: Parts) -> None:
    if any(r.name == name and r.type.startswith("i") for r in parts.registers.values()):
        reading.complain(
            path, f"{name} is a signed register", "make it u16, u32 or u64: it cannot be negative"
        )


def _check_bits(reading: Reading, parts: Parts) -> None:
    types = {r.name: RegisterType(r.type) for r in parts.registers.values()}
    first: dict[str, str] = {}
    for name, where in parts.bits.items():
        register, _, number = where.partition(".")
        if not _known(reading, ("bits", name), register, reading.named("register"), "register"):
            continue
        if register in types and int(number) >= types[register].bits:
            remedy = f"count from 0 (the least significant) to {types[register].bits - 1}"
            reading.complain(("bits", name), f"{register} has no bit {number}", remedy)
        earlier = first.setdefault(f"{register}.{int(number)}", name)
        if earlier != name:
            reading.complain(("bits", name), f"is the same bit as {earlier}", "give each bit one name")


def _check_states(reading: Reading, parts: Parts) -> None:
    raw = reading.file.data.get("state", [])
    last = len(raw) - 1 if isinstance(raw, list) else -1
    if last < 0:
        reading.complain(("state",), "has no rule", 'add [[state]] rules, the last only with state = "..."')
    for index, rule in parts.states.items():
        for key in ("all", "any", "none"):
            for bit in getattr(rule, key):
                _known(reading, ("state", index, key), bit, reading.file.data.get("bits", {}), "bit")
        for register in rule.equals:
            _known(reading, ("state", index, "equals"), register, reading.named("register"), "register")
        _check_reach(reading, index, last, rule)


def _check_reach(reading: Reading, index: int, last: int, rule: StateShape) -> None:
    if index == last and not rule.unconditional:
        remedy = 'end with a rule that has no conditions: state = "idle", or "unknown" if nothing can be said'
        reading.complain(("state", index), "is the last rule and does not always hold", remedy)
    if index < last and rule.unconditional:
        remedy = "give it a condition or move it to the end"
        reading.complain(("state", index), "always holds, so the rules after it are never reached", remedy)
    if both := set(rule.all) & set(rule.none):
        remedy = "take it out of one of them"
        reading.complain(("state", index), f"asks {min(both)} to be set and not set", remedy)


def _check_counters(reading: Reading, parts: Parts) -> None:
    named = ((i, counter.register_) for i, counter in parts.counters.items())
    reading.unique("counter", named, "register", "describe each counter once")
    types = {r.name: RegisterType(r.type) for r in parts.registers.values()}
    for index, counter in parts.counters.items():
        path = ("counter", index, "register")
        if not _known(reading, path, counter.register_, reading.named("register"), "register"):
            continue
        _unsigned(reading, path, counter.register_, parts)
        if counter.register_ in types:
            _check_width(reading, index, counter, types[counter.register_].bits)


def _check_width(reading: Reading, index: int, counter: CounterShape, bits: int) -> None:
    width = counter.width or bits
    if width > bits:
        reading.complain(("counter", index, "width"), f"is {width}, its register has {bits} bits", "lower it")
    if wraps_too_soon(width, counter.max_per_hour, OUTAGE_H):
        hours = horizon_h(width, counter.max_per_hour)
        problem = f"wraps after {hours} h at its highest rate, too soon to survive {OUTAGE_H} h of silence"
        most = ((1 << width) - 1) // (_MARGIN * OUTAGE_H + 1)
        remedy = f"take a wider register, or at most {most} if the machine is slower than that"
        reading.complain(("counter", index, "max_per_hour"), problem, remedy)


def horizon_h(width_bits: int, max_per_hour: int) -> int:
    """How long a counter takes at its highest rate until it begins again, in hours."""
    return (1 << width_bits) // max_per_hour


def wraps_too_soon(width_bits: int, max_per_hour: int, outage_h: int) -> bool:
    """Whether a silence of ``outage_h`` could hide a wrap, with a margin for rates that were told too low."""
    return horizon_h(width_bits, max_per_hour) <= _MARGIN * outage_h


def _check_quantities(reading: Reading, parts: Parts) -> None:
    named = ((i, quantity.name) for i, quantity in parts.quantities.items())
    reading.unique("quantity", named, "name", "describe each quantity once")
    counters = reading.named("counter", "register")
    for index, quantity in parts.quantities.items():
        _known(reading, ("quantity", index, "counter"), quantity.counter, counters, "counter")
    for key, time in (("run_time", parts.run_time), ("stop_time", parts.stop_time)):
        if time:
            _known(reading, (key, "counter"), time.counter, counters, "counter")


def _check_stop_codes(reading: Reading, parts: Parts) -> None:
    if parts.stop_codes and parts.roles and not parts.roles.stop_code:
        remedy = "name the register in [roles] stop_code"
        reading.complain(("stop_codes",), "translates codes that no register gives", remedy)
