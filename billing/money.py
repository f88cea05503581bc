"""Money: exact until the line, then fen, half away from zero (四舍五入 as people check it by hand).

Amounts before rounding are ``Fraction``, because a third of a yuan has no exact Decimal.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

HOUR_MS: Final = 3_600_000


def fen(amount: Fraction) -> Decimal:
    """``amount`` in yuan, rounded half away from zero to the fen: a credit mirrors its charge."""
    fens = int(abs(amount) * 100 + Fraction(1, 2))
    return _placed(-fens if amount < 0 else fens, 2)


def per_hour(ms: int, price: Decimal) -> Fraction:
    """What ``ms`` milliseconds cost at ``price`` an hour, exactly."""
    return ms * Fraction(price) / HOUR_MS


def per_piece(pieces: int, price: Decimal) -> Fraction:
    return pieces * Fraction(price)


def total(amounts: list[Decimal]) -> Decimal:
    """The sum of rounded lines, with two places even when there is no line."""
    return sum(amounts, Decimal("0.00"))


def shown(value: Fraction, places: int) -> Decimal:
    """``value`` for a page: half away from zero, with exactly ``places`` places."""
    scale = 10**places
    whole = int(abs(value) * scale + Fraction(1, 2))
    return _placed(-whole if value < 0 else whole, places)


def shown_down(value: Fraction, places: int) -> Decimal:
    """``value`` cut, never raised: 99.999 % known is not shown as 100 %."""
    return _placed(int(value * 10**places), places)


def _placed(whole: int, places: int) -> Decimal:
    """Built from text, which is exact; arithmetic would round to the digits of the context."""
    return Decimal(f"{whole}E-{places}")
