"""What the orders of a period had done before it: setup is charged once in the life of an order, and a
minimum per order knows what was charged before. Reads backwards, a day at a time, no further than it must.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from billing import money
from billing.announcements import LATE_MS
from billing.attribution import Books, Place, attribute
from billing.claims import interval_claim
from billing.clauses import Span
from billing.fees import is_begun
from billing.fold import Fold
from billing.known import Begun, Known
from billing.needs import grain_of
from billing.period import Period, midnight_from, midnight_to
from billing.rating import charges
from billing.reading import Reader
from billing.tariff import Tariff
from billing.usage import Tally, Usage
from contract.names import NONE
from contract.records import Interval, Transition
from contract.series import STATE, USAGE


class Before(Struct, frozen=True, kw_only=True):
    begun: frozenset[Begun] = frozenset()
    charged: dict[tuple[str, str], Decimal] = {}
    """By tenant and order: what the tariff of today makes of it, without minimums and caps."""


class History:
    """Looks back from the start of a period at the orders that were worked on in it."""

    def __init__(self, reader: Reader, books: Books, zone: ZoneInfo, lookback_ms: int) -> None:
        self._reader, self._books, self._zone = reader, books, zone
        self._lookback_ms = lookback_ms

    async def before(self, start: int, usages: Sequence[Usage], tariff_of: Callable[[str], Tariff]) -> Before:
        """``usages``: of the period that begins at ``start``, UTC ms."""
        paid = [usage for usage in usages if usage.place is Place.TENANT and usage.order_id != NONE]
        since = {(u.tenant, u.order_id, u.kind): self._since(u.order_id, start) for u in paid}
        tariffs = {usage.tenant: tariff_of(usage.tenant) for usage in paid}
        limited = {tenant: tariff for tenant, tariff in tariffs.items() if _limits_orders(tariff)}
        begun = frozenset[Begun]()
        if any(tariff.setup_fees for tariff in tariffs.values()):
            begun = await self._begun(start, since)
        charged: dict[tuple[str, str], Decimal] = {}
        if limited:
            charged = await self._charged(start, since, limited)
        return Before(begun=begun, charged=charged)

    def _since(self, order_id: str, start: int) -> int:
        """No work of an announced order is older than a day before its announcement."""
        known = self._books.orders.of.get(order_id, ())
        earliest = min((fact.issued for fact in known), default=0)
        return min(start, max(earliest - LATE_MS, start - self._lookback_ms))

    async def _begun(self, start: int, since: dict[Begun, int]) -> frozenset[Begun]:
        """Stops as soon as every order that may have begun before is known to have."""
        found, end = set[Begun](), start
        while open_keys := [key for key in since if key not in found and since[key] < end]:
            first = max(midnight_to(end - 1, self._zone), min(since[key] for key in open_keys))
            tally = Tally()
            async for interval in self._reader.facts(USAGE, Interval, first, end):
                at = attribute(interval_claim(interval, self._books.priced), self._books)
                if (at.tenant, at.order_id, interval.kind) in since:
                    tally.add_interval(interval, at)
            found |= {(u.tenant, u.order_id, u.kind) for u in tally.usages() if is_begun(u)}
            end = first
        return frozenset(found)

    async def _charged(
        self, start: int, since: dict[Begun, int], limited: dict[str, Tariff]
    ) -> dict[tuple[str, str], Decimal]:
        first = min(at for key, at in since.items() if key[0] in limited)
        if first >= start:
            return {}
        known = Known(period=Period(start=first, end=start), zone=self._zone)
        charged: dict[tuple[str, str], Decimal] = {}
        for tariff in {tariff.digest: tariff for tariff in limited.values()}.values():
            fold = await self._fold(first, start, tariff)
            usages = [u for u in fold.finish().usages if (u.tenant, u.order_id, u.kind) in since]
            of_orders = msgspec.structs.replace(tariff, limits=(), bases=())
            for line in charges(usages, of_orders, known):
                if limited.get(line.tenant) == tariff:
                    key = (line.tenant, line.order_id)
                    charged[key] = money.total([charged.get(key, Decimal(0)), line.amount])
        return charged

    async def _fold(self, first: int, start: int, tariff: Tariff) -> Fold:
        fold = Fold(self._books, first, start, grain=grain_of(tariff, self._zone))
        async for interval in self._reader.facts(USAGE, Interval, first, start):
            fold.interval(interval)
        until = midnight_from(start, self._zone) + 1
        async for transition in self._reader.facts(STATE, Transition, first, until):
            fold.transition(transition)
        return fold


def _limits_orders(tariff: Tariff) -> bool:
    return any(limit.per is Span.ORDER for limit in tariff.limits)
