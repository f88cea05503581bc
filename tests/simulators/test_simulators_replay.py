"""A dump replayed: what could be read is served, what could not is refused, and dumps follow one another."""

import json
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators.__main__ import main
from simulators.replay import DumpError, answer, recording
from simulators.replay_server import framed


def dump(taken: int = 1_000, pieces: int = 7, **more: Any) -> bytes:
    holding = {
        "table": "holding",
        "limit": 4,
        "borders": [22],
        "ranges": [{"address": 0, "words": [1, 2, 3, 4, 5]}, {"address": 20, "words": [pieces, 0, 9]}],
    }
    tables = [
        holding,
        {"table": "coil", "ranges": [{"address": 3, "words": [1, 0, 0, 1, 1, 1, 1, 1, 1, 1]}]},
        {"table": "input", "ranges": [], "supported": False},
    ]
    return json.dumps({"taken": taken, "units": [{"unit": 5, "tables": tables}]} | more).encode()


ANSWERS = [
    # what; unit, function, address, count; words or exception
    ("registers", (5, 3, 0, 4), [1, 2, 3, 4]),
    ("coils", (5, 1, 3, 10), [1, 0, 0, 1, 1, 1, 1, 1, 1, 1]),
    ("up to an edge", (5, 3, 3, 2), [4, 5]),
    ("over an edge", (5, 3, 3, 3), 2),
    ("in a hole", (5, 3, 10, 1), 2),
    ("more than it gave at once", (5, 3, 0, 5), 3),
    ("nothing at all", (5, 3, 0, 0), 3),
    ("up to a border", (5, 3, 20, 2), [7, 0]),
    ("over a border", (5, 3, 21, 2), 2),
    ("a table that it did not know", (5, 4, 0, 1), 1),
    ("a table that nobody looked at", (5, 2, 0, 1), 1),
    ("writing", (5, 6, 0, 1), 1),
    ("a unit that is not there", (6, 3, 0, 1), 11),
]


@pytest.mark.parametrize(("asked", "told"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_a_recording_answers_as_the_device_did(
    asked: tuple[int, int, int, int], told: list[int] | int
) -> None:
    assert answer(recording([("dump.json", dump())]), asked, 0) == told


def test_each_dump_holds_until_the_next_was_taken_and_the_last_one_stays() -> None:
    recorded = recording([("b", dump(61_000, 9)), ("a", dump(1_000, 7)), ("c", dump(121_000, 12))])
    read = [answer(recorded, (5, 3, 20, 1), at_ms) for at_ms in (0, 59_999, 60_000, 119_999, 120_000, 10**9)]
    assert read == [[7], [7], [9], [9], [12], [12]]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([b"{"], "dump0: "),
        ([b'{"taken": 1, "units": [{"unit": "x"}]}'], "dump0: "),
        ([dump(), dump(2_000, units=[])], "not of one device"),
    ],
)
def test_what_is_no_dump_of_one_device_is_refused(files: list[bytes], says: str) -> None:
    with pytest.raises(DumpError, match=says):
        recording([(f"dump{at}", data) for at, data in enumerate(files)])


def test_frames_are_those_of_the_standard() -> None:
    recorded = recording([("dump.json", dump())])
    head = bytes.fromhex("1234 0000 0006")
    request = struct.pack(">BBHH", 5, 3, 0, 2)
    assert framed(head, request, recorded, 0) == bytes.fromhex("1234 0000 0007 05 03 04 0001 0002")
    bits = struct.pack(">BBHH", 5, 1, 3, 10)
    assert framed(head, bits, recorded, 0) == bytes.fromhex("1234 0000 0005 05 01 02 f9 03")
    assert framed(head, b"\5\x10\0\0\0\1\2\0\7", recorded, 0) == bytes.fromhex("1234 0000 0003 05 90 01")
    assert framed(head, b"\5", recorded, 0) == bytes.fromhex("1234 0000 0003 05 80 01")


def test_a_file_that_is_no_dump_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dump.json").write_text("[]")
    assert main(["replay", str(tmp_path / "dump.json")]) == 2
    assert "dump.json: Expected `object`, got `array`" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "gone.json")]) == 2


def test_as_a_process_it_says_where_it_serves_and_stops_when_told(tmp_path: Path) -> None:
    (tmp_path / "dump.json").write_bytes(dump())
    child = subprocess.Popen(
        [sys.executable, "-m", "simulators", "replay", str(tmp_path / "dump.json")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        ready = child.stdout.readline()
        assert "serves units 5; Ctrl-C stops" in ready
        port = int(ready.split()[1].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            for _ in range(2):
                connection.sendall(bytes.fromhex("0001 0000 0006 05 03 0000 0002"))
                assert connection.recv(100) == bytes.fromhex("0001 0000 0007 05 03 04 0001 0002")
            child.send_signal(signal.SIGTERM)
            assert child.wait(30) == 0
    finally:
        child.kill()
        child.communicate()
