"""However batches are doubled, reordered and interrupted, the store holds each record once, unchanged."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.ingest import Ingest
from collector.isolate import Quarantine
from contract.chain import GENESIS, is_linked
from contract.messages import Outcome
from contract.records import Record
from contract.series import BATCH, METER, QUARANTINE, USAGE, Row
from store.protocol import Written, kept
from store.sqlite import SqliteStore, open_sqlite

RECORDS = 8
unhurried = settings(deadline=None, max_examples=60)


class Faltering:
    """A store that takes some writes and not others, and sometimes takes one without saying so."""

    retry_after_ms = 0

    def __init__(self, store: SqliteStore, faults: Sequence[str]) -> None:
        self.store, self._faults = store, iter(faults)
        self.read, self.count = store.read, store.count

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        match next(self._faults, "well"):
            case "well":
                return await self.store.write(rows)
            case "silent":
                await self.store.write(rows)
        return [kept("it faltered") for _ in rows]


async def deliver(
    plant: SimpleNamespace, store: SqliteStore, payloads: Sequence[bytes], faults: Sequence[str]
) -> None:
    """Each payload as the gateway would: all of it, until its receipt says that nothing was kept."""
    faltering, now = Faltering(store, faults), lambda: int(plant.NOW)
    custody = Ingest(faltering, Quarantine(faltering, now), now, "c1", Counter())
    for payload in payloads:
        while True:
            receipt = await custody.take(plant.TOPIC, payload)
            if receipt and not any(x.outcome is Outcome.KEPT for x in receipt.exceptions):
                break


def in_a_store(run: Any) -> None:
    async def opened() -> None:
        with TemporaryDirectory() as directory:
            async with open_sqlite(Path(directory) / "store.db") as store:
                await run(store)

    asyncio.run(opened())


def sealed(plant: SimpleNamespace) -> list[Record]:
    records: list[Record] = plant.chained(plant.meter(), *map(plant.interval, range(1, RECORDS)))
    return records


@unhurried
@given(
    cuts=st.lists(st.integers(0, RECORDS), max_size=3),
    order=st.randoms(use_true_random=False),
    doubled=st.integers(1, 3),
    faults=st.lists(st.sampled_from(["well", "away", "silent"]), max_size=12),
)
def test_whatever_happens_on_the_way_each_record_rests_once(
    plant: SimpleNamespace, cuts: list[int], order: Any, doubled: int, faults: list[str]
) -> None:
    records = sealed(plant)
    edges = sorted({0, RECORDS, *cuts})
    payloads = [plant.batch(records[a:b]) for a, b in pairwise(edges)] * doubled
    order.shuffle(payloads)

    async def run(store: SqliteStore) -> None:
        await deliver(plant, store, payloads, faults)
        found = await plant.stored(store, METER) + await plant.stored(store, USAGE)
        assert found == records
        digests = [GENESIS, *(record.digest for record in found)]
        assert all(is_linked(record, before) for before, record in zip(digests, found, strict=False))
        assert await plant.stored(store, QUARANTINE) == []

    in_a_store(run)


@unhurried
@given(
    bad=st.sets(st.integers(1, RECORDS - 1), min_size=1),
    faults=st.lists(st.sampled_from(["well", "away", "silent"]), max_size=12),
)
def test_a_record_is_stored_or_quarantined_and_never_both_or_neither(
    plant: SimpleNamespace, bad: set[int], faults: list[str]
) -> None:
    spoiled: list[Mapping[str, Any]] = [plant.fields_of(record) for record in sealed(plant)]
    payload = plant.batch([{**f, "run_ms": 1} if f["sequence"] in bad else f for f in spoiled])

    async def run(store: SqliteStore) -> None:
        await deliver(plant, store, [payload, payload], faults)
        rests = await plant.stored(store, METER) + await plant.stored(store, USAGE)
        assert {record.sequence for record in rests} == set(range(RECORDS)) - bad
        assert sorted(case.sequence for case in await plant.stored(store, QUARANTINE)) == sorted(bad)
        assert len(await plant.stored(store, BATCH)) <= 1

    in_a_store(run)
