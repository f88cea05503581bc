"""What a period costs to bill, beside the bare cost of reading its rows from the store.

A synthetic site (``billing_site.py``) is put into a SQLite store, then each step runs in a process of its
own, so that its CPU time and its peak of memory are its own:

  scan    the rows of usage and state leave SQLite as they lie there: time, tags, and the fields as text
  rows    the same through the store's ``read``: every field a value of Python. This is the bare read
  rate    read and rated: attribution, sums, validation, pricing
  run     `gongfang-billing run --out`: the same, and every page of every tenant
  freeze  `gongfang-billing freeze`: the same, with every row kept as evidence, and the chains walked

The names of records are not put beside the rows, since only writers ask for them; apart from that the file is
the store's own. With ``--influx URL`` the rows go into a database of a running InfluxDB 1.x instead, as a
collector would put them there, and there is no ``scan``.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.billing_site import SITE, ZONE, Plan, billing_toml, site
from billing.config import load
from billing.crew import Crew
from billing.findings import Rule
from billing.run import assess
from contract.facts import Fact
from contract.records import Record
from contract.series import BY_NAME, STATE, USAGE, row_of
from store import schema
from store.opening import open_store
from store.sqlite_file import connect

STEPS: Final = ("scan", "rows", "rate", "run", "freeze")
_DAY: Final = 86_400_000
_BATCH: Final = 500
"""Rows a request."""
_TARIFF: Final = Path(__file__).parent.parent / "configs" / "tariffs" / "house-2026.toml"
_EPILOG: Final = """\
examples:
  python benchmarks/billing_month.py                                      450 machines, 3 days: 150,000 rows
  python benchmarks/billing_month.py --days 3,9,31 --steps rows,rate      how memory grows with the days
  python benchmarks/billing_month.py --machines 4500 --tenants 800 --days 31 --keep DIR
      the month of a whole site: 13 million intervals, 20 GB; DIR is used again when it is there"""
_ALL: Final = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
_USUAL: Final = frozenset({Rule.OPEN_STOP, Rule.STOP_TABLE, Rule.UNPRICED})
_encoder: Final = msgspec.json.Encoder(order="sorted")


class Spent(Struct, frozen=True, kw_only=True):
    """What one step took."""

    step: str
    days: int
    rows: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    """Resident at most, the interpreter included; of several processes the largest."""


def build(plan: Plan, directory: Path, influx: str | None = None) -> None:
    """The store, the configuration and the tariff in ``directory``."""
    shutil.copy(_TARIFF, directory / "tariff.toml")
    store = f'[store]\nkind = "sqlite"\npath = "{directory / "store.db"}"\n'
    if influx:
        store = f'[store]\nkind = "influx"\nurl = "{influx}"\ndatabase = "bench_{time.time_ns()}"\n'
    (directory / "billing.toml").write_text(billing_toml(plan, store), "utf-8")
    if influx:
        asyncio.run(_sent(plan, directory))
    else:
        _filled(plan, directory)
    print(file=sys.stderr)
    (directory / "plan.json").write_bytes(msgspec.json.encode(plan))


def _told(number: int) -> None:
    if number % 96 == 0:
        print(f"\rfilling the store: day {number // 96} ", end="", file=sys.stderr, flush=True)


async def _sent(plan: Plan, directory: Path) -> None:
    async with open_store(load(directory / "billing.toml").store) as store:
        for number, cell in enumerate(site(plan)):
            for at in range(0, len(cell), _BATCH):
                await store.write([row_of(fact) for fact in cell[at : at + _BATCH]])
            _told(number)


def _filled(plan: Plan, directory: Path) -> None:
    with closing(connect(directory / "store.db", read_only=False)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for number, cell in enumerate(site(plan)):
            _put(connection, cell)
            if number % 96 == 0:
                connection.execute("COMMIT")
                connection.execute("BEGIN")
            _told(number)
        connection.execute("COMMIT")


def _put(connection: sqlite3.Connection, facts: list[Record | Fact]) -> None:
    """In the order of their keys, as they come from many gateways in the course of time."""
    rows = [row_of(fact) for fact in facts]
    for name in {row.series for row in rows}:
        series = BY_NAME[name]
        values = [
            (row.time, *(row.tags[tag] for tag in series.tags), _encoder.encode(row.fields).decode())
            for row in rows
            if row.series == name
        ]
        connection.executemany(schema.put(series), sorted(values))


def scan(path: Path, start: int, end: int) -> int:
    count = 0
    with closing(connect(path, read_only=True)) as connection:
        for series in (USAGE, STATE):
            key = ", ".join(schema.key(series))
            query = f'SELECT {key}, fields FROM "{series.name}" WHERE time >= ? AND time < ? ORDER BY {key}'
            cursor = connection.execute(query, (start, end))
            while found := cursor.fetchmany(1000):
                count += len(found)
    return count


async def rows(directory: Path, start: int, end: int) -> int:
    count = 0
    async with open_store(load(directory / "billing.toml").store, read_only=True) as store:
        for series in (USAGE, STATE):
            async for _ in store.read(series, start, end, {"site": SITE}):
                count += 1
    return count


async def rate(directory: Path, start: int, end: int, crew: Crew) -> int:
    settings, lines = load(directory / "billing.toml"), list[int]()
    async with open_store(settings.store, read_only=True) as store:
        found = await assess(
            store,
            settings,
            start,
            end,
            now=end,
            take=lambda made: lines.append(len(made.charges)),
            reports=(),
            crew=crew,
        )
    wrong = [finding for finding in found.findings if finding.rule not in _USUAL]
    print(f"{len(lines)} statements, {len(wrong)} findings", wrong[:3], file=sys.stderr)
    return sum(lines)


def command(directory: Path, name: str, start: int, end: int, *more: str) -> int:
    """``gongfang-billing`` in this very process, its words left out."""
    from billing.__main__ import main  # noqa: PLC0415  only these steps pay for it

    ends = [datetime.fromtimestamp(at / 1000, ZONE).isoformat() for at in (start, end)]
    config = str(directory / "billing.toml")
    code = main([name, "--config", config, "--from", ends[0], "--to", ends[1], *more])
    if code:
        raise SystemExit(code)
    return 0


def do(step: str, directory: Path, days: int, jobs: int | None) -> Spent:
    """One step, in a process of its own: see ``measured``."""
    plan = msgspec.json.decode((directory / "plan.json").read_bytes(), type=Plan)
    start, end = plan.start, plan.start + days * _DAY
    began, cpu = time.monotonic(), cpu_s()
    match step:
        case "scan":
            scan(directory / "store.db", start, end)
        case "rows":
            asyncio.run(rows(directory, start, end))
        case "rate":
            with Crew(jobs) as crew:
                asyncio.run(rate(directory, start, end, crew))
        case "run":
            out = str(directory / f"out-{days}")
            many = () if jobs is None else ("--jobs", str(jobs))
            command(directory, "run", start, end, "--out", out, *many)
        case _:
            shutil.rmtree(directory / "books", ignore_errors=True)
            command(directory, step, start, end, "--by", "bench", "--override", "bench")
    return Spent(
        step=step,
        days=days,
        rows=0,
        wall_s=time.monotonic() - began,
        cpu_s=cpu_s() - cpu,
        peak_mb=max(resource.getrusage(who).ru_maxrss for who in _ALL) / 1024,
    )


def cpu_s() -> float:
    """Of this process and of those that worked for it and have ended."""
    spent = [resource.getrusage(who) for who in _ALL]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def measured(step: str, directory: Path, days: int, jobs: int | None) -> Spent:
    arguments = [sys.executable, __file__, "--do", step, "--keep", str(directory), "--days", str(days)]
    arguments += [] if jobs is None else ["--jobs", str(jobs)]
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        arguments, stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONPATH": root}
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Spent)


async def counted(directory: Path, days: int) -> int:
    plan = msgspec.json.decode((directory / "plan.json").read_bytes(), type=Plan)
    ends = (plan.start, plan.start + days * _DAY)
    async with open_store(load(directory / "billing.toml").store, read_only=True) as store:
        return sum([await store.count(series, *ends, {"site": SITE}) for series in (USAGE, STATE)])


def told(spent: list[Spent]) -> Iterator[str]:
    yield "step    days        rows   wall s  of rows    CPU s  of rows  us a row  peak MB"
    bare = {each.days: each for each in spent if each.step == "rows"}
    for each in spent:
        a_row = each.cpu_s / each.rows * 1e6 if each.rows else 0
        wall = cpu = ""
        if beside := bare.get(each.days):
            wall, cpu = f"{each.wall_s / beside.wall_s:.2f}", f"{each.cpu_s / beside.cpu_s:.2f}"
        yield (
            f"{each.step:<8}{each.days:>5}{each.rows:>12,}{each.wall_s:>9.1f}{wall:>9}{each.cpu_s:>9.1f}"
            f"{cpu:>9}{a_row:>10.1f}{each.peak_mb:>9.0f}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", type=int, default=450, metavar="N", help="default 450")
    parser.add_argument("--tenants", type=int, default=80, metavar="N", help="default 80")
    parser.add_argument("--days", default="3", metavar="N,...", help="lengths of the period (default 3)")
    parser.add_argument("--stops", type=float, default=8, metavar="N", help="a machine and day (default 8)")
    parser.add_argument("--steps", default=",".join(STEPS), metavar="NAME,...", help="default: all")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep store and pages there, or use them again"
    )
    parser.add_argument("--influx", metavar="URL", help="of an InfluxDB 1.x, to measure it instead of SQLite")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="processes that rate and run (default: as many as `run` takes)"
    )
    parser.add_argument("--do", help=argparse.SUPPRESS)
    given = parser.parse_args()
    lengths = [int(text) for text in given.days.split(",")]
    if given.do:
        sys.stdout.write(json.dumps(msgspec.to_builtins(do(given.do, given.keep, lengths[0], given.jobs))))
        return 0
    directory = given.keep or Path(tempfile.mkdtemp(prefix="gongfang-billing-"))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        if not (directory / "plan.json").exists():
            plan = Plan(machines=given.machines, tenants=given.tenants, days=max(lengths), stops=given.stops)
            build(plan, directory, given.influx)
        spent = list[Spent]()
        for days in lengths:
            number = asyncio.run(counted(directory, days))
            for step in given.steps.split(","):
                found = measured(step, directory, days, given.jobs)
                spent.append(msgspec.structs.replace(found, rows=number))
        print("\n".join(told(spent)))
    finally:
        if not given.keep:
            shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
