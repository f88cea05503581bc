"""Reads from the store what the commands show."""

import logging
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from collector.silence import BACK_DAYS, DAY_MS
from contract.facts import BatchFact, Fact, LeaseFact, OrderFact, Quarantined, WitnessFact
from contract.names import TIME_LIMIT
from contract.records import Interval, Meter, Record
from contract.series import BATCH, LEASE, METER, ORDER, QUARANTINE, USAGE, WITNESS, Row, Series, fact_of
from contract.witnesses import newest, unwitnessed
from store.protocol import ANY, Store

QUARANTINE_ROWS: Final = 500
"""So many rows of the quarantine are read to count what waits there: at most 32 KiB each."""

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Record | Fact)


async def read(store: Store, series: Series, kind: type[F], since: int = 0, **tags: str) -> list[F]:
    """The facts of a series from ``since`` (UTC ms) on. Raises StoreAwayError.

    A row that is no fact, which another program must have written, is logged and left out.
    """
    until = TIME_LIMIT if not series.dense else since + 3 * DAY_MS
    rows = store.read(series, max(0, since), until, tags or ANY)
    facts = [_fact(row) async for row in rows]
    return [fact for fact in facts if isinstance(fact, kind)]


def _fact(row: Row) -> Record | Fact | None:
    try:
        return fact_of(row)
    except msgspec.ValidationError as error:
        log.warning("a row of %s at %d is none of ours: %s", row.series, row.time, error)
        return None


async def latest_batches(store: Store, now: int) -> dict[str, BatchFact]:
    """The latest batch of each gateway of the last 30 days."""
    newest: dict[str, Row] = {}
    for start, end in ((now - DAY_MS, now + 2 * DAY_MS), *_earlier_days(now)):
        rows = {_gateway(row): row async for row in store.read(BATCH, max(0, start), max(0, end))}
        newest = rows | newest
    facts = {name: _fact(row) for name, row in newest.items()}
    return {name: fact for name, fact in facts.items() if isinstance(fact, BatchFact)}


def _gateway(row: Row) -> str:
    return f"{row.tags['site']}/{row.tags['gateway']}"


def _earlier_days(now: int) -> Iterator[tuple[int, int]]:
    """The days before the last one, the latest first."""
    return ((now - (n + 1) * DAY_MS, now - n * DAY_MS) for n in range(1, BACK_DAYS))


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


async def machines(store: Store, latest: Iterable[Interval], now: int) -> dict[str, int]:
    """Until when something is known of each machine that ever was metered, UTC ms.

    ``latest`` is the usage of the last day. A machine without any in the last 30 days has the instant of its
    newest meter instead, so that one whose first interval is still to come is not silent.
    """
    ends = known_until(latest)
    for (site, machine), at in (await metered(store)).items():
        if (name := f"{site}/{machine}") not in ends:
            ends[name] = await _last_end(store, {"site": site, "machine": machine}, now) or at
    return ends


async def metered(store: Store) -> dict[tuple[str, str], int]:
    """Site and machine of all that ever were metered, with the instant of the newest meter, UTC ms."""
    return {(fact.site, fact.machine): fact.at for fact in await read(store, METER, Meter)}


async def _last_end(store: Store, tags: dict[str, str], now: int) -> int:
    """Until when the usage of the 30 days goes, or 0."""
    if not await store.count(USAGE, max(0, now - BACK_DAYS * DAY_MS), now, tags):
        return 0
    for start, end in _earlier_days(now):
        rows = store.read(USAGE, max(0, start), max(0, end), tags)
        facts = [_fact(row) async for row in rows]
        if ends := [fact.end for fact in facts if isinstance(fact, Interval)]:
            return max(ends)
    return 0


async def leases(store: Store, machine: str | None = None) -> list[LeaseFact]:
    facts = await read(store, LEASE, LeaseFact)
    return [fact for fact in facts if machine in {None, fact.machine}]


async def orders(store: Store) -> list[OrderFact]:
    return await read(store, ORDER, OrderFact)


async def unseen(store: Store) -> list[str]:
    """The machines whose panel nobody has compared with the registers, as they are metered now."""
    meters = newest(await read(store, METER, Meter))
    witnesses = await read(store, WITNESS, WitnessFact)
    return [f"{meter.site}/{meter.machine}" for meter in unwitnessed(meters, witnesses)]


async def quarantined(store: Store, since: int) -> list[Quarantined]:
    """Every part of everything, by time."""
    return await read(store, QUARANTINE, Quarantined, since)


async def quarantine_rows(store: Store) -> int:
    """How many rows the quarantine has: parts of cases, and marks that one was replayed."""
    return await store.count(QUARANTINE, 0, TIME_LIMIT)
