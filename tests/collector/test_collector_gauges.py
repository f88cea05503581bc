"""Gauges through a real broker into their own file, beside custody; what they may never cost is a record."""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from pydantic import ValidationError

from collector.amqtt import embedded
from collector.collector import run
from collector.config import Settings, load
from collector.gauge_feed import WAITING, GaugeFeed
from collector.mqtt import Arrival
from contract import topics
from contract.gauges import Gauges, Point, encode
from contract.topics import Topic
from store.gauge_store import GaugesLostError

NOW = 1_800_000_000_000
PATIENCE_S = 20


def shown(value: float, at: int = NOW, machine: str = "weld-01") -> bytes:
    return encode(Gauges(machine=machine, area="hall", kind="weld", at=at, values={"current": value}))


@pytest.fixture(params=["embedded", "mosquitto"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, int]]:
    if request.param == "embedded":
        async with embedded() as address:
            yield address
    else:
        peer = request.getfixturevalue("mosquitto")
        yield peer.host, peer.port


def settings(broker: tuple[str, int], path: Path, **more: Any) -> Settings:
    return Settings.model_validate(
        {
            "collector": {"name": f"c-{path.name[-40:].strip('-._')}".lower().replace("_", "-")},
            "broker": {"host": broker[0], "port": broker[1]},
            "store": {"kind": "sqlite", "path": str(path / "store.db")},
            **more,
        }
    )


@asynccontextmanager
async def collecting(configured: Settings, counts: Counter[str]) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(run(configured, now=lambda: NOW, ready=ready, counts=counts))
    await asyncio.wait_for(ready.wait(), PATIENCE_S)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  what is waited for happens in a file or a count
            await asyncio.sleep(0.02)


def stored(path: Path) -> list[tuple[str, float]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT machine, value FROM gauge ORDER BY machine, time").fetchall()


async def test_what_machines_show_rests_in_a_file_of_its_own(broker: tuple[str, int], tmp_path: Path) -> None:
    """And what is no gauge is refused, without harm to what is."""
    gauges, counts = tmp_path / "gauges.db", Counter[str]()
    site = f"s{tmp_path.name[-20:].strip('-._')}".lower().replace("_", "-")
    configured = settings(broker, tmp_path, gauges={"kind": "sqlite", "path": str(gauges)})
    async with (
        collecting(configured, counts),
        aiomqtt.Client(*broker, identifier=f"gw-{site}", protocol=aiomqtt.ProtocolVersion.V311) as client,
    ):
        topic = topics.gauges(site, "weld-01")
        async with asyncio.timeout(PATIENCE_S):
            while not counts["gauges"]:  # QoS 0: what nobody hears yet is gone
                await client.publish(topic, shown(212.5), qos=0)
                await asyncio.sleep(0.05)
            for payload in (b"nonsense", shown(1, machine="weld-02"), shown(1, at=0)):
                await client.publish(topic, payload, qos=0)
            await client.publish(topic, shown(213.25, NOW + 1000), qos=0)
            await until(lambda: ("weld-01", 213.25) in stored(gauges))
    assert stored(gauges) == [("weld-01", 212.5), ("weld-01", 213.25)]
    assert counts["gauges_refused"] == 3
    assert counts["foreign"] == 0
    with closing(sqlite3.connect(tmp_path / "store.db")) as facts:
        names = [name for (name,) in facts.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert "gauge" not in names
        for name in ("quarantine", "usage", "batch"):
            assert not facts.execute(f"SELECT * FROM {name}").fetchall()


async def test_without_the_table_gauges_are_not_even_heard(tmp_path: Path) -> None:
    counts = Counter[str]()
    async with (
        embedded() as broker,
        collecting(settings(broker, tmp_path), counts),
        aiomqtt.Client(*broker, identifier="gw", protocol=aiomqtt.ProtocolVersion.V311) as client,
    ):
        await client.publish(topics.gauges("s", "weld-01"), shown(1), qos=1)
        await client.publish("gongfang/v1/s/order/1", b"nonsense", qos=1)
        await until(lambda: counts["refused_announcements"])  # heard after it, on the same connection
    assert counts["gauges"] == 0


class Failing:
    """A store that takes nothing for its first ``failures`` writes."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.taken: list[Point] = []
        self.wrote = asyncio.Event()

    async def write(self, points: Sequence[Point]) -> None:
        if self.failures:
            self.failures -= 1
            raise GaugesLostError("the disk is full")
        self.taken += points
        self.wrote.set()


def feed(store: Failing, counts: Counter[str]) -> GaugeFeed:
    return GaugeFeed(store, lambda: NOW, counts, "")


def arrival(value: float, at: int = NOW) -> Arrival:
    return Arrival(Topic("gauges", "s", "weld-01"), shown(value, at))


async def test_a_store_that_fails_loses_points_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    counts, store = Counter[str](), Failing(2)
    made = feed(store, counts)
    task = asyncio.create_task(made._write())
    for n in range(3):
        made.hear(arrival(n, NOW + n))
        lost = min(n + 1, 2)
        await until(lambda lost=lost: counts["gauges_lost"] >= lost)  # type: ignore[misc]
    await asyncio.wait_for(store.wrote.wait(), PATIENCE_S)
    task.cancel()
    assert [point.shown.values for point in store.taken] == [{"current": 2.0}]
    assert counts["gauges_lost"] == 2
    said = [record.getMessage() for record in caplog.records]
    assert said == ["gauges are lost: the disk is full", "gauges are stored again"]


def test_of_more_than_can_wait_the_oldest_go() -> None:
    counts = Counter[str]()
    made = feed(Failing(0), counts)
    for n in range(WAITING + 3):
        made.hear(arrival(n, NOW + n))
    assert len(made._waiting) == WAITING
    assert made._waiting[0].shown.at == NOW + 3
    assert counts["gauges_dropped"] == 3


def test_gauges_among_the_facts_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="give \\[gauges\\] a database of its own"):
        settings(("h", 1), tmp_path, gauges={"kind": "sqlite", "path": str(tmp_path / "store.db")})


def test_the_shipped_example_has_gauges_that_can_be_turned_on(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "configs" / "collector.toml").read_text("utf-8")
    begin = text.index("#[gauges]\n")
    table = text[begin : text.index("\n\n", begin)]
    on = text.replace(table, table.replace("#", ""))
    (tmp_path / "collector.toml").write_text(on, "utf-8")
    kept = load(tmp_path / "collector.toml").gauges
    assert kept is not None
    assert (kept.kind, kept.retention_days) == ("sqlite", 30)
