"""Serves a plant until it is told to stop, and leaves its ledger behind."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from simulators import describe
from simulators.clock import PlantClock, real_now_ms
from simulators.ledger import Ledger, ledger
from simulators.modbus import serve
from simulators.records import Address, Plant
from simulators.script import build_scripts


class Options(Struct, frozen=True, kw_only=True):
    start_ms: int
    clock: PlantClock
    host: str
    ledger: Path | None
    """Where to write what happened from the start to the end of the run."""
    agent_machines: bool


async def run(plant: Plant, options: Options) -> None:
    """Returns after SIGTERM or SIGINT. Raises OSError if a port or the ledger's file cannot be had."""
    scripts = build_scripts(plant, options.start_ms)

    def now_ms() -> int:
        return options.clock.plant(real_now_ms())

    # Before anybody can know that it serves: whoever reads the ready line may send the signal at once.
    told = _told_to_stop()
    async with serve(scripts, now_ms, options.host) as found:
        _announce(plant, options, found, now_ms())
        await told.wait()
    if options.ledger:
        write_ledger(options.ledger, ledger(scripts, options.start_ms, now_ms()))


def write_ledger(path: Path, it: Ledger) -> None:
    """As JSON, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(msgspec.json.encode(it))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _announce(plant: Plant, options: Options, found: Mapping[str, Address], now_ms: int) -> None:
    tell: Callable[[Plant, Mapping[str, Address]], str]
    tell = describe.agent_machines if options.agent_machines else describe.addresses
    ready = f"# {len(found)} machines serve; plant time {describe.instant(now_ms)}, Ctrl-C stops"
    sys.stdout.write(f"{tell(plant, found)}\n{ready}\n")
    sys.stdout.flush()


def _told_to_stop() -> asyncio.Event:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told
