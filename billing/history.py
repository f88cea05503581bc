"""What goes on in a period from before it: setup is charged once in the life of an order, and rules that are
about whole orders and leases know what they had used and what it came to. Reads no further back than it must.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.announcements import LATE_MS
from billing.attribution import Books, Place
from billing.config import Settings
from billing.earlier import NOTHING_EARLIER, Earlier
from billing.feasible import NO_LIMITS
from billing.fees import is_begun
from billing.gathering import Gathering, Wanted
from billing.going_on import Stretch, compares_orders, continues_orders, earlier, leases_of
from billing.grain import Grain
from billing.known import Begun, Known
from billing.needs import grain_of_all
from billing.period import LONGEST_DAYS, Period, midnight, midnight_from, midnight_to
from billing.reading import Reader
from billing.reservations import may_be_missed
from billing.spell import Spell
from billing.spelling import Spelling
from billing.steady import Attributor
from billing.tally import Tally
from billing.tariff import Tariff
from billing.timeline import NO_LEASES
from billing.usage import Usage
from contract.names import NONE
from contract.records import Interval, Transition
from contract.series import STATE, USAGE
from store.protocol import ANY

_FURTHEST_MS: Final = LONGEST_DAYS * 86_400_000


class Before(Struct, frozen=True, kw_only=True):
    begun: frozenset[Begun] = frozenset()
    earlier: Earlier = NOTHING_EARLIER


class History:
    """Looks back from the start of a period at the orders and leases that were worked under in it."""

    def __init__(self, reader: Reader, books: Books, zone: ZoneInfo, lookback_ms: int) -> None:
        self._reader, self._books, self._zone = reader, books, zone
        self._lookback_ms = lookback_ms

    async def before(self, usages: Iterable[Usage], settings: Settings, about: Known, horizon: int) -> Before:
        """``usages``: of the period that ``about`` is about; ``horizon``: until when facts count, UTC ms."""
        start = about.period.start
        paid = _Paid(usages)
        tariffs, with_fee = dict[str, Tariff](), dict[Begun, int]()
        for usage in paid:
            tariff = tariffs.setdefault(usage.tenant, settings.tariff_of(usage.tenant))
            if usage.order_id != NONE and _has_fee(usage, tariff):
                with_fee[usage.tenant, usage.order_id, usage.kind] = self._since(usage.order_id, start)
        begun = set[Begun]()
        for kind in sorted({key[2] for key in with_fee}):
            since = {key: at for key, at in with_fee.items() if key[2] == kind}
            begun |= await self._begun(start, since, kind)
        wanted = self._wanted(start, paid, tariffs)
        wanted = wanted.with_leases(self._missed(paid, tariffs, about))
        found = NOTHING_EARLIER
        if wanted.first is not None:
            parts = self._parts(Period(start=wanted.first, end=start), settings)
            every = [each for part in parts for each in settings.during(*part.days(self._zone)).all_tariffs]
            grain = grain_of_all([*tariffs.values(), *every], self._zone)
            stretches = [await self._gathered(wanted, part, grain, horizon) for part in parts]

            def tariff_of(tenant: str, then: Period) -> Tariff:
                return settings.tariff_on(tenant, then.days(self._zone)[0])

            found = earlier(stretches, tariff_of, tariffs, about)
        return Before(begun=frozenset(begun), earlier=found)

    def _parts(self, whole: Period, settings: Settings) -> list[Period]:
        """Cut where a version of a tariff begins: bills were too."""
        begin = {
            midnight(tariff.valid_from, self._zone) for each in settings.versions.values() for tariff in each
        }
        edges = [whole.start, *sorted(at for at in begin if whole.start < at < whole.end), whole.end]
        return [Period(start=start, end=end) for start, end in pairwise(edges)]

    def _since(self, order_id: str, start: int) -> int:
        """No work of an order is older than a day before its announcement, if it was ever announced."""
        known = self._books.orders.of.get(order_id, ())
        if not known:
            return start - self._lookback_ms
        earliest = min(fact.issued for fact in known) - LATE_MS
        return min(start, max(earliest, start - _FURTHEST_MS))

    async def _begun(self, start: int, since: dict[Begun, int], kind: str) -> set[Begun]:
        """Stops as soon as every order that may have begun before is known to have."""
        found, end, attributor = set[Begun](), start, Attributor(self._books)
        while open_keys := [key for key in since if key not in found and since[key] < end]:
            first = max(midnight_to(end - 1, self._zone), min(since[key] for key in open_keys))
            used = _Used(attributor, since)
            spelling = Spelling(self._reader.reading(USAGE), self._reader.interval, used, NO_LIMITS)
            async for page in self._reader.stored(USAGE, first, end, {"kind": kind}):
                spelling.rows(page)
            spelling.settle()
            found |= {(u.tenant, u.order_id, u.kind) for u in used.tally.usages() if is_begun(u)}
            end = first
        return found

    def _wanted(self, start: int, paid: Iterable[Usage], tariffs: Mapping[str, Tariff]) -> Wanted:
        orders, leases = dict[tuple[str, str], int](), dict[tuple[str, str], int]()
        kinds, is_any_kind = set[str](), False
        for usage in paid:
            tariff = tariffs[usage.tenant]
            machine = tariff.machine(usage.machine, usage.kind)
            goes_on = compares_orders(tariff) or continues_orders(tariff, machine)
            if usage.order_id != NONE and goes_on and (since := self._since(usage.order_id, start)) < start:
                orders[usage.tenant, usage.order_id] = since
                is_any_kind = is_any_kind or compares_orders(tariff)
                kinds.add(usage.kind)
            for lease_id in leases_of(usage, tariff, machine):
                lease = self._books.leases.get(usage.machine, NO_LEASES).by_id.get(lease_id)
                if lease and lease.effective < start:
                    leases[usage.machine, lease_id] = max(lease.effective, start - _FURTHEST_MS)
                    kinds.add(usage.kind)
        return Wanted(orders=orders, leases=leases, kinds=None if is_any_kind else frozenset(kinds))

    def _missed(
        self, paid: Iterable[Usage], tariffs: Mapping[str, Tariff], about: Known
    ) -> Iterator[tuple[str, str, str, int]]:
        """Machine, kind, lease and since when: leases under which perhaps nobody came."""
        for booking in may_be_missed(paid, about) if about.bookings else ():
            kind, tariff = about.kinds.get(booking.machine), tariffs.get(booking.tenant)
            if kind and tariff and tariff.reservation(tariff.machine(booking.machine, kind)):
                since = max(booking.start, about.period.start - _FURTHEST_MS)
                yield booking.machine, kind, booking.lease_id, since

    async def _gathered(self, wanted: Wanted, of: Period, grain: Grain, horizon: int) -> Stretch:
        gathering = Gathering(wanted, self._books, grain, of.end)
        kinds = [ANY] if wanted.kinds is None else [{"kind": kind} for kind in sorted(wanted.kinds)]
        for kind in kinds:
            async for interval in self._reader.facts(USAGE, Interval, of.start, of.end, kind):
                gathering.interval(interval)
        until = midnight_from(of.end, self._zone) + 1
        for kind in kinds:
            async for transition in self._reader.facts(STATE, Transition, of.start, until, kind):
                gathering.transition(transition)
        for result in await self._reader.qualities(of.start, of.end, horizon):
            gathering.quality(result)
        return Stretch(of, gathering.orders(), gathering.leases())


class _Used:
    """Adds up what was used for some orders."""

    def __init__(self, attributor: Attributor, orders: Container[Begun]) -> None:
        self._attributor, self._orders = attributor, orders
        self._is_theirs: dict[str, bool] = {}
        """By machine, whether the latest interval was."""
        self.tally = Tally()

    def interval(self, interval: Interval) -> int:
        at = self._attributor.interval(interval)
        is_theirs = (at.tenant, at.order_id, interval.kind) in self._orders
        self._is_theirs[interval.machine] = is_theirs
        if is_theirs:
            self.tally.add_interval(interval, at)
        return self._attributor.until(interval.machine) if at.place is Place.TENANT else 0

    def spell(self, spell: Spell) -> None:
        if self._is_theirs[spell.last.machine]:
            self.tally.add_spell(spell)


class _Paid:
    """Usage that somebody pays; it is gone through several times, since there may be much of it."""

    def __init__(self, usages: Iterable[Usage]) -> None:
        self._usages = usages

    def __iter__(self) -> Iterator[Usage]:
        return (usage for usage in self._usages if usage.place is Place.TENANT)


def _has_fee(usage: Usage, tariff: Tariff) -> bool:
    return tariff.setup_fee(tariff.machine(usage.machine, usage.kind)) is not None
