"""Prices that change with the quantity: graduated (each part at its own) or volume (all at one)."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct


class Mode(StrEnum):
    GRADUATED = "graduated"
    """What lies within a tier is charged at the price of that tier."""
    VOLUME = "volume"
    """Everything is charged at the price of the tier that the whole quantity reaches."""


class Over(StrEnum):
    """Whose quantity decides the tier."""

    ORDER = "order"
    TENANT = "tenant"
    """All orders of the tenant in the period together; the lines then name no order."""


class Tier(Struct, frozen=True, kw_only=True):
    up_to: Decimal | None
    """In the unit that is priced, included; None without end."""
    price: Decimal


class Tiers(Struct, frozen=True, kw_only=True):
    steps: tuple[Tier, ...]
    mode: Mode = Mode.GRADUATED
    over: Over = Over.ORDER

    def parts(self, quantity: int, per: Fraction) -> list[tuple[int, int, Decimal]]:
        """``(number of the tier from 1, quantity in it, price)``; ``per`` counted units have the price."""
        if len(self.steps) == 1:
            return [(1, quantity, self.steps[0].price)] if quantity else []
        if quantity <= 0 or self.mode is Mode.VOLUME:
            number = 1 + sum(1 for tier in self.steps[:-1] if quantity > _end(tier, per))
            return [(number, quantity, self.steps[number - 1].price)] if quantity else []
        found, done = [], 0
        for number, tier in enumerate(self.steps, 1):
            end = quantity if tier.up_to is None else min(quantity, int(_end(tier, per)))
            if end > done:
                found.append((number, end - done, tier.price))
                done = end
        return found


def _end(tier: Tier, per: Fraction) -> Fraction:
    assert tier.up_to is not None  # noqa: S101  only the last has no end, as the reading of the file makes sure
    return Fraction(tier.up_to) * per
