"""Whose batch it is, whose receipt: nobody is answered for somebody else, nobody writes in another's name."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiomqtt
import msgspec
import pytest

from collector.collector import run
from collector.config import Settings
from contract import topics
from contract.messages import Receipt, batch_id
from contract.series import QUARANTINE, USAGE
from store.sqlite import SqliteStore

PATIENCE_S = 20


@pytest.fixture
def site(tmp_path: Path) -> str:
    """A site for each test: the broker outlives it."""
    return tmp_path.name.replace("_", "-").rstrip("-")[-60:].lstrip(".-")


@asynccontextmanager
async def collecting(
    peer: Any, path: Path, site: str, plant: SimpleNamespace, *, store: SqliteStore, counts: Counter[str]
) -> AsyncIterator[aiomqtt.Client]:
    """A client that hears every receipt of the site, beside a collector that runs."""
    settings = Settings.model_validate(
        {
            "collector": {"name": f"c-{site}"},
            "broker": {"host": peer.host, "port": peer.port},
            "store": {"kind": "sqlite", "path": str(path / "store.db")},
        }
    )
    ready = asyncio.Event()
    task = asyncio.create_task(
        run(settings, now=lambda: int(plant.NOW), store=store, ready=ready, counts=counts)
    )
    async with asyncio.timeout(PATIENCE_S):
        await ready.wait()
    async with aiomqtt.Client(peer.host, peer.port, identifier=f"listener-{site}") as client:
        await client.subscribe(topics.receipt(site, "+"), qos=1)
        yield client
    task.cancel()
    await asyncio.wait([task])


async def receipts(client: aiomqtt.Client, count: int) -> list[tuple[str, Receipt]]:
    """Topic and content of the next ``count``."""
    messages = aiter(client.messages)
    async with asyncio.timeout(PATIENCE_S):
        received = [await anext(messages) for _ in range(count)]
    return [(str(m.topic), msgspec.json.decode(bytes(m.payload), type=Receipt)) for m in received]


async def test_a_batch_in_anothers_name_is_refused_to_who_sent_it_and_to_nobody_else(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    record = plant.alone(plant.interval(1, site=site, gateway="gw2"))
    forged = plant.batch([record], site=site, gateway="gw2")
    elsewhere = plant.batch([plant.alone(plant.interval(1))], site="qinghe", gateway="gw1")
    async with collecting(mosquitto, tmp_path, site, plant, store=sqlite, counts=Counter()) as client:
        for payload in (forged, elsewhere):
            await client.publish(topics.batch(site, "gw1"), payload, qos=1)
        heard = await receipts(client, 2)
    assert {topic for topic, _ in heard} == {topics.receipt(site, "gw1")}
    assert {receipt.batch for _, receipt in heard} == {batch_id(forged), batch_id(elsewhere)}
    assert all("its topic" in str(receipt.unreadable) and receipt.accepted == 0 for _, receipt in heard)
    assert await plant.stored(sqlite, USAGE, site) + await plant.stored(sqlite, USAGE) == []
    assert {fact.gateway for fact in await plant.stored(sqlite, QUARANTINE, site)} == {"gw1"}


async def test_records_in_anothers_name_are_rejected_among_ones_own(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    own = plant.alone(plant.interval(1, site=site))
    records = [
        own,
        plant.alone(plant.interval(2, site=site, gateway="gw2", epoch="e2")),
        plant.alone(plant.interval(3, site="anping", epoch="e3")),
    ]
    async with collecting(mosquitto, tmp_path, site, plant, store=sqlite, counts=Counter()) as client:
        await client.publish(topics.batch(site, "gw1"), plant.batch(records, site=site), qos=1)
        [(topic, receipt)] = await receipts(client, 1)
    assert topic == topics.receipt(site, "gw1")
    assert [(x.epoch, x.outcome, x.reason) for x in receipt.exceptions] == [
        ("e2", "rejected", "invalid"),
        ("e3", "rejected", "invalid"),
    ]
    assert await plant.stored(sqlite, USAGE, site) == [own]


async def test_the_same_bytes_of_two_gateways_are_answered_to_each_alone(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    """A payload somebody overheard and sends as his own has the same id; the receipt must not go astray."""
    payload = plant.batch([plant.alone(plant.interval(1, site=site))], site=site)
    async with collecting(mosquitto, tmp_path, site, plant, store=sqlite, counts=Counter()) as client:
        for gateway in ("gw2", "gw1", "gw2"):
            await client.publish(topics.batch(site, gateway), payload, qos=1)
        heard = await receipts(client, 3)
    assert sorted((topic, receipt.accepted) for topic, receipt in heard) == [
        (topics.receipt(site, "gw1"), 1),
        (topics.receipt(site, "gw2"), 0),
        (topics.receipt(site, "gw2"), 0),
    ]


async def test_what_is_on_no_gateways_topic_is_answered_to_nobody(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    counts = Counter[str]()
    payload = plant.batch([plant.alone(plant.interval(1, site=site))], site=site)
    async with collecting(mosquitto, tmp_path, site, plant, store=sqlite, counts=counts) as client:
        for gateway in ("GW1", "none", "gw 1", "disputed"):
            await client.publish(topics.batch(site, gateway), payload, qos=1)
        await client.publish(topics.batch(site, "gw1"), payload, qos=1)
        [(topic, _)] = await receipts(client, 1)
    assert topic == topics.receipt(site, "gw1")
    assert (counts["foreign"], counts["batches"]) == (4, 1)


async def test_a_receipt_that_was_lost_is_given_again_and_nothing_counts_twice(
    mosquitto: Any, sqlite: SqliteStore, plant: SimpleNamespace, tmp_path: Path, site: str
) -> None:
    """The gateway's connection is gone before the answer; it sends the same bytes until it hears one."""
    payload = plant.batch([plant.alone(plant.interval(n, site=site)) for n in (1, 3, 5)], site=site)
    counts = Counter[str]()
    async with collecting(mosquitto, tmp_path, site, plant, store=sqlite, counts=counts) as listener:
        for _ in range(3):
            async with aiomqtt.Client(mosquitto.host, mosquitto.port, identifier=f"gw1-{site}") as gone:
                await gone.publish(topics.batch(site, "gw1"), payload, qos=1)
        heard = await receipts(listener, 3)
    assert len({(topic, receipt) for topic, receipt in map(_hashable, heard)}) == 1
    assert counts["accepted"] == 9
    assert len(await plant.stored(sqlite, USAGE, site)) == 3


def _hashable(heard: tuple[str, Receipt]) -> tuple[str, bytes]:
    return heard[0], msgspec.json.encode(heard[1])
