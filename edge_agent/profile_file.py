"""A profile file (TOML) to a Profile, or to everything that is wrong with it at once."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from contract.states import State
from edge_agent.block import Table
from edge_agent.decode import Register, RegisterType, WordOrder
from edge_agent.plan import misfit
from edge_agent.profile import (
    Counter,
    DeviceTime,
    Equals,
    Mask,
    Profile,
    Quantity,
    Roles,
    Rule,
    StopTable,
)
from edge_agent.profile_checks import Parts, check
from edge_agent.profile_shape import (
    BITS,
    EXPECT,
    STOP_CODES,
    TABLES,
    CounterShape,
    QuantityShape,
    RegisterShape,
    RolesShape,
    StateShape,
    TimeShape,
    TopShape,
)
from edge_agent.toml_tables import Reading, open_toml


def load_profile(path: Path, stop_table: StopTable) -> Profile:
    """Raises BadConfigurationError with every complaint about the file."""
    reading = Reading(open_toml(path, "put the profile there"))
    parts = _parts(reading)
    check(reading, parts)
    reading.finish()
    profile = _profile(parts, stop_table)
    if problem := misfit(profile):
        remedy = "state bits, order and counters must come from one request: raise max_registers or max_gap"
        reading.complain(("max_registers",), problem, remedy)
    reading.finish()
    return profile


def _parts(reading: Reading) -> Parts:
    given = reading.file.data
    return Parts(
        top=reading.top(TopShape, TABLES),
        registers=reading.tables("register", RegisterShape),
        roles=reading.table("roles", RolesShape),
        bits=reading.mapping("bits", BITS),
        states=reading.tables("state", StateShape),
        counters=reading.tables("counter", CounterShape),
        quantities=reading.tables("quantity", QuantityShape),
        run_time=reading.table("run_time", TimeShape) if "run_time" in given else None,
        stop_time=reading.table("stop_time", TimeShape) if "stop_time" in given else None,
        stop_codes=reading.mapping("stop_codes", STOP_CODES),
        expect=reading.mapping("expect", EXPECT),
    )


def _profile(parts: Parts, stop_table: StopTable) -> Profile:
    """Only for parts without complaints."""
    top, shape = parts.top, parts.roles
    assert top and shape  # noqa: S101, PT018  finish() raised otherwise
    bits = {name: _mask(where) for name, where in parts.bits.items()}
    registers = [_register(register, top) for register in parts.registers.values()]
    profile = Profile(
        name=top.name,
        version=top.version,
        kind=top.kind,
        digest="",
        stop_table=stop_table,
        max_registers=top.max_registers,
        max_gap=top.max_gap,
        registers=tuple(registers),
        roles=_roles(shape, bits),
        bits=bits,
        rules=tuple(_rule(rule, bits) for rule in parts.states.values()),
        counters=tuple(_counter(counter, registers) for counter in parts.counters.values()),
        quantities=tuple(_quantity(quantity) for quantity in parts.quantities.values()),
        run_time=_time(parts.run_time),
        stop_time=_time(parts.stop_time),
        stop_codes={int(own): canonical for own, canonical in parts.stop_codes.items()},
        expect=tuple(Equals(register=name, values=tuple(v)) for name, v in parts.expect.items()),
    )
    return _sealed(_trimmed(profile))


def _trimmed(profile: Profile) -> Profile:
    """Without the registers that nothing asks for: they need not be read."""
    roles = msgspec.structs.asdict(profile.roles)
    used = {name for role, name in roles.items() if isinstance(name, str)}
    used |= {name for rule in profile.rules for name in rule.registers}
    used |= {counter.name for counter in profile.counters} | {equal.register for equal in profile.expect}
    used |= {profile.roles.valid.register} if profile.roles.valid else set()
    kept = sorted(
        (register for register in profile.registers if register.name in used),
        key=lambda register: (register.table, register.address),
    )
    return msgspec.structs.replace(profile, registers=tuple(kept))


def _sealed(profile: Profile) -> Profile:
    content = msgspec.to_builtins(profile, str_keys=True)
    del content["digest"], content["stop_table"]
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
    return msgspec.structs.replace(profile, digest=digest)


def _register(register: RegisterShape, top: TopShape) -> Register:
    return Register(
        name=register.name,
        table=Table(register.table or top.table),
        address=register.address,
        type=RegisterType(register.type),
        word_order=WordOrder(register.word_order or top.word_order),
    )


def _mask(where: str) -> Mask:
    register, _, number = where.partition(".")
    return Mask(register=register, mask=1 << int(number))


def _roles(roles: RolesShape, bits: Mapping[str, Mask]) -> Roles:
    named = roles.model_dump(exclude={"valid"})
    return Roles(**named, valid=bits[roles.valid] if roles.valid else None)


def _merged(names: list[str], bits: Mapping[str, Mask]) -> tuple[Mask, ...]:
    """One mask per register."""
    masks: dict[str, int] = {}
    for name in names:
        masks[bits[name].register] = masks.get(bits[name].register, 0) | bits[name].mask
    return tuple(Mask(register=register, mask=mask) for register, mask in masks.items())


def _rule(rule: StateShape, bits: Mapping[str, Mask]) -> Rule:
    return Rule(
        state=State(rule.state),
        all=_merged(rule.all, bits),
        any=_merged(rule.any, bits),
        none=_merged(rule.none, bits),
        equals=tuple(Equals(register=name, values=tuple(v)) for name, v in rule.equals.items()),
    )


def _counter(counter: CounterShape, registers: list[Register]) -> Counter:
    type_ = next(register.type for register in registers if register.name == counter.register_)
    return Counter(
        name=counter.register_,
        width_bits=counter.width or type_.bits,
        retained=counter.keeps == "retained",
        max_per_hour=counter.max_per_hour,
    )


def _quantity(quantity: QuantityShape) -> Quantity:
    return Quantity(
        name=quantity.name, counter=quantity.counter, multiply=quantity.multiply, divide=quantity.divide
    )


def _time(time: TimeShape | None) -> DeviceTime | None:
    return DeviceTime(counter=time.counter, unit_ms=time.unit_ms) if time else None
