"""The tables of a profile file, once nothing is wrong with them, to a Profile."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

import msgspec

from contract.states import State
from edge_agent.block import Table
from edge_agent.profile import (
    Counter,
    DeviceTime,
    Equals,
    Gauge,
    Mask,
    Profile,
    Quantity,
    Range,
    RangeRead,
    Roles,
    Rule,
    StateRead,
    StopTable,
)
from edge_agent.profile_parts import Parts, resolution
from edge_agent.profile_shape import (
    CounterShape,
    GaugeShape,
    QuantityShape,
    RangeShape,
    RegisterShape,
    RolesShape,
    StateShape,
    TimeShape,
    TopShape,
)
from edge_agent.register import ALIASES, Register, RegisterType, WordOrder, held

_LATER: Final[dict[str, object]] = {"max_coils": 2000, "ranges": (), "state_read": StateRead.WITH_COUNTS}
"""What profiles have had since version 0.2, and its default, which leaves the digest what it was."""


def profile_of(parts: Parts, stop_table: StopTable) -> Profile:
    """Only for parts without complaints."""
    top, shape = parts.top, parts.roles
    assert top and shape  # noqa: S101, PT018  there would be complaints otherwise
    registers = {r.name: _register(r, top) for r in parts.registers.values()}
    bits = {name: _mask(where) for name, where in parts.bits.items()}
    bits |= {r.name: Mask(register=r.name, mask=1) for r in registers.values() if r.table.bits}
    profile = Profile(
        name=top.name,
        version=top.version,
        kind=top.kind,
        digest="",
        stop_table=stop_table,
        max_registers=top.max_registers,
        max_coils=top.max_coils,
        max_gap=top.max_gap,
        ranges=tuple(_range(each, top) for each in parts.ranges.values()),
        state_read=StateRead(top.state_read),
        registers=tuple(registers.values()),
        roles=_roles(shape, bits),
        bits=bits,
        rules=tuple(_rule(rule, bits) for rule in parts.states.values()),
        counters=tuple(_counter(counter, registers) for counter in parts.counters.values()),
        quantities=tuple(_quantity(quantity) for quantity in parts.quantities.values()),
        run_time=_time(parts.run_time),
        stop_time=_time(parts.stop_time),
        stop_codes={int(own): canonical for own, canonical in parts.stop_codes.items()},
        expect=_equals(parts.expect),
        gauges=tuple(_gauge(gauge) for gauge in parts.gauges.values()),
    )
    metered, seen = _metered(profile), {name for gauge in profile.gauges for name in gauge.registers}
    digest = _digest(_with(profile, metered))
    return msgspec.structs.replace(_with(profile, metered | seen), digest=digest)


def _metered(profile: Profile) -> set[str]:
    """The registers that a record or ``probe`` depends on."""
    roles = msgspec.structs.asdict(profile.roles)
    used = {name for name in roles.values() if isinstance(name, str)}
    used |= {name for rule in profile.rules for name in rule.registers}
    used |= {name for counter in profile.counters for name in counter.registers}
    used |= {equal.register for equal in profile.expect}
    return used | {profile.roles.valid.register} if profile.roles.valid else used


def _with(profile: Profile, names: Iterable[str]) -> Profile:
    """Without the other registers: nothing asks for them, so they need not be read."""
    kept = sorted(
        (register for register in profile.registers if register.name in names),
        key=lambda register: (register.table, register.address),
    )
    return msgspec.structs.replace(profile, registers=tuple(kept))


def _digest(profile: Profile) -> str:
    """A record's meaning hangs on what is in it, so gauges are not: who adds one opens no new epoch."""
    content: dict[str, Any] = msgspec.to_builtins(profile, str_keys=True)
    del content["digest"], content["stop_table"], content["gauges"]
    for key, default in _LATER.items():
        if getattr(profile, key) == default:
            del content[key]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _register(register: RegisterShape, top: TopShape) -> Register:
    order = register.word_order or top.word_order
    type_ = RegisterType(register.type)
    return Register(
        name=register.name,
        table=Table(register.table or top.table),
        address=register.address,
        type=type_,
        word_order=WordOrder(ALIASES.get(order, order)),
        length=register.length or 0,
        field=(register.bits[0], register.bits[1]) if register.bits else None,
        no_value=tuple(value for given in register.no_value if (value := held(type_, given)) is not None),
    )


def _mask(where: str) -> Mask:
    register, _, number = where.partition(".")
    return Mask(register=register, mask=1 << int(number))


def _range(each: RangeShape, top: TopShape) -> Range:
    table = Table(each.table or top.table)
    return Range(table=table, first=each.first, last=each.last, read=RangeRead(each.read))


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
        equals=_equals(rule.equals),
    )


def _equals(given: Mapping[str, list[int | str]]) -> tuple[Equals, ...]:
    return tuple(Equals(register=name, values=tuple(values)) for name, values in given.items())


def _counter(counter: CounterShape, registers: Mapping[str, Register]) -> Counter:
    register = registers[counter.register_]
    worth = resolution(counter) or Fraction(1)
    return Counter(
        name=counter.register_,
        width_bits=counter.width or _width(register),
        retained=counter.keeps == "retained",
        max_per_hour=counter.max_per_hour,
        wraps_at=counter.wraps_at or _wraps_at(register, counter, worth),
        fraction=counter.fraction,
        counts=worth.denominator,
        units=worth.numerator,
    )


def _width(register: Register) -> int:
    """A float does not wrap: 64 bits are more than it ever counts."""
    return 64 if register.type.floating else register.bits


def _wraps_at(register: Register, counter: CounterShape, worth: Fraction) -> int:
    if register.type.digits:
        return int(10**register.type.digits)
    return int((1 << register.bits) / worth) if counter.fraction else 0


def _quantity(quantity: QuantityShape) -> Quantity:
    return Quantity(
        name=quantity.name, counter=quantity.counter, multiply=quantity.multiply, divide=quantity.divide
    )


def _time(time: TimeShape | None) -> DeviceTime | None:
    return DeviceTime(counter=time.counter, unit_ms=time.unit_ms) if time else None


def _gauge(gauge: GaugeShape) -> Gauge:
    """Scale and offset as whole numbers, so that what is shown is rounded once."""
    scale, offset = Fraction(str(gauge.scale)), Fraction(str(gauge.offset))
    divide = math.lcm(scale.denominator, offset.denominator)
    return Gauge(
        name=gauge.name,
        register=gauge.register_,
        unit=gauge.unit,
        multiply=int(scale * divide),
        add=int(offset * divide),
        divide=divide,
        when=_equals(gauge.when),
    )
