"""A rehearsal of the mini plant in a directory of its own, for tests."""

import asyncio
import contextlib
from pathlib import Path

import aiomqtt

from contract.records import Interval
from contract.series import USAGE, fact_of
from demo.files import Place, influx, sqlite
from demo.peers import free_port
from demo.rehearsal import Shift, rehearse
from simulators.plant import Plant, load_plant
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store

ROOT = Path(__file__).resolve().parents[2]
TARIFF = ROOT / "configs/tariffs/house-2026.toml"
START_MS = 1_790_380_800_000
"""2026-09-26 08:00 in Shanghai."""


def mini_plant() -> Plant:
    return load_plant(ROOT / "configs/plants/mini.toml")


def embedded(directory: Path) -> Place:
    return Place(
        directory=directory, broker_port=free_port(), embedded=True, store=sqlite(directory), tariff=TARIFF
    )


def production(directory: Path, broker_port: int, url: str, database: str) -> Place:
    return Place(
        directory=directory,
        broker_port=broker_port,
        embedded=False,
        store=influx(url, database),
        tariff=TARIFF,
    )


async def forget(port: int) -> None:
    """Clears what earlier tests left retained on a broker that they share."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("gongfang/#", qos=1)
        with contextlib.suppress(TimeoutError):
            while True:
                message = await asyncio.wait_for(anext(aiter(client.messages)), 0.5)
                if message.payload:
                    await client.publish(str(message.topic), b"", qos=1, retain=True)


async def rehearsed(place: Place, config: SqliteConfig | InfluxConfig) -> tuple[Shift, list[Interval]]:
    """The mini plant's shift, and the usage that is stored of it."""
    shift = await rehearse(mini_plant(), START_MS, place)
    async with open_store(config, read_only=True) as store:
        rows = store.read(USAGE, shift.start_ms, shift.end_ms)
        return shift, [fact async for row in rows if isinstance(fact := fact_of(row), Interval)]
