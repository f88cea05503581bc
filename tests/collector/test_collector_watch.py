"""What the collector tells of itself: over HTTP, from a running one, and what its report amounts to."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.collector import run
from collector.config import Settings
from collector.gauges import families
from collector.health import SILENT_MS, troubles
from collector.measured import MeasuredStore
from collector.report import GATEWAYS, LATENCY_S, LastHeard, Latency, Queues, Report
from collector.watch import Watch
from contract.series import USAGE, Row, Series
from daemon.exposition import lines
from daemon.health import judged
from store.protocol import ANY, Written, kept
from tests.collector.test_collector_run import gateway

NOW = 1_800_000_000_000
QUEUES = Queues(
    room={"qinghe/gw1": 21},
    room_places=22,
    room_share=23,
    under_way=24,
    at_once=25,
    arrivals=26,
    announcements=27,
    announcements_bytes=28,
    announcements_limit_bytes=33,
    topics=29,
    machines=30,
    points=32,
)
WELL = Report(
    name="c1",
    version="0.1.0",
    now_ms=NOW,
    is_connected=True,
    store_trouble="",
    retry_after_ms=0,
    is_dropping=False,
    refusing=(),
    stuck=(),
    heard={"qinghe/gw1": NOW - SILENT_MS},
    quarantine_rows=31,
    queues=QUEUES,
)


def but(**changes: Any) -> Report:
    return msgspec.structs.replace(WELL, **changes)


@pytest.mark.parametrize(
    ("report", "status", "reasons"),
    [
        (WELL, "ok", []),
        (but(is_connected=False), "failing", ["broker: away"]),
        (but(store_trouble="it is away"), "failing", ["store: takes nothing"]),
        (but(stuck=("batches",)), "failing", ["batches: stuck"]),
        (but(is_dropping=True), "degraded", ["batches: dropped unread"]),
        (but(refusing=("qinghe/gw2",)), "degraded", ["qinghe/gw2: sends what cannot be accepted"]),
        (but(heard={"qinghe/gw1": NOW - SILENT_MS - 1}), "degraded", ["qinghe/gw1: silent"]),
        (but(wrong={"http": "deaf"}), "degraded", ["http: deaf"]),
    ],
)
def test_health_is_what_custody_needs(report: Report, status: str, reasons: list[str]) -> None:
    found = judged("collector", "c1", "0.1.0", troubles(report))
    assert (found.status, [f"{one.subject}: {one.kind}" for one in found.reasons]) == (status, reasons)


def parsed(text: str) -> dict[str, float]:
    return {
        "|".join([s.name.removeprefix("gongfang_collector_"), *s.labels.values()]): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def test_every_queue_has_a_gauge() -> None:
    """Each field is a number of its own here, so that none can stand in for another."""
    found = parsed("".join(lines(families(WELL, Counter(), {}))))
    assert set(range(21, 34)) <= set(found.values())


def test_a_gateway_that_was_heard_of_long_ago_makes_room_for_another() -> None:
    heard = LastHeard()
    for n in range(GATEWAYS + 5):
        heard.hear(f"s/{n}", n)
    heard.hear("s/5", 9_999)
    heard.hear("s/new", 10_000)
    assert len(heard.at()) == GATEWAYS
    assert heard.at()["s/5"] == 9_999
    assert "s/6" not in heard.at()


async def test_a_gateway_that_falls_silent_is_told_once_and_again_when_it_sends(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("collector.watch._TELL_S", 0.005)
    heard, now = LastHeard(), [NOW]
    assert heard.hear("qinghe/gw1", NOW)
    session = SimpleNamespace(room=(), under_way=0, announced=(), is_connected=True)
    parts: dict[str, Any] = {"store": None, "ingest": SimpleNamespace(heard=heard), "session": session}
    telling = asyncio.create_task(Watch("c1", lambda: now[0], Counter(), **parts).tell_systemd())
    await asyncio.sleep(0.02)
    now[0] += SILENT_MS + 1
    await asyncio.sleep(0.05)
    assert not heard.hear("qinghe/gw1", now[0])
    await asyncio.sleep(0.05)
    telling.cancel()
    assert [f"{record.levelname} {record.getMessage()}" for record in caplog.records] == [
        "WARNING qinghe/gw1 has sent no batch for 15 minutes: look at its agent and at the way to the broker",
        "INFO qinghe/gw1 sends batches again",
    ]


def test_a_latency_is_counted_under_the_first_bound_that_it_does_not_exceed() -> None:
    latency = Latency()
    for seconds in (0.0005, 0.001, 0.0011, 30, 31):
        latency.took(seconds)
    assert (latency.counts[0], latency.counts[1], latency.counts[-2], latency.counts[-1]) == (2, 1, 1, 1)
    assert len(latency.counts) == len(LATENCY_S) + 1


class SlowStore:
    retry_after_ms = 7

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        await asyncio.sleep(0.03)
        return [kept("slow") for _ in rows]

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        for time in (start, start + 1):
            await asyncio.sleep(0.03)
            yield Row(series=series.name, time=time, tags={}, fields={})

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        return 3


async def test_a_store_is_measured_without_the_waiting_of_who_reads_it() -> None:
    store = MeasuredStore(SlowStore())
    assert [one.detail for one in await store.write([])] == []
    async for _ in store.read(USAGE, 1, 3):
        await asyncio.sleep(0.3)
    assert await store.count(USAGE, 0, 1) == 3
    assert store.retry_after_ms == 7
    assert {work: sum(latency.counts) for work, latency in store.latencies.items()} == {
        "write": 1,
        "read": 1,
        "count": 1,
    }
    assert 0.03 <= store.latencies["write"].seconds < 0.3
    assert 0.06 <= store.latencies["read"].seconds < 0.3


async def got(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_a_running_collector_is_asked_how_it_is(
    tmp_path: Path, mosquitto: Any, free_port: Callable[[], int], plant: SimpleNamespace
) -> None:
    port, broker = free_port(), (mosquitto.host, mosquitto.port)
    settings = Settings.model_validate(
        {
            "collector": {"name": "c-watched", "restore_after_s": 0.1},
            "broker": {"host": broker[0], "port": broker[1]},
            "store": {"kind": "sqlite", "path": str(tmp_path / "store.db")},
            "http": {"port": port},
        }
    )
    ready = asyncio.Event()
    running = asyncio.create_task(run(settings, now=lambda: plant.NOW, ready=ready))
    await ready.wait()
    try:
        async with gateway(broker, "watched") as one:
            payload = plant.batch([plant.alone(plant.interval(site="watched"))], site="watched")
            await one.offer(payload)
            await one.offer(b"nonsense")
        status, text = await got(f"http://127.0.0.1:{port}/metrics")
        health_status, health = await got(f"http://127.0.0.1:{port}/healthz")
        found = parsed(text)
        assert (status, health_status) == (200, 200)
        assert found["batches_total"] == 2
        assert found["records_total|accepted"] == 1
        assert found["unreadable_total"] == 1
        assert found["quarantine_rows"] == 1
        assert found["last_batch_timestamp_seconds|watched/gw1"] == plant.NOW / 1000
        assert found["store_write_seconds_count"] >= 3
        assert found["room_places"] == 256
        told = json.loads(health)
        assert [(one["subject"], one["kind"]) for one in told["reasons"]] == [
            ("watched/gw1", "sends what cannot be accepted")
        ]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
