"""The crowd on libmodbus (benchmarks/peer/crowd.c) is the crowd of the formula, whoever asks."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest

from benchmarks.factory import compiled_crowd
from benchmarks.scale import boot_ms, notes_of
from simulators.crowd import CYCLE_S, REGISTERS, Member
from simulators.crowd_server import FIRST_SERIAL, address_of

FIRST, MACHINES = 4000, 64


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        return compiled_crowd(tmp_path_factory.mktemp("peer"))
    except (OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("CI") or shutil.which("influxd"):
            pytest.fail(f"crowd on libmodbus: {error}")
        pytest.skip(f"crowd on libmodbus: {error}")


@pytest.fixture
def crowd(program: str, tmp_path: Path) -> Iterator[tuple[int, Path, "subprocess.Popen[str]"]]:
    notes = tmp_path / "notes"
    argv = [program, "--machines", str(MACHINES), "--first", str(FIRST), "--notes", str(notes)]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    port = int(child.stdout.readline().split()[-1])
    yield port, notes, child
    child.kill()
    child.communicate()


def asked(port: int, machine: int, *, unit: int = 1, count: int = REGISTERS) -> bytes:
    with socket.create_connection((address_of(machine), port), timeout=5) as connection:
        connection.sendall(pack(">HHHBBHH", 7, 0, 6, unit, 3, 0, count))
        answer = bytearray()
        while len(answer) < 6 or len(answer) < 6 + int.from_bytes(answer[4:6], "big"):
            answer += connection.recv(512)
    return bytes(answer)


def test_both_makes_show_the_same_registers_at_the_same_second(
    crowd: tuple[int, Path, "subprocess.Popen[str]"],
) -> None:
    phases = set()
    for machine in range(FIRST, FIRST + MACHINES):
        member, before = Member(machine, FIRST_SERIAL + machine), int(time.time())
        frame = asked(crowd[0], machine)[9:]
        possible = {bytes(member.show(now)) for now in range(before, int(time.time()) + 1)}
        assert frame in possible, machine
        phases.add(frame[2 * 12 : 2 * 13])
    assert len(phases) == 3, f"{MACHINES} machines should be spread over the cycle of {CYCLE_S} s"


def test_who_asks_a_unit_or_a_register_that_is_not_there_is_told(
    crowd: tuple[int, Path, "subprocess.Popen[str]"],
) -> None:
    assert asked(crowd[0], FIRST, unit=2)[7:] == bytes((0x83, 11))
    assert asked(crowd[0], FIRST, count=REGISTERS + 1)[7:] == bytes((0x83, 2))


def test_every_request_is_noted_with_its_machine_and_its_instant(
    crowd: tuple[int, Path, "subprocess.Popen[str]"],
) -> None:
    port, notes, child = crowd
    began = boot_ms()
    for machine in (FIRST + 2, FIRST, FIRST + 2):
        asked(port, machine)
    ended = boot_ms()
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    found = list(notes_of([notes]))
    assert [machine for machine, _ in found] == [FIRST + 2, FIRST, FIRST + 2]
    assert all(began - 1 <= at / 1000 <= ended + 1 for _, at in found)
