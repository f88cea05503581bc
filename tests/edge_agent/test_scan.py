"""``gongfang-agent scan`` against devices with odd manners: what it finds, what it says, how it behaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent.__main__ import main
from edge_agent.block import Table
from edge_agent.dump import BadDumpError, read_dump, write_dump
from tests.edge_agent.odd_device import OddDevice, odd_device

QUICK = ("--pause-ms", "0", "--timeout-ms", "1000")


def numbered(*ranges: tuple[int, int]) -> dict[int, int]:
    return {address: address + 1 for start, end in ranges for address in range(start, end)}


LOOM = {
    "holding": numbered((0, 4), (100, 131), (400, 402)),
    "input": numbered((0, 10)),
    "coil": dict.fromkeys(range(16), 1),
}


def scan(device: OddDevice, *more: str) -> int:
    return main(["scan", device.url, *QUICK, *more])


def test_a_scan_finds_units_tables_ranges_and_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({3: LOOM, 7: {"input": numbered((0, 2))}}, limit=16) as device:
        device.elsewhere = 11
        assert scan(device, "--units", "1-7") == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"{device.url}: units that answer: 3, 7",
        "unit 3",
        "  holding registers: 37, at most 16 a request",
        "    0 to 3               4, of them 4 not zero",
        "    100 to 130          31, of them 31 not zero",
        "    400 to 401           2, of them 2 not zero",
        "    refused: 4 to 99, 131 to 399, 402 to 499",
        "  input registers: 10",
        "    0 to 9              10, of them 10 not zero",
        "    refused: 10 to 499",
        "  coils: 16",
        "    0 to 15             16, of them 16 not zero",
        "    refused: 16 to 499",
        "  nothing to read among its discrete inputs",
        "unit 7",
        "  input registers: 2",
        "    0 to 1               2, of them 2 not zero",
        "    refused: 2 to 499",
        "  nothing to read among its holding registers and coils and discrete inputs",
    ]
    assert "asks 7 unit ids whether they are there and at most 2000 of each that answers" in told.err


def test_it_reads_only_and_one_request_at_a_time_on_one_connection() -> None:
    """The device drops a connection on which a second request comes before the first is answered."""
    with odd_device({1: LOOM}) as device:
        assert scan(device, "--units", "1") == 0
    assert {function for _, function, _, _ in device.requests} == {1, 2, 3, 4}
    assert device.connections == 1


def test_the_dump_holds_every_word_and_reads_back_as_it_was_written(tmp_path: Path) -> None:
    with odd_device({3: LOOM}, limit=16) as device:
        assert scan(device, "--units", "3", "--out", str(tmp_path / "dump.json")) == 0
    dump = read_dump((tmp_path / "dump.json").read_bytes())
    assert dump.endpoint == device.url
    assert dump.units[0].words() == {
        (Table(table), address): word for table, words in LOOM.items() for address, word in words.items()
    }
    assert read_dump(write_dump(dump)) == dump
    assert json.loads(write_dump(dump))["units"][0]["tables"][0]["limit"] == 16


def test_json_is_all_that_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: LOOM}) as device:
        assert scan(device, "--units", "1", "--json") == 0
    assert read_dump(capsys.readouterr().out.encode()).units[0].unit == 1


def test_a_dump_is_read_again_with_the_fewest_requests(tmp_path: Path) -> None:
    first, later = tmp_path / "first.json", tmp_path / "later.json"
    with odd_device({3: LOOM}, limit=16) as device:
        assert scan(device, "--units", "3", "--out", str(first)) == 0
        device.requests.clear()
        device.units[3] = {**LOOM, "input": dict.fromkeys(range(10), 7)}
        assert scan(device, "--like", str(first), "--out", str(later)) == 0
    assert len(device.requests) == 1 + 2 + 1 + 1 + 1
    before, after = (read_dump(file.read_bytes()) for file in (first, later))
    assert after.taken > before.taken
    assert after.units[0].words()[Table.INPUT, 9] == 7
    assert after.units[0].tables[0] == before.units[0].tables[0]


def test_one_device_behind_every_unit_id_is_one_device(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: {"holding": numbered((0, 10))}}) as device:
        device.deaf = True
        assert scan(device, "--addresses", "0-20") == 0
    told = capsys.readouterr().out
    assert "units that answer: 1\n" in told
    assert "note: every unit id has the same answer: one device; taken as unit 1" in told
    assert len(device.requests) < 50


@pytest.mark.parametrize("code", [4, 10, 11])
def test_a_gateway_that_answers_for_units_that_are_not_there_is_seen_through(
    code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with odd_device({5: {"holding": numbered((0, 10))}}) as device:
        device.elsewhere = code
        assert scan(device, "--units", "1-20", "--addresses", "0-20") == 0
    assert "units that answer: 5\n" in capsys.readouterr().out


def test_a_busy_device_is_asked_again() -> None:
    with odd_device({1: {"holding": numbered((0, 10))}}) as device:
        device.busy = 1
        assert scan(device, "--units", "1", "--addresses", "0-9", "--tables", "holding") == 0
    assert [request[2:] for request in device.requests] == [(0, 1), (0, 10), (0, 10)]


def test_a_device_that_is_silent_where_it_has_no_address_is_found_where_it_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with odd_device({4: {"input": numbered((10, 20))}}) as device:
        device.shy = True
        more = ("--units", "4", "--tables", "input", "--timeout-ms", "100")
        assert scan(device, *more, "--addresses", "10-19") == 0
        assert "10 to 19" in capsys.readouterr().out
        assert scan(device, *more, "--addresses", "10-20") == 0
        told = capsys.readouterr().out
        assert "10 to 19" in told
        assert "silent for some of its input table; --addresses leaves them out" in told


def test_far_islands_are_found_where_they_are_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    far = {"holding": numbered((4096, 4130), (40_000, 40_002))}
    with odd_device({1: far}) as device:
        assert scan(device, "--units", "1", "--tables", "holding") == 1
        assert "nothing to read among its holding registers" in capsys.readouterr().out
        assert scan(device, "--units", "1", "--tables", "holding", "--wide") == 0
        told = capsys.readouterr().out
        assert "4096 to 4129" in told
        assert "40000 to 40001" in told


def test_no_unit_is_a_failure_and_the_next_step_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({}) as device:
        assert scan(device, "--units", "1-3", "--timeout-ms", "100") == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{device.url}: no unit answers"
    assert told[1].startswith("note: the connection stands, and there is no answer: is its unit id")
    assert len(told) == 2


def test_a_unit_is_asked_no_more_than_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: {"holding": {}, "input": {}}}) as device:
        assert scan(device, "--units", "1", "--requests", "40") == 1
    assert len(device.requests) == 1 + 40
    assert "note: unit 1: asked 40 times, the rest was not looked at" in capsys.readouterr().out


def test_the_time_limit_ends_it_and_what_was_found_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: {"holding": numbered((0, 500))}}) as device:
        began = time.monotonic()
        assert scan(device, "--units", "1-40", "--limit-s", "1") == 1
        assert time.monotonic() - began < 10
    assert (
        "stopped after 1 s; --limit-s allows more; this is what was found until then"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("http://192.0.2.1",), "write tcp://192.0.2.20:502"),
        (("tcp://192.0.2.1:99999",), "the port is a number from 1 to 65535"),
        (("tcp://192.0.2.1", "--units", "0-300"), "no number or range from 0 to 255"),
        (("tcp://192.0.2.1", "--units", "9-3"), "no number or range from 0 to 255"),
        (("tcp://192.0.2.1", "--tables", "holding,relay"), "there are coil, discrete, holding, input"),
        (("tcp://192.0.2.1", "--like", "gone.json"), "No such file"),
        (("tcp://192.0.2.1", "--like", __file__), "test_scan.py is no dump as `scan --out` makes it"),
    ],
)
def test_bad_usage_exits_with_2_and_says_what_to_write(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["scan", *arguments])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("text", [b"", b"[]", b'{"format": "gongfang-dump/2"}', b'{"units": [[[['])
def test_what_is_no_dump_is_refused(text: bytes) -> None:
    with pytest.raises(BadDumpError):
        read_dump(text)


@pytest.mark.slow
def test_control_c_keeps_what_was_found(tmp_path: Path) -> None:
    """As a process: the first unit is found, and the search for others is broken off."""
    out = tmp_path / "dump.json"
    with odd_device({1: {"holding": numbered((0, 500))}}) as device:
        command = [
            sys.executable,
            "-m",
            "edge_agent",
            "scan",
            device.url,
            "--out",
            str(out),
            "--pause-ms",
            "200",
        ]
        child = subprocess.Popen(
            [*command, "--units", "1"], stdout=subprocess.PIPE, env=os.environ, text=True
        )
        try:
            while len(device.requests) < 4:
                assert child.poll() is None
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            told, _ = child.communicate(timeout=30)
        finally:
            child.kill()
            child.wait()
    assert child.returncode == 1
    assert "stopped; this is what was found until then" in told
    assert len(read_dump(out.read_bytes()).units[0].words()) >= 200


def test_what_moves_is_read_once_more_so_that_a_dump_is_of_one_instant(tmp_path: Path) -> None:
    """The scan of another table comes between the first sight of a counter and the end."""
    words = {0: 500, 1: 0}
    with odd_device({1: {"holding": words, "input": numbered((0, 4))}}) as device:
        seen = device._answer

        def counting(request: bytes) -> bytes | None:
            words[0] += 1
            return seen(request)

        device._answer = counting  # type: ignore[method-assign]
        assert scan(device, "--units", "1", "--out", str(tmp_path / "dump.json")) == 0
    held = read_dump((tmp_path / "dump.json").read_bytes()).units[0].words()[Table.HOLDING, 0]
    assert words[0] - held < 5


def test_a_machine_that_shows_only_bits_there_is_said_to_have_no_registers_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    coils = dict.fromkeys(range(3), 1)
    note = "note: unit 3: no registers at these addresses; --wide looks at all of them"
    with odd_device({3: {"input": numbered((4096, 4100)), "coil": coils}}) as device:
        assert scan(device, "--units", "3") == 0
        assert note in capsys.readouterr().out
        assert scan(device, "--units", "3", "--tables", "coil") == 0
        assert "note" not in capsys.readouterr().out
    with odd_device({3: {"coil": coils}}) as device:  # which knows no function that reads registers
        assert scan(device, "--units", "3") == 0
        assert "note" not in capsys.readouterr().out
