"""Key figures after ISO 22400-2, as ratios of sums. None where there is nothing to divide by.

The standard's names: APT producing, AUST setting up, ADET delayed while an order was active, ADOT down
without one, PBT planned busy time, AUBT = APT + AUST + ADET. Here a trial run counts as setup, and a fault as
delay when an order was active, else as down time.
"""

from fractions import Fraction

from msgspec import Struct


class Elements(Struct, frozen=True, kw_only=True):
    """Times in one unit (milliseconds here; the formulas do not care)."""

    apt: int
    aust: int
    adet: int
    pbt: int

    @property
    def aubt(self) -> int:
        return self.apt + self.aust + self.adet


def ratio(numerator: int | None, denominator: int | None) -> Fraction | None:
    """Not clamped, and None, never 0 or 1, where it says nothing."""
    if numerator is None or not denominator:
        return None
    return Fraction(numerator, denominator)


def availability(times: Elements) -> Fraction | None:
    return ratio(times.apt, times.pbt)


def utilisation_efficiency(times: Elements) -> Fraction | None:
    return ratio(times.apt, times.aubt)


def allocation_efficiency(times: Elements) -> Fraction | None:
    return ratio(times.aubt, times.pbt)


def technical_efficiency(times: Elements) -> Fraction | None:
    return ratio(times.apt, times.apt + times.adet)


def setup_ratio(times: Elements) -> Fraction | None:
    return ratio(times.aust, times.apt + times.aust)


def quality_ratio(good: int | None, produced: int | None) -> Fraction | None:
    return ratio(good, produced)


def scrap_ratio(scrap: int | None, produced: int | None) -> Fraction | None:
    return ratio(scrap, produced)
