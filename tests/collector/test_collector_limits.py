"""A database at its limits, or away for long: records are kept and never quarantined, memory stays flat."""

import gc
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from collector import ledger
from collector.ingest import Ingest
from collector.isolate import Quarantine
from contract.messages import ExceptionReason, Outcome, Receipt
from contract.series import BATCH, QUARANTINE, USAGE
from contract.topics import Topic
from store.config import InfluxConfig
from store.opening import open_store
from store.protocol import Store

KEPT = (Outcome.KEPT, ExceptionReason.STORE)
FULL = {
    "INFLUXDB_DATA_MAX_SERIES_PER_DATABASE": ("3", "max-series-per-database"),
    "INFLUXDB_DATA_MAX_VALUES_PER_TAG": ("2", "max-values-per-tag"),
}
"""Room for two machines and the row that tells of their batch."""


@asynccontextmanager
async def at(peer: Any, database: str) -> AsyncIterator[Store]:
    async with open_store(InfluxConfig(kind="influx", url=peer.url, database=database)) as store:
        yield store


async def take(
    store: Store, plant: SimpleNamespace, records: Sequence[Any], counts: Counter[str] | None = None
) -> Receipt:
    def now() -> int:
        return int(plant.NOW)

    counts = Counter() if counts is None else counts
    custody = Ingest(store, Quarantine(store, now), now, "c1", counts)
    receipt = await custody.take(plant.TOPIC, plant.batch(records))
    assert receipt is not None
    return receipt


def outcomes(receipt: Receipt) -> list[tuple[str, Outcome, str]]:
    return [(x.machine, x.outcome, x.reason) for x in receipt.exceptions]


def of(plant: SimpleNamespace, number: int, *machines: str) -> list[Any]:
    return [plant.alone(plant.interval(number, machine=machine)) for machine in machines]


def loosen(peer: Any, setting: str) -> None:
    """As the administrator would, told by the alarm."""
    peer.stop()
    peer.argv = [f"{setting}=0" if word.startswith(f"{setting}=") else word for word in peer.argv]
    peer.start()


@pytest.mark.parametrize("setting", FULL)
async def test_what_a_limit_keeps_out_is_kept_by_its_gateway_and_stored_when_there_is_room(
    start_influxd: Callable[..., Any], plant: SimpleNamespace, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    limit, says = FULL[setting]
    peer, database = start_influxd(**{setting: limit}), f"test_{uuid4().hex}"
    async with at(peer, database) as store:
        full = await take(store, plant, of(plant, 1, "m1", "m2"))
        assert (full.accepted, full.exceptions) == (2, [])
        partly = await take(store, plant, waiting := of(plant, 2, "m1", "m3", "m2"))
        assert outcomes(partly) == [("m3", *KEPT)]
        assert says in partly.exceptions[0].detail
        assert (partly.accepted, partly.retry_after_ms) == (2, 0), "its neighbours need not wait"
        assert "m3" not in {record.machine for record in await plant.stored(store, USAGE)}
        wholly = await take(store, plant, of(plant, 2, "m3", "m4"))
        assert [one[1:] for one in outcomes(wholly)] == [KEPT, KEPT]
        assert wholly.retry_after_ms > 0
        alone = await take(store, plant, of(plant, 2, "m3"))
        assert outcomes(alone) == [("m3", *KEPT)]
        assert await plant.stored(store, QUARANTINE) == []
    assert any(says in record.getMessage() for record in caplog.records), "with an alarm"
    loosen(peer, setting)
    async with at(peer, database) as store:
        assert (await take(store, plant, waiting)).accepted == 3
        assert len(await plant.stored(store, USAGE)) == 5
        assert await plant.stored(store, QUARANTINE) == []


async def test_a_gateway_with_one_record_over_a_limit_is_not_called_silent(
    start_influxd: Callable[..., Any], plant: SimpleNamespace
) -> None:
    peer = start_influxd(INFLUXDB_DATA_MAX_SERIES_PER_DATABASE="2")
    async with at(peer, f"test_{uuid4().hex}") as store:
        await take(store, plant, of(plant, 1, "m1"))
        await take(store, plant, of(plant, 2, "m1", "m2"))
        [fact] = await plant.stored(store, BATCH)
        assert (fact.records, fact.accepted, fact.kept) == (2, 1, 1)


async def test_what_is_bad_is_kept_too_while_the_quarantine_has_no_room(
    start_influxd: Callable[..., Any], plant: SimpleNamespace
) -> None:
    setting = "INFLUXDB_DATA_MAX_SERIES_PER_DATABASE"
    peer, database = start_influxd(**{setting: "2"}), f"test_{uuid4().hex}"
    bad = {**plant.fields_of(plant.alone(plant.interval(2, machine="m1"))), "run_ms": 5}
    async with at(peer, database) as store:
        await take(store, plant, of(plant, 1, "m1"))
        receipt = await take(store, plant, [*of(plant, 4, "m1"), bad])
        assert outcomes(receipt) == [("m1", *KEPT)]
        assert receipt.accepted == 1
    loosen(peer, setting)
    async with at(peer, database) as store:
        receipt = await take(store, plant, [bad])
        assert outcomes(receipt) == [("m1", Outcome.REJECTED, ExceptionReason.INVALID)]
        assert len(await ledger.quarantined(store, 0)) == 1


async def test_a_database_away_for_long_takes_no_memory(
    free_port: Callable[[], int], plant: SimpleNamespace
) -> None:
    """Some 1,800 batches of 60 gateways, good, bad and unreadable, against nobody."""

    def now() -> int:
        return int(plant.NOW)

    config = InfluxConfig(kind="influx", url=f"http://127.0.0.1:{free_port()}", database="plant")
    counts = Counter[str]()
    async with open_store(config) as store:
        custody = Ingest(store, Quarantine(store, now), now, "c1", counts)

        async def day(batches: int) -> int:
            for number in range(batches):
                topic = Topic("batch", "qinghe", f"gw{number % 60}")
                record = plant.alone(plant.interval(1 + number % 9, gateway=topic.name, epoch=f"e{number}"))
                good = plant.batch([record, None], gateway=topic.name, sealed=number)
                receipt = await custody.take(topic, b"nonsense" if number % 7 == 0 else good)
                assert receipt is None or receipt.accepted == 0
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before, after = await day(300), await day(1500)
        finally:
            tracemalloc.stop()
    assert counts["accepted"] == 0
    assert after - before < 200_000, f"{after - before} bytes more"
