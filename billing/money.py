"""Money: exact until the line, then fen, half away from zero (四舍五入 as people check it by hand).

Amounts before rounding are ``Fraction``, because a third of a yuan has no exact Decimal.
"""

from collections.abc import Hashable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeVar

HOUR_MS: Final = 3_600_000

K = TypeVar("K", bound=Hashable)


def fen(amount: Fraction) -> Decimal:
    """``amount`` in yuan, rounded half away from zero to the fen: a credit mirrors its charge."""
    return yuan(in_fen(amount))


def in_fen(amount: Fraction) -> int:
    """``amount`` in yuan as whole fen."""
    return rounded(amount.numerator * 100, amount.denominator)


def rounded(numerator: int, denominator: int) -> int:
    """Their quotient as a whole number, half away from zero."""
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -whole if numerator < 0 else whole


def line(quantity: int, price: Decimal, times: int, over: int) -> Decimal:
    """``exact`` rounded to the fen, in integers all the way: this is done for every line of every page."""
    sign, digits, exponent = price.as_tuple()
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    places = -int(exponent)
    scale = 10 ** max(0, places)
    return yuan(rounded(quantity * whole * 10 ** max(0, -places) * times * 100, over * scale))


def yuan(fens: int) -> Decimal:
    return _placed(fens, 2)


def fens(amount: Decimal) -> int:
    """An amount with two places as whole fen."""
    return int(amount.scaleb(2))


def exact(quantity: int, price: Decimal, times: int = 1, over: int = 1) -> Fraction:
    """What a line comes to before it is rounded."""
    return quantity * Fraction(price) * times / over


def per_hour(ms: int, price: Decimal) -> Fraction:
    """What ``ms`` milliseconds cost at ``price`` an hour, exactly."""
    return exact(ms, price, 1, HOUR_MS)


def shown_plainly(amount: Fraction) -> str:
    """In yuan, with as many of four places as it needs, and two at least."""
    whole = rounded(amount.numerator * 10_000, amount.denominator)
    text = str(_placed(whole, 4))
    return text.removesuffix("00")


def total(amounts: list[Decimal]) -> Decimal:
    """The sum of rounded lines, with two places even when there is no line."""
    return sum(amounts, Decimal("0.00"))


def shares(whole: int, weights: Mapping[K, int] | Mapping[K, int | Fraction]) -> dict[K, int]:
    """``whole`` in parts as the weights are, by largest remainder; a tie goes to the lowest key.

    The parts sum to the whole, always. Weights are zero or more; without any, the lowest key has everything.
    """
    keys: list[Any] = sorted(weights)
    if whole < 0:
        return {key: -part for key, part in shares(-whole, weights).items()}
    sum_of = sum(weights.values())
    if not sum_of:
        return {key: whole * (not index) for index, key in enumerate(keys)}
    parts = {key: int(whole * weights[key] // sum_of) for key in keys}
    by_rest = sorted(keys, key=lambda key: -(whole * weights[key] % sum_of))
    for key in by_rest[: whole - sum(parts.values())]:
        parts[key] += 1
    return parts


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
