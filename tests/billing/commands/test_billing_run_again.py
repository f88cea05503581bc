"""A run that was ended in the middle, or is made once more, comes to the same bytes."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.billing_month import build
from benchmarks.billing_site import ZONE, Plan
from billing import clock

DAY = ("--day", "2026-11-22")
PLAN = Plan(machines=24, tenants=20, days=2)
PATIENCE_S = 60.0


def bytes_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the clock stand at so many milliseconds after the day of the case."""
    return lambda ms: monkeypatch.setattr(clock, "now", lambda: 1_795_400_000_000 + ms)


def test_a_run_once_more_leaves_every_file_as_it_was(
    billing: Callable[..., int],
    tmp_path: Path,
    later: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    later(0)
    assert billing("run", *DAY, "--out", str(out)) == 0
    first = bytes_of(out)
    later(3_600_000)
    capsys.readouterr()
    assert billing("run", *DAY, "--out", str(out)) == 0
    assert bytes_of(out) == first
    assert capsys.readouterr().err.count("(as it was)") == len(first) == 8


def test_figures_that_rest_on_something_else_are_made_anew(
    billing: Callable[..., int],
    tmp_path: Path,
    later: Callable[[int], None],
    put: Callable[[Any], None],
    make: SimpleNamespace,
) -> None:
    out = tmp_path / "out"
    later(0)
    assert billing("run", *DAY, "--out", str(out)) == 0
    before = json.loads((out / "hongye_2026-11-22.json").read_bytes())
    put([make.interval(make.at("22:00"), make.at("22:05"), sequence=99, tenant="hongye", machine="knit-07")])
    later(3_600_000)
    assert billing("run", *DAY, "--out", str(out)) == 0
    after = json.loads((out / "hongye_2026-11-22.json").read_bytes())
    assert after["digest"] != before["digest"]
    assert after["generated_ms"] == before["generated_ms"] + 3_600_000


def test_a_day_that_is_not_over_is_made_anew_each_time(
    billing: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: SimpleNamespace
) -> None:
    found = []
    for number in range(2):
        monkeypatch.setattr(clock, "now", lambda number=number: make.at("20:00") + number)
        assert billing("run", *DAY, "--out", str(tmp_path / "out")) == 0
        found.append(json.loads((tmp_path / "out" / "hongye_2026-11-22.json").read_bytes())["generated_ms"])
    assert found == [make.at("20:00"), make.at("20:00") + 1]


def run(site: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    ends = [datetime.fromtimestamp(at / 1000, ZONE).isoformat() for at in (PLAN.start, PLAN.end)]
    period = ["--from", ends[0], "--to", ends[1]]
    arguments = [sys.executable, "-m", "billing", "run", "--config", str(site / "billing.toml"), *period]
    return subprocess.Popen([*arguments, "--out", str(out), *more], stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("jobs", ["1", "2"], ids=["one process", "two processes"])
@pytest.mark.parametrize("files", [0, 1, 30], ids=lambda files: f"killed with {files} files")
def test_a_run_that_is_killed_is_run_again_to_the_same_bytes(tmp_path: Path, files: int, jobs: str) -> None:
    build(PLAN, tmp_path)
    out, whole = tmp_path / "out", tmp_path / "whole"
    killed = run(tmp_path, out, "--jobs", jobs)
    deadline = time.monotonic() + PATIENCE_S
    while files and (not out.exists() or len(list(out.iterdir())) < files):
        assert time.monotonic() < deadline, "nothing is written"
        assert killed.poll() is None, "it was over before it could be killed"
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    left = bytes_of(out) if out.exists() else {}
    assert run(tmp_path, out).wait(PATIENCE_S) == 0
    again = bytes_of(out)
    assert len(again) >= 4 * 15
    kept = {name: data for name, data in left.items() if not name.endswith(".unfinished")}
    assert kept == {name: again[name] for name in kept}
    whole.mkdir()
    name = next(name for name in again if name.endswith(".json"))
    shutil.copy(out / name, whole)
    assert run(tmp_path, whole).wait(PATIENCE_S) == 0
    assert bytes_of(whole) == again
