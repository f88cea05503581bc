"""Walks the digest chains in the store: every epoch that a period touches, from its beginning. Wiring."""

from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.chain_walk import Break, Life, Walk, rejected
from billing.findings import Finding, Rule
from billing.period import Period, midnight_from, midnight_to
from billing.reading import Reader
from contract.facts import Quarantined
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.series import LOSS, METER, QUARANTINE, STATE, USAGE, Series
from store.protocol import Store

_SERIES: Final[tuple[tuple[Series, type[Record]], ...]] = (
    (METER, Meter),
    (USAGE, Interval),
    (STATE, Transition),
    (LOSS, Loss),
)


class Walked(Struct, frozen=True, kw_only=True):
    breaks: tuple[Break, ...]
    heads: dict[str, str]
    """By machine and epoch: sequence and digest of the last record up to the end of the period's last day."""

    def findings(self) -> list[Finding]:
        return [
            Finding(rule=Rule.CHAIN, machine=each.machine, at=each.at, text=f"{each.name}: {each.text}")
            for each in self.breaks
        ]


async def walked(
    store: Store, site: str, period: Period, zone: ZoneInfo, heads: Mapping[str, str] | None = None
) -> Walked:
    """``heads``: of the walk when the period was frozen.

    A day at a time, so that memory follows the day. Raises StoreAwayError.
    """
    reader = Reader(store, site)
    since = await _since(reader, period)
    refused = reader.facts(QUARANTINE, Quarantined, 0, 2**53)
    walk = Walk(rejected([fact async for fact in refused]), heads)
    first = min(since.values(), default=period.start)
    for start, end in _days(min(first, period.start), period.end, zone):
        for series, kind in _SERIES:
            # a cut at midnight is sealed before what ends there
            until = end + 1 if end >= period.end and series is STATE else end
            async for record in reader.facts(series, kind, start, until):
                if (record.machine, record.epoch) in since or start >= period.start:
                    walk.add(record)
        walk.settle()
    walk.settle(last=True)
    return Walked(breaks=tuple(walk.breaks), heads=walk.heads)


async def _since(reader: Reader, period: Period) -> dict[Life, int]:
    """When each epoch began that may reach into the period: the newest before it, and those within."""
    newest: dict[str, Meter] = {}
    found: dict[Life, int] = {}
    async for meter in reader.facts(METER, Meter, 0, period.end):
        if meter.at >= period.start:
            found[meter.machine, meter.epoch] = meter.at
        elif meter.machine not in newest or newest[meter.machine].at <= meter.at:
            newest[meter.machine] = meter
    return found | {(meter.machine, meter.epoch): meter.at for meter in newest.values()}


def _days(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Whole local days, in which everything is cut at midnight."""
    at, last = midnight_to(start, zone), midnight_from(end, zone)
    while at < last:
        following = midnight_from(at + 1, zone)
        yield at, following
        at = following
