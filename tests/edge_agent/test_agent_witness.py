"""``gongfang-agent witness`` against a machine on a real socket and a real broker."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.messages import Witness
from edge_agent import command_witness
from edge_agent.__main__ import main
from edge_agent.config import load

SITE = """\
site = "{site}"
gateway = "gw1"
area = "hall-a"

[broker]
port = {broker}

[outbox]
path = "outbox.db"

[[endpoint]]
name = "bus"
host = "127.0.0.1"
port = {port}
timeout_ms = 500

[[machine]]
name = "knit-01"
endpoint = "bus"
profile = "knit-flat"
serial = 240101
"""


@pytest.fixture
def site(tmp_path: Path) -> str:
    """A site for each test: the broker outlives it."""
    return tmp_path.name.replace("_", "-").rstrip("-")[-60:].lstrip(".-")


@pytest.fixture
def file(tmp_path: Path, site: str, hub: Any, maps: Any, mosquitto: Any) -> Path:
    for address, word in maps.knit("running").items():
        hub.words[address] = word
    path = tmp_path / "site.toml"
    path.write_text(SITE.format(site=site, broker=mosquitto.port, port=hub.port))
    return path


def witness(file: Path, *more: str, by: str = "王师傅") -> int:
    return main(["witness", "--config", str(file), "--machine", "knit-01", "--by", by, *more])


def panel(**figures: str) -> list[str]:
    return [part for name, number in figures.items() for part in ("--panel", f"{name}={number}")]


def retained(mosquitto: Any, site: str) -> bytes:
    """What the broker keeps on the topic; empty when it keeps nothing."""
    topic = f"gongfang/v1/{site}/machine/knit-01/witness"
    command = ["mosquitto_sub", "-p", str(mosquitto.port), "-t", topic, "-C", "1", "-W", "1"]
    return subprocess.run(command, check=False, capture_output=True).stdout.strip()


def test_what_agrees_is_announced_with_who_saw_it_and_through_which_profile(
    file: Path, site: str, mosquitto: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert witness(file, *panel(pieces="81250", run_h="277.8", energy_kwh="7.8")) == 0
    told = capsys.readouterr().out
    assert "knit-01  (bus unit 1, knit-flat@1, serial 240101)" in told
    assert "  run_h            277.778" in told
    message = msgspec.json.decode(retained(mosquitto, site), type=Witness)
    profile = load(file).machines[0].profile
    assert (message.machine, message.by, message.gateway) == ("knit-01", "王师傅", "gw1")
    assert (message.profile, message.profile_digest, message.serial) == (
        "knit-flat@1",
        profile.digest,
        240101,
    )
    assert message.panel == {"pieces": "81250", "run_h": "277.8", "energy_kwh": "7.8"}
    assert message.readings["pieces"] == 81_250
    assert message.at <= message.issued
    assert f"recorded as {message.id}" in told


DISAGREES: list[tuple[list[str], str]] = [
    (panel(pieces="8125"), "panel and registers disagree: pieces (they are 10 times apart"),
    (panel(pieces="81250", run_h="100"), "panel and registers disagree: run_h"),
    (panel(scrap="0"), "panel and registers disagree: scrap"),
]


@pytest.mark.parametrize("case", DISAGREES, ids=[row[1][:60] for row in DISAGREES])
def test_what_disagrees_is_not_recorded(
    file: Path, site: str, mosquitto: Any, case: tuple[list[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    said, why = case
    assert witness(file, *said) == 1
    assert why in capsys.readouterr().err
    assert retained(mosquitto, site) == b""


def test_zeros_prove_nothing(file: Path, hub: Any, capsys: pytest.CaptureFixture[str]) -> None:
    hub.words[26] = hub.words[27] = hub.words[28] = hub.words[29] = 0
    assert witness(file, *panel(pieces="0", scrap="0")) == 1
    assert "all that was compared is 0" in capsys.readouterr().err


STRANGERS = [
    (lambda words: words.__setitem__(3, 7), "its serial number is"),
    (lambda words: words.__setitem__(0, 7), "map_id is 0x0007, knit-flat@1 expects 0x4b4e"),
    (lambda words: words.__setitem__(9, 0), "the machine says that its data is not valid"),
]


@pytest.mark.parametrize(("change", "why"), STRANGERS, ids=[row[1][:30] for row in STRANGERS])
def test_a_machine_that_would_not_be_metered_cannot_be_witnessed(
    file: Path, hub: Any, change: Callable[[Any], None], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(hub.words)
    assert witness(file, *panel(pieces="81250")) == 1
    assert why in capsys.readouterr().err


def test_without_a_broker_nothing_is_recorded_and_that_is_said(
    file: Path, mosquitto: Any, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text().replace(f"port = {mosquitto.port}", f"port = {free_port()}"))
    assert witness(file, *panel(pieces="81250")) == 1
    assert "nothing is recorded" in capsys.readouterr().err


def test_a_dry_run_compares_and_records_nothing(
    file: Path, site: str, mosquitto: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert witness(file, *panel(pieces="81250"), "--dry-run") == 0
    assert "they agree; nothing is recorded" in capsys.readouterr().out
    assert retained(mosquitto, site) == b""


def test_it_asks_a_person_who_gave_nothing(
    file: Path, site: str, hub: Any, mosquitto: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the person reads the panel the machine goes on; a slip of the hand is asked for again."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = {"pieces": ["eighty", "81252"], "run_h": ["277.8"]}

    def answer(prompt: str) -> str:
        hub.words[27] = (81_254) & 0xFFFF
        hub.words[26] = 81_254 >> 16
        name = prompt.split(maxsplit=1)[0].rstrip(":")
        return answers[name].pop(0) if answers.get(name) else ""

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(command_witness, "input", answer, raising=False)
    assert witness(file) == 0
    message = msgspec.json.decode(retained(mosquitto, site), type=Witness)
    assert message.panel == {"pieces": "81252", "run_h": "277.8"}
    assert message.readings["pieces"] == 81_254


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say what the panel shows: --panel pieces=812"),
        (("--panel", "picks=3"), "--panel picks: knit-flat@1 has run_s"),
        (("--panel", "pieces=1,5"), "is not like pieces=812 or run_h=25.3"),
    ],
)
def test_bad_usage_exits_with_2(
    file: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = witness(file, *arguments)
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert says in capsys.readouterr().err


def test_another_machine_than_there_is_is_bad_usage(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["witness", "--config", str(file), "--machine", "knit-9", "--by", "x"]) == 2
    assert "no such machine" in capsys.readouterr().err
