"""Rows of the store as records and facts. What cannot be read becomes a finding, not a failure."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from billing.announcements import announcements
from billing.attribution import Books
from billing.corrections import corrections
from billing.findings import Finding, Rule
from billing.timeline import timelines
from contract.facts import Correction, Fact, LeaseFact, OrderFact, QualityResult, Quarantined, WitnessFact
from contract.messages import ExceptionReason
from contract.names import NONE
from contract.records import Interval, Loss, Meter, MeterReason, Record, Transition
from contract.series import (
    CORRECTION,
    LEASE,
    LOSS,
    METER,
    ORDER,
    QUALITY,
    QUARANTINE,
    STATE,
    USAGE,
    WITNESS,
    Series,
)
from contract.stored import Facts, Stored
from contract.witnesses import newest, unwitnessed, witnessed
from store.protocol import ANY, Readable

F = TypeVar("F", bound=Record | Fact)
_AHEAD_MS = 86_400_000
"""Clocks of those who issue leases and corrections may be ahead of ours."""


class Reader:
    """Reads one site. Collects what it could not read."""

    def __init__(self, store: Readable, site: str) -> None:
        self._store, self._site = store, site
        self._facts: dict[str, Facts] = {}
        self.findings: list[Finding] = []

    async def facts(
        self, series: Series, of: type[F], start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[F]:
        async for page in self.pages(series, of, start, end, tags):
            for fact in page:
                yield fact

    async def pages(
        self, series: Series, of: type[F], start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[list[F]]:
        """The same, some at a time: for who reads millions."""
        reading = self.reading(series)
        async for page in self.stored(series, start, end, tags):
            found = [self._fact(reading, series, stored) for stored in page]
            yield [fact for fact in found if isinstance(fact, of)]

    async def stored(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        """The rows as they lie there, for who makes records of a few of them."""
        async for page in self._store.pages(series, start, end, {"site": self._site, **tags}):
            yield page

    def reading(self, series: Series) -> Facts:
        """By which the rows of a series become facts."""
        return self._facts.setdefault(series.name, Facts(series))

    def interval(self, stored: Stored) -> Interval | None:
        """A row of usage as a record; None, and a finding, when it cannot be read."""
        found = self._fact(self.reading(USAGE), USAGE, stored)
        return found if isinstance(found, Interval) else None

    def transition(self, stored: Stored) -> Transition | None:
        """The same of a row of state."""
        found = self._fact(self.reading(STATE), STATE, stored)
        return found if isinstance(found, Transition) else None

    def _fact(self, reading: Facts, series: Series, stored: Stored) -> Record | Fact | None:
        try:
            return reading.fact(stored)
        except (msgspec.DecodeError, KeyError) as error:
            self.findings.append(_unreadable(stored, series, error))
            return None

    async def books(
        self,
        horizon: int,
        tolerance_ms: int,
        *,
        demand_witness: bool = False,
        priced: frozenset[str] = frozenset(),
    ) -> Books:
        """Every lease, order and correction known at ``horizon`` (UTC ms), whatever period they are about.

        And every witness, where usage without one is to wait for it.
        """
        end = horizon + _AHEAD_MS
        leases = [fact async for fact in self.facts(LEASE, LeaseFact, 0, end)]
        orders = [fact async for fact in self.facts(ORDER, OrderFact, 0, end)]
        decided = [fact async for fact in self.facts(CORRECTION, Correction, 0, end)]
        return Books(
            leases=timelines(leases),
            orders=announcements(orders),
            corrections=corrections(decided),
            tolerance_ms=tolerance_ms,
            witnesses=await self._witnessed(end) if demand_witness else None,
            priced=priced,
        )

    async def qualities(self, start: int, end: int, horizon: int) -> list[QualityResult]:
        """Inspection results of what was produced in ``[start, end)``, whenever they came."""
        facts = self.facts(QUALITY, QualityResult, 0, horizon + _AHEAD_MS)
        return [fact async for fact in facts if start <= fact.produced_at < end]

    async def leases(self, horizon: int) -> list[LeaseFact]:
        return [fact async for fact in self.facts(LEASE, LeaseFact, 0, horizon + _AHEAD_MS)]

    async def meters(self, end: int) -> list[Meter]:
        """Every meter that was opened before ``end``."""
        return [fact async for fact in self.facts(METER, Meter, 0, end)]

    async def unseen(self, end: int, horizon: int) -> list[Meter]:
        """The meters whose panel nobody had compared at ``horizon``, as they were metered up to ``end``."""
        meters = newest([fact async for fact in self.facts(METER, Meter, 0, end)])
        return unwitnessed(meters, await self._witnesses(horizon + _AHEAD_MS))

    async def _witnessed(self, end: int) -> dict[tuple[str, str], str]:
        """The first witness of each machine and epoch."""
        meters = [fact async for fact in self.facts(METER, Meter, 0, end)]
        return witnessed(meters, await self._witnesses(end))

    async def _witnesses(self, end: int) -> list[WitnessFact]:
        return [fact async for fact in self.facts(WITNESS, WitnessFact, 0, end)]

    async def notices(self, start: int, end: int, horizon: int) -> list[Finding]:
        """Losses, new epochs and conflicts that touch ``[start, end)``."""
        losses = [fact async for fact in self.facts(LOSS, Loss, 0, end)]
        meters = [fact async for fact in self.facts(METER, Meter, start, end)]
        refused = [fact async for fact in self.facts(QUARANTINE, Quarantined, start, horizon + _AHEAD_MS)]
        conflicts = {(fact.machine, fact.epoch, fact.sequence): fact for fact in refused if _conflicts(fact)}
        return [
            *(_loss(fact) for fact in losses if fact.end > start),
            *(_epoch(fact) for fact in meters if fact.reason is not MeterReason.FIRST),
            *(_conflict(fact) for fact in conflicts.values()),
        ]


def _conflicts(fact: Quarantined) -> bool:
    return fact.reason == ExceptionReason.CONFLICT


def _unreadable(stored: Stored, series: Series, error: Exception) -> Finding:
    text = f"a row of {series.name} cannot be read and was left out: {error}"
    tags = dict(zip(series.tags, stored[1:-1], strict=True))
    return Finding(rule=Rule.UNREADABLE, machine=tags.get("machine", NONE), at=stored[0], text=text)


def _loss(fact: Loss) -> Finding:
    text = (
        f"{fact.records} records of epoch {fact.epoch} are lost ({fact.reason}), {fact.end - fact.start} ms"
    )
    return Finding(rule=Rule.LOSS, machine=fact.machine, at=fact.start, end=fact.end, text=text)


def _epoch(fact: Meter) -> Finding:
    text = (
        f"the meter began epoch {fact.epoch} after {fact.previous_epoch} ({fact.reason}): totals began again"
    )
    return Finding(rule=Rule.EPOCH, machine=fact.machine, at=fact.at, text=text)


def _conflict(fact: Quarantined) -> Finding:
    text = f"record {fact.epoch}/{fact.sequence} came a second time with other content ({fact.detail})"
    return Finding(rule=Rule.CONFLICT, machine=fact.machine, at=fact.received, text=text)
