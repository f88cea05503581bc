"""What a person reads is aligned, and what an agent is given is TOML."""

import tomllib

import pytest

from simulators import describe
from simulators.ledger import ledger
from simulators.plant import Plant
from simulators.script import build_scripts

START = 1_772_409_600_000


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0h"),
        (1_000, "1s"),
        (60_000, "1m"),
        (5_400_000, "1h30m"),
        (28_800_000, "8h"),
        (840_000, "14m"),
        (3_605_000, "1h5s"),
        (90_061_000, "25h1m1s"),
    ],
)
def test_spans_of_time_read_as_they_are_written_in_a_plant(ms: int, text: str) -> None:
    assert describe.offset(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (START, "2026-03-02T00:00:00.000Z"),
        (START + 1, "2026-03-02T00:00:00.001Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_instants_are_utc_to_the_millisecond(ms: int, text: str) -> None:
    assert describe.instant(ms) == text


def test_chinese_characters_are_two_columns_wide() -> None:
    told = describe.columns([("名称", "n"), ("abcde", 1), ("恒信羊绒", 22)])
    assert told.splitlines() == ["名称      n", "abcde     1", "恒信羊绒  22"]


def test_a_machine_with_a_fixed_port_shows_it(mini: Plant) -> None:
    lines = describe.plant(mini).splitlines()
    assert "knit-02  knit  any (0)  2     2409091448" in lines
    assert "weld-01  weld  any (1)  1     1155423828" in lines


def test_an_agents_machines_share_the_endpoint_of_their_port(mini: Plant) -> None:
    found = {name: ("127.0.0.1", port, unit) for name, port, unit in ADDRESSES}
    told = tomllib.loads(describe.agent_machines(mini, found))
    assert told["endpoint"] == [
        {"name": "port-1502", "host": "127.0.0.1", "port": 1502},
        {"name": "port-1503", "host": "127.0.0.1", "port": 1503},
    ]
    assert [(m["name"], m["endpoint"], m["unit"], m["profile"]) for m in told["machine"]] == [
        ("knit-01", "port-1502", 1, "knit-flat"),
        ("knit-02", "port-1502", 2, "knit-flat"),
        ("weld-01", "port-1503", 1, "weld-cell"),
    ]
    assert [m["serial"] for m in told["machine"]] == [machine.serial for machine in mini.machines]


ADDRESSES = [("knit-01", 1502, 1), ("knit-02", 1502, 2), ("weld-01", 1503, 1)]


def test_addresses_are_one_line_a_machine(mini: Plant) -> None:
    found = {name: ("127.0.0.1", port, unit) for name, port, unit in ADDRESSES}
    assert describe.addresses(mini, found).splitlines()[1] == "knit-02  knit  127.0.0.1:1502  unit 2"


def test_the_totals_of_a_ledger_are_those_of_its_parts(mini: Plant) -> None:
    found = ledger(build_scripts(mini, START))
    told = describe.totals(found)
    rows = [line.split() for line in told.splitlines()]
    for name in found.machines:
        cells = next(row for row in rows if row and row[0] == name)
        assert sum(float(cell) for cell in cells[1:9]) == pytest.approx(60, abs=0.5)
        assert [int(cell) for cell in cells[9:]] == [
            found.pieces(counter).get((name,), 0) for counter in ("produced", "scrap", "rework")
        ]
    orders = {
        row[0]: int(row[2]) for row in rows if row and row[0] in {"1001", "1002", "2001", "3001", "3002"}
    }
    assert orders == {order: n for (order,), n in found.pieces("produced", ("order",)).items()}
