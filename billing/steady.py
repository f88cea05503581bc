"""Attribution with a memory. Pure.

Who pays for an interval is a question of leases, decisions, announcements and what the record says. Of a
machine all of these stay the same for hours, and so does the answer: it is asked for again when the record
says something else, or when a fact begins to hold in between.
"""

from typing import NamedTuple

from billing.announcements import LATE_MS
from billing.attribution import Attribution, Books, attribute
from billing.claims import has_worth, interval_claim
from billing.timeline import NO_LEASES
from contract.records import Interval

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

    def until(self, machine: str) -> int:
        """Up to when the latest answer about a machine holds for records that say the same; 0: not known."""
        told = self._told.get(machine)
        return told.until if told is not None else 0

    def _asked(self, interval: Interval) -> Attribution:
        claim = interval_claim(interval, self._books.priced)
        found = attribute(claim, self._books)
        if interval.machine not in self._decided:
            since, until = self._steady(interval)
            told = (interval.epoch, interval.tenant, interval.order_id, interval.lease_id)
            self._told[interval.machine] = _Told(*told, claim.has_worth, since, until, found)
        return found

    def _steady(self, interval: Interval) -> tuple[int, int]:
        """From the last fact that began to hold before the interval to the next one after its start.

        An interval across a lease's beginning, which the tolerance may have left with its own, is not within.
        """
        announced = self._books.orders.of.get(interval.order_id, ())
        edges = [*self._books.leases.get(interval.machine, NO_LEASES).starts]
        edges += [edge for fact in announced for edge in (fact.issued, fact.issued - LATE_MS)]
        since = max((edge for edge in edges if edge <= interval.start), default=_NEVER)
        return since, min((edge for edge in edges if edge > interval.start), default=_ALWAYS)
