"""Prices that change with the quantity: graduated (each part at its own) or volume (all at one)."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct


class Mode(StrEnum):
    GRADUATED = "graduated"
    """What lies within a tier is charged at the price of that tier."""
    VOLUME = "volume"
    """Everything is charged at the price of the tier that the whole quantity reaches."""


class Over(StrEnum):
    """Whose quantity decides the tier."""

    ORDER = "order"
    """The order's, from its beginning to the end of the period."""
    TENANT = "tenant"
    """All orders of the tenant in the period together; the lines then name no order."""


class Tier(Struct, frozen=True, kw_only=True):
    up_to: Decimal | None
    """In the unit that is priced, included; None without end."""
    price: Decimal


class Part(NamedTuple):
    number: int
    """Of the tier, from 1."""
    quantity: int
    price: Decimal
    repriced: int = 0
    """The tier at which this quantity was charged before the period; ``price`` is the difference to it."""


class Tiers(Struct, frozen=True, kw_only=True):
    steps: tuple[Tier, ...]
    mode: Mode = Mode.GRADUATED
    over: Over = Over.ORDER

    def parts(self, quantity: int, per: Fraction, before: int = 0) -> list[Part]:
        """What ``quantity`` adds to what was charged ``before``; ``per`` counted units have the price."""
        if len(self.steps) == 1:
            return [Part(1, quantity, self.steps[0].price)] if quantity else []
        found = self._volume if self.mode is Mode.VOLUME else self._graduated
        return [part for part in found(quantity, per, before) if part.quantity]

    def _graduated(self, quantity: int, per: Fraction, before: int) -> Iterator[Part]:
        """Less than nothing lies in the first tier."""
        least, most = min(0, before, before + quantity), max(before, before + quantity)
        ends = [least, *(int(_end(tier, per)) for tier in self.steps[:-1]), most]
        for number, (tier, (begin, end)) in enumerate(zip(self.steps, pairwise(ends), strict=True), 1):
            now, was = (_within(whole, begin, end) for whole in (before + quantity, before))
            yield Part(number, now - was, tier.price)

    def _volume(self, quantity: int, per: Fraction, before: int) -> Iterator[Part]:
        reached, was = self._reached(before + quantity, per), self._reached(before, per)
        price = self.steps[reached - 1].price
        yield Part(reached, quantity, price)
        if reached != was:
            yield Part(reached, before, price - self.steps[was - 1].price, was)

    def _reached(self, quantity: int, per: Fraction) -> int:
        return 1 + sum(1 for tier in self.steps[:-1] if quantity > _end(tier, per))


def _within(whole: int, begin: int, end: int) -> int:
    return max(0, min(whole, end) - begin)


def _end(tier: Tier, per: Fraction) -> Fraction:
    assert tier.up_to is not None  # noqa: S101  only the last has no end, as the reading of the file makes sure
    return Fraction(tier.up_to) * per
