"""What an interval and a state span say about whose they are."""

from collections.abc import Iterator
from itertools import pairwise
from operator import attrgetter

from billing.attribution import Books, Claim
from billing.grain import amount_of
from billing.timeline import NO_LEASES
from contract.facts import CorrectedField, QualityResult, Target
from contract.names import NONE
from contract.records import Interval, Transition
from contract.states import Party, State

WORTH_FIELDS = ("run_ms", "setup_ms", "test_ms", "stop_tenant_ms")
"""Time that a tariff may put a price on."""
_worth_times = attrgetter(*WORTH_FIELDS)

WORTH_QUANTITIES = ("produced", "scrap", "rework")
"""Scrap alone lowers what somebody is charged for good pieces, so somebody's it is."""


def has_worth(interval: Interval, priced: frozenset[str] = frozenset()) -> bool:
    """``priced``: measures beside the usual that have a price, like litres, or idle time under a lease."""
    return (
        any(_worth_times(interval))
        or any(interval.quantities.get(name, 0) for name in WORTH_QUANTITIES)
        or any(amount_of(interval, measure) for measure in priced)
    )


def interval_claim(interval: Interval, priced: frozenset[str] = frozenset()) -> Claim:
    return Claim(
        machine=interval.machine,
        epoch=interval.epoch,
        sequence=interval.sequence,
        target=Target.USAGE,
        start=interval.start,
        end=interval.end,
        tenant=interval.tenant,
        order_id=interval.order_id,
        lease_id=interval.lease_id,
        has_worth=has_worth(interval, priced),
    )


def quality_claim(fact: QualityResult, books: Books) -> Claim:
    """An inspection result is of whom it names, else of whoever had the machine when the pieces were made."""
    at = fact.produced_at
    lease = next(lease for _, _, lease in books.leases.get(fact.machine, NO_LEASES).pieces(at, at + 1))
    leased_order = lease.order_id if lease else NONE
    return Claim(
        machine=fact.machine,
        epoch=NONE,
        sequence=-1,
        target=Target.LEASE,
        start=at,
        end=at + 1,
        tenant=fact.tenant,
        order_id=fact.order_id if fact.order_id != NONE else leased_order,
        lease_id=lease.id if lease and fact.tenant in {NONE, lease.tenant} else NONE,
        has_worth=True,
    )


def is_stop(transition: Transition) -> bool:
    """Whether the span that ends at this transition is a stop, whoever caused it."""
    return transition.span_state is State.STOP


def is_tenant_stop(transition: Transition) -> bool:
    """Whether the span that ends at this transition is a stop that the tenant caused, as it was metered."""
    return is_stop(transition) and transition.span_party is Party.TENANT


def party_of(transition: Transition, books: Books, at: int) -> tuple[str, tuple[str, ...]]:
    """Who caused the stop, at an instant of its span (a person, else the meter, says), and what decided."""
    name = (transition.machine, transition.epoch, transition.sequence)
    decided = books.corrections.latest(name, Target.STATE, at, CorrectedField.PARTY)
    return (decided.new, (decided.id,)) if decided else (transition.span_party, ())


def span_claims(transition: Transition, books: Books, start: int, end: int) -> Iterator[Claim]:
    """The stop that ends at ``transition``, within ``[start, end)``, cut wherever its payer may change.

    A span is the same all through, so it can be cut exactly; an interval cannot, because nobody knows in
    which part its pieces were made.
    """
    begin, stop = max(start, transition.span_start), min(end, transition.at)
    timeline = books.leases.get(transition.machine, NO_LEASES)
    edges = {begin, *books.corrections.cuts(transition.machine, begin, stop)}
    edges |= {piece_start for piece_start, _, _ in timeline.pieces(begin, stop)}
    cuts = [*sorted(edges), stop]
    for first, last in pairwise(cuts):
        if first < last:
            yield _span_claim(transition, first, last)


def _span_claim(transition: Transition, start: int, end: int) -> Claim:
    return Claim(
        machine=transition.machine,
        epoch=transition.epoch,
        sequence=transition.sequence,
        target=Target.STATE,
        start=start,
        end=end,
        tenant=transition.span_tenant,
        order_id=transition.span_order_id,
        lease_id=transition.span_lease_id,
        has_worth=True,
    )
