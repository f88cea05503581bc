"""Two collectors as processes behind one shared subscription; one is killed while batches flow."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import aiomqtt
import msgspec
import pytest

from contract import topics
from contract.messages import Receipt, batch_id
from contract.records import Interval
from contract.series import QUARANTINE, USAGE, fact_of
from store.config import InfluxConfig
from store.opening import open_store

PATIENCE_S = 60
ROOT = Path(__file__).parent.parent.parent
BATCHES = 240
IN_FLIGHT = 8
RESEND_S = 0.5

CONFIG = """\
[collector]
name = "{name}"
[broker]
host = "{host}"
port = {port}
shared = "{group}"
[store]
kind = "influx"
url = "{url}"
database = "{database}"
[clock]
real_ms = {real}
plant_ms = {plant}
"""


class Process:
    """`gongfang-collector run`."""

    def __init__(self, directory: Path, name: str, **values: Any) -> None:
        self.directory, self.name = directory, name
        self.config = directory / f"{name}.toml"
        self.config.write_text(CONFIG.format(name=name, **values), "utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = self.directory / f"{self.name}.notify"
        path.unlink(missing_ok=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
            (self.directory / f"{self.name}.log").open("ab") as log,
        ):
            listener.bind(str(path))
            listener.settimeout(PATIENCE_S)
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "collector", "run", "--config", str(self.config)],
                cwd=ROOT,
                env={**os.environ, "NOTIFY_SOCKET": str(path)},
                stdout=log,
                stderr=log,
            )
            while not (said := listener.recv(4096)).startswith(b"READY=1"):
                assert said.startswith(b"STATUS="), said  # what it waits for, while it is slow to start

    def send(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)

    def end(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.send(how)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def pair(
    mosquitto: Any, influx: Any, influx_database: str, tmp_path: Path, plant: SimpleNamespace
) -> Iterator[tuple[Process, Process]]:
    values = {
        "host": mosquitto.host,
        "port": mosquitto.port,
        "group": f"g-{uuid4().hex[:8]}",
        "url": influx.url,
        "database": influx_database,
        "real": time.time_ns() // 1_000_000,
        "plant": plant.NOW,
    }
    one, other = (Process(tmp_path, f"{name}-{uuid4().hex[:8]}", **values) for name in ("one", "other"))
    try:
        for each in (one, other):
            each.start()
        yield one, other
    finally:
        for each in (one, other):
            if each.process is not None and each.process.poll() is None:
                each.end(signal.SIGTERM)


class Sender:
    """A gateway that sends each batch until it hears a receipt for it, a few at a time."""

    def __init__(self, client: aiomqtt.Client, site: str, payloads: list[bytes]) -> None:
        self._client, self._site = client, site
        self._todo = {batch_id(payload): payload for payload in payloads}
        self.receipts: dict[str, Receipt] = {}
        self.sent = 0
        self.by_collector: list[str] = []

    async def run(self, progress: Callable[[int], None]) -> None:
        listening = asyncio.create_task(self._listen(progress))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while waiting := [name for name in self._todo if name not in self.receipts]:
                    for name in waiting[:IN_FLIGHT]:
                        await self._client.publish(topics.batch(self._site, "gw1"), self._todo[name], qos=1)
                        self.sent += 1
                    await self._answered(waiting[:IN_FLIGHT])
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _answered(self, names: list[str]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESEND_S):
                while not self.receipts.keys() >= set(names):  # noqa: ASYNC110  another task hears them
                    await asyncio.sleep(0.005)

    async def _listen(self, progress: Callable[[int], None]) -> None:
        async for message in self._client.messages:
            receipt = msgspec.json.decode(bytes(message.payload), type=Receipt)
            self.receipts.setdefault(receipt.batch, receipt)
            self.by_collector.append(receipt.collector)
            progress(len(self.receipts))


def batches(plant: SimpleNamespace, site: str) -> list[bytes]:
    """A chain of ten-second intervals, cut into batches of three."""
    duration = 10_000
    records, start = [], plant.NOW - BATCHES * 3 * duration
    for number in range(BATCHES * 3):
        at = start + number * duration
        records.append(
            plant.interval(
                number + 1, site=site, start=at, span_start=at, duration_ms=duration, run_ms=duration
            )
        )
    sealed = plant.chained(*records, previous="a" * 64)
    return [plant.batch(sealed[n : n + 3], site=site, sealed=sealed[n].end) for n in range(0, len(sealed), 3)]


async def test_collectors_stopped_and_killed_among_two_cost_nothing_and_count_nothing_twice(
    pair: tuple[Process, Process],
    mosquitto: Any,
    influx: Any,
    influx_database: str,
    plant: SimpleNamespace,
) -> None:
    one, other = pair
    site = f"s-{uuid4().hex[:8]}"
    steps: list[tuple[int, Callable[[], object]]] = [
        (BATCHES // 4, lambda: one.send(signal.SIGSTOP)),  # takes its share and answers nothing
        (BATCHES // 3 + 1, lambda: one.end(signal.SIGKILL)),
        (2 * BATCHES // 3 + 1, lambda: other.end(signal.SIGKILL)),
        (2 * BATCHES // 3 + 1, one.start),
    ]

    def progress(done: int) -> None:
        while steps and done >= steps[0][0]:
            steps.pop(0)[1]()

    payloads = batches(plant, site)
    async with aiomqtt.Client(mosquitto.host, mosquitto.port, identifier=f"gw1-{site}") as client:
        await client.subscribe(topics.receipt(site, "gw1"), qos=1)
        sender = Sender(client, site, payloads)
        await sender.run(progress)
    assert steps == []
    assert {one.name, other.name} == set(sender.by_collector)
    assert sender.sent > BATCHES, "what the killed one had was sent again"
    assert all((r.records, r.accepted, r.exceptions) == (3, 3, []) for r in sender.receipts.values())
    config = InfluxConfig(kind="influx", url=influx.url, database=influx_database)
    async with open_store(config, read_only=True) as store:
        found = [fact_of(row) async for row in store.read(USAGE, 0, 2 * plant.NOW, {"site": site})]
        assert [row async for row in store.read(QUARANTINE, 0, 2 * plant.NOW, {"site": site})] == []
    intervals = [fact for fact in found if isinstance(fact, Interval)]
    assert [each.sequence for each in intervals] == list(range(1, BATCHES * 3 + 1))
    assert sum(each.quantities["produced"] for each in intervals) == BATCHES * 3
    assert sum(each.run_ms for each in intervals) == BATCHES * 30_000
