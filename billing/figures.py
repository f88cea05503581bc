"""Figures as people read them. Pure."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing import money, words
from billing.charge import Charge

_MOST_PLACES: Final = 60
NOTHING: Final = "–"
"""Where a figure would not be true."""


def clock(ms: int) -> str:
    """h:mm:ss, to the nearest second."""
    seconds = (ms + 500) // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def hours(ms: int) -> str:
    """h:mm, to the nearest minute: for a table that must fit a terminal."""
    minutes = (ms + 30_000) // 60_000
    return f"{minutes // 60}:{minutes % 60:02}"


def duration(ms: int) -> str:
    """h:mm:ss, or milliseconds where seconds would hide it."""
    return clock(ms) if ms >= 10_000 else f"{ms} ms"


def quantity(charge: Charge) -> Decimal:
    """Exact, as it is counted: with it, the price and the factor anybody finds the same fen."""
    return plain(Fraction(charge.quantity, charge.scale))


def plain(value: Fraction) -> Decimal:
    """A number that ends, without trailing zeros and without an exponent; one that does not is cut."""
    if pow(10, _MOST_PLACES, value.denominator):
        return money.shown_down(value, 9)
    whole, places = value, 0
    while whole.denominator > 1:
        whole, places = whole * 10, places + 1
    sign, digits = ("-" if whole < 0 else ""), str(abs(whole.numerator)).rjust(places + 1, "0")
    return Decimal(f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}")


def is_hourly(charge: Charge) -> bool:
    """Whether its quantity is seconds, and its price is for an hour."""
    return charge.counted == words.SECOND and charge.priced == words.HOUR


def factor(charge: Charge) -> Fraction:
    """What a line is multiplied with beside quantity and price; seconds and percents go without saying."""
    usual = (
        Fraction(1, 3600) if is_hourly(charge) else Fraction(1, 100 if charge.priced == words.PERCENT else 1)
    )
    return charge.factor / usual


def times(charge: Charge) -> str:
    """The factor as it stands on a page, or nothing."""
    value = factor(charge)
    if value == 1:
        return ""
    if value.numerator == 1:
        return f"÷ {value.denominator:,}"
    return f"× {value.numerator:,}" + (f" ÷ {value.denominator:,}" if value.denominator > 1 else "")


def share(value: Fraction | None, places: int = 1) -> str:
    """A ratio in percent."""
    return NOTHING if value is None else f"{money.shown(value * 100, places)} %"


def percent(value: Fraction | None) -> str:
    """A ratio in percent where the heading says so."""
    return NOTHING if value is None else str(money.shown(value * 100, 1))


def observed(coverage: Fraction | None) -> str:
    """A coverage in percent, cut: less than everything is never shown as 100."""
    return NOTHING if coverage is None else f"{money.shown_down(coverage * 100, 1)} %"


def coverage(charge: Charge) -> Decimal | None:
    """Percent observed, cut to two places: less than everything is never shown as 100."""
    if not charge.busy_ms:
        return None
    return money.shown_down(Fraction(100 * charge.known_ms, charge.busy_ms), 2)


def count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"
