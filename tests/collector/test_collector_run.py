"""The collector between real peers: a broker, a store, and a gateway that hears receipts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiomqtt
import msgspec
import pytest

from collector.amqtt import embedded
from collector.collector import run
from collector.config import Settings
from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.mqtt import Arrival
from collector.session import Bounds, Session
from contract import topics
from contract.facts import BatchFact, LeaseFact, Quarantined, lease_fact
from contract.messages import Lease, Receipt, batch_id, encode
from contract.series import BATCH, LEASE, METER, QUARANTINE, USAGE, Row, Series, row_of
from contract.topics import Topic
from store.protocol import ANY, Store, StoreAwayError, Written, kept
from store.sqlite import SqliteStore

PATIENCE_S = 20


@pytest.fixture(params=["embedded", "mosquitto"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, int]]:
    if request.param == "embedded":
        async with embedded() as address:
            yield address
    else:
        peer = request.getfixturevalue("mosquitto")
        yield peer.host, peer.port


def settings(broker: tuple[str, int], path: Path, site: str, **collector: Any) -> Settings:
    return Settings.model_validate(
        {
            "collector": {"name": f"collector-{site}", "restore_after_s": 0.2, **collector},
            "broker": {"host": broker[0], "port": broker[1]},
            "store": {"kind": "sqlite", "path": str(path / "store.db")},
        }
    )


class Gateway:
    """Publishes batches and waits for what becomes of them."""

    def __init__(self, client: aiomqtt.Client, site: str) -> None:
        self.client, self.site = client, site
        self._messages = aiter(client.messages)

    async def publish(self, payload: bytes) -> None:
        await self.client.publish(topics.batch(self.site, "gw1"), payload, qos=1)

    async def receipt(self) -> Receipt:
        async with asyncio.timeout(PATIENCE_S):
            message = await anext(self._messages)
        assert isinstance(message.payload, bytes)
        assert not message.retain
        return msgspec.json.decode(message.payload, type=Receipt)

    async def offer(self, payload: bytes) -> Receipt:
        await self.publish(payload)
        return await self.receipt()


@asynccontextmanager
async def gateway(broker: tuple[str, int], site: str) -> AsyncIterator[Gateway]:
    async with aiomqtt.Client(
        *broker, identifier=f"gw1-{site}", protocol=aiomqtt.ProtocolVersion.V311, clean_session=True
    ) as client:
        await client.subscribe(topics.receipt(site, "gw1"), qos=1)
        yield Gateway(client, site)


@asynccontextmanager
async def collecting(
    configured: Settings, now: Callable[[], int], store: Store, counts: Counter[str] | None = None
) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(run(configured, now=now, store=store, ready=ready, counts=counts))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    assert ready.is_set(), task
    yield
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A site for each test: the broker outlives it."""
    return tmp_path.name.replace("_", "-").rstrip("-")[-60:].lstrip(".-")


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110  what is waited for happens in a store or a broker
            await asyncio.sleep(0.02)


def records(plant: SimpleNamespace, site: str, last: int = 4) -> list[Any]:
    intervals = [plant.interval(number, site=site) for number in range(1, last)]
    sealed: list[Any] = plant.chained(plant.meter(site=site), *intervals)
    return sealed


async def test_a_batch_comes_to_rest_once_however_often_it_comes(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    payload = plant.batch(sealed := records(plant, site), site=site)
    async with (
        collecting(settings(broker, tmp_path, site), lambda: plant.NOW, sqlite),
        gateway(broker, site) as gw,
    ):
        receipts = [await gw.offer(payload) for _ in range(3)]
    expected = Receipt(
        batch=batch_id(payload),
        collector=f"collector-{site}",
        at=plant.NOW,
        records=4,
        accepted=4,
        unreadable=None,
        retry_after_ms=0,
        exceptions=[],
    )
    assert receipts == [expected] * 3
    assert await plant.stored(sqlite, METER, site) + await plant.stored(sqlite, USAGE, site) == sealed
    [fact] = await plant.stored(sqlite, BATCH, site)
    assert fact == BatchFact(
        site=site,
        gateway="gw1",
        sealed=plant.NOW,
        id=batch_id(payload),
        records=4,
        accepted=4,
        rejected=0,
        kept=0,
        collector=f"collector-{site}",
    )


async def test_a_bad_record_fails_alone_and_rests_in_quarantine_once(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    good = records(plant, site)
    bad = {**plant.fields_of(plant.alone(plant.interval(9, site=site))), "run_ms": 5}
    payload = plant.batch([good[0], bad, *good[1:]], site=site)
    async with (
        collecting(settings(broker, tmp_path, site), lambda: plant.NOW, sqlite),
        gateway(broker, site) as gw,
    ):
        first, second = await gw.offer(payload), await gw.offer(payload)
    assert first == second
    assert (first.records, first.accepted) == (5, 4)
    [exception] = first.exceptions
    assert (exception.sequence, exception.outcome, exception.reason) == (9, "rejected", "invalid")
    [case] = await plant.stored(sqlite, QUARANTINE, site)
    assert isinstance(case, Quarantined)
    assert (case.machine, case.epoch, case.sequence, case.reason) == ("knit-01", "e1", 9, "invalid")
    assert msgspec.json.decode(case.payload) == bad
    assert len(await plant.stored(sqlite, USAGE, site)) == 3


async def test_a_batch_that_cannot_be_read_is_quarantined_and_said_so(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    async with (
        collecting(settings(broker, tmp_path, site), lambda: plant.NOW, sqlite),
        gateway(broker, site) as gw,
    ):
        receipts = [await gw.offer(payload) for payload in (b"\xff" * 40_000, b"x" * 200_000)]
    assert all(receipt.unreadable and receipt.accepted == 0 for receipt in receipts)
    cases = await plant.stored(sqlite, QUARANTINE, site)
    assert {(case.reason, case.sequence, case.gateway) for case in cases} == {("unreadable", -1, "gw1")}
    assert [case.part for case in cases] == [0, 1, 0, 1, 2, 3]


class Away:
    """A store that cannot be reached until it is ``back``."""

    retry_after_ms = 0

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.back, self.count = store, False, store.count

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        return await self.store.write(rows) if self.back else [kept("nobody is there") for _ in rows]

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        if not self.back:
            raise StoreAwayError("nobody is there")
        async for row in self.store.read(series, start, end, tags):
            yield row


async def test_while_the_store_is_away_everything_is_kept(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    store = Away(sqlite)
    bad = {**plant.fields_of(plant.alone(plant.interval(9, site=site))), "run_ms": 5}
    payload = plant.batch([*records(plant, site), bad], site=site)
    async with (
        collecting(settings(broker, tmp_path, site), lambda: plant.NOW, store),
        gateway(broker, site) as gw,
    ):
        refused = await gw.offer(payload)
        only_bad = await gw.offer(plant.batch([bad], site=site))
        store.back = True
        taken = await gw.offer(payload)
    assert {(x.outcome, x.reason) for x in refused.exceptions + only_bad.exceptions} == {("kept", "store")}
    assert (refused.accepted, len(refused.exceptions), refused.retry_after_ms) == (0, 5, 30_000)
    assert (taken.accepted, taken.retry_after_ms) == (4, 0)


async def test_what_cannot_even_be_quarantined_has_no_receipt_and_comes_again(
    sqlite: SqliteStore, plant: SimpleNamespace
) -> None:
    store = Away(sqlite)
    now = lambda: plant.NOW  # noqa: E731  a clock that stands
    custody = Ingest(store, Quarantine(store, now), now, "c1", Counter())
    assert await custody.take(plant.TOPIC, b"nonsense") is None
    store.back = True
    receipt = await custody.take(plant.TOPIC, b"nonsense")
    assert receipt is not None
    assert receipt.unreadable


async def test_several_gateways_are_served_at_once(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    async def offer(client: aiomqtt.Client, name: str) -> None:
        own = plant.chained(*(plant.interval(n, site=site, gateway=name, machine=name) for n in range(1, 9)))
        for record in own:
            payload = plant.batch([record], site=site, gateway=name, sealed=record.end)
            await client.publish(topics.batch(site, name), payload, qos=1)

    async def answered(client: aiomqtt.Client, count: int) -> set[str]:
        messages = aiter(client.messages)
        async with asyncio.timeout(PATIENCE_S):
            received = [await anext(messages) for _ in range(count)]
        receipts = [msgspec.json.decode(bytes(m.payload), type=Receipt) for m in received]
        assert all(receipt.accepted == receipt.records == 1 for receipt in receipts)
        return {receipt.batch for receipt in receipts}

    names = [f"gw{n}" for n in range(1, 6)]
    async with (
        collecting(settings(broker, tmp_path, site), lambda: plant.NOW, sqlite),
        gateway(broker, site) as gw,
    ):
        for name in names[1:]:
            await gw.client.subscribe(topics.receipt(site, name), qos=1)
        await asyncio.gather(*(offer(gw.client, name) for name in names))
        batches = await answered(gw.client, 40)
    assert len(batches) == 40
    assert len(await plant.stored(sqlite, USAGE, site)) == 40


async def test_a_gateway_whose_broker_restarted_is_heard_again(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    broker = (mosquitto.host, mosquitto.port)
    payload = plant.batch(records(plant, site), site=site)
    async with collecting(settings(broker, tmp_path, site), lambda: plant.NOW, sqlite):
        mosquitto.kill()
        mosquitto.start()
        async with gateway(broker, site) as gw:
            receipt = None
            while receipt is None:
                await gw.publish(payload)
                try:
                    async with asyncio.timeout(0.5):
                        receipt = await gw.receipt()
                except TimeoutError:
                    continue
    assert receipt.accepted == 4


def lease(plant: SimpleNamespace, **changes: Any) -> Lease:
    fields = {
        "id": "l-1",
        "machine": "knit-01",
        "by": "王师傅",
        "tenant": "zhang",
        "order_id": None,
        "effective": plant.NOW,
        "issued": plant.NOW,
    }
    return Lease(**{**fields, **changes})


async def test_a_lease_heard_twice_is_one_fact_from_its_first_hearing(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    clock = iter(range(plant.NOW + 1, plant.NOW + 1000))
    counts: Counter[str] = Counter()

    async def heard() -> bool:
        return counts["lease_messages"] >= 3 and len(await plant.stored(sqlite, QUARANTINE, site)) == 1

    async with (
        collecting(settings(broker, tmp_path, site), lambda: next(clock), sqlite, counts),
        gateway(broker, site) as gw,
    ):
        for message in (lease(plant), lease(plant), lease(plant, id="l-2", tenant="li")):
            await gw.client.publish(topics.lease(site, "knit-01"), encode(message), qos=1, retain=True)
        await until(heard)
    [fact] = await plant.stored(sqlite, LEASE, site)
    assert isinstance(fact, LeaseFact)
    assert (fact.id, fact.tenant, fact.order_id, fact.effective) == ("l-1", "zhang", "none", plant.NOW)
    assert fact.heard == plant.NOW + 1
    [case] = await plant.stored(sqlite, QUARANTINE, site)
    assert (case.gateway, case.machine, case.reason) == ("none", "knit-01", "conflict")


async def test_a_lease_announced_while_the_store_is_away_is_kept_when_it_is_back(
    broker: tuple[str, int], sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    store, counts = Away(sqlite), Counter[str]()

    async def was_tried() -> bool:
        return counts["lease_messages"] > 0

    async def rests() -> bool:
        return len(await plant.stored(sqlite, LEASE, site)) == 2

    async with (
        collecting(settings(broker, tmp_path, site), lambda: plant.NOW, store, counts),
        gateway(broker, site) as gw,
    ):
        for message in (lease(plant), lease(plant, id="l-2", tenant=None, issued=plant.NOW + 5)):
            await gw.client.publish(topics.lease(site, "knit-01"), encode(message), qos=1, retain=True)
        await until(was_tried)
        store.back = True
        await until(rests)


async def test_a_broker_that_forgot_is_given_the_latest_lease_again(
    sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    async def rests() -> bool:
        return len(await plant.stored(sqlite, LEASE, site)) == 2

    end = lease(plant, id="l-2", tenant=None, issued=plant.NOW + 5)
    async with (
        embedded() as one,
        collecting(settings(one, tmp_path, site), lambda: plant.NOW, sqlite),
        gateway(one, site) as gw,
    ):
        for message in (lease(plant), end):
            await gw.client.publish(topics.lease(site, "knit-01"), encode(message), qos=1, retain=True)
        await until(rests)
    async with (
        embedded() as other,
        collecting(settings(other, tmp_path, site), lambda: plant.NOW, sqlite),
        gateway(other, site) as gw,
    ):
        await gw.client.subscribe(topics.lease(site, "+"), qos=1)
        async with asyncio.timeout(PATIENCE_S):
            heard = await anext(gw.client.messages)
    assert isinstance(heard.payload, bytes)
    assert msgspec.json.decode(heard.payload, type=Lease) == end


async def test_a_gateway_that_floods_is_answered_within_bounds(
    sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    counts: Counter[str] = Counter()
    async with embedded() as address:
        configured = settings(address, tmp_path, site, batches_at_once=1, batches_waiting=4)
        async with collecting(configured, lambda: plant.NOW, sqlite, counts), gateway(address, site) as gw:
            payloads = [plant.batch([], site=site, sealed=plant.NOW + n) for n in range(60)]
            await asyncio.gather(*map(gw.publish, payloads))

            async def settled() -> bool:
                return counts["batches"] + counts["dropped"] == 60

            await until(settled)
            last = await gw.offer(plant.batch([], site=site))
    assert last.records == 0


async def test_collectors_behind_one_subscription_divide_the_work(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    broker = (mosquitto.host, mosquitto.port)
    alone = settings(broker, tmp_path, site)
    shared = alone.broker.model_copy(update={"shared": f"group-{site}"[:32]})
    one, other = (
        alone.model_copy(
            update={"broker": shared, "collector": alone.collector.model_copy(update={"name": f"{n}-{site}"})}
        )
        for n in ("one", "other")
    )
    async with (
        collecting(one, lambda: plant.NOW, sqlite),
        collecting(other, lambda: plant.NOW, sqlite),
        gateway(broker, site) as gw,
    ):
        offered = [plant.batch([], site=site, sealed=plant.NOW + n) for n in range(20)]
        receipts = [await gw.offer(payload) for payload in offered]
        await gw.client.publish(topics.lease(site, "knit-01"), encode(lease(plant)), qos=1, retain=True)

        async def rests() -> bool:
            return len(await plant.stored(sqlite, LEASE, site)) == 1

        await until(rests)
    assert [receipt.batch for receipt in receipts] == [batch_id(payload) for payload in offered]
    assert {receipt.collector for receipt in receipts} == {f"one-{site}", f"other-{site}"}
    assert await plant.stored(sqlite, QUARANTINE, site) == []


async def test_a_broker_that_forgot_while_the_store_was_away_is_given_the_lease_when_it_is_back(
    sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    await sqlite.write([row_of(lease_fact(site, lease(plant), plant.NOW))])
    store = Away(sqlite)
    async with (
        embedded() as one,
        collecting(settings(one, tmp_path, site, restore_after_s=0), lambda: plant.NOW, store),
        gateway(one, site) as gw,
    ):
        await gw.client.subscribe(topics.lease(site, "+"), qos=1)
        await asyncio.sleep(0.2)
        store.back = True
        async with asyncio.timeout(PATIENCE_S):
            heard = await anext(gw.client.messages)
    assert isinstance(heard.payload, bytes)
    assert msgspec.json.decode(heard.payload, type=Lease) == lease(plant)


async def test_topics_heard_are_forgotten_once_the_broker_was_given_what_it_lacked(
    sqlite: SqliteStore, plant: SimpleNamespace
) -> None:
    now = lambda: plant.NOW  # noqa: E731  a clock that stands
    quarantine = Quarantine(sqlite, now)
    session = Session(
        ingest=Ingest(sqlite, quarantine, now, "c1", Counter()),
        store=sqlite,
        counts=Counter(),
        bounds=Bounds(at_once=1, waiting=4, restore_after_s=0),
        now=now,
    )
    await session.open(cast("Any", Deaf()))
    session._admit(Arrival(Topic("lease", "qinghe", "knit-01"), b"x"))
    assert len(session._heard) == 1
    await session._restore(cast("Any", Deaf()))
    for number in range(50):
        session._admit(Arrival(Topic("order", "qinghe", f"A-{number}"), b"x"))
    assert session._heard == set()


class Deaf:
    """A broker that takes subscriptions and says nothing."""

    async def subscribe(self, *_: Any, **__: Any) -> tuple[int, ...]:
        return (1,)
