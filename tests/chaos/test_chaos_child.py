"""A process that falls is started again; one that is hit twice runs once."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.child import Child, Fall

SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
FALLS = [sys.executable, "-c", "raise SystemExit(3)"]


class Kept:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.falls: list[Fall] = []
        self.tasks: list[asyncio.Task[None]] = []

    def child(self, argv: list[str]) -> Child:
        child = Child(
            "one", argv, self.directory / "one.log", self.falls, lambda: time.time_ns() // 1_000_000
        )
        self.tasks.append(asyncio.create_task(child.run()))
        return child


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    found = Kept(tmp_path)
    yield found
    for task in found.tasks:
        task.cancel()
    await asyncio.gather(*found.tasks, return_exceptions=True)


async def test_a_process_that_falls_is_started_again_and_told(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.chaos.child.RESTART_S", 0.01)
    child = kept.child(FALLS)
    await child.start()
    async with asyncio.timeout(20):
        while child.starts < 3:  # noqa: ASYNC110  a counter does not tell
            await asyncio.sleep(0.01)
    assert {fall.code for fall in kept.falls} == {3}


async def test_a_killed_process_stays_away_until_it_is_started_and_is_no_fall(kept: Kept) -> None:
    child = kept.child(SLEEPS)
    await child.start()
    pids = [child.pid]
    await child.kill()
    pids.append(child.pid)
    await child.start()
    pids.append(child.pid)
    assert pids[1] is None
    assert len(set(pids)) == 3
    assert kept.falls == []


async def test_a_process_that_runs_is_not_started_twice(kept: Kept) -> None:
    child = kept.child(SLEEPS)
    await asyncio.gather(child.start(), child.start())
    assert child.starts == 1
    assert child.rss_kib()


async def test_a_paused_process_can_be_stopped_after_it_went_on(kept: Kept) -> None:
    child = kept.child(SLEEPS)
    await child.start()
    child.pause()
    child.go_on()
    await child.stop()
    assert child.pid is None
    assert kept.falls == []
