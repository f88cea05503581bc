"""How fast a backlog drains, and how old live state is meanwhile: the morning after a night without database.

The outbox of an agent is filled with so many hours of so many machines before it is started. Then it polls
the same machines, and hands over old and new to a real collector with InfluxDB 1.x behind a real Mosquitto.
Every process is one of its own; CPU is what the kernel charged to each.
"""

import argparse
import asyncio
import contextlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from benchmarks.factory import SITE, Child, Plan, write_site
from contract.clock import ClockPair
from contract.records import Interval, Meter
from contract.states import TIME_FIELDS
from edge_agent.config import Settings, load
from edge_agent.held import Put
from edge_agent.outbox import Outbox
from tests.chaos import live, peers

GRID_MS: Final = 300_000
_PUTS: Final = 500
_HEAD_START_S: Final = 5.0
"""A batch that nobody has subscribed to comes again after 30 s, which is not what is measured here."""
_EPILOG: Final = """\
examples:
  python benchmarks/backlog.py                                500 machines, 24 hours: 144,500 records
  python benchmarks/backlog.py --machines 100 --hours 2"""


class Drained(Struct, frozen=True, kw_only=True):
    machines: int
    backlog: int
    filled_mb: float
    seconds: float
    """From the start of the agent until no more waited than what is always on its way."""
    rates: tuple[float, ...]
    """Records that left the outbox per second, of each tenth of the backlog."""
    ages: tuple[int, ...]
    """Of each live state that was seen meanwhile, ms, ascending."""
    cpu: dict[str, float]
    """Share of one core."""
    rss_mb: dict[str, tuple[float, float]]
    """Early and at the end."""


def history(settings: Settings, machine: str, epoch: str, hours: float) -> Iterator[Meter | Interval]:
    """A meter and its intervals of five minutes up to an hour ago, as a busy knitting machine writes them."""
    end = (time.time_ns() // 1_000_000 - 3_600_000) // GRID_MS * GRID_MS
    count = int(hours * 3_600_000 // GRID_MS)
    start = end - count * GRID_MS
    common: dict[str, Any] = {
        "site": settings.site,
        "area": settings.area,
        "machine": machine,
        "kind": "knit",
        "epoch": epoch,
        "gateway": settings.gateway,
    }
    profile = settings.machines[0].profile
    yield msgspec.convert(
        {
            **common,
            "sequence": 0,
            "at": start,
            "reason": "first",
            "previous_epoch": "none",
            "previous_end": None,
            "profile": profile.label,
            "profile_digest": profile.digest,
            "stop_table": profile.stop_table.label,
            "agent": "benchmark",
            "timezone": settings.timezone,
            "serial": 1,
            "boot_count": 1,
            "uptime_s": 1,
            "readings": {counter.name: 0 for counter in profile.counters},
        },
        Meter,
    )
    times = dict.fromkeys((*TIME_FIELDS, "unplaced_run_ms", "unplaced_stop_ms", "polls_missed"), 0)
    nobody = dict.fromkeys(("tenant_before", "tenant_after", "order_before", "order_after"), "none")
    for number in range(1, count + 1):
        at = start + (number - 1) * GRID_MS
        quantities = {"produced": number % 2, "scrap": 0, "rework": 0, "energy_wh": 31, "courses": 420}
        totals = {name: amount * number for name, amount in quantities.items()} | {
            "produced": number // 2 + 1
        }
        fields = {
            **common,
            **times,
            **nobody,
            "sequence": number,
            "sequence_first": number,
            "tenant": "hengxin",
            "start": at,
            "duration_ms": GRID_MS,
            "span_start": at,
            "run_ms": GRID_MS,
            "quantities": quantities,
            "totals": totals,
            "measured": "courses,energy_wh,produced,scrap",
            "order_id": "260101",
            "lease_id": "lease-1",
            "poll_ms": 1000,
            "quality": "actual",
            "method": "polled",
            "reason": "none",
            "clock": "synced",
        }
        yield msgspec.convert(fields, Interval)


def fill(settings: Settings, hours: float) -> int:
    """How many records were put."""
    kept, count = settings.outbox, 0
    with Outbox.open(
        kept.path,
        site=settings.site,
        gateway=settings.gateway,
        limit_bytes=kept.limit_bytes,
        ring_bytes=kept.ring_bytes,
        ring_ms=86_400_000,
    ) as outbox:
        for number, machine in enumerate(settings.machines):
            records = list(history(settings, machine.name, f"old{number:05}", hours))
            for first in range(0, len(records), _PUTS):
                outbox.commit([Put(machine=machine.name, records=tuple(records[first : first + _PUTS]))])
            count += len(records)
            if number % 50 == 0:
                print(f"\rfilling: {count:,} records", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return count


@contextlib.contextmanager
def world(plan: Plan, directory: Path, hours: float) -> Iterator[tuple[dict[str, list[Child]], Path, int]]:
    """Broker, database, machines and collector; children by name, the site's file, the port of the broker."""
    ports = {name: peers.free_port() for name in ("broker", "store", "rpc", "machines")}
    with contextlib.ExitStack() as stack:

        def child(name: str, *arguments: str) -> Child:
            started = Child(name, arguments, directory)
            stack.callback(started.stop)
            return started

        broker = child("broker", *peers.mosquitto(directory, ports["broker"]))
        store = child("store", *peers.influxd(directory, ports["store"], ports["rpc"]))
        asyncio.run(peers.answers(ports["broker"]))
        asyncio.run(peers.answers(ports["store"]))
        machines = child(
            *("machines", sys.executable, "-m", "simulators.crowd_server", "--notes", "machines.notes"),
            *("--machines", str(plan.machines), "--first", "0", "--units", str(plan.units)),
            *("--port", str(ports["machines"])),
        )
        machines.says("serve on port")
        site = directory / "site.toml"
        write_site(plan, site, broker=ports["broker"], machines=ports["machines"])
        settings = load(site)
        clock = settings.clock
        (directory / "collector.toml").write_text(
            f'[collector]\nname = "c1"\nsite = "{SITE}"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {ports["broker"]}\n'
            f'[store]\nkind = "influx"\nurl = "http://127.0.0.1:{ports["store"]}"\ndatabase = "bench"\n'
            f"[clock]\nreal_ms = {clock.real_ms}\nplant_ms = {clock.plant_ms}\n"
        )
        count = fill(settings, hours)
        collector = child("collector", sys.executable, "-m", "collector", "run", "--config", "collector.toml")
        time.sleep(_HEAD_START_S)
        agent = child("agent", sys.executable, "-m", "edge_agent", "run", "--config", "site.toml")
        yield (
            {"agent": [agent], "collector": [collector], "broker": [broker], "store": [store]},
            site,
            count,
        )


def measure(plan: Plan, hours: float, directory: Path) -> Drained:
    with world(plan, directory, hours) as (children, site, count):
        settings = load(site)
        return asyncio.run(_watched(settings, children, count))


async def _watched(settings: Settings, children: dict[str, list[Child]], count: int) -> Drained:
    seen: list[live.Seen] = []
    pair = ClockPair(real_ms=settings.clock.real_ms, plant_ms=settings.clock.plant_ms, scale=1)
    watching = asyncio.create_task(live.watch(settings.mqtt.port, pair, _real_ms, seen))
    began, left = time.monotonic(), count
    marks: list[tuple[float, int]] = [(0.0, count)]
    early: dict[str, float] = {}
    cpu = {name: -_cpu(own) for name, own in children.items()}
    while left > live.DRAINED:
        await asyncio.sleep(1)
        left = await asyncio.to_thread(_depth, settings.outbox.path)
        marks.append((time.monotonic() - began, left))
        print(f"\r{left:,} records wait ", end="", file=sys.stderr, flush=True)
        if not early and time.monotonic() - began > 20:
            early = {name: _rss(own) for name, own in children.items()}
        if not all(child.is_running for own in children.values() for child in own):
            raise RuntimeError("a process has ended; see the logs")
    print(file=sys.stderr)
    watching.cancel()
    seconds = time.monotonic() - began
    cpu = {name: (used + _cpu(children[name])) / seconds for name, used in cpu.items()}
    late = {name: _rss(own) for name, own in children.items()}
    return Drained(
        machines=len(settings.machines),
        backlog=count,
        filled_mb=settings.outbox.path.stat().st_size / 2**20,
        seconds=seconds,
        rates=tuple(_rates(marks)),
        ages=tuple(sorted(one.age_ms for one in seen)),
        cpu=cpu,
        rss_mb={name: (early.get(name, late[name]), late[name]) for name in late},
    )


def _real_ms() -> int:
    return time.time_ns() // 1_000_000


def _depth(outbox: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"{outbox.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
        found: int = db.execute("SELECT sum(records) FROM tally WHERE place < 2").fetchone()[0]
    return found


def _rates(marks: Sequence[tuple[float, int]]) -> Iterator[float]:
    tenth = max(1, len(marks) // 10)
    for (since, before), (until, after) in zip(marks[::tenth], marks[tenth::tenth], strict=False):
        yield (before - after) / (until - since)


def _cpu(own: Sequence[Child]) -> float:
    return sum(child.cpu_s() for child in own)


def _rss(own: Sequence[Child]) -> float:
    return sum(child.status_kb("VmRSS") for child in own) / 1024


def told(found: Drained) -> str:
    ages = found.ages
    old = sum(age > live.FRESH_MS for age in ages)
    size = f"{found.machines:,} machines polled; {found.backlog:,} records ({found.filled_mb:.0f} MB)"
    rate = f"{found.backlog / found.seconds:,.0f} a second"
    half, late, worst = (live.percentile(ages, share) for share in (0.5, 0.99, 1.0))
    lines = [
        f"{size} waited, gone in {found.seconds:.0f} s: {rate}",
        f"a second, by tenths: {', '.join(f'{rate:,.0f}' for rate in found.rates)}",
        f"live state meanwhile, {len(ages):,} seen: half {half} ms old, 99 % {late} ms, worst {worst} ms",
        f"live states older than {live.FRESH_MS} ms: {old}",
    ]
    for name, (early, at_end) in found.rss_mb.items():
        memory = f"{early:.0f} MB after 20 s, {at_end:.0f} MB at the end"
        lines.append(f"{name:<9} {found.cpu[name]:5.2f} core, {memory}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", type=int, default=500, metavar="N", help="default 500")
    parser.add_argument("--hours", type=float, default=24, metavar="H", help="of the backlog (default 24)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep configuration, logs and outbox there")
    given = parser.parse_args()
    directory = given.keep or Path(tempfile.mkdtemp(prefix="gongfang-backlog-"))
    directory.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        machines=given.machines,
        units=1,
        profile="knit-flat",
        period_ms=1000,
        grid_ms=GRID_MS,
        seconds=0,
        settle_s=0,
        boundary_s=0,
    )
    print(told(measure(plan, given.hours, directory)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
