"""Reads from the store what the commands show."""

from collections.abc import Iterable
from typing import Final, TypeVar

from contract.facts import BatchFact, Fact, LeaseFact, OrderFact, Quarantined
from contract.records import Interval, Record
from contract.series import BATCH, LEASE, ORDER, QUARANTINE, USAGE, Series, fact_of
from store.admission import TIME_LIMIT
from store.protocol import ANY, Store

DAY_MS: Final = 86_400_000

F = TypeVar("F", bound=Record | Fact)


async def read(store: Store, series: Series, kind: type[F], since: int = 0, **tags: str) -> list[F]:
    """The facts of a series from ``since`` (UTC ms) on. Raises StoreAwayError."""
    until = TIME_LIMIT if not series.dense else since + 3 * DAY_MS
    rows = store.read(series, max(0, since), until, tags or ANY)
    facts = [fact_of(row) async for row in rows]
    return [fact for fact in facts if isinstance(fact, kind)]


async def latest_batches(store: Store, now: int) -> dict[str, BatchFact]:
    """The latest batch of each gateway of the last day."""
    facts = await read(store, BATCH, BatchFact, now - DAY_MS)
    return {f"{fact.site}/{fact.gateway}": fact for fact in facts}


async def usage(store: Store, now: int) -> list[Interval]:
    """Of the last day."""
    return await read(store, USAGE, Interval, now - DAY_MS)


def known_until(intervals: Iterable[Interval]) -> dict[str, int]:
    """Until when something is known of each machine, UTC ms."""
    ends: dict[str, int] = {}
    for each in intervals:
        name = f"{each.site}/{each.machine}"
        ends[name] = max(each.end, ends.get(name, 0))
    return ends


async def leases(store: Store, machine: str | None = None) -> list[LeaseFact]:
    facts = await read(store, LEASE, LeaseFact)
    return [fact for fact in facts if machine in {None, fact.machine}]


async def orders(store: Store) -> list[OrderFact]:
    return await read(store, ORDER, OrderFact)


async def quarantined(store: Store, since: int) -> list[Quarantined]:
    """Every part of everything, by time."""
    return await read(store, QUARANTINE, Quarantined, since)
