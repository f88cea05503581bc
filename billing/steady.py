"""Attribution with a memory. Pure.

Who pays for an interval is a question of leases, decisions, announcements and what the record says. Of a
machine all of these stay the same for hours, and so does the answer: it is asked for again when the record
says something else, or when a fact begins to hold in between.
"""

from typing import NamedTuple

from billing.announcements import LATE_MS
from billing.attribution import Attribution, Books, Claim, Place, attribute
from billing.claims import has_worth, interval_claim, span_claims
from billing.timeline import NO_LEASES
from contract.records import Interval, Transition

_TENANT = Place.TENANT
_NEVER = -(2**63)
_ALWAYS = 2**63


class _Told(NamedTuple):
    epoch: str
    tenant: str
    order_id: str
    lease_id: str
    has_worth: bool
    since: int
    until: int
    """It holds for records within ``[since, until)``."""
    attribution: Attribution


class Attributor:
    """``attribute`` of intervals. The same answer is the same object: who adds up need not compare."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._told: dict[str, _Told] = {}
        self._told_of_spans: dict[str, _Told] = {}
        self._decided = {*books.corrections.ranges, *(name[0] for name in books.corrections.named)}
        """Machines about which a person decided something: of these every record is looked at."""

    def interval(self, interval: Interval) -> Attribution:
        told = self._told.get(interval.machine)
        if (
            told is not None
            and told.since <= interval.start
            and interval.end <= told.until
            and told.lease_id == interval.lease_id
            and told.order_id == interval.order_id
            and told.tenant == interval.tenant
            and told.epoch == interval.epoch
            and told.has_worth == has_worth(interval, self._books.priced)
        ):
            return told.attribution
        return self._asked(interval)

    def is_decided(self, machine: str) -> bool:
        """Whether a person decided something about it."""
        return machine in self._decided

    def until(self, machine: str) -> int:
        """Up to when the latest answer about a machine holds for records that say the same; 0: not known."""
        told = self._told.get(machine)
        return told.until if told is not None else 0

    def _asked(self, interval: Interval) -> Attribution:
        claim = interval_claim(interval, self._books.priced)
        found = attribute(claim, self._books)
        self._remember(self._told, claim, found)
        return found

    def span(self, span: Transition, start: int, end: int) -> Attribution | None:
        """Whose the stop that ends at ``span`` was, from ``start`` to ``end``: a tenant's all through.

        None when it must be looked at: where somebody decided something, where a fact begins to hold in
        between, or where nobody pays for certain.
        """
        told = self._told_of_spans.get(span.machine)
        if (
            told is not None
            and told.since <= start
            and end <= told.until
            and told.lease_id == span.span_lease_id
            and told.order_id == span.span_order_id
            and told.tenant == span.span_tenant
            and told.epoch == span.epoch
        ):
            return told.attribution
        claims = () if span.machine in self._decided else tuple(span_claims(span, self._books, start, end))
        found = attribute(claims[0], self._books) if len(claims) == 1 else None
        if found is None or found.place is not _TENANT:
            return None
        self._remember(self._told_of_spans, claims[0], found)
        return found

    def _remember(self, told: dict[str, _Told], claim: Claim, found: Attribution) -> None:
        if claim.machine not in self._decided:
            said = (claim.epoch, claim.tenant, claim.order_id, claim.lease_id, claim.has_worth)
            told[claim.machine] = _Told(*said, *self._steady(claim), found)

    def _steady(self, claim: Claim) -> tuple[int, int]:
        """From the last fact that began to hold before the claim to the next one after its start.

        A claim across a lease's beginning, which the tolerance may have left with its own, is not within.
        """
        announced = self._books.orders.of.get(claim.order_id, ())
        edges = [*self._books.leases.get(claim.machine, NO_LEASES).starts]
        edges += [edge for fact in announced for edge in (fact.issued, fact.issued - LATE_MS)]
        since = max((edge for edge in edges if edge <= claim.start), default=_NEVER)
        return since, min((edge for edge in edges if edge > claim.start), default=_ALWAYS)
