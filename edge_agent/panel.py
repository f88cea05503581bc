"""What a machine's panel may be compared with: its counters, in the units that panels show. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct

from edge_agent.profile import Counter, Profile

_HOUR_MS: Final = 3_600_000
_LARGER: Final = {
    "_wh": ("_kwh", 1_000),
    "_mm": ("_m", 1_000),
    "_g": ("_kg", 1_000),
    "_l": ("_m3", 1_000),
    "_dm2": ("_m2", 100),
}
"""The unit in a quantity's name, and the larger one that a panel has more often."""
_TIMES: Final = {"s": 1_000, "min": 60_000, "h": _HOUR_MS}
_TELLING: Final = (10, 100, 1_000, 10_000, 60, 3_600, 65_536)
"""Factors that tell what was done wrong."""


class Figure(Struct, frozen=True, kw_only=True):
    name: str
    counter: Counter
    per_count: Fraction
    """What one raw count amounts to in the unit of the figure."""

    def of(self, reading: int) -> Fraction:
        return reading * self.per_count


def figures(profile: Profile) -> dict[str, Figure]:
    """By name: each counter as its registers have it, each quantity as it is stored, and in larger units."""
    return {figure.name: figure for figure in _figures(profile)}


def _figures(profile: Profile) -> Iterator[Figure]:
    counters = {counter.name: counter for counter in profile.counters}
    for counter in profile.counters:
        yield Figure(name=counter.name, counter=counter, per_count=Fraction(counter.units, counter.counts))
    for what, time in (("run", profile.run_time), ("stop", profile.stop_time)):
        for unit, ms in _TIMES.items() if time else ():
            assert time  # noqa: S101  looked at in the line before
            per_count = Fraction(time.unit_ms, ms)
            yield Figure(name=f"{what}_{unit}", counter=counters[time.counter], per_count=per_count)
    for quantity in profile.quantities:
        counter, per_count = counters[quantity.counter], Fraction(quantity.multiply, quantity.divide)
        yield Figure(name=quantity.name, counter=counter, per_count=per_count)
        for unit, (larger, factor) in _LARGER.items():
            if quantity.name.endswith(unit):
                name = quantity.name.removesuffix(unit) + larger
                yield Figure(name=name, counter=counter, per_count=per_count / factor)


class Compared(Struct, frozen=True, kw_only=True):
    """What the panel said beside what the registers said."""

    name: str
    panel: str
    reading: Fraction
    """What the registers said last."""
    low: Fraction
    high: Fraction
    """What the panel could have shown, by the registers."""

    @property
    def agrees(self) -> bool:
        return self.low <= Fraction(self.panel) <= self.high

    @property
    def is_zero(self) -> bool:
        return not Fraction(self.panel)

    @property
    def hint(self) -> str:
        """What may be wrong, from how far apart they are."""
        panel, reading = Fraction(self.panel), self.reading
        if not panel or not reading:
            return ""
        for factor in _TELLING:
            if any(abs(ratio / factor - 1) < Fraction(1, 20) for ratio in (panel / reading, reading / panel)):
                what = "the word order" if factor == 65_536 else "its scale or its unit"
                return f"they are {factor} times apart: look at {what}"
        return ""


def compare(figure: Figure, panel: str, readings: tuple[int, int], within_ms: int) -> Compared:
    """``panel`` is a decimal number as it was read, some time in the ``within_ms`` before the second reading.

    ``readings`` are the counter's before and after. The panel may show one unit of its last digit more or
    less, and the machine may have put the count into its registers one count late.
    """
    first, last = readings
    counted = figure.counter.max_per_hour * within_ms // _HOUR_MS
    digit = Fraction(1, 10 ** _decimals(panel))
    low = figure.of(max(0, min(first, last - counted) - 1)) - digit
    return Compared(
        name=figure.name,
        panel=panel,
        reading=figure.of(last),
        low=max(Fraction(0), low),
        high=figure.of(last + 1) + digit,
    )


def _decimals(text: str) -> int:
    exponent = Decimal(text).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def shown(number: Fraction) -> str:
    """With three decimals at most, none needlessly."""
    return f"{float(number):.3f}".rstrip("0").rstrip(".")


def table(profile: Profile, readings: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Each figure by name with what the registers say."""
    for name, figure in figures(profile).items():
        yield name, shown(figure.of(readings[figure.counter.name]))
