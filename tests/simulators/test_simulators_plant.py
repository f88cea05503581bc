"""A plant file is read whole, or all that is wrong with it is said at once, with line, key and remedy."""

import re
from pathlib import Path

import pytest

from simulators.complaints import find_lines
from simulators.plant import Plant, PlantError, load_plant, parse_plant

GOOD = """\
name = "Test"
site = "qinghe"
area = "hall"
timezone = "Asia/Shanghai"
seed = 1
duration = "2h"
quiet_s = 30
poll_s = 10
[[tenant]]
id = "red"
name_en = "Red"
name_zh = "红"
[[tenant]]
id = "blue"
name_en = "Blue"
name_zh = "蓝"
[[machines]]
kind = "knit"
count = 3
name = "knit-{n:02}"
units = "shared"
port = 15020
initial = { pieces_total = 4294967291 }
[[machines]]
kind = "weld"
count = 2
name = "weld-{n}"
port = 15030
[[order]]
id = "4711"
tenant = "red"
article = "pullover"
pieces = 10
piece_s = 840
machines = ["knit-*"]
[[order]]
id = "4712"
tenant = "blue"
article = "frame"
pieces = 20
piece_s = 120.5
machines = ["weld-*", "knit-03"]
due = "1h30m"
[[lease]]
machines = ["knit-01", "knit-02"]
tenant = "red"
from = "0h"
until = "1h"
[[lease]]
machines = ["knit-01"]
tenant = "blue"
from = "1h"
until = "2h"
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(PlantError) as caught:
        parse_plant(text, "test.toml")
    return list(caught.value.complaints)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_good_file_becomes_a_plant() -> None:
    plant = parse_plant(GOOD)
    assert (plant.name, plant.site, plant.area, plant.timezone) == ("Test", "qinghe", "hall", "Asia/Shanghai")
    assert (plant.seed, plant.duration_ms, plant.quiet_ms, plant.poll_ms) == (1, 7_200_000, 30_000, 10_000)
    assert [tenant.name_zh for tenant in plant.tenants] == ["红", "蓝"]
    assert [(m.name, m.kind, m.unit, m.group, m.port) for m in plant.machines] == [
        ("knit-01", "knit", 1, 0, 15020),
        ("knit-02", "knit", 2, 0, 15020),
        ("knit-03", "knit", 3, 0, 15020),
        ("weld-1", "weld", 1, 1, 15030),
        ("weld-2", "weld", 1, 2, 15031),
    ]
    assert len({machine.serial for machine in plant.machines}) == 5
    assert plant.machines[0].initial == {"pieces_total": 4294967291}


def test_orders_and_leases_name_machines_by_pattern() -> None:
    plant = parse_plant(GOOD)
    frame = plant.order("4712")
    assert frame
    assert frame.machines == ("knit-03", "weld-1", "weld-2")
    assert (frame.wanted, frame.piece_ms, frame.due_ms, frame.number) == (60, 120_500, 5_400_000, 4712)
    assert [order.id for order in plant.orders_of("knit-03")] == ["4711", "4712"]
    assert [(x.tenant, x.from_ms, x.until_ms) for x in plant.leases_of("knit-01")] == [
        ("red", 0, 3_600_000),
        ("blue", 3_600_000, 7_200_000),
    ]
    assert plant.order("1") is None


def test_quiet_and_poll_have_defaults() -> None:
    plant = parse_plant(GOOD.replace("quiet_s = 30\npoll_s = 10\n", ""))
    assert (plant.quiet_ms, plant.poll_ms) == (30_000, 10_000)


def test_a_machine_table_may_set_behaviour_and_keeps_the_other_defaults() -> None:
    plant = parse_plant(GOOD.replace('kind = "weld"', 'kind = "weld"\nbehaviour = { scrap_share = 0.5 }'))
    machine = plant.machines[-1]
    assert machine.behaviour.scrap_share == 0.5
    assert machine.behaviour.rework_share == 0.03


def test_numbering_may_start_anywhere() -> None:
    plant = parse_plant(GOOD.replace('name = "weld-{n}"', 'name = "weld-{n:03}"\nfirst = 9'))
    assert [machine.name for machine in plant.machines[-2:]] == ["weld-009", "weld-010"]


@pytest.mark.parametrize("name", ["demo.toml", "mini.toml", "cluster.toml"])
def test_the_plants_that_come_with_it_are_good(plants: Path, name: str) -> None:
    assert load_plant(plants / name).machines


def test_the_demo_plant_is_a_shared_workshop(demo: Plant) -> None:
    kinds = [machine.kind for machine in demo.machines]
    assert (kinds.count("knit") >= 12, kinds.count("weld") >= 4) == (True, True)
    assert len(demo.tenants) == 4
    assert demo.duration_ms == 8 * 3_600_000


# replaced, with, key that is complained of, what is said, what to do
BAD = [
    ('site = "qinghe"\n', "", "site", "is missing", "in quotes"),
    ('site = "qinghe"', 'site = "Qing He"', "site", "'Qing He' is not a legal name", "lower-case"),
    ('site = "qinghe"', 'site = "none"', "site", "'none' is a reserved word", "choose another"),
    ('area = "hall"', "area = 5", "area", "5 is not text", "in quotes"),
    ('area = "hall"', 'area = ""', "area", "'' is not text", "in quotes"),
    ("Asia/Shanghai", "Asia/Qinghe", "timezone", "'Asia/Qinghe' is unknown", "IANA"),
    ("seed = 1", "seed = -1", "seed", "-1 is out of range", "whole number"),
    ("seed = 1", "seed = true", "seed", "True is out of range", "whole number"),
    ("seed = 1", "seed = 1\nsede = 1", "sede", "unknown key", "did you mean seed?"),
    ("seed = 1", "seed = 1\nzzz = 1", "zzz", "unknown key", "known keys: area"),
    ('duration = "2h"', 'duration = "2 hours"', "duration", "is not a span of time", '"3h30m"'),
    ('duration = "2h"', 'duration = "h"', "duration", "is not a span of time", '"3h30m"'),
    ('duration = "2h"', 'duration = "900h"', "duration", "is out of range", "168h"),
    ("quiet_s = 30", "quiet_s = 5", "quiet_s", "shorter than two polls", "make it 20 or more"),
    ('id = "blue"', 'id = "red"', "tenant[1].id", "'red' is there twice", "its own"),
    ('name_zh = "蓝"\n', "", "tenant[1].name_zh", "is missing", "in quotes"),
    ('kind = "weld"', 'kind = "lathe"', "machines[1].kind", "'lathe' is not known here", "knit, weld"),
    ("count = 3", "count = 0", "machines[0].count", "0 is out of range", "1 to 247"),
    ("count = 3", "count = 248", "machines[0].count", "248 is out of range", "1 to 247"),
    ("knit-{n:02}", "knit", "machines[0].name", "3 machines of one name", "knit-{n:02}"),
    ("knit-{n:02}", "Knit {n}", "machines[0].name", "'Knit 1' is not a legal name", "lower-case"),
    ("port = 15030", "port = 65535", "machines[1].port", "end beyond 65535", "port = 0"),
    ("port = 15030", "port = 15019", "machines[1].port", "15020 is taken already", "port = 0"),
    ("pieces_total = 42", "pieces = 42", "machines[0].initial.pieces", "unknown key", "pieces_total?"),
    ("4294967291", "4294967296", "machines[0].initial.pieces_total", "is out of range", "4294967295"),
    ('units = "shared"', 'units = "both"', "machines[0].units", "'both' is not known", "shared, each"),
    ('id = "4711"', 'id = "A-17"', "order[0].id", "does not fit the order register", "digits"),
    ('id = "4711"', 'id = "04711"', "order[0].id", "does not fit the order register", "digits"),
    ('id = "4711"', 'id = "4294967296"', "order[0].id", "does not fit the order register", "digits"),
    ('id = "4711"', 'id = "4712"', "order[1].id", "'4712' is there twice", "its own"),
    ('tenant = "red"', 'tenant = "rot"', "order[0].tenant", "no tenant 'rot'", "use one of blue, red"),
    ("pieces = 10", "pieces = 70000", "order[0].pieces", "70000 is out of range", "65535"),
    ("pieces = 10", "pieces = 1.5", "order[0].pieces", "1.5 is out of range", "whole number"),
    ("piece_s = 840", "piece_s = 0", "order[0].piece_s", "0 is out of range", "1 to 86400"),
    ('["knit-*"]', '["nit-*"]', "order[0].machines", "'nit-*' matches no machine", "of this plant"),
    ('["knit-*"]', "[]", "order[0].machines", "[] is not a list of names", "write a list"),
    ('due = "1h30m"', 'due = "soon"', "order[1].due", "'soon' is not a span of time", "45m"),
    ('until = "2h"', 'until = "3h"', "lease[1].until", "ends after the plant does", "or before"),
    ('until = "2h"', 'until = "1h"', "lease[1].until", "ends before it begins", "later"),
    ('from = "1h"', 'from = "59m"', "lease[1].from", "knit-01 is leased to red then", "follow each other"),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "problem", "remedy"), BAD, ids=[f"{case[2]}: {case[3]}" for case in BAD]
)
def test_one_mistake_gives_one_complaint_with_its_line_and_remedy(
    old: str, new: str, key: str, problem: str, remedy: str
) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    (complaint,) = complaints(text)
    told = re.fullmatch(r"test\.toml:(\d+): ([^:]+): ([^;]+); (.+)", complaint)
    assert told
    assert told[2] == key
    assert problem in told[3]
    assert remedy in told[4]
    assert 1 <= int(told[1]) <= len(text.splitlines())


def test_the_line_is_that_of_the_key() -> None:
    text = GOOD.replace("piece_s = 120.5", 'piece_s = "fast"')
    (complaint,) = complaints(text)
    assert complaint.startswith(f"test.toml:{line_of(text, 'fast')}: order[1].piece_s: ")


def test_the_line_of_a_missing_key_is_that_of_its_table() -> None:
    text = GOOD.replace('article = "frame"\n', "")
    (complaint,) = complaints(text)
    assert text.splitlines()[int(complaint.split(":")[1]) - 1] == "[[order]]"
    assert complaint.startswith(f"test.toml:{line_of(text, '4712') - 1}: order[1].article: is missing")


def test_every_complaint_comes_at_once_in_the_order_of_the_file() -> None:
    text = GOOD
    for old, new in (("seed = 1", "seed = 'x'"), ("count = 3", "count = 'x'"), ('"1h30m"', "5")):
        text = text.replace(old, new)
    found = complaints(text)
    assert [complaint.split(": ")[1] for complaint in found] == ["seed", "machines[0].count", "order[1].due"]
    assert [int(complaint.split(":")[1]) for complaint in found] == sorted(
        line_of(text, part) for part in ("seed = ", "count = 'x'", "due = 5")
    )


def test_an_empty_file_says_all_that_is_needed() -> None:
    keys = {complaint.split(": ")[1] for complaint in complaints("")}
    assert keys == {"name", "site", "area", "timezone", "seed", "duration", "machines"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("name = ", 1), ('a = 1\nb = "x', 2), ("[[order]\n", 1), ("x = 1\nx = 2\n", 2)],
)
def test_broken_toml_is_one_complaint_with_a_line(text: str, line: int) -> None:
    (complaint,) = complaints(text)
    assert complaint.startswith(f"test.toml:{line}: (file): ")
    assert complaint.endswith("; correct the TOML there")


@pytest.mark.parametrize(
    "text",
    [
        "order = 5",
        "order = [1, 2]",
        "machines = {}",
        "tenant = 'x'\nlease = [[]]",
        "[machines]\nkind = 'knit'",
    ],
)
def test_the_wrong_kind_of_table_is_a_complaint_and_no_crash(text: str) -> None:
    assert all(complaint.startswith("test.toml:") for complaint in complaints(text))


def test_a_file_that_cannot_be_read_is_a_complaint(tmp_path: Path) -> None:
    for path, problem in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(PlantError, match=problem):
            load_plant(path)
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(PlantError, match="is not UTF-8"):
        load_plant(tmp_path / "latin.toml")


def test_lines_are_found_in_tables_of_every_kind() -> None:
    text = 'a = 1\n"b c" = 2\n[t]  # table\nx = 1\n[[r]]\ny = 1\n[[r]]\n  y = 2\n[r.deep]\nz = 3\n'
    assert find_lines(text) == {
        ("a",): 1,
        ("b c",): 2,
        ("t",): 3,
        ("t", "x"): 4,
        ("r", 0): 5,
        ("r", 0, "y"): 6,
        ("r", 1): 7,
        ("r", 1, "y"): 8,
        ("r", 1, "deep"): 9,
        ("r", 1, "deep", "z"): 10,
    }
