"""What a counter's registers amount to: one whole number that only counts up, or none.

A count is an integer. Where a machine gives it otherwise, as a float or in two parts, the profile says what
one count is worth (the counter's resolution), and the count is told only while that is exact.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from contract.names import INT64_MAX
from edge_agent.decode import NoValue
from edge_agent.profile import Counter
from edge_agent.register import RegisterType

_SIGNIFICANT: Final = {RegisterType.F32: 24, RegisterType.F64: 53}
"""Bits that IEEE 754 keeps of a number."""


def faithful(type_: RegisterType, resolution: Fraction) -> int:
    """The highest count up to which a float of ``type_`` tells each count from the next.

    Floats between 2**e and 2**(e + 1) lie 2**(e + 1 - bits) apart, which must not be more than a count: for
    a resolution of 1 that ends at 2**24 of f32; for others at more than half of it.
    """
    power = _SIGNIFICANT[type_] + _floor_log2(resolution)
    return int(Fraction(2) ** power / resolution)


def _floor_log2(number: Fraction) -> int:
    power = number.numerator.bit_length() - number.denominator.bit_length()
    return power if Fraction(2) ** power <= number else power - 1


def of_float(type_: RegisterType, counts: int, units: int) -> Callable[[float], int | NoValue]:
    """``counts`` counts stand in ``units`` units of the register."""
    highest = faithful(type_, Fraction(units, counts))

    def count(value: float) -> int | NoValue:
        if value < 0:
            return NoValue(f"{value} is below 0, and counts are not")
        scaled = value * counts / units
        if scaled > highest:
            return NoValue(f"{value} is too large: beyond {highest} counts {type_} leaves some out")
        return round(scaled)

    return count


def of_pair(counts: int) -> Callable[[int, float], int | NoValue]:
    """``counts`` counts in one unit of the whole part; the fraction is the part of a unit above it.

    Rounded to the nearest count: what is 0.129 on the machine's panel is not quite that as a float.
    """

    def count(whole: int, fraction: float) -> int | NoValue:
        if not 0 <= fraction < 1:
            return NoValue(f"its fraction is {fraction}, not within 0 and 1")
        total = whole * counts + round(fraction * counts)
        return total if total <= INT64_MAX else NoValue(f"{total} is more than any store holds")

    return count


def of_whole(value: int) -> int | NoValue:
    """For registers that could hold more than any store."""
    return value if value <= INT64_MAX else NoValue(f"{value} is more than any store holds")


def counting(counter: Counter, types: Mapping[str, RegisterType]) -> Callable[..., int | NoValue] | None:
    """Takes the values of the counter's registers; None where the value is the count."""
    type_ = types[counter.name]
    if counter.fraction:
        return of_pair(counter.counts)
    if type_.floating:
        return of_float(type_, counter.counts, counter.units)
    return of_whole if type_.bits == 64 else None
