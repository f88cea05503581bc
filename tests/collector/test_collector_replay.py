"""Cases judged again: what is good is stored once and marked, what is not stays; on both stores."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from collector import ledger, tables
from collector.cases import held
from collector.hearing import Hearing
from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.quarantine import Case
from collector.replay import Replayed, chosen
from collector.replaying import replay_cases
from contract.facts import WitnessFact
from contract.messages import Lease, Order, Witness, batch_id, encode
from contract.series import BATCH, LEASE, METER, ORDER, QUARANTINE, USAGE, WITNESS
from contract.topics import Topic
from store.config import InfluxConfig
from store.opening import open_store
from store.protocol import Store, StoreAwayError, Written, kept
from store.sqlite import SqliteStore, open_sqlite

DAY = 86_400_000


@pytest.fixture(params=["sqlite", "influx"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        async with open_sqlite(tmp_path / "store.db") as sqlite:
            yield sqlite
    else:
        influx = request.getfixturevalue("influx")
        database = request.getfixturevalue("influx_database")
        async with open_store(InfluxConfig(kind="influx", url=influx.url, database=database)) as opened:
            yield opened


async def quarantine(store: Store, plant: SimpleNamespace, *cases: Case, at: int | None = None) -> None:
    assert await Quarantine(store, lambda: at or plant.NOW).put(cases)


def case(payload: bytes, **changes: Any) -> Case:
    """By default a whole batch of gw1 that could not be read."""
    fields = {"site": "qinghe", "gateway": "gw1", "batch": batch_id(payload), "reason": "unreadable"}
    return Case(**{**fields, "detail": "why", "payload": payload, **changes})


def of_record(record: Any, reason: str = "unknown_field", **changes: Any) -> Case:
    fields = record if isinstance(record, dict) else msgspec.json.decode(encode(record))
    name = {"machine": fields["machine"], "epoch": fields["epoch"], "sequence": fields["sequence"]}
    return case(msgspec.json.encode(fields), reason=reason, **{**name, "batch": "a" * 64, **changes})


async def replayed(
    store: Store,
    plant: SimpleNamespace,
    *,
    at: int | None = None,
    reason: str | None = None,
    dry: bool = False,
) -> list[Replayed]:
    cases = chosen(held(await ledger.quarantined(store, 0)), reason)
    return await replay_cases(store, cases, lambda: at or plant.NOW + 1000, dry=dry)


def told(outcomes: list[Replayed]) -> list[tuple[str, bool]]:
    return [(one.outcome, one.is_done) for one in outcomes]


async def test_a_record_that_was_ahead_of_its_time_is_stored_once_and_marked(
    store: Store, plant: SimpleNamespace
) -> None:
    record = plant.alone(plant.interval())
    early = record.end - 3 * DAY
    custody = Ingest(store, Quarantine(store, lambda: early), lambda: early, "c1", Counter())
    await custody.take(plant.TOPIC, plant.batch([record]))
    assert await plant.stored(store, USAGE) == []
    assert told(await replayed(store, plant, at=early + 10)) == [("rejected", False)]
    assert told(await replayed(store, plant)) == [("accepted", True)]
    assert await plant.stored(store, USAGE) == [record]
    assert await replayed(store, plant) == [], "what was replayed is not chosen again"
    [one] = held(await ledger.quarantined(store, 0))
    assert one.replayed == plant.NOW + 1000
    marks = [fact for fact in await plant.stored(store, QUARANTINE) if fact.replayed]
    assert [(x.reason, x.machine, x.epoch, x.sequence, x.payload) for x in marks] == [
        ("replayed", "knit-01", "e1", 1, one.id)
    ]


async def test_what_came_by_another_way_meanwhile_is_not_doubled(
    store: Store, plant: SimpleNamespace
) -> None:
    record = plant.alone(plant.interval())
    await quarantine(store, plant, of_record(record))
    custody = Ingest(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, "c1", Counter())
    await custody.take(plant.TOPIC, plant.batch([record]))
    assert told(await replayed(store, plant)) == [("accepted", True)]
    assert await plant.stored(store, USAGE) == [record]


async def test_what_is_still_bad_stays_as_it_is(store: Store, plant: SimpleNamespace) -> None:
    record = plant.alone(plant.interval())
    other = plant.alone(plant.interval(order_id="A-18"))
    custody = Ingest(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, "c1", Counter())
    spoiled = {**plant.fields_of(plant.alone(plant.interval(5))), "run_ms": 5}
    for bad in (record, other, spoiled, None):
        await custody.take(plant.TOPIC, plant.batch([bad]))
    before = await plant.stored(store, QUARANTINE)
    assert len(before) == 3
    outcomes = await replayed(store, plant)
    assert told(outcomes) == [("rejected", False)] * 3
    assert [one.detail.split(":")[0] for one in outcomes] == ["conflict", "invalid", "invalid"]
    assert await plant.stored(store, QUARANTINE) == before
    assert await plant.stored(store, USAGE) == [record]


async def test_a_field_still_unknown_is_still_kept(store: Store, plant: SimpleNamespace) -> None:
    fields = plant.fields_of(plant.alone(plant.interval())) | {"humidity": 5}
    await quarantine(store, plant, of_record(fields))
    assert told(await replayed(store, plant)) == [("kept", False)]


async def test_a_batch_that_can_be_read_now_is_taken_whole(store: Store, plant: SimpleNamespace) -> None:
    good = plant.chained(plant.meter(), *map(plant.interval, range(1, 50)))
    spoiled = {**plant.fields_of(plant.alone(plant.interval(5, epoch="e7"))), "run_ms": 5}
    payload = plant.batch([*good, spoiled])
    assert 32 * 1024 < len(payload) <= 64 * 1024, "in two parts"
    await quarantine(store, plant, case(payload))
    tomorrow = plant.NOW + DAY
    [outcome] = await replayed(store, plant, at=tomorrow)
    assert (outcome.outcome, outcome.is_done) == ("rejected", True)
    assert outcome.detail.startswith("50 accepted, 1 rejected; invalid:")
    assert await plant.stored(store, METER) + await plant.stored(store, USAGE) == good
    whole, bad = held(await ledger.quarantined(store, 0))
    assert (whole.replayed, bad.replayed, bad.first.sequence) == (tomorrow + 1, None, 5)
    assert told(await replayed(store, plant)) == [("rejected", False)]
    assert len(held(await ledger.quarantined(store, 0))) == 2
    assert await plant.stored(store, BATCH) == [], "what became of a batch is told by its receipt"


async def test_a_dry_run_tells_the_same_and_writes_nothing(store: Store, plant: SimpleNamespace) -> None:
    one, other = plant.alone(plant.interval(1)), plant.alone(plant.interval(2))
    changed = plant.alone(plant.interval(2, order_id="A-18"))
    custody = Ingest(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, "c1", Counter())
    await custody.take(plant.TOPIC, plant.batch([other]))
    await quarantine(store, plant, of_record(one), of_record(changed), case(b"nonsense"), lease_case(plant))
    before = await plant.stored(store, QUARANTINE)
    dry = await replayed(store, plant, dry=True)
    assert told(dry) == [("accepted", True), ("rejected", False), ("refused", False), ("accepted", True)]
    assert await plant.stored(store, QUARANTINE) == before
    assert await plant.stored(store, USAGE) == [other]
    assert await plant.stored(store, LEASE) == []
    assert told(await replayed(store, plant)) == told(dry)
    table = tables.replayed(dry, dry=True)
    assert table.remarks == ["2 of 4 would be replayed."]


def lease(plant: SimpleNamespace, **changes: Any) -> Lease:
    fields = {"id": "l-1", "machine": "knit-01", "by": "王", "tenant": "zhang", "order_id": None}
    return Lease(**{"effective": plant.NOW, "issued": plant.NOW, **fields, **changes})


def lease_case(plant: SimpleNamespace) -> Case:
    return case(encode(lease(plant)), gateway="none", machine="knit-01")


async def test_announcements_become_facts_from_their_first_hearing(
    store: Store, plant: SimpleNamespace
) -> None:
    order = Order(
        id="o-1",
        order_id="A-17",
        tenant="zhang",
        article="x",
        by="y",
        wanted=1,
        due=None,
        closed=False,
        issued=plant.NOW + 2 * DAY,
    )
    hearing = Hearing(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, Counter())
    late = lease(plant, issued=plant.NOW + 2 * DAY)
    assert await hearing.hear(Topic("lease", "qinghe", "knit-01"), encode(late))
    assert await hearing.hear(Topic("order", "qinghe", "A-17"), encode(order))
    assert told(await replayed(store, plant)) == [("refused", False)] * 2
    assert told(await replayed(store, plant, at=plant.NOW + 2 * DAY)) == [("accepted", True)] * 2
    [kept_lease], [kept_order] = await plant.stored(store, LEASE), await plant.stored(store, ORDER)
    assert {kept_lease.heard, kept_order.heard} == {plant.NOW, plant.NOW + 1}


def witness(plant: SimpleNamespace, **changes: Any) -> Witness:
    fields = {"id": "w-1", "machine": "knit-01", "by": "王", "gateway": "gw1", "at": plant.NOW - 5}
    more = {"profile": "knit@1", "profile_digest": "a" * 64, "serial": 7, "readings": {"pieces": 812}}
    return Witness(**{**fields, **more, "panel": {"pieces": "812"}, "issued": plant.NOW, **changes})


async def test_a_witness_becomes_a_fact_once_and_at_the_latest_when_it_is_replayed(
    store: Store, plant: SimpleNamespace
) -> None:
    hearing = Hearing(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, Counter())
    topic = Topic("witness", "qinghe", "knit-01")
    late = witness(plant, id="w-2", issued=plant.NOW + 2 * DAY)
    for message in (witness(plant), witness(plant), late, witness(plant, machine="knit-02")):
        assert await hearing.hear(topic, encode(message))
    [fact] = await plant.stored(store, WITNESS)
    assert isinstance(fact, WitnessFact)
    assert (fact.readings, fact.panel, fact.heard) == ({"pieces": 812}, "pieces=812", plant.NOW)
    assert told(await replayed(store, plant, at=plant.NOW + 2 * DAY)) == [
        ("accepted", True),
        ("refused", False),
    ]
    assert [fact.id for fact in await plant.stored(store, WITNESS)] == ["w-1", "w-2"]


async def test_another_lease_at_the_same_instant_stays_a_conflict(
    store: Store, plant: SimpleNamespace
) -> None:
    hearing = Hearing(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, Counter())
    for message in (lease(plant), lease(plant, id="l-2", tenant="li")):
        assert await hearing.hear(Topic("lease", "qinghe", "knit-01"), encode(message))
    [outcome] = await replayed(store, plant, reason="conflict")
    assert (outcome.outcome, outcome.is_done) == ("rejected", False)
    assert [fact.tenant for fact in await plant.stored(store, LEASE)] == ["zhang"]


async def test_a_reason_chooses(sqlite: SqliteStore, plant: SimpleNamespace) -> None:
    await quarantine(
        sqlite,
        plant,
        of_record(plant.alone(plant.interval(1)), "retention"),
        of_record(plant.alone(plant.interval(2)), "future"),
    )
    assert told(await replayed(sqlite, plant, reason="future")) == [("accepted", True)]
    assert [record.sequence for record in await plant.stored(sqlite, USAGE)] == [2]


async def test_a_payload_filed_under_another_name_is_not_written(
    sqlite: SqliteStore, plant: SimpleNamespace
) -> None:
    await quarantine(sqlite, plant, of_record(plant.alone(plant.interval(1)), sequence=9))
    [outcome] = await replayed(sqlite, plant)
    assert (outcome.outcome, "filed under" in outcome.detail) == ("refused", True)
    assert await plant.stored(sqlite, USAGE) == []


class Faltering:
    """A store that keeps what it is given after some writes."""

    retry_after_ms = 0

    def __init__(self, store: SqliteStore, good: int) -> None:
        self.store, self.good, self.read, self.count = store, good, store.read, store.count

    async def write(self, rows: Any) -> list[Written]:
        self.good -= 1
        return await self.store.write(rows) if self.good >= 0 else [kept("away") for _ in rows]


@pytest.mark.parametrize("good", range(6))
async def test_a_replay_that_is_broken_off_is_finished_by_the_next(
    sqlite: SqliteStore, plant: SimpleNamespace, good: int
) -> None:
    records = [plant.alone(plant.interval(n)) for n in (1, 2)]
    spoiled = {**plant.fields_of(plant.alone(plant.interval(5, epoch="e7"))), "run_ms": 5}
    batch = case(plant.batch([plant.alone(plant.interval(3)), spoiled]))
    await quarantine(sqlite, plant, *map(of_record, records), batch)
    cases = chosen(held(await ledger.quarantined(sqlite, 0)), None)
    faltering = Faltering(sqlite, good)
    try:
        outcomes = await replay_cases(faltering, cases, lambda: plant.NOW + 5)
        assert good == 5 or not all(one.is_done for one in outcomes)
    except StoreAwayError:
        pass
    later = plant.NOW + 10 * DAY
    assert all(one.is_done for one in await replayed(sqlite, plant, at=later) if one.outcome != "rejected")
    assert len(await plant.stored(sqlite, USAGE)) == 3
    found = held(await ledger.quarantined(sqlite, 0))
    assert [one.replayed is None for one in found] == [False, False, False, True]
    assert len(await plant.stored(sqlite, QUARANTINE)) == 7
