"""The straight line over plain records: stored rows in, usage, open items and findings out. No I/O."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from billing.attribution import Attribution, Books, Claim, Place, attribute
from billing.claims import interval_claim, is_stop, party_of, span_claims
from billing.findings import Finding, Watch
from billing.seal import Seal
from billing.suspense import Item, gathered, interval_item, span_item
from billing.usage import Tally, Usage
from contract.records import Interval, Meter, Transition
from contract.states import Party

_OPEN = frozenset({Place.SUSPENSE, Place.DISPUTED})


class Folded(Struct, frozen=True, kw_only=True):
    usages: tuple[Usage, ...]
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    holes: Mapping[tuple[str, str], int]


class Fold:
    """Takes the meters opened before ``end``, the intervals that begin in ``[start, end)``, then the
    transitions whose span reaches into it.

    An interval belongs to the period in which it begins; a span is cut at the period's ends.
    """

    def __init__(
        self, books: Books, start: int, end: int, *, now: int | None = None, gone: Iterable[str] = ()
    ) -> None:
        self._books = books
        self._start, self._end = start, end
        self._tally, self._watch = (
            Tally(),
            Watch(start, min(end, end if now is None else now), frozenset(gone)),
        )
        self._items: list[Item] = []
        self.seal = Seal()

    def meter(self, meter: Meter) -> None:
        self._watch.meter(meter)

    def interval(self, interval: Interval) -> None:
        claim = interval_claim(interval)
        attribution = self._attributed(attribute(claim, self._books))
        self._tally.add_interval(interval, attribution)
        self._watch.interval(interval)
        self.seal.record(interval)
        if attribution.place in _OPEN:
            self._items.append(interval_item(interval, claim, attribution))

    def transition(self, transition: Transition) -> None:
        self._watch.transition(transition)
        reaches_in = transition.span_start < self._end and transition.at > self._start
        if reaches_in and is_stop(transition):
            parts = span_claims(transition, self._books, self._start, self._end)
            self._stop(transition, [part for part in parts if self._is_tenants(transition, part)])

    def _is_tenants(self, transition: Transition, claim: Claim) -> bool:
        """Whether the tenant caused this part of the stop; only then it can be charged."""
        party, decided = party_of(transition, self._books, claim.start)
        self.seal.facts(decided)
        return party == Party.TENANT

    def _stop(self, transition: Transition, claims: list[Claim]) -> None:
        if claims:
            self.seal.record(transition)
        for claim in claims:
            attribution = self._attributed(attribute(claim, self._books))
            self._tally.add_stop(transition, attribution, claim.start, claim.end)
            if attribution.place in _OPEN:
                self._items.append(span_item(claim, attribution))

    def finish(self) -> Folded:
        return Folded(
            usages=tuple(self._tally.usages()),
            items=tuple(gathered(self._items)),
            findings=tuple(self._watch.finish()),
            holes=dict(self._watch.holes),
        )

    def _attributed(self, attribution: Attribution) -> Attribution:
        self.seal.facts(attribution.facts)
        return attribution
