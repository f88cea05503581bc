"""Leases as bookings: what was reserved, what was given back and when, and what somebody else had then.

A lease holds from its ``effective`` to the next step of the machine's plan. Whoever ends it early, or before
it began, gives time back. Whether that was late is for the tariff to say, so the instant is kept with each
part.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from billing.period import Period
from billing.timeline import Timeline, timeline
from contract.facts import LeaseFact


class Returned(Struct, frozen=True, kw_only=True):
    """A part ``[start, end)`` of a booking that was given back, UTC ms."""

    start: int
    end: int
    at: int
    """When it was given back."""
    is_reused: bool
    """Another tenant held the machine all through it."""


class Booking(Struct, frozen=True, kw_only=True):
    machine: str
    tenant: str
    order_id: str
    lease_id: str
    start: int
    end: int | None
    """Until when it was planned, UTC ms; None while it is open."""
    returned: tuple[Returned, ...] = ()
    is_cancelled: bool = False
    """It was given back whole before it began."""

    def touches(self, period: Period) -> bool:
        return self.start < period.end and (self.end is None or self.end > period.start)


def bookings(facts: Iterable[LeaseFact]) -> list[Booking]:
    """Of one machine, in the order of their issue."""
    known = sorted(facts, key=lambda fact: (fact.issued, fact.id))
    final = timeline(known)
    return [_booking(fact, known[index + 1 :], final) for index, fact in enumerate(known) if not fact.ends]


def _booking(lease: LeaseFact, said_later: list[LeaseFact], final: Timeline) -> Booking:
    """Follows the end of one lease through everything that was said after it."""
    planned: int | None = None
    end: int | None = None
    returned: list[Returned] = []
    for later in said_later:
        now = max(later.effective, lease.effective)
        if end is not None and now < end:
            returned += _given_back(now, end, later.issued, lease, final)
        end = now if end is None else min(end, now)
        planned = end if planned is None else planned
        if end == lease.effective:
            break
    return Booking(
        machine=lease.machine,
        tenant=lease.tenant,
        order_id=lease.order_id,
        lease_id=lease.id,
        start=lease.effective,
        end=planned,
        returned=tuple(returned),
        is_cancelled=end == lease.effective,
    )


def _given_back(start: int, end: int, at: int, lease: LeaseFact, final: Timeline) -> Iterator[Returned]:
    """Without what the same tenant has under another lease: that was not given back."""
    for first, last, other in final.pieces(start, end):
        if other is None or other.tenant != lease.tenant:
            is_reused = other is not None and not other.ends
            yield Returned(start=first, end=last, at=at, is_reused=is_reused)
