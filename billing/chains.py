"""Walks the digest chains in the store: every epoch that a period touches. Wiring.

When bills are made, from where a frozen run walked to before; to verify, from the first record of each epoch.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.chain import Break, Head, Life
from billing.chain_walk import Start, Walk, rejected
from billing.findings import Finding
from billing.period import Period, midnight_from, midnight_to
from billing.reading import Reader
from billing.trusted import Trusted
from contract.facts import Quarantined
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.series import LOSS, METER, QUARANTINE, SIGNATURE, STATE, USAGE, Series
from contract.signature import Signature
from store.protocol import Store

_SERIES: Final[tuple[tuple[Series, type[Record]], ...]] = (
    (METER, Meter),
    (USAGE, Interval),
    (STATE, Transition),
    (LOSS, Loss),
)


class Plan(Struct, frozen=True, kw_only=True):
    """What is walked, and what it is held against."""

    site: str
    period: Period
    zone: ZoneInfo
    now: int
    """UTC ms: a day that is not over then has no signature yet."""
    heads: Mapping[str, Head] = {}
    """Of the walk when the period was frozen, by ``machine/epoch``."""
    starts: Mapping[Life, Start] = {}
    """Where the walk goes on that frozen runs of earlier periods made."""
    trusted: Trusted = Trusted()
    is_pack: bool = False
    """There is nothing but what lies in the period, which has whole days."""


def finding_of(found: Break) -> Finding:
    return Finding(rule=found.rule, machine=found.machine, at=found.at, text=f"{found.name}: {found.text}")


class Walked(Struct, frozen=True, kw_only=True):
    breaks: tuple[Break, ...]
    heads: dict[str, str]
    """By machine and epoch: sequence and digest of the last record up to the end of the period's last day."""

    def findings(self) -> list[Finding]:
        return list(map(finding_of, self.breaks))


async def walked(store: Store, plan: Plan) -> Walked:
    """A day at a time, so that memory follows the day. Raises StoreAwayError."""
    return await _Walking(Reader(store, plan.site), plan).walked()


class _Walking:
    def __init__(self, reader: Reader, plan: Plan) -> None:
        self._reader, self._plan = reader, plan
        self._since: dict[Life, int] = {}
        """When each epoch began that may reach into the period."""

    async def walked(self) -> Walked:
        plan, trusted = self._plan, self._plan.trusted
        self._since = await _since(self._reader, plan.period)
        refused = [fact async for fact in self._reader.facts(QUARANTINE, Quarantined, 0, 2**53)]
        flaw = (lambda head: trusted.flaw(head, plan.zone)) if trusted.is_asked else None
        cut_at = plan.period.start if plan.is_pack else None
        walk = Walk(rejected(refused), plan.heads, starts=plan.starts, flaw=flaw, cut_at=cut_at)
        reach = [] if plan.is_pack else [*map(self._from, self._since)]
        for start, end in _days(min([*reach, plan.period.start]), plan):
            await self._day(walk, start, end)
            for life in () if plan.is_pack else walk.lagging():
                await self._before(walk, life)
            walk.settle()
        walk.settle(last=True)
        over = midnight_to(plan.now, plan.zone)
        unsigned = walk.unsigned(over) if trusted.is_required else []
        return Walked(breaks=(*walk.breaks, *unsigned), heads=walk.heads)

    def _from(self, life: Life) -> int:
        return self._plan.starts[life].at if life in self._plan.starts else self._since[life]

    async def _day(self, walk: Walk, start: int, end: int) -> None:
        """Signatures first: a record is held against them when it takes its place."""
        if self._plan.trusted.is_asked:
            # the one over the whole day is stored under the midnight that ends it
            async for head in self._reader.facts(SIGNATURE, Signature, start + 1, end + 1):
                if self._is_meant((head.machine, head.epoch), start):
                    walk.add_signature(head)
        async for record in self._records(start, end):
            if self._is_meant((record.machine, record.epoch), start):
                walk.add(record)

    def _is_meant(self, life: Life, start: int) -> bool:
        if life in self._plan.starts:
            return start >= self._plan.starts[life].at
        return life in self._since or start >= self._plan.period.start

    async def _records(self, start: int, end: int) -> AsyncIterator[Record]:
        for series, kind in _SERIES:
            # a cut at midnight is sealed before what ends there
            last = series is STATE and end >= self._plan.period.end
            async for record in self._reader.facts(series, kind, start, end + last):
                yield record

    async def _before(self, walk: Walk, life: Life) -> None:
        """What was stored late of the time that a frozen run had walked: the chain goes on over it."""
        start = self._plan.starts[life]
        first = start.head.at or self._since.get(life, start.at)
        tags = {"machine": life[0], "epoch": life[1]}
        for series, kind in _SERIES:
            async for record in self._reader.facts(series, kind, first, start.at, tags):
                walk.add_before(record)


async def _since(reader: Reader, period: Period) -> dict[Life, int]:
    """The newest epoch of each machine before the period, and those that began within."""
    newest: dict[str, Meter] = {}
    found: dict[Life, int] = {}
    async for meter in reader.facts(METER, Meter, 0, period.end):
        if meter.at >= period.start:
            found[meter.machine, meter.epoch] = meter.at
        elif meter.machine not in newest or newest[meter.machine].at <= meter.at:
            newest[meter.machine] = meter
    return found | {(meter.machine, meter.epoch): meter.at for meter in newest.values()}


def _days(first: int, plan: Plan) -> Iterator[tuple[int, int]]:
    at, last = midnight_to(first, plan.zone), midnight_from(plan.period.end, plan.zone)
    while at < last:
        following = midnight_from(at + 1, plan.zone)
        yield at, following
        at = following
