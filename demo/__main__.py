"""``python -m demo``: a shared factory runs a shift, from Modbus registers to each tenant's statement."""

import argparse
import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from billing.config import load as load_billing
from billing.run import assess
from demo import peers, show
from demo.files import Place, influx, sqlite
from demo.rehearsal import Shift, judge, rehearse
from simulators.plant import Plant, PlantError, load_plant
from store.opening import open_store

ROOT: Final = Path(__file__).resolve().parents[1]
_MINUTE_MS: Final = 60_000

_ABOUT = """\
Runs a plant of simulated machines through one shift in about half a minute: an agent polls them over
Modbus TCP, a collector takes custody over MQTT and writes the store, billing makes the statements.
Then what is stored is compared with the ledgers that the machines keep themselves."""
_EXAMPLES = """\
examples:
  python -m demo                                     embedded broker and store, nothing to install
  python -m demo --influx                            Mosquitto and InfluxDB as child processes
  python -m demo --plant configs/plants/mini.toml    a smaller plant, in a second or two

exit codes: 0 the stored usage is what the machines say, 1 it is not, 2 bad usage or configuration"""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the ledger line is true, 1 when it is not, 2 for bad usage."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        plant = load_plant(given.plant)
    except PlantError as error:
        print(error, file=sys.stderr)
        return 2
    shutil.rmtree(given.out, ignore_errors=True)
    given.out.mkdir(parents=True)
    try:
        with _place(given.out.resolve(), given.tariff.resolve(), with_influx=given.influx) as place:
            return asyncio.run(_demo(plant, place))
    except peers.PeerError as error:
        print(error, file=sys.stderr)
        return 1


@contextmanager
def _place(out: Path, tariff: Path, *, with_influx: bool) -> Iterator[Place]:
    if not with_influx:
        port = peers.free_port()
        yield Place(directory=out, broker_port=port, embedded=True, store=sqlite(out), tariff=tariff)
        return
    with peers.mosquitto(out) as port, peers.influxdb(out) as url:
        store = influx(url, "gongfang")
        yield Place(directory=out, broker_port=port, embedded=False, store=store, tariff=tariff)


async def _demo(plant: Plant, place: Place) -> int:
    console = Console()
    end_ms = time.time_ns() // 1_000_000 // _MINUTE_MS * _MINUTE_MS
    start_ms = end_ms - plant.duration_ms
    _introduce(console, plant, start_ms)
    with _progress(console) as bar:
        task = bar.add_task("shift", total=plant.duration_ms, clock="")

        def show_time(passed: int) -> None:
            bar.update(task, completed=passed, clock=_local(start_ms + passed, plant.timezone))

        shift = await rehearse(plant, start_ms, place, show_time)
    return await _tell(console, place, shift)


async def _tell(console: Console, place: Place, shift: Shift) -> int:
    settings = load_billing(place.billing)
    async with open_store(settings.store, read_only=True) as store:
        verdict = await judge(shift, store)
        assessment = await assess(store, settings, shift.start_ms, shift.end_ms, now=shift.end_ms)
    pages = show.documents(assessment, place.directory)
    show.print_result(console, assessment, pages, verdict, place.billing)
    return 0 if verdict.true else 1


def _introduce(console: Console, plant: Plant, start_ms: int) -> None:
    shared = f"{len(plant.machines)} machines shared by {len(plant.tenants)} tenants"
    console.print(f"[bold]{plant.name}[/bold]: {shared}")
    for tenant in plant.tenants:
        console.print(f"  {tenant.id:12} {tenant.name_zh} {tenant.name_en}")
    begins = _local(start_ms, plant.timezone)
    console.print(f"one shift from {begins}, polled every {plant.poll_ms / 1000:g} s of plant time")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[clock]}"),
        TimeElapsedColumn(),
        console=console,
    )


def _local(instant_ms: int, timezone: str) -> str:
    return (
        datetime.fromtimestamp(instant_ms / 1000, UTC)
        .astimezone(ZoneInfo(timezone))
        .strftime("%Y-%m-%d %H:%M")
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configs = ROOT / "configs"
    parser.add_argument("--plant", type=Path, default=configs / "plants/demo.toml", metavar="FILE")
    parser.add_argument("--tariff", type=Path, default=configs / "tariffs/house-2026.toml", metavar="FILE")
    parser.add_argument(
        "--out", type=Path, default=Path("out/demo"), metavar="DIR", help="emptied, then written"
    )
    parser.add_argument("--influx", action="store_true", help="through Mosquitto and InfluxDB")
    return parser


if __name__ == "__main__":
    sys.exit(main())
