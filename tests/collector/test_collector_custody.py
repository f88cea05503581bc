"""Custody without a broker: the quarantine finds a free millisecond, and one suite holds for both stores."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from collector.hearing import Hearing
from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.quarantine import Case
from contract.facts import lease_fact
from contract.line import line
from contract.messages import ExceptionReason, Lease, Order, Outcome, encode
from contract.series import BATCH, LEASE, METER, ORDER, QUARANTINE, USAGE, Row, row_of
from contract.topics import Topic
from store.config import InfluxConfig
from store.influx import InfluxStore
from store.opening import open_store
from store.protocol import Store, Written, kept
from store.sqlite import open_sqlite

LEASES = Topic("lease", "qinghe", "knit-01")


@pytest.fixture(params=["sqlite", "influx"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        async with open_sqlite(tmp_path / "store.db") as sqlite:
            yield sqlite
    else:
        influx = request.getfixturevalue("influx")
        database = request.getfixturevalue("influx_database")
        config = InfluxConfig(kind="influx", url=influx.url, database=database)
        async with open_store(config) as opened:
            yield opened


def ingest(store: Store, now: Callable[[], int], counts: Counter[str] | None = None) -> Ingest:
    return Ingest(store, Quarantine(store, now), now, "c1", Counter() if counts is None else counts)


def case(plant: SimpleNamespace, number: int, gateway: str = "gw1") -> Case:
    return Case(
        site="qinghe",
        gateway=gateway,
        batch=f"{number:064x}",
        reason="invalid",
        detail="why",
        payload=b"%d" % number,
    )


async def test_each_quarantined_thing_has_a_millisecond_of_its_own(
    store: Store, plant: SimpleNamespace
) -> None:
    one, other = (Quarantine(store, lambda: plant.NOW) for _ in range(2))
    assert await one.put([case(plant, 1), case(plant, 2)])
    assert await other.put([case(plant, 3), case(plant, 4), case(plant, 5)])
    assert await one.put([case(plant, 6)])
    assert await other.put([case(plant, 7, "gw2")])
    facts = await plant.stored(store, QUARANTINE)
    assert {fact.payload for fact in facts} == set("1234567")
    assert len({(fact.gateway, fact.received) for fact in facts}) == 7


async def test_what_is_quarantined_already_is_not_quarantined_again(
    store: Store, plant: SimpleNamespace
) -> None:
    clock = iter(range(plant.NOW, plant.NOW + 10_000_000, 60_000))
    quarantine = Quarantine(store, lambda: next(clock))
    for _ in range(3):
        assert await quarantine.put([case(plant, 1), case(plant, 2)])
    assert len(await plant.stored(store, QUARANTINE)) == 2


async def test_good_records_rest_and_bad_ones_are_told_apart(store: Store, plant: SimpleNamespace) -> None:
    counts: Counter[str] = Counter()
    custody = ingest(store, lambda: plant.NOW, counts)
    good = plant.chained(plant.meter(), plant.interval(1), plant.interval(2))
    start = plant.NOW + 3_600_000
    early = plant.alone(plant.interval(5, epoch="e2", start=start, span_start=start))
    fields = plant.fields_of(plant.alone(plant.interval(7, epoch="e3")))
    payload = plant.batch([*good, early, {**fields, "run_ms": 5}, {**fields, "humidity": 5}, None])
    for _ in range(2):
        receipt = await custody.take(plant.TOPIC, payload)
        assert receipt is not None
        assert receipt.accepted == 3
        assert [(x.epoch, x.outcome, x.reason) for x in receipt.exceptions] == [
            ("e2", Outcome.KEPT, ExceptionReason.FUTURE),
            ("e3", Outcome.REJECTED, ExceptionReason.INVALID),
            ("e3", Outcome.KEPT, ExceptionReason.UNKNOWN_FIELD),
            ("none", Outcome.REJECTED, ExceptionReason.INVALID),
        ]
    assert await plant.stored(store, METER) + await plant.stored(store, USAGE) == good
    assert [fact.sequence for fact in await plant.stored(store, QUARANTINE)] == [7, -1]
    assert counts["batches"] == 2
    assert counts["accepted"] == 6


class NoQuarantine:
    """A store that has room for everything but the quarantine."""

    retry_after_ms = 0

    def __init__(self, store: Store) -> None:
        self._store, self.read, self.count = store, store.read, store.count

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        full = rows[0].series == QUARANTINE.name
        return [kept("it is full") for _ in rows] if full else await self._store.write(rows)


async def test_what_cannot_be_quarantined_is_kept_and_its_neighbours_are_stored(
    sqlite: Store, plant: SimpleNamespace
) -> None:
    good, bad = plant.alone(plant.interval(1)), plant.fields_of(plant.alone(plant.interval(2)))
    payload = plant.batch([good, {**bad, "run_ms": 5}])
    receipt = await ingest(NoQuarantine(sqlite), lambda: plant.NOW).take(plant.TOPIC, payload)
    assert receipt is not None
    [exception] = receipt.exceptions
    assert (exception.sequence, exception.outcome, exception.reason) == (2, "kept", "store")
    assert await plant.stored(sqlite, USAGE) == [good]


async def test_a_stored_name_is_never_replaced(store: Store, plant: SimpleNamespace) -> None:
    custody = ingest(store, lambda: plant.NOW)
    first, other = plant.alone(plant.interval()), plant.alone(plant.interval(order_id="A-18"))
    assert await custody.take(plant.TOPIC, plant.batch([first])) is not None
    receipt = await custody.take(plant.TOPIC, plant.batch([other]))
    assert receipt is not None
    [exception] = receipt.exceptions
    assert (exception.outcome, exception.reason) == (Outcome.REJECTED, ExceptionReason.CONFLICT)
    assert await plant.stored(store, USAGE) == [first]
    assert len(await plant.stored(store, QUARANTINE)) == 1


async def test_a_batch_sealed_in_a_far_future_does_not_spoil_the_record_of_batches(
    store: Store, plant: SimpleNamespace
) -> None:
    await ingest(store, lambda: plant.NOW).take(plant.TOPIC, plant.batch([], sealed=2**63 - 1))
    [fact] = await plant.stored(store, BATCH)
    assert fact.sealed == plant.NOW


async def test_a_complaint_about_a_gateway_ends_after_a_quiet_hour(
    sqlite: Store, plant: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "collector")
    at = plant.NOW
    custody = ingest(sqlite, lambda: at)
    good, bad = plant.batch([plant.alone(plant.interval())]), plant.batch([None])
    for payload in (bad, good, bad, good, b"nonsense"):
        await custody.take(plant.TOPIC, payload)
    assert caplog.records.pop(0).getMessage() == "qinghe/gw1 sends batches"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    at += 3_600_001
    await custody.take(plant.TOPIC, good)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert all("qinghe/gw1" in record.getMessage() for record in caplog.records)


def message(plant: SimpleNamespace, **changes: Any) -> Lease:
    fields = {"id": "l-1", "machine": "knit-01", "by": "王", "tenant": "zhang", "order_id": None}
    return Lease(**{"effective": plant.NOW, "issued": plant.NOW, **fields, **changes})


REFUSED: dict[str, dict[str, Any]] = {
    "of another machine": {"machine": "knit-02"},
    "to nobody by name": {"tenant": "none"},
    "for a disputed order": {"order_id": "disputed"},
    "issued the day after tomorrow": {"issued": 1_800_000_000_000 + 2 * 86_400_000},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
async def test_a_lease_that_cannot_be_a_fact_is_quarantined(
    plant: SimpleNamespace, sqlite: Store, changes: dict[str, Any]
) -> None:
    hearing = Hearing(sqlite, Quarantine(sqlite, lambda: plant.NOW), lambda: plant.NOW, Counter())
    payload = encode(message(plant, **changes))
    assert await hearing.hear(LEASES, payload)
    assert await hearing.hear(LEASES, payload)
    assert await plant.stored(sqlite, LEASE) == []
    [fact] = await plant.stored(sqlite, QUARANTINE)
    assert (fact.machine, fact.reason, fact.payload.encode()) == ("knit-01", "unreadable", payload)


async def test_what_is_announced_is_kept_from_its_first_hearing(store: Store, plant: SimpleNamespace) -> None:
    clock = iter(range(plant.NOW, plant.NOW + 1000))
    now = lambda: next(clock)  # noqa: E731  a clock that goes on by itself
    hearing = Hearing(store, Quarantine(store, now), now, Counter())
    order = Order(
        id="o-1",
        order_id="A-17",
        tenant="zhang",
        article="羊绒衫",
        by="x",
        wanted=3,
        due=None,
        closed=False,
        issued=5,
    )
    orders = Topic("order", "qinghe", "A-17")
    for _ in range(3):
        assert await hearing.hear(LEASES, encode(message(plant)))
        assert await hearing.hear(orders, encode(order))
        assert await hearing.hear(LEASES, b"")
    [kept], [announced] = await plant.stored(store, LEASE), await plant.stored(store, ORDER)
    assert (kept.heard, announced.heard, announced.due) == (plant.NOW, plant.NOW + 1, -1)
    assert await plant.stored(store, QUARANTINE) == []


@pytest.fixture
async def shown(influx: Any, influx_database: str) -> AsyncIterator[Store]:
    """An InfluxDB 1.x, which shows a row field by field while another collector writes it."""
    async with open_store(InfluxConfig(kind="influx", url=influx.url, database=influx_database)) as opened:
        yield opened


async def test_a_lease_that_another_collector_is_writing_is_waited_for(
    shown: Store, plant: SimpleNamespace
) -> None:
    fact = lease_fact("qinghe", message(plant), plant.NOW)
    whole = row_of(fact)
    await shown.write([msgspec.structs.replace(whole, fields={"id": fact.id, "by": fact.by})])
    rest = {name: value for name, value in whole.fields.items() if name not in {"id", "by"}}

    async def written_on() -> None:
        other = cast("InfluxStore", shown)
        await asyncio.sleep(0.15)
        await other._post(line(msgspec.structs.replace(whole, fields=rest)).encode())

    hearing = Hearing(shown, Quarantine(shown, lambda: plant.NOW), lambda: plant.NOW, Counter())
    heard, _ = await asyncio.gather(hearing.hear(LEASES, encode(message(plant))), written_on())
    assert heard
    assert await plant.stored(shown, LEASE) == [fact]
    assert await plant.stored(shown, QUARANTINE) == []


async def test_a_lease_whose_place_shows_somebody_elses_half_row_is_heard_again_later(
    shown: Store, plant: SimpleNamespace
) -> None:
    whole = row_of(lease_fact("qinghe", message(plant), plant.NOW - 7))
    half = {"id": whole.fields["id"], "heard": whole.fields["heard"]}
    await shown.write([msgspec.structs.replace(whole, fields=half)])
    hearing = Hearing(shown, Quarantine(shown, lambda: plant.NOW), lambda: plant.NOW, Counter())
    assert not await hearing.hear(LEASES, encode(message(plant)))
    await cast("InfluxStore", shown)._post(line(whole).encode())
    assert await hearing.hear(LEASES, encode(message(plant)))
    [kept] = await plant.stored(shown, LEASE)
    assert kept.heard == plant.NOW - 7


async def test_a_half_row_in_the_quarantine_stops_nobody(shown: Store, plant: SimpleNamespace) -> None:
    quarantine = Quarantine(shown, lambda: plant.NOW)
    assert await quarantine.put([case(plant, 1)])
    [whole] = [row_of(fact) for fact in await plant.stored(shown, QUARANTINE)]
    half = {"batch": whole.fields["batch"], "part": 0}
    await shown.write([msgspec.structs.replace(whole, time=plant.NOW + 1, fields=half)])
    assert await Quarantine(shown, lambda: plant.NOW).put([case(plant, 2)])
    assert await quarantine.put([case(plant, 2)])


async def test_the_same_id_with_other_content_is_a_conflict(store: Store, plant: SimpleNamespace) -> None:
    hearing = Hearing(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, Counter())
    assert await hearing.hear(LEASES, encode(message(plant)))
    assert await hearing.hear(LEASES, encode(message(plant, tenant="li")))
    [kept] = await plant.stored(store, LEASE)
    [refused] = await plant.stored(store, QUARANTINE)
    assert (kept.tenant, refused.reason) == ("zhang", "conflict")
