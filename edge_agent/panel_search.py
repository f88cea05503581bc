"""Where a number stands that somebody reads on a panel: in which register, in which type and order. Pure.

It may have counted on meanwhile, and the register may hold a finer unit: tenths, grams, seconds of hours.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from msgspec import Struct

from edge_agent.block import Table
from edge_agent.readings import Reading, likely, readings

_UNITS: Final[Mapping[int, str]] = {
    1: "",
    10: "tenths",
    100: "hundredths",
    1_000: "thousandths",
    60: "seconds of minutes, or minutes of hours",
    3_600: "seconds of hours",
}
_MOVED: Final = Fraction(1, 500)
"""A counter may be this share further than when somebody read it."""
_COUNTS: Final = 2
MOST: Final = 12
"""So many places a person still wants to read."""


class Place(Struct, frozen=True, kw_only=True):
    reading: Reading
    factor: int
    """The register holds so many times what the panel shows."""
    off: Fraction
    """By how much the register is off, in its own unit."""
    is_likely: bool

    @property
    def unit(self) -> str:
        return _UNITS[self.factor]


def search(table: Table, words: Mapping[int, int], number: str) -> list[Place]:
    """The places of ``number``, a decimal as it was read, the best first."""
    known = {(r.register.address, r.label) for r in likely(table, words, empty_high=True)}
    found = [place for reading in readings(table, words) for place in _places(reading, number, known)]
    return sorted(found, key=_rank)


def _places(reading: Reading, number: str, known: set[tuple[int, str]]) -> Iterator[Place]:
    signed = reading.register.type.signed  # what is not below 0 an unsigned type says too
    if not isinstance(reading.value, int | float) or (signed and reading.value >= 0):
        return
    shown, digit = Fraction(number), Fraction(1, 10 ** len(number.partition(".")[2]))
    value = Fraction(reading.value)
    for factor in _UNITS:
        off = value - shown * factor
        # A panel cuts off or rounds its last digit; a count goes on, but never back.
        furthest = max(digit * factor, Fraction(_COUNTS), shown * factor * _MOVED)
        if -digit * factor < off <= furthest:
            is_likely = (reading.register.address, reading.label) in known
            yield Place(reading=reading, factor=factor, off=off, is_likely=is_likely)


def _rank(place: Place) -> tuple[object, ...]:
    register = place.reading.register
    return not place.is_likely, place.factor != 1, abs(place.off), -register.count, register.address
