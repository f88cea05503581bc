"""Picks out of earlier records what orders and leases had used that go on in a period. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from billing.attribution import Books, Place, attribute
from billing.claims import interval_claim, is_stop, party_of, quality_claim, span_claims
from billing.grain import Grain
from billing.tally import Tally
from billing.usage import Usage
from contract.facts import QualityResult
from contract.names import NONE
from contract.records import Interval, Transition
from contract.states import Party


class Wanted(Struct, frozen=True, kw_only=True):
    """Since when what is looked for, UTC ms."""

    orders: Mapping[tuple[str, str], int] = {}
    """By tenant and order."""
    leases: Mapping[tuple[str, str], int] = {}
    """By machine and lease id."""
    kinds: frozenset[str] | None = frozenset()
    """Of the machines that may have something; None: of all kinds."""

    @property
    def first(self) -> int | None:
        return min((*self.orders.values(), *self.leases.values()), default=None)

    def with_leases(self, more: Iterable[tuple[str, str, str, int]]) -> "Wanted":
        """``more``: machine, its kind, lease and since when."""
        leases, kinds = dict(self.leases), set(self.kinds or ())
        for machine, kind, lease_id, since in more:
            leases[machine, lease_id] = since
            kinds.add(kind)
        return Wanted(
            orders=self.orders, leases=leases, kinds=None if self.kinds is None else frozenset(kinds)
        )


class Gathering:
    """Takes intervals, then transitions, then inspection results, each in rising time, before ``end``."""

    def __init__(self, wanted: Wanted, books: Books, grain: Grain, end: int) -> None:
        self._wanted, self._books, self._end = wanted, books, end
        self._of_orders, self._of_leases = Tally(grain), Tally(grain)
        self._kinds: dict[str, str] = {}
        corrections = books.corrections
        self._decided = {*corrections.ranges, *(machine for machine, _, _ in corrections.named)}
        self._order_ids = {order_id for _, order_id in wanted.orders}

    def interval(self, interval: Interval) -> None:
        lease = (interval.machine, interval.lease_id)
        may_be_of_an_order = interval.order_id in self._order_ids or interval.machine in self._decided
        if not may_be_of_an_order and lease not in self._wanted.leases:
            return
        self._kinds[interval.machine] = interval.kind
        at = attribute(interval_claim(interval, self._books.priced), self._books)
        if at.place is not Place.TENANT:
            return
        if self._is_of(self._wanted.orders, (at.tenant, at.order_id), interval.start):
            self._of_orders.add_interval(interval, at)
        if self._is_of(self._wanted.leases, lease, interval.start):
            self._of_leases.add_interval(interval, at)

    def transition(self, transition: Transition) -> None:
        if not is_stop(transition) or transition.span_start >= self._end:
            return
        lease = (transition.machine, transition.span_lease_id)
        for claim in span_claims(transition, self._books, 0, self._end):
            party, _ = party_of(transition, self._books, claim.start)
            at = attribute(claim, self._books)
            if at.place is not Place.TENANT or party != Party.TENANT:
                continue
            if self._is_of(self._wanted.orders, (at.tenant, at.order_id), claim.start):
                self._of_orders.add_stop(transition, at, claim.start, claim.end)
            if self._is_of(self._wanted.leases, lease, claim.start):
                self._of_leases.add_stop(transition, at, claim.start, claim.end)

    def quality(self, fact: QualityResult) -> None:
        at = attribute(quality_claim(fact, self._books), self._books)
        if at.place is Place.TENANT and (at.tenant, at.order_id) in self._wanted.orders:
            self._of_orders.add_quality(fact, self._kinds.get(fact.machine, NONE), at)

    def orders(self) -> tuple[Usage, ...]:
        return tuple(self._of_orders.usages())

    def leases(self) -> tuple[Usage, ...]:
        return tuple(self._of_leases.usages())

    @staticmethod
    def _is_of(wanted: Mapping[tuple[str, str], int], key: tuple[str, str], at: int) -> bool:
        return key in wanted and at >= wanted[key]
