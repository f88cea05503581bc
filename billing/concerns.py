"""What of a tariff, and of all that a rating knows, concerns one tenant: each is priced by itself. Pure.

No line of a tenant depends on another's use, with one exception, which is found before: whether anybody came
under a lease is seen in everybody's use of the machine.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TypeVar

import msgspec

from billing.bookings import Booking
from billing.clauses import Base, Limit, Surcharge
from billing.earlier import Earlier
from billing.entries import Entries
from billing.known import Known
from billing.tariff import Tariff
from billing.usage import Usage

T = TypeVar("T")
C = TypeVar("C", Base, Limit, Surcharge)


def tariff_for(tariff: Tariff, tenant: str) -> Tariff:
    """Without the clauses that name others."""
    return msgspec.structs.replace(
        tariff,
        bases=_theirs(tariff.bases, tenant),
        limits=_theirs(tariff.limits, tenant),
        surcharges=_theirs(tariff.surcharges, tenant),
    )


def _theirs(clauses: Iterable[C], tenant: str) -> tuple[C, ...]:
    return tuple(
        msgspec.structs.replace(clause, tenants=(tenant,)) if clause.tenants else clause
        for clause in clauses
        if not clause.tenants or tenant in clause.tenants
    )


class Concerns:
    def __init__(self, known: Known, tariffs: Sequence[Tariff]) -> None:
        self._known = known
        self._bookings = _by_tenant(known.bookings, lambda booking: booking.tenant)
        self._by_lease = {(booking.machine, booking.lease_id): booking for booking in known.bookings}
        self._manual = _by_tenant(known.entries.manual, lambda entry: entry.tenant)
        earlier = known.earlier
        self._orders = _by_tenant(earlier.orders, lambda usage: usage.tenant)
        self._leases = _by_tenant(earlier.leases, lambda usage: usage.tenant)
        self._lines = _by_tenant(earlier.lines, lambda line: line.tenant)
        self._limits = _by_tenant(earlier.limits, lambda line: line.tenant)
        named = {
            tenant
            for tariff in tariffs
            for clause in chain[Base | Limit](tariff.bases, tariff.limits)
            for tenant in clause.tenants
        }
        self.tenants = frozenset(
            {*named, *self._bookings, *self._manual, *self._orders, *self._leases, *self._lines}
        )
        """Everybody who may have a line without having used anything."""

    def known(self, tenant: str, usages: Iterable[Usage]) -> Known:
        """``usages``: the tenant's own."""
        known = self._known
        return msgspec.structs.replace(
            known,
            bookings=tuple(self._booked(tenant, usages)) if known.bookings else (),
            entries=Entries(
                manual=tuple(self._manual.get(tenant, ())),
                tests=known.entries.tests,
                digest=known.entries.digest,
            ),
            earlier=Earlier(
                orders=tuple(self._orders.get(tenant, ())),
                leases=tuple(self._leases.get(tenant, ())),
                lines=tuple(self._lines.get(tenant, ())),
                limits=tuple(self._limits.get(tenant, ())),
            ),
        )

    def _booked(self, tenant: str, usages: Iterable[Usage]) -> list[Booking]:
        """And what others had booked under which the tenant was, by somebody's decision."""
        found = {(each.machine, each.lease_id): each for each in self._bookings.get(tenant, ())}
        for usage in (*usages, *self._leases.get(tenant, ())):
            for cells in usage.parts.values():
                for cell in cells:
                    if booking := self._by_lease.get((usage.machine, cell.lease_id)):
                        found[booking.machine, booking.lease_id] = booking
        return list(found.values())


def _by_tenant(each: Iterable[T], tenant_of: Callable[[T], str]) -> Mapping[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for one in each:
        found[tenant_of(one)].append(one)
    return dict(found)
