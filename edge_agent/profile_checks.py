"""What a profile file says wrongly although each of its tables is well formed."""

from pathlib import Path

from edge_agent.counter_checks import check_counters
from edge_agent.profile_parts import Parts, known, unsigned
from edge_agent.profile_shape import StateShape
from edge_agent.register import RegisterType
from edge_agent.register_checks import check_registers
from edge_agent.toml_tables import Reading


def check(reading: Reading, parts: Parts) -> None:
    """Add every complaint to ``reading``."""
    _check_name(reading, parts)
    check_registers(reading, parts)
    _check_roles(reading, parts)
    _check_states(reading, parts)
    check_counters(reading, parts)
    _check_quantities(reading, parts)
    _check_gauges(reading, parts)
    _check_stop_codes(reading, parts)
    for name, values in parts.expect.items():
        _comparable(reading, ("expect", name), name, values, parts)


def _check_name(reading: Reading, parts: Parts) -> None:
    stem = Path(reading.file.name).stem
    if parts.top and parts.top.name != stem:
        reading.complain(("name",), f"is {parts.top.name!r} in a file called {stem}", "give both one name")


def _check_roles(reading: Reading, parts: Parts) -> None:
    roles = parts.roles.model_dump(exclude_none=True) if parts.roles else {}
    if valid := roles.pop("valid", None):
        known(reading, ("roles", "valid"), valid, _bits(reading, parts), "bit")
    for role, name in roles.items():
        if known(reading, ("roles", role), name, reading.named("register"), "register"):
            unsigned(reading, ("roles", role), name, parts, text=role in {"serial", "order"})


def _bits(reading: Reading, parts: Parts) -> set[str]:
    """Names of bits, the ill-formed ones too: those of [bits], and every coil and discrete input."""
    given = reading.file.data.get("bits", {})
    own = {register.name for register in parts.registers.values() if register.type == "bit"}
    return own | set(given if isinstance(given, dict) else ())


def _comparable(
    reading: Reading, path: tuple[str | int, ...], name: str, values: list[int | str], parts: Parts
) -> None:
    """Whether the register may hold one of ``values`` exactly."""
    if not known(reading, path, name, reading.named("register"), "register"):
        return
    type_ = parts.types().get(name)
    if type_ and type_.floating:
        remedy = "compare whole numbers and texts only"
        reading.complain(path, f"{name} is {type_}: floats are seldom equal", remedy)
    elif type_ and (odd := [v for v in values if isinstance(v, str) != (type_ is RegisterType.ASCII)]):
        remedy = "write texts in quotes, and numbers without"
        reading.complain(path, f"{name} is {type_} and never holds {odd[0]!r}", remedy)


def _check_states(reading: Reading, parts: Parts) -> None:
    raw = reading.file.data.get("state", [])
    last = len(raw) - 1 if isinstance(raw, list) else -1
    if last < 0:
        reading.complain(("state",), "has no rule", 'add [[state]] rules, the last only with state = "..."')
    for index, rule in parts.states.items():
        for key in ("all", "any", "none"):
            for bit in getattr(rule, key):
                known(reading, ("state", index, key), bit, _bits(reading, parts), "bit")
        for register, values in rule.equals.items():
            _comparable(reading, ("state", index, "equals"), register, values, parts)
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


def _check_quantities(reading: Reading, parts: Parts) -> None:
    named = ((i, quantity.name) for i, quantity in parts.quantities.items())
    reading.unique("quantity", named, "name", "describe each quantity once")
    counters = reading.named("counter", "register")
    for index, quantity in parts.quantities.items():
        known(reading, ("quantity", index, "counter"), quantity.counter, counters, "counter")
    for key, time in (("run_time", parts.run_time), ("stop_time", parts.stop_time)):
        if time:
            known(reading, (key, "counter"), time.counter, counters, "counter")


def _check_gauges(reading: Reading, parts: Parts) -> None:
    named = ((i, gauge.name) for i, gauge in parts.gauges.items())
    reading.unique("gauge", named, "name", "describe each gauge once")
    for index, gauge in parts.gauges.items():
        path = ("gauge", index, "register")
        known(reading, path, gauge.register_, reading.named("register"), "register")
        if parts.types().get(gauge.register_) is RegisterType.ASCII:
            reading.complain(path, f"{gauge.register_} is a text", "take a register that is a number")
        for name, values in gauge.when.items():
            _comparable(reading, ("gauge", index, "when"), name, values, parts)
        if gauge.scale == 0:
            reading.complain(("gauge", index, "scale"), "is 0", "every value would be the offset: mend it")


def _check_stop_codes(reading: Reading, parts: Parts) -> None:
    if parts.stop_codes and parts.roles and not parts.roles.stop_code:
        remedy = "name the register in [roles] stop_code"
        reading.complain(("stop_codes",), "translates codes that no register gives", remedy)
