"""check and probe of a machine with every kind of register: what is asked of it, and what it says."""

from pathlib import Path

import pytest

from edge_agent.__main__ import main
from edge_agent.block import Table
from tests.edge_agent.odd_device import odd_device
from tests.edge_agent.odd_words import words_of

SITE = """\
site = "gaoyang"
gateway = "gw1"
area = "dye-house"

[broker]
port = 1

[outbox]
path = "outbox.db"

[[endpoint]]
name = "line"
host = "127.0.0.1"
port = {port}

[[machine]]
name = "point-1"
endpoint = "line"
profile = "odd"
"""


def site(folder: Path, port: int = 1502) -> str:
    (folder / "profiles").mkdir()
    odd = Path(__file__).parent / "profiles" / "odd.toml"
    (folder / "profiles" / "odd.toml").write_text(odd.read_text("utf-8"), "utf-8")
    (folder / "site.toml").write_text(SITE.format(port=port), "utf-8")
    return str(folder / "site.toml")


def tables(*missing: tuple[Table, int]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for (table, address), word in words_of().items():
        if (table, address) not in missing:
            found.setdefault(str(table), {})[address] = word
    return found


def test_check_tells_what_is_read_at_every_poll_and_what_now_and_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", site(tmp_path)]) == 0
    said = capsys.readouterr().out
    for line in [
        "machines 1, requests 6 a period",
        "reads coil 3 to 3 (1 coils): valve",
        "reads discrete 7 to 7 (1 inputs): pump",
        "reads holding 4120 to 4135 (16 registers): total_m3, total_part, energy_kwh, style, model, mode",
        "reads coil 3 to 3 again: a state that changed meanwhile makes the read void",
        "now and then holding 4112 to 4113 (2 registers): flow",
        "now and then input 0 to 3 (4 registers): temperature",
    ]:
        assert line in said


def test_probe_shows_counts_gauges_and_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with odd_device({1: tables()}) as device:
        assert main(["probe", "--config", site(tmp_path, device.port)]) == 0
    said = capsys.readouterr().out
    for line in [
        "  state    run",
        "  order    20260042",
        "  bits     valve pump",
        "  meters   volume_l 1234875",
        "  gauges   flow_m3h 12.5 m3/h  temperature_c 25.5 °C",
    ]:
        assert line + "\n" in said


def test_probe_says_of_a_gauge_that_the_machine_refuses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with odd_device({1: tables((Table.INPUT, 3))}) as device:
        assert main(["probe", "--config", site(tmp_path, device.port)]) == 0
    said = capsys.readouterr().out
    assert "flow_m3h 12.5 m3/h  temperature_c no value (the machine was not asked for it, or refused)" in said
