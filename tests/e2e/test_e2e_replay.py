"""A device that was scanned, and its replay: whoever scans the replay finds the same device."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge_agent.__main__ import main
from edge_agent.dump import Dump, read_dump
from tests.edge_agent.odd_device import odd_device

QUICK = ("--pause-ms", "0", "--timeout-ms", "300")


@contextmanager
def replayed(*dumps: Path) -> Iterator[str]:
    """The address of a simulator that replays them."""
    command = [sys.executable, "-m", "simulators", "replay", *map(str, dumps)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child.stdout.readline().split()[1]
    finally:
        child.terminate()
        child.communicate(timeout=30)


def scanned(url: str, out: Path) -> Dump:
    assert main(["scan", url, "--units", "1-9", "--out", str(out), *QUICK]) == 0
    return read_dump(out.read_bytes())


def test_the_replay_of_a_scanned_device_scans_as_the_device_did(tmp_path: Path) -> None:
    units = {
        2: {"holding": {at: at * 7 for at in (*range(20), *range(100, 131), 400, 401)}, "coil": {1: 1, 2: 0}},
        9: {"input": {at: 65_535 - at for at in range(300, 340)}, "holding": {}},
    }
    with odd_device(units, limit=16) as device:
        device.elsewhere = 11
        truth = scanned(device.url, tmp_path / "truth.json")
    with replayed(tmp_path / "truth.json") as url:
        again = scanned(url, tmp_path / "again.json")
    assert msgspec.structs.replace(again, endpoint="", taken=0) == msgspec.structs.replace(
        truth, endpoint="", taken=0
    )
