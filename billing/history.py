"""What the orders of a period had done before it: setup is charged once in the life of an order, and a
minimum per order knows what was charged before. Reads backwards, a day at a time, no further than it must.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final
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
from billing.period import LONGEST_DAYS, Period, midnight_from, midnight_to
from billing.rating import charges
from billing.reading import Reader
from billing.tariff import Tariff
from billing.usage import Tally, Usage
from contract.names import NONE
from contract.records import Interval, Transition
from contract.series import STATE, USAGE

_FURTHEST_MS: Final = LONGEST_DAYS * 86_400_000


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
        with_fee = {(u.tenant, u.order_id, u.kind) for u in paid if _has_fee(u, tariff_of(u.tenant))}
        begun = set[Begun]()
        for kind in sorted({key[2] for key in with_fee}):
            begun |= await self._begun(start, {key: since[key] for key in with_fee if key[2] == kind}, kind)
        tariffs = {usage.tenant: tariff_of(usage.tenant) for usage in paid}
        limited = {tenant: tariff for tenant, tariff in tariffs.items() if _limits_orders(tariff)}
        charged = await self._charged(start, since, limited) if limited else {}
        return Before(begun=frozenset(begun), charged=charged)

    def _since(self, order_id: str, start: int) -> int:
        """No work of an order is older than a day before its announcement, if it was ever announced."""
        known = self._books.orders.of.get(order_id, ())
        if not known:
            return start - self._lookback_ms
        earliest = min(fact.issued for fact in known) - LATE_MS
        return min(start, max(earliest, start - _FURTHEST_MS))

    async def _begun(self, start: int, since: dict[Begun, int], kind: str) -> set[Begun]:
        """Stops as soon as every order that may have begun before is known to have."""
        found, end = set[Begun](), start
        while open_keys := [key for key in since if key not in found and since[key] < end]:
            first = max(midnight_to(end - 1, self._zone), min(since[key] for key in open_keys))
            tally = Tally()
            async for interval in self._reader.facts(USAGE, Interval, first, end, {"kind": kind}):
                at = attribute(interval_claim(interval, self._books.priced), self._books)
                if (at.tenant, at.order_id, interval.kind) in since:
                    tally.add_interval(interval, at)
            found |= {(u.tenant, u.order_id, u.kind) for u in tally.usages() if is_begun(u)}
            end = first
        return found

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


def _has_fee(usage: Usage, tariff: Tariff) -> bool:
    return tariff.setup_fee(tariff.machine(usage.machine, usage.kind)) is not None


def _limits_orders(tariff: Tariff) -> bool:
    return any(limit.per is Span.ORDER for limit in tariff.limits)
