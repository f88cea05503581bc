"""What a profile file says wrongly of its counters: whether each count is exact, and lasts long enough."""

from fractions import Fraction
from typing import Final

from edge_agent.count import faithful
from edge_agent.horizon import MARGIN, OUTAGE_H, horizon_h, wraps_too_soon
from edge_agent.profile_parts import Parts, known, resolution, unsigned, width_of
from edge_agent.profile_shape import CounterShape, RegisterShape
from edge_agent.register import RegisterType
from edge_agent.toml_tables import Reading

_FINEST: Final = 10**9
"""More counts in a unit, or units in a count, are not what a machine tells."""


def check_counters(reading: Reading, parts: Parts) -> None:
    """Add every complaint about [[counter]] to ``reading``."""
    named = ((i, counter.register_) for i, counter in parts.counters.items())
    reading.unique("counter", named, "register", "describe each counter once")
    shapes = {register.name: register for register in parts.registers.values()}
    for index, counter in parts.counters.items():
        path = ("counter", index, "register")
        if not known(reading, path, counter.register_, reading.named("register"), "register"):
            continue
        shape = shapes.get(counter.register_)
        if shape is None:
            continue
        _check_resolution(reading, index, counter)
        if RegisterType(shape.type).floating:
            _check_float(reading, index, counter, RegisterType(shape.type))
        elif unsigned(reading, path, counter.register_, parts):
            _check_whole(reading, index, counter, parts)
            _check_width(reading, index, counter, shape)


def _check_resolution(reading: Reading, index: int, counter: CounterShape) -> None:
    worth = resolution(counter)
    if worth and max(worth.numerator, worth.denominator) > _FINEST:
        remedy = "give few digits, such as 0.01 or 1000"
        reading.complain(("counter", index, "resolution"), f"is {counter.resolution}", remedy)


def _check_float(reading: Reading, index: int, counter: CounterShape, type_: RegisterType) -> None:
    """A float counts exactly only up to where floats lie further apart than counts."""

    def complain(key: str, problem: str, remedy: str) -> None:
        reading.complain(("counter", index, key), problem, remedy)

    for key in ("width", "fraction"):
        if getattr(counter, key) is not None:
            complain(key, f"is given for {type_}", "take it out: it belongs to whole numbers")
    worth = resolution(counter)
    if worth is None:
        remedy = (
            "take the machine's whole number if it has one; else say what one count is worth, resolution ="
            f" 0.01 for example, which is exact up to {faithful(type_, Fraction('0.01'))} counts"
        )
        complain("register", f"{counter.register_} is {type_}, and counts are exact", remedy)
        return
    exact = faithful(type_, worth)
    last = min(exact, counter.wraps_at or exact)
    if wraps_too_soon(last, counter.max_per_hour, OUTAGE_H):
        hours = horizon_h(last, counter.max_per_hour)
        problem = f"counts to {last}, where {type_} ends to be exact, within {hours} h at its highest rate"
        complain("resolution", problem, "take a coarser one, and max_per_hour in its counts")


def _check_whole(reading: Reading, index: int, counter: CounterShape, parts: Parts) -> None:
    worth = resolution(counter)
    if counter.fraction is None:
        if worth is not None:
            remedy = "take it out: scale by multiply and divide of the [[quantity]]"
            reading.complain(("counter", index, "resolution"), "is given for a whole number", remedy)
        return
    path = ("counter", index, "fraction")
    if known(reading, path, counter.fraction, reading.named("register"), "register"):
        type_ = parts.types().get(counter.fraction)
        if type_ and not type_.floating:
            problem = f"{counter.fraction} is {type_}; a fraction from 0 to 1 is f32 or f64"
            reading.complain(path, problem, "take the register of the float, or meter the whole part alone")
    if worth is None or worth.numerator != 1:
        remedy = "a unit is so many counts: resolution = 0.001 for litres of a cubic metre"
        given = "is missing" if worth is None else f"is {counter.resolution}"
        reading.complain(("counter", index, "resolution"), given, remedy)


def _check_width(reading: Reading, index: int, counter: CounterShape, shape: RegisterShape) -> None:
    bits, type_ = width_of(shape), RegisterType(shape.type)
    worth = resolution(counter) or Fraction(1)

    def complain(key: str, problem: str, remedy: str) -> None:
        reading.complain(("counter", index, key), problem, remedy)

    capacity = int((10**type_.digits or 1) if type_.digits else 1 << min(counter.width or bits, bits))
    capacity = int(capacity / worth) if counter.fraction else capacity
    if counter.width and counter.width > bits:
        complain("width", f"is {counter.width}, its register has {bits} bits", "lower it")
    if counter.width and (type_.digits or counter.wraps_at):
        complain("width", "says where it wraps", "leave only wraps_at, which is in counts")
    if counter.wraps_at and counter.wraps_at > capacity:
        complain("wraps_at", f"is {counter.wraps_at}, its register wraps at {capacity}", "lower it")
    end = min(counter.wraps_at or capacity, capacity)
    if wraps_too_soon(end, counter.max_per_hour, OUTAGE_H):
        hours = horizon_h(end, counter.max_per_hour)
        problem = f"wraps after {hours} h at its highest rate, too soon to survive {OUTAGE_H} h of silence"
        most = (end - 1) // (MARGIN * OUTAGE_H + 1)
        remedy = f"take a wider register, or at most {most} if the machine is slower than that"
        complain("max_per_hour", problem, remedy)
