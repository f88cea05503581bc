"""Kill -9 of agent and collector during a plant's shift: the stored usage is still what the machines did.

Real processes, a scaled clock. What was not seen is recovered from the machines' own counters, or disputed
where whose work it was has changed; what nobody can know is `unknown`, never more than the outages explain.
"""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiomqtt
import pytest
from msgspec.structs import replace

from contract import topics
from contract.clock import ClockPair
from contract.messages import encode
from contract.names import DISPUTED
from contract.records import Interval, Reason
from contract.series import USAGE, fact_of
from demo import announce, files
from demo.files import Place
from demo.rehearsal import accounts
from demo.truth import compare
from edge_agent.config import load
from edge_agent.outbox import Outbox
from simulators.modbus import serve
from simulators.plant import Plant
from simulators.script import build_scripts
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from tests.demo.mini_plant import START_MS, embedded, forget, mini_plant, production

SCALE: Final = 60
LEAD_S: Final = 10
"""The processes start so long (real time) before the shift does."""
OUTAGE_S: Final = 1.0
SLACK_MS: Final = SCALE * 150
"""Plant time runs on while a machine is read; a busy test machine may take so long."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Site:
    """The processes of one site, started as a person would start them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.running: dict[str, Process] = {}

    async def start(self, name: str) -> None:
        module, config = {
            "agent": ("edge_agent", self.place.agent),
            "collector": ("collector", self.place.collector),
        }[name]
        with (self.place.directory / f"{name}.log").open("ab") as log:
            self.running[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, "run", "--config", str(config)), stdout=log, stderr=log
            )

    async def kill(self, name: str) -> None:
        self.running[name].send_signal(signal.SIGKILL)
        await self.running[name].wait()

    async def stop(self, name: str) -> None:
        self.running[name].send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(self.running[name].wait(), 30) == 0, self.log(name)

    def log(self, name: str) -> str:
        return (self.place.directory / f"{name}.log").read_text("utf-8")


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Site]:
    site = Site(place)
    try:
        yield site
    finally:
        for process in site.running.values():
            if process.returncode is None:
                process.kill()
                await process.wait()


async def say_everything(plant: Plant, place: Place) -> None:
    """Orders and leases, ahead of time, each in the order in which it takes effect; the agent listens."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", place.broker_port) as client:
                    await client.subscribe(topics.status(plant.site, "+"), qos=1)
                    await anext(aiter(client.messages))
                    for order in announce.orders(plant, START_MS):
                        topic = topics.order(plant.site, order.order_id)
                        await client.publish(topic, encode(order), qos=1, retain=True)
                    for said in announce.leases(plant, START_MS):
                        topic = topics.lease(plant.site, said.lease.machine)
                        await client.publish(topic, encode(said.lease), qos=1, retain=True)
                    return
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)


async def until_handed_over(place: Place) -> None:
    settings = load(place.agent)
    async with asyncio.timeout(30):
        while True:
            with Outbox.open(
                settings.outbox.path,
                site=settings.site,
                gateway=settings.gateway,
                limit_bytes=1 << 30,
                ring_bytes=1 << 30,
                ring_ms=1 << 40,
            ) as outbox:
                if outbox.depth().records == 0:
                    return
            await asyncio.sleep(0.2)


async def live_through(plant: Plant, place: Place) -> list[tuple[str, float]]:
    """The shift with its kills. Returns what was killed, and for how long (real seconds) it was away."""
    clock = ClockPair(real_ms=now_ms(), plant_ms=START_MS - LEAD_S * SCALE * 1000, scale=SCALE)
    scripts = build_scripts(plant, START_MS)
    table = f"real_ms = {clock.real_ms}\nplant_ms = {clock.plant_ms}\nscale = {SCALE}"
    away: list[tuple[str, float]] = []
    async with serve(scripts, lambda: clock.plant(now_ms())) as addresses, opened(place) as site:
        files.write(place, plant, addresses, table)
        await site.start("collector")
        await site.start("agent")
        await say_everything(plant, place)
        for minute, victims in (
            (12, ["agent"]),
            (24, ["collector"]),
            (36, ["agent", "collector"]),
            (48, ["agent"]),
        ):
            await reach(clock, minute)
            for victim in victims:
                await site.kill(victim)
            began = time.monotonic()
            await asyncio.sleep(OUTAGE_S)
            for victim in victims:
                await site.start(victim)
                away.append((victim, time.monotonic() - began))
        await reach(clock, plant.duration_ms / 60_000 + 2)
        await site.stop("agent")
        await until_handed_over(place)
        await site.stop("collector")
        assert "Traceback" not in site.log("agent") + site.log("collector")
    return away


async def reach(clock: ClockPair, minute: float) -> None:
    """Waits until so many minutes of the shift have passed."""
    left = START_MS + minute * 60_000 - clock.plant(now_ms())
    await asyncio.sleep(max(0.0, left / SCALE / 1000))


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["embedded", "production"])
async def test_a_shift_with_kills_is_stored_as_the_machines_lived_it(
    pair: str, tmp_path: Path, mosquitto: object, influx: object, influx_database: str
) -> None:
    plant = replace(mini_plant(), quiet_ms=60_000)
    if pair == "embedded":  # the broker dies with the collector, and forgets everything
        place: Place = embedded(tmp_path)
        config: SqliteConfig | InfluxConfig = SqliteConfig(kind="sqlite", path=tmp_path / "store.db")
    else:
        port, url = mosquitto.port, influx.url  # type: ignore[attr-defined]  # peers of conftest.py
        await forget(port)
        place = production(tmp_path, port, url, influx_database)
        config = InfluxConfig(kind="influx", url=url, database=influx_database)
    away = await live_through(plant, place)
    async with open_store(config, read_only=True) as store:
        rows = store.read(USAGE, 0, 2**53)
        stored = [fact async for row in rows if isinstance(fact := fact_of(row), Interval)]

    # Outage, start-up of the process, age of the checkpoint, two polls; and what a busy machine may skip.
    outages = [seconds for victim, seconds in away if victim == "agent"]
    start_up_s, stalls_s = 3.0, 5.0
    allowed = int((sum(outages) + len(outages) * start_up_s + stalls_s) * SCALE * 1000)
    found = compare(
        stored,
        accounts(build_scripts(plant, START_MS), stored),
        unknown_allowed_ms=allowed,
        slack_ms=SLACK_MS,
    )
    assert not found.differences, "\n".join(map(str, found.differences))
    assert found.machines == 3
    assert found.pieces["produced"] > 50

    restarts = [interval for interval in stored if interval.reason is Reason.RESTART]
    assert {interval.machine for interval in restarts} == {machine.name for machine in plant.machines}
    assert len({interval.epoch for interval in stored}) == 3, "a killed agent goes on with its epoch"
    disputed = [interval for interval in stored if DISPUTED in {interval.tenant, interval.order_id}]
    assert all(interval.reason is not Reason.NONE for interval in disputed)
