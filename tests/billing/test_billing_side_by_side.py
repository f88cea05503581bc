"""Several real processes over real stores come to what one comes to, and fail as one would."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks.billing_month import build
from benchmarks.billing_site import SITE, ZONE, Plan
from billing import out as pages
from billing.config import Settings, load
from billing.crew import Crew, LostProcessError
from billing.findings import Rule
from billing.out import UnwritableError
from billing.progress import Read
from billing.render_json import statement_json
from billing.run import assess
from billing.statement import Assessment
from contract.facts import QualityResult
from contract.series import USAGE, Row, row_of
from store.opening import open_store
from store.protocol import StoreAwayError
from tests.billing.rows import make_interval

PLAN = Plan(machines=9, tenants=5, days=2)
PATIENCE_S = 30.0
ROOT = str(Path(__file__).parents[2])


@pytest.fixture(params=["sqlite", "influx"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The configuration of a store to which somebody added what is out of order."""
    url = request.getfixturevalue("influx").url if request.param == "influx" else None
    build(PLAN, tmp_path, url)
    asyncio.run(disordered(load(tmp_path / "billing.toml")))
    return tmp_path / "billing.toml"


async def disordered(settings: Settings) -> None:
    """Usage of nobody, of a machine that no meter opened, in a row that cannot be read; a late inspection."""
    at = PLAN.start + 3_600_000
    own = {"site": SITE, "kind": "knit", "epoch": "e9"}
    strange = row_of(make_interval(at, at + 900_000, machine="aaa-unknown", sequence=1, **own))
    nobodys = row_of(make_interval(at, at + 900_000, machine="zzz-unknown", sequence=1, **own))
    unreadable = Row(
        series=USAGE.name,
        time=at,
        tags={**nobodys.tags, "machine": "mmm"},
        fields={**nobodys.fields, "run_ms": -1},
    )
    found = QualityResult(
        site=SITE,
        machine="zzz-unknown",
        issued=PLAN.end + 5,
        id="q-1",
        order_id="none",
        tenant="none",
        by="Li Na",
        cause="host",
        produced_at=at,
        scrap=2,
        rework=0,
    )
    async with open_store(settings.store) as store:
        await store.write([strange, nobodys, unreadable, row_of(found)])


async def assessed(config: Path, jobs: int, told: list[Read] | None = None) -> Assessment:
    settings = load(config)
    with Crew(jobs) as crew:
        async with open_store(settings.store, read_only=True) as store:
            ends = PLAN.start, PLAN.end
            tell = [].append if told is None else told.append
            return await assess(store, settings, *ends, now=PLAN.end, crew=crew, progress=tell)


def test_several_come_to_what_one_comes_to(site: Path) -> None:
    alone = asyncio.run(assessed(site, 1))
    rules = {finding.rule for finding in alone.findings}
    assert {Rule.UNREADABLE, Rule.QUALITY, Rule.EDGE} <= rules
    assert {item.machine for item in alone.suspense} == {"aaa-unknown", "zzz-unknown"}
    assert len(alone.statements) == 5
    for jobs in (2, 4):
        told = list[Read]()
        together = asyncio.run(assessed(site, jobs, told))
        for field in Assessment.__struct_fields__:
            assert said(together, field) == said(alone, field), field
        assert (told[-1].done, told[-1].days, told[-1].share) == (2, 2, 1.0)
        assert told[-1].rows > 9 * 96 * 2


def said(found: Assessment, field: str) -> object:
    value = getattr(found, field)
    return [statement_json(each) for each in value] if field == "statements" else value


@pytest.fixture
def crew() -> Iterator[Crew]:
    with Crew(2) as crew:
        crew.begin(2, 1)
        yield crew


def test_what_is_given_is_heard_in_the_order_in_which_it_was_given(crew: Crew) -> None:
    heard = list[int]()
    for number in range(20):
        crew.give(heard.append, abs, -number)
    assert heard == list(range(len(heard)))
    assert len(heard) >= 20 - 2 * 3
    crew.finish()
    assert heard == list(range(20))


def test_where_nobody_has_begun_it_is_done_at_once() -> None:
    heard = list[int]()
    with Crew(None) as crew:
        crew.give(heard.append, os.getpid)
        assert heard == [os.getpid()]
        crew.finish()
        with pytest.raises(ValueError, match="nobody has begun"):
            crew.do(os.getpid)


def test_they_are_other_processes_and_over_with_the_context() -> None:
    heard = set[int]()
    with Crew(2) as crew:
        crew.begin(2, 1)
        for _ in range(20):
            crew.give(heard.add, os.getpid)
        crew.finish()
    assert heard
    assert os.getpid() not in heard
    assert not any(map(alive, heard))


def test_a_process_that_is_ended_from_outside_is_told_with_what_to_do(crew: Crew) -> None:
    crew.give(lambda _: None, os.kill, crew.do(os.getpid).result(), signal.SIGKILL)
    with pytest.raises(LostProcessError, match="--jobs 1"):
        crew.finish()
    with pytest.raises(LostProcessError, match="ended from outside"):
        crew.give(lambda _: None, os.getpid)


def test_a_page_that_cannot_be_written_ends_the_run(crew: Crew, tmp_path: Path) -> None:
    build(PLAN, tmp_path)
    statement, *_ = asyncio.run(assessed(tmp_path / "billing.toml", 1)).statements
    written = pages.Pages(tmp_path / "out", "2026-10", ["csv"], crew)
    (tmp_path / "out").rmdir()
    (tmp_path / "out").write_text("a file")
    written.add(statement)
    with pytest.raises(UnwritableError, match="cannot be written"):
        written.finish()


def test_a_store_that_is_away_for_one_of_them_is_away(tmp_path: Path) -> None:
    build(PLAN, tmp_path)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute('ALTER TABLE "usage" RENAME COLUMN fields TO gone')
    with pytest.raises(StoreAwayError, match="cannot be read"):
        asyncio.run(assessed(tmp_path / "billing.toml", 2))


def test_they_end_with_the_one_who_began_them_even_if_he_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "from billing.crew import Crew\n"
        "if __name__ == '__main__':\n"
        "    with Crew(2) as crew:\n"
        "        crew.begin(2, 1)\n"
        "        print(*{crew.do(os.getpid).result() for _ in range(9)}, flush=True)\n"
        "        crew.do(time.sleep, 600)\n"
        "        time.sleep(600)\n"
    )
    path = tmp_path / "began.py"
    path.write_text(script, "utf-8")
    begun = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT}
    )
    assert begun.stdout is not None
    theirs = [int(pid) for pid in begun.stdout.readline().split()]
    assert theirs
    begun.kill()
    begun.wait()
    begun.stdout.close()
    deadline = time.monotonic() + PATIENCE_S
    while any(alive(pid) for pid in theirs):
        assert time.monotonic() < deadline, "they work on for nobody"
        time.sleep(0.01)


def run(site: Path, *more: str) -> "subprocess.Popen[str]":
    """As a person does, with a place of its own for what is put aside."""
    (site / "tmp").mkdir(exist_ok=True)
    ends = [datetime.fromtimestamp(at / 1000, ZONE).isoformat() for at in (PLAN.start, PLAN.end)]
    command = ["run", "--config", str(site / "billing.toml"), "--from", ends[0], "--to", ends[1], *more]
    return subprocess.Popen(
        [sys.executable, "-m", "billing", *command, "--out", str(site / "out"), "--jobs", "3"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(site / "tmp"), "PYTHONPATH": ROOT},
    )


def wait_for_what_is_put_aside(site: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not list((site / "tmp").glob("gongfang-billing-*/*")):
        assert time.monotonic() < deadline, "nobody began"
        time.sleep(0.002)


def test_who_has_enough_ends_all_of_them_without_many_words(tmp_path: Path) -> None:
    """Ctrl-C on a terminal goes to all of them."""
    build(PLAN, tmp_path)
    running = run(tmp_path)
    wait_for_what_is_put_aside(tmp_path)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert (running.returncode, "Traceback" in said, "Stopped" in said) == (1, False, False), said
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_run_put_aside_the_next_one_takes_away(tmp_path: Path) -> None:
    build(PLAN, tmp_path)
    killed = run(tmp_path)
    wait_for_what_is_put_aside(tmp_path)
    killed.kill()
    killed.communicate()
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    other = tmp_path / "tmp" / f"gongfang-billing-{os.getpid()}-of-one-that-runs"
    other.mkdir()
    again = run(tmp_path)
    again.communicate(timeout=PATIENCE_S)
    assert (again.returncode, list((tmp_path / "tmp").iterdir())) == (0, [other])


def alive(pid: int) -> bool:
    """Whoever is over and was not asked for yet is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
