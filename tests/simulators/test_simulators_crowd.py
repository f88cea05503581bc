"""A crowd's machines: map A to the letter, a formula of time, and a server that answers as Modbus says."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.crowd import BAD_EVERY, CYCLE_S, PIECE_S, RUN_S, STOP_S, Member
from simulators.crowd_server import FIRST_SERIAL, Box, address_of, boxes_of

Decode = Callable[[Sequence[int]], dict[str, int]]
NOW_S = 1_790_380_800
instants = st.integers(NOW_S, NOW_S + 30_000_000)
numbers = st.integers(0, 10_000)


def words(frame: bytes) -> tuple[int, ...]:
    return struct.unpack(">56H", frame)


def registers(number: int, now_s: int, decoded: Decode) -> dict[str, int]:
    return decoded(words(bytes(Member(number, 250_001 + number).show(now_s))))


@given(number=numbers, now_s=instants)
def test_every_register_says_what_the_map_says(decoded: Decode, number: int, now_s: int) -> None:
    seen = registers(number, now_s, decoded)
    assert (seen["map_id"], seen["serial"], seen["device_epoch_s"]) == (0x4B4E, 250_001 + number, now_s)
    assert seen["heartbeat"] == seen["uptime_s"] & 0xFFFF
    assert seen["pieces_total"] == seen["run_s"] // PIECE_S
    assert seen["pieces_ng_total"] == seen["pieces_total"] // BAD_EVERY
    assert seen["courses_total"] * PIECE_S // seen["courses_per_piece"] == seen["run_s"]
    assert seen["power_on_s"] == seen["run_s"] + seen["stop_s"]
    assert seen["stop_code"] == (10 if seen["status"] & 1 << 6 else 0)


@given(number=numbers, now_s=instants)
def test_one_cycle_counts_its_running_and_its_stop(decoded: Decode, number: int, now_s: int) -> None:
    before, after = registers(number, now_s, decoded), registers(number, now_s + CYCLE_S, decoded)
    assert after["run_s"] - before["run_s"] == RUN_S
    assert after["stop_s"] - before["stop_s"] == STOP_S
    assert after["status"] == before["status"]


@given(number=numbers, now_s=instants)
def test_a_second_is_counted_by_the_state_in_which_it_passed(
    decoded: Decode, number: int, now_s: int
) -> None:
    before, after = registers(number, now_s, decoded), registers(number, now_s + 1, decoded)
    running, stopped = bool(before["status"] & 1 << 2), bool(before["status"] & 1 << 6)
    assert after["run_s"] - before["run_s"] == running
    assert after["stop_s"] - before["stop_s"] == stopped
    assert after["uptime_s"] == before["uptime_s"] + 1


def request(unit: int, function: int, address: int, count: int, transaction: int = 7) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, function, address, count)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ((1, 3, 0, 1), "0007 0000 0005 01 03 02 4b4e"),
        ((2, 4, 2, 2), "0007 0000 0007 02 04 04 0003 d092"),
        ((1, 6, 0, 1), "0007 0000 0003 01 86 01"),
        ((1, 3, 55, 2), "0007 0000 0003 01 83 02"),
        ((1, 3, 0, 0), "0007 0000 0003 01 83 03"),
        ((1, 3, 0, 126), "0007 0000 0003 01 83 03"),
        ((3, 3, 0, 1), "0007 0000 0003 03 83 0b"),
    ],
)
def test_a_request_is_answered_as_the_standard_says(asked: tuple[int, ...], answered: str) -> None:
    box = Box(0, [Member(0, 250_001), Member(1, 250_002)])
    assert box.answer(request(*asked), NOW_S) == bytes.fromhex(answered)


def test_machines_are_numbered_on_over_the_boxes() -> None:
    boxes = boxes_of(machines=5, units=2, first=4)
    assert [(box.first, len(box.members)) for box in boxes] == [(4, 2), (6, 2), (8, 1)]
    assert boxes[2].members[0].serial == FIRST_SERIAL + 8
    assert (address_of(0), address_of(255)) == ("127.1.0.1", "127.1.1.0")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[int, Path, subprocess.Popen[str]]]:
    """Four machines behind two endpoints: the port, the file of notes and the process."""
    notes = tmp_path / "notes"
    wanted = ("--machines", "4", "--units", "2", "--first", str(FIRST), "--notes", str(notes))
    command = [sys.executable, "-m", "simulators.crowd_server", *wanted]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    yield int(child.stdout.readline().split()[-1]), notes, child
    child.kill()
    child.communicate()


FIRST = 2 * (os.getpid() % 30_000)
"""Test runs side by side have addresses of their own."""


def test_whole_torn_and_doubled_requests_are_answered_and_noted(
    served: tuple[int, Path, subprocess.Popen[str]],
) -> None:
    port, notes, child = served
    with socket.create_connection((address_of(FIRST // 2 + 1), port), timeout=5) as connection:
        connection.sendall(request(1, 3, 2, 2)[:5])
        time.sleep(0.05)
        connection.sendall(request(1, 3, 2, 2)[5:])
        assert connection.recv(13)[-4:] == (FIRST_SERIAL + FIRST + 2).to_bytes(4, "big")
        connection.sendall(request(2, 3, 2, 2, 8) + request(2, 3, 2, 2, 9))
        both = b""
        while len(both) < 26:
            both += connection.recv(26)
        assert (both[:2], both[13:15]) == (b"\0\10", b"\0\11")
    with socket.create_connection((address_of(FIRST // 2), port), timeout=5) as connection:
        connection.sendall(b"\0\1\0\0\xff\xff\1\3" + bytes(300))  # no frame of Modbus
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    child.send_signal(signal.SIGTERM)
    child.wait(10)
    noted = array("I")
    with notes.open("rb") as file:
        count = int.from_bytes(file.read(8), sys.byteorder)
        noted.fromfile(file, count)
    assert list(noted) == [FIRST + 2, FIRST + 3, FIRST + 3]
