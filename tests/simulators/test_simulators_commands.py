"""The command as a person or a unit file runs it: a process of its own, ended by a signal."""

import contextlib
import os
import signal
import struct
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from simulators.__main__ import main
from simulators.clock import PlantClock
from simulators.ledger import Ledger, ledger
from simulators.plant import Plant
from simulators.script import build_scripts

START = 1_772_409_600_000  # 2026-03-02T08:00+08:00
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(*arguments: object) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A simulator that serves, and what it said until it did."""
    argv = [sys.executable, "-m", "simulators", "run", *map(str, arguments)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    assert process.stdout
    said = ""
    try:
        for line in process.stdout:
            said += line
            if line.startswith("#"):
                break
        yield process, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def stop(process: "subprocess.Popen[str]", number: int) -> int:
    process.send_signal(number)
    return process.wait(20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_and_writes_the_ledger(
    plants: Path, mini: Plant, tmp_path: Path, number: int
) -> None:
    file, start = tmp_path / "truth.json", "2026-03-02T08:00+08:00"
    clock = ("--clock-real", 0, "--clock-plant", START + 1_800_000, "--scale", "0.000001")
    with running(plants / "mini.toml", "--start", start, *clock, "--ledger", file) as (process, said):
        assert stop(process, number) == 0
    assert "knit-02  knit  127.0.0.1:" in said
    told = msgspec.json.decode(file.read_bytes(), type=Ledger)
    assert START < told.until_ms < START + mini.duration_ms
    assert told == ledger(build_scripts(mini, START), START, told.until_ms)
    assert os.listdir(tmp_path) == ["truth.json"]  # noqa: PTH208  names are all that is wanted


def test_the_agents_machines_are_printed_with_the_ports_that_are_served(
    plants: Path, mini: Plant, decoded: Callable[[Sequence[int]], dict[str, int]]
) -> None:
    with running(plants / "mini.toml", "--print-agent-machines") as (process, said):
        told = tomllib.loads(said)
        endpoints = {endpoint["name"]: endpoint for endpoint in told["endpoint"]}
        assert [machine["name"] for machine in told["machine"]] == [machine.name for machine in mini.machines]
        for machine in told["machine"]:
            endpoint = endpoints[machine["endpoint"]]
            registers = read_all(endpoint["host"], endpoint["port"], machine["unit"])
            assert decoded(registers)["serial"] == machine["serial"]
        assert stop(process, signal.SIGTERM) == 0


def read_all(host: str, port: int, unit: int) -> tuple[int, ...]:
    import socket

    with socket.create_connection((host, port), timeout=5) as link:
        link.sendall(struct.pack(">HHHBBHH", 1, 0, 6, unit, 3, 0, 56))
        answer = b""
        while len(answer) < 9 + 112:
            answer += link.recv(256)
    words: tuple[int, ...] = struct.unpack(">56H", answer[9:])
    return words


def test_a_taken_port_is_a_failure_with_a_sentence(plants: Path, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = tmp_path / "plant.toml"
        text = (plants / "mini.toml").read_text("utf-8")
        file.write_text(text.replace('units = "shared"', f'units = "shared"\nport = {port}'), "utf-8")
        with running(file) as (process, said):
            assert process.wait(20) == 1
    assert said == f"gongfang-simulator: cannot listen on 127.0.0.1:{port}; is the port taken?\n"


def test_check_says_that_a_good_file_is_fine(plants: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(plants / "demo.toml")]) == 0
    assert capsys.readouterr().out.endswith("demo.toml: 17 machines, 10 orders: fine\n")


@pytest.mark.parametrize("command", ["check", "describe", "run", "ledger"])
def test_a_bad_file_is_complained_of_by_every_command(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("seed = 1\n")
    assert main([command, str(file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{file}:1: duration: is missing; " in told.err
    assert "Traceback" not in told.err


def test_describe_tells_who_has_what(plants: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", str(plants / "demo.toml")]) == 0
    said = capsys.readouterr().out
    for part in ("knit-13  knit", "恒信羊绒", "260101", "knit-05   ruifeng   4h     8h", "4h15m"):
        assert part in said, part


def test_the_ledger_can_be_recounted(plants: Path, mini: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["ledger", str(plants / "mini.toml"), "--start", "2026-03-02T08:00", "--json"]
    assert main(argv) == 0
    told = msgspec.json.decode(capsys.readouterr().out, type=Ledger)
    assert told == ledger(build_scripts(mini, START))


def test_a_ledger_may_be_of_a_part_and_be_read_by_a_person(
    plants: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["ledger", str(plants / "mini.toml"), "--start", "2026-03-02T08:00"]
    assert main([*argv, "--since", "2026-03-02T00:10Z", "--until", "2026-03-02T08:40+08:00"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("from 2026-03-02T00:10:00.000Z until 2026-03-02T00:40:00.000Z\n")
    minutes = next(line for line in said.splitlines() if line.startswith("weld-01")).split()[1:9]
    assert sum(float(cell) for cell in minutes) == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ledger", "--start", "yesterday"),
        ("ledger", "--since", "08:00"),
        ("run", "--start", "yesterday"),
        ("run", "--ledger", "/no/such/place/ledger.json"),
    ],
)
def test_bad_arguments_are_refused_with_the_remedy(
    arguments: tuple[str, ...], plants: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = arguments
    assert main([command, str(plants / "mini.toml"), *rest]) == 2
    said = capsys.readouterr().err
    assert rest[-1] in said
    assert "; " in said


@pytest.mark.parametrize("argv", [[], ["dance"], ["run", "x.toml", "--scale", "0"], ["run"]])
def test_bad_usage_ends_with_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("scale", "real_ms", "plant_ms"),
    [(1, 1_000, 5_000), (60, 2_000, 65_000), (0.5, 3_000, 6_000), (60, 500, -25_000)],
)
def test_plant_time_runs_from_the_pair_at_its_scale(scale: float, real_ms: int, plant_ms: int) -> None:
    assert PlantClock(real_ms=1_000, plant_ms=5_000, scale=scale).plant(real_ms) == plant_ms
