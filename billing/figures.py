"""Figures as people read them. Pure."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing import money
from billing.charge import Charge
from billing.tariff import HOURLY

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
    """Exact, in seconds, pieces or orders: with it and the price anybody finds the same fen."""
    if charge.clause not in HOURLY:
        return Decimal(charge.quantity)
    seconds, rest = divmod(charge.quantity, 1000)
    return Decimal(f"{seconds}.{rest:03}".rstrip("0").rstrip("."))


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
