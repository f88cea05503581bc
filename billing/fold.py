"""The straight line over plain records: stored rows in, usage, open items and findings out. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from billing.attribution import Attribution, Books, Claim, Place, attribute
from billing.claims import interval_claim, is_stop, party_of, quality_claim, span_claims
from billing.days import Days
from billing.feasible import NO_LIMITS, Limits
from billing.findings import UNDER_WAY_MS, Finding, Rule, Watch
from billing.grain import COARSE, Grain
from billing.machine_day import DayPart, MachineDay
from billing.seal import Seal
from billing.spell import Spell
from billing.steady import Attributor
from billing.sums import Part
from billing.suspense import Gathering, Item, interval_item, place_of, span_item
from billing.tally import Tally
from billing.usage import Life, Usage
from billing.validation import Validation
from contract.facts import QualityResult
from contract.names import NONE
from contract.records import Interval, Meter, Transition
from contract.states import Party, State

_TENANT, _BY_TENANT = Place.TENANT, Party.TENANT
_OPEN = frozenset({Place.SUSPENSE, Place.DISPUTED})


class Folded(Struct, frozen=True, kw_only=True):
    usages: Iterable[Usage]
    """Tenant by tenant. It can be gone through again, and need not be in memory."""
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    holes: Mapping[tuple[str, str], int]
    kinds: Mapping[str, str] = {}
    """The kind of each machine that was ever metered."""
    days: Mapping[str, tuple[MachineDay, ...]] = {}
    """By tenant, for the picture; empty where none is drawn."""


def joined(
    parts: Sequence[Folded], usages: Iterable[Usage], days: Mapping[str, tuple[MachineDay, ...]]
) -> Folded:
    """Of parts that have no machine in common, and what all of them put aside."""
    return Folded(
        usages=usages,
        items=tuple(sorted((item for part in parts for item in part.items), key=place_of)),
        findings=tuple(sorted(finding for part in parts for finding in part.findings)),
        holes={key: ms for part in parts for key, ms in part.holes.items()},
        kinds={machine: kind for part in parts for machine, kind in part.kinds.items()},
        days=days,
    )


class Fold:
    """Takes the meters opened before ``end``; then, in one go or day by day, the intervals that begin in
    ``[start, end)`` and the transitions whose span reaches into it; then the inspection results of what was
    produced in it. What it remembers of a record is sums: memory follows machines and orders.

    An interval belongs to the period in which it begins; a span is cut at the period's ends.
    """

    def __init__(
        self,
        books: Books,
        start: int,
        end: int,
        *,
        now: int | None = None,
        gone: Iterable[str] = (),
        grain: Grain = COARSE,
        limits: Limits = NO_LIMITS,
        days: Days | None = None,
    ) -> None:
        self._books = books
        self._start, self._end = start, end
        self._tally, self._watch = (
            Tally(grain),
            Watch(
                start,
                min(end, end if now is None else now),
                frozenset(gone),
                under_way_ms=UNDER_WAY_MS if now is not None and now < end else 0,
            ),
        )
        self._validation = Validation(start, end, limits)
        self._days = days
        self._attributor = Attributor(books)
        self._items = Gathering()
        self._kinds: dict[str, str] = {}
        self._findings: list[Finding] = []
        self.seal = Seal()

    def meter(self, meter: Meter) -> None:
        self._watch.meter(meter)
        self._validation.meter(meter)
        self._kinds[meter.machine] = meter.kind

    def before(self, interval: Interval) -> int:
        """One that begins shortly before ``start``: nothing is booked of it.

        Until when (UTC ms) intervals that plainly go on from it have nothing to be looked at but the last.
        """
        self._watch.before(interval)
        self._validation.before(interval)
        return self._start if self._validation.is_calm(interval) else 0

    def interval(self, interval: Interval) -> int:
        """Until when (UTC ms) intervals that plainly go on from it may come as a spell; 0: they may not."""
        self._kinds[interval.machine] = interval.kind
        attribution = self._attributed(self._attributor.interval(interval))
        self._tally.add_interval(interval, attribution)
        if self._days:
            self._days.interval(interval, attribution)
        self._watch.interval(interval)
        self._validation.interval(interval)
        self.seal.record(interval)
        if attribution.place in _OPEN:
            claim = interval_claim(interval, self._books.priced)
            self._items.add(interval_item(interval, claim, attribution))
        if (
            attribution.place is _TENANT
            and self._watch.is_calm(interval)
            and self._validation.is_calm(interval)
        ):
            return self._attributor.until(interval.machine)
        return 0

    def spell(self, spell: Spell) -> None:
        """What goes on from the interval before of its machine, within the time that was given for it."""
        attribution = self._tally.add_spell(spell)
        if self._days:
            self._days.spell(spell, attribution)
        self._watch.spell(spell)
        self._validation.spell(spell)
        self.seal.spell(spell)

    def settle(self) -> None:
        """After each day."""
        self._items.settle()

    def turned(self, meter: Life, at: int, state: State, party: str) -> None:
        """Another state began, and what ended was no stop."""
        self._watch.turned(meter, at, state, party)

    def transition(self, transition: Transition) -> None:
        self._watch.transition(transition)
        reaches_in = transition.span_start < self._end and transition.at > self._start
        if not (reaches_in and is_stop(transition)):
            return
        if transition.span_party is not _BY_TENANT and not self._attributor.is_decided(transition.machine):
            return
        ends = max(self._start, transition.span_start), min(self._end, transition.at)
        attribution = self._attributor.span(transition, *ends)
        if attribution is None:
            parts = span_claims(transition, self._books, self._start, self._end)
            self._stop(transition, [part for part in parts if self._is_tenants(transition, part)])
        elif transition.span_party is _BY_TENANT:
            self.seal.record(transition)
            self._tally.add_stop(transition, self._attributed(attribution), *ends)

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
                self._items.add(span_item(claim, attribution))

    def quality(self, fact: QualityResult) -> None:
        """An inspection result about pieces of this period, whenever it came."""
        attribution = attribute(quality_claim(fact, self._books), self._books)
        kind = self._kinds.get(fact.machine, NONE)
        if attribution.place is Place.TENANT and self._tally.add_quality(fact, kind, attribution):
            self.seal.facts((*attribution.facts, f"quality/{fact.id}"))
            self._validation.inspected(fact)
            if self._days:
                self._days.quality(fact, attribution)
        elif self._start <= fact.produced_at < self._end:
            self._findings.append(_idle_result(fact, attribution))

    def sums_put_aside(self, *, is_over: bool) -> Iterator[Part]:
        """What is needed no more to go on; all of it after the last fact (``is_over``)."""
        return self._tally.put_aside(is_over=is_over)

    def days_put_aside(self, until: int | None) -> Iterator[tuple[str, DayPart]]:
        """By tenant; of the days that were over then (UTC ms), or (None) of all."""
        return self._days.put_aside(until) if self._days else iter(())

    def finish(
        self,
        usages: Iterable[Usage] | None = None,
        days: Mapping[str, tuple[MachineDay, ...]] | None = None,
    ) -> Folded:
        """``usages``, ``days``: what was put aside, joined again. Without, nothing was."""
        used = self._tally.usages() if usages is None else usages
        found = [*self._watch.finish(), *self._validation.finish(used), *self._findings]
        if days is None:
            days = self._days.finish() if self._days else {}
        return Folded(
            usages=used,
            items=tuple(self._items.finish()),
            findings=tuple(sorted(found)),
            holes=dict(self._watch.holes),
            kinds=self._kinds,
            days=days,
        )

    def _attributed(self, attribution: Attribution) -> Attribution:
        self.seal.facts(attribution.facts)
        return attribution


class Before:
    """Folds what begins shortly before the period: of what plainly goes on the last one says all."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    def interval(self, interval: Interval) -> int:
        return self._fold.before(interval)

    def spell(self, spell: Spell) -> None:
        self._fold.before(spell.last)


def _idle_result(fact: QualityResult, attribution: Attribution) -> Finding:
    """A result that changes nothing must not be silent."""
    whose = f"tenant {attribution.tenant}, order {attribution.order_id}"
    if attribution.place is not Place.TENANT:
        whose = "a tenant whom neither the result nor a lease names for certain"
    text = (
        f"inspection result {fact.id} ({fact.scrap} scrap, {fact.rework} rework) changes nothing: the machine"
        f" produced nothing in the period for {whose}"
    )
    return Finding(rule=Rule.QUALITY, machine=fact.machine, at=fact.produced_at, text=text)
