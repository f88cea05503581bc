"""``gongfang-agent probe URL``: words of a machine without a profile, from a device with odd manners."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_agent.__main__ import main
from tests.edge_agent.odd_device import OddDevice, odd_device

LOOM = {0: 0x4C4D, 1: 0x3630, 20: 86_461 & 0xFFFF, 21: 86_461 >> 16, 22: 812, 23: 0, 30: 0xE979, 31: 0x42F6}


def probe(device: OddDevice, *more: str) -> int:
    return main(["probe", device.url, "--pause-ms", "0", "--timeout-ms", "300", *more])


def test_words_are_shown_beside_what_they_may_mean(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({3: {"holding": LOOM}}, limit=2) as device:
        assert probe(device, "--unit", "3") == 0
    assert capsys.readouterr().out.splitlines() == [
        " holding   word",
        '       0   0x4c4d 19533   ascii[2] "LM60" or, bytes swapped, "ML06"',
        "       1   0x3630 13872",
        "      20   0x51bd 20925   u32 CDAB 86461",
        "      21   0x0001     1   u32 ABCD 66348",
        "      22   0x032c   812",
        "      23   0x0000     0",
        "      30   0xe979 59769   f32 CDAB 123.456",
        "      31   0x42f6 17142",
    ]
    assert {function for _, function, _, _ in device.requests} == {3}


def test_all_leaves_nothing_out(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: {"input": {5: 7}}}) as device:
        assert probe(device, "--table", "input", "--from", "5", "--count", "1", "--all") == 0
    line = " ".join(capsys.readouterr().out.splitlines()[1].split())
    assert line == "5 0x0007 7 u16 BADC 1792 i16 7 i16 BADC 1792 bcd4 7 bcd4 BADC 700"


@contextmanager
def counting(device: OddDevice, words: dict[int, int]) -> Iterator[None]:
    """A second of the device is a tenth of ours."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.1):
            words[20] += 1

    clock = threading.Thread(target=run)
    clock.start()
    try:
        yield
    finally:
        over.set()
        clock.join()


def test_a_counter_shows_itself_by_counting(capsys: pytest.CaptureFixture[str]) -> None:
    words = dict(LOOM)
    with odd_device({1: {"holding": words}}, limit=16) as device, counting(device, words):
        assert probe(device, "--count", "32", "--watch", "1", "--every-ms", "200") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith("counts up, +")
    assert [line.split()[:3] for line in told[2:]] == [["20", "u32", "CDAB"], ["20", "u16", "20925"]] or (
        told[2].split()[:3] == ["20", "u32", "CDAB"]
    )


def test_what_cannot_be_read_is_said_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: {"holding": {}}}) as device:
        assert probe(device, "--from", "100", "--count", "4") == 1
    said = capsys.readouterr().err
    assert "unit 1: nothing can be read at holding 100 to 103 (Modbus exception 2)" in said
    assert f"`gongfang-agent scan {device.url} --units 1` finds where its registers are" in said


@pytest.mark.parametrize("named", [True, False], ids=["named", "assumed"])
def test_a_unit_that_is_not_there_is_said_with_who_finds_those_that_are(
    named: bool,  # noqa: FBT001  a case
    capsys: pytest.CaptureFixture[str],
) -> None:
    with odd_device({3: {"holding": {0: 1}}}) as device:
        assert probe(device, *(("--unit", "1") if named else ()), "--timeout-ms", "100") == 1
    first, *others = capsys.readouterr().err.splitlines()
    why = "" if named else ", which is asked where --unit names none,"
    assert first == f"unit 1{why} does not answer"
    assert others[0] == f"`gongfang-agent scan {device.url}` finds the units that do"
    assert [line[:22] for line in others[1:]] == (["the connection stands,"] if named else [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "one of the arguments --config URL is required"),
        (("tcp://192.0.2.1", "--config", "site.toml"), "not allowed with argument"),
        (("192.0.2.1",), "write tcp://192.0.2.20:502"),
        (("tcp://192.0.2.1", "--unit", "256"), "no number from 0 to 255"),
        (("tcp://192.0.2.1", "--table", "relay"), "invalid"),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["probe", *arguments])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert says in capsys.readouterr().err
