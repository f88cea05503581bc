"""A profile file becomes a profile, or every complaint about it at once, each with line, key and remedy."""

from pathlib import Path

import pytest

from contract.complaint import BadConfigurationError, Complaint
from contract.names import LABEL
from contract.states import State
from edge_agent.block import Block, Table
from edge_agent.plan import plan
from edge_agent.profile import DeviceTime, Equals, Mask, Profile, Quantity, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.register import WordOrder
from edge_agent.stop_codes import load_stop_table

TABLE = StopTable(label="t@1", codes=())

LOOM = """\
name = "loom"
version = "2"
kind = "loom"
word_order = "CDAB"
table = "input"
max_registers = 60
max_gap = 8

[[register]]
name = "status"
address = 9
type = "u16"
word_order = "BADC"

[[register]]
name = "code"
address = 10
type = "u16"

[[register]]
name = "picks"
address = 12
type = "u32"

[[register]]
name = "note"
address = 60
type = "i32"
table = "holding"

[roles]
stop_code = "code"

[bits]
power = "status.0"
running = "status.1"
jammed = "status.15"

[[state]]
state = "off"
none = ["power"]

[[state]]
state = "run"
all = ["power", "running"]
none = ["jammed"]
equals = { code = [0, 7] }

[[state]]
state = "unknown"

[[counter]]
register = "picks"
keeps = "volatile"
max_per_hour = 30_000

[[quantity]]
name = "picks"
counter = "picks"

[[quantity]]
name = "woven_um"
counter = "picks"
multiply = 254
divide = 10

[run_time]
counter = "picks"
unit_ms = 250

[stop_codes]
3 = 10

[expect]
code = [0]
"""


def write(folder: Path, text: str, name: str = "loom.toml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def loaded(folder: Path, text: str = LOOM) -> Profile:
    return load_profile(write(folder, text), TABLE)


def complaints(folder: Path, text: str) -> list[Complaint]:
    with pytest.raises(BadConfigurationError) as bad:
        loaded(folder, text)
    return list(bad.value.complaints)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_every_key_arrives_where_it_belongs(tmp_path: Path) -> None:
    profile = loaded(tmp_path)
    assert (profile.label, profile.kind, profile.has_order) == ("loom@2", "loom", False)
    assert [(r.name, r.table, r.word_order) for r in profile.registers] == [
        ("status", Table.INPUT, WordOrder.BADC),
        ("code", Table.INPUT, WordOrder.CDAB),
        ("picks", Table.INPUT, WordOrder.CDAB),
    ]
    run = profile.rules[1]
    assert (run.state, run.all, run.none) == (State.RUN, (Mask(register="status", mask=3),), _mask(0x8000))
    assert run.equals == (Equals(register="code", values=(0, 7)),)
    assert [(c.name, c.width_bits, c.retained, c.max_per_hour) for c in profile.counters] == [
        ("picks", 32, False, 30_000)
    ]
    assert profile.quantities[1] == Quantity(name="woven_um", counter="picks", multiply=254, divide=10)
    assert (profile.run_time, profile.stop_time) == (DeviceTime(counter="picks", unit_ms=250), None)
    assert profile.stop_codes == {3: 10}
    assert profile.expect == (Equals(register="code", values=(0,)),)
    assert plan(profile) == (Block(Table.INPUT, 9, 5),)


def _mask(mask: int) -> tuple[Mask, ...]:
    return (Mask(register="status", mask=mask),)


def test_a_register_that_nothing_asks_for_is_not_read(tmp_path: Path) -> None:
    assert "note" not in {register.name for register in loaded(tmp_path).registers}


def test_the_digest_is_of_the_meaning_and_not_of_the_text(tmp_path: Path) -> None:
    digest = loaded(tmp_path).digest
    assert loaded(tmp_path, "# a comment\n" + LOOM.replace("30_000", "30000")).digest == digest
    assert loaded(tmp_path, LOOM.replace("30_000", "30001")).digest != digest
    assert loaded(tmp_path, LOOM.replace('status.1"', 'status.2"')).digest != digest
    assert load_profile(write(tmp_path, LOOM), StopTable(label="t@2", codes=())).digest == digest


WRONG = [
    ("address = 12", "address = 9", "register.2.address", "input register 9 belongs to the one in line 9"),
    ('name = "code"', 'name = "status"', "register.1.name", "is the same as in line 9"),
    ("address = 12", "address = 65535", "register.2.address", "past the table's end"),
    ("address = 12", "address = 65536", "register.2.address", "65535 is the most"),
    ("address = 12", 'address = "12"', "register.2.address", "write a whole number"),
    ('type = "u32"', 'type = "i32"', "counter.0.register", "picks is a signed register"),
    ('type = "u32"', 'type = "f31"', "register.2.type", "'f32', 'f64'"),
    ('type = "u32"', 'type = "f32"', "counter.0.register", "picks is f32, and counts are exact"),
    ("max_registers = 60", "max_registers = 1", "register.2.type", "takes more than 1 registers"),
    ("max_registers = 60", "max_registers = 3", "max_registers", "5 registers from 9, 3 fit; beyond: picks"),
    ("max_registers = 60", "max_registers = 126", "max_registers", "125 is the most"),
    ('word_order = "BADC"', 'word_order = "BACD"', "register.0.word_order", "'DCBA'"),
    ('stop_code = "code"', 'stop_code = "cod"', "roles.stop_code", "names 'cod', which is no register"),
    ('stop_code = "code"', 'stop_kode = "code"', "roles.stop_kode", "is not a known key here"),
    ('stop_code = "code"', 'valid = "okay"', "roles.valid", "names 'okay', which is no bit of this file"),
    ('stop_code = "code"', 'serial = "code"', "stop_codes", "translates codes that no register gives"),
    ('"status.1"', '"status.0"', "bits.running", "is the same bit as power"),
    ('"status.1"', '"status.16"', "bits.running", "status has no bit 16"),
    ('"status.1"', '"state.1"', "bits.running", "names 'state', which is no register"),
    ('"status.1"', '"status"', "bits.running", "name a register and a bit"),
    ('none = ["power"]', 'none = ["powr"]', "state.0.none", "name one of: jammed, power, running"),
    ('none = ["power"]', "", "state.0", "always holds, so the rules after it are never reached"),
    (
        'state = "unknown"',
        'state = "run"\nany = ["running"]',
        "state.2",
        "is the last rule and does not",
    ),
    ('state = "unknown"', 'state = "none"', "state.2.state", "'idle'"),
    ('none = ["jammed"]', 'none = ["running"]', "state.1", "asks running to be set and not set"),
    ("code = [0, 7]", "kode = [0, 7]", "state.1.equals", "names 'kode', which is no register"),
    (
        'register = "picks"',
        'register = "pix"',
        "counter.0.register",
        "name one of: code, note, picks",
    ),
    ("max_per_hour = 30_000", "max_per_hour = 60_000_000", "counter.0.max_per_hour", "wraps after 71 h"),
    ("max_per_hour = 30_000", "max_per_hour = 9\nwidth = 33", "counter.0.width", "its register has 32 bits"),
    ("max_per_hour = 30_000", "max_per_hour = 0", "counter.0.max_per_hour", "1 is the least"),
    ('keeps = "volatile"', 'keeps = "yes"', "counter.0.keeps", "'retained', 'volatile'"),
    ('name = "woven_um"', 'name = "run_ms"', "quantity.1.name", "it is a fixed field of a record"),
    ('name = "woven_um"', 'name = "mm_total"', "quantity.1.name", "ends in _total"),
    ('name = "woven_um"', 'name = "picks"', "quantity.1.name", "is the same as in line"),
    ('name = "woven_um"', 'name = "Woven"', "quantity.1.name", "use 1 to 40 of a-z"),
    ("divide = 10", "divide = 0", "quantity.1.divide", "1 is the least"),
    ("divide = 10", 'unit = "um"', "quantity.1.unit", "is not a known key here"),
    (
        'counter = "picks"\nmult',
        'counter = "code"\nmult',
        "quantity.1.counter",
        "which is no counter",
    ),
    (
        'counter = "picks"\nunit',
        'counter = "runs"\nunit',
        "run_time.counter",
        "which is no counter",
    ),
    ("unit_ms = 250", "", "run_time.unit_ms", "is required and not set"),
    ("3 = 10", "3 = 0", "stop_codes.3", "1 is the least"),
    ("3 = 10", "three = 10", "stop_codes.three", "code in digits"),
    ("[expect]\ncode", "[expect]\nkode", "expect.kode", "names 'kode', which is no register"),
    ('name = "loom"', 'name = "lom"', "name", "is 'lom' in a file called loom"),
    ('kind = "loom"', 'kind = "none"', "kind", "not reserved"),
    ('kind = "loom"', 'kind = "A loom"', "kind", "use 1 to 64 of a-z"),
    ('kind = "loom"', "", "kind", "is required and not set"),
    ('kind = "loom"', 'kind = "loom"\nhost = "x"', "host", "is not a known key here"),
    ("[[counter]]", "[counter]", "counter", "write its header in double brackets"),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "says"), WRONG, ids=[f"{row[2]} {row[3][:30]}" for row in WRONG]
)
def test_each_mistake_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, key: str, says: str
) -> None:
    assert old in LOOM
    found = [c for c in complaints(tmp_path, LOOM.replace(old, new, 1)) if c.key == key]
    assert len(found) == 1
    assert says in str(found[0])
    assert found[0].remedy
    assert found[0].line > 0 or "required" in says


def test_all_mistakes_are_found_in_one_go_and_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        LOOM.replace('type = "u32"', 'type = "f31"')
        .replace('"status.1"', '"status.16"')
        .replace('none = ["power"]', 'none = ["powr"]')
        .replace('keeps = "volatile"', 'keeps = "yes"')
        .replace("divide = 10", "divide = 0")
    )
    found = complaints(tmp_path, text)
    assert [complaint.key for complaint in found] == [
        "register.2.type",
        "bits.running",
        "state.0.none",
        "counter.0.keeps",
        "quantity.1.divide",
    ]
    assert found[0].line == line_of(text, 'type = "f31"')
    assert found[4].line == line_of(text, "divide = 0")


def test_a_mistake_in_a_register_makes_no_others_look_wrong(tmp_path: Path) -> None:
    """Whoever refers to an ill-formed register is not told that it does not exist."""
    assert len(complaints(tmp_path, LOOM.replace('type = "u32"', 'type = "f31"'))) == 1


def test_a_file_without_anything_is_told_what_belongs_in_it(tmp_path: Path) -> None:
    keys = {complaint.key for complaint in complaints(tmp_path, "")}
    assert {"name", "version", "kind", "register", "state"} <= keys


def test_a_file_that_is_not_toml_is_told_its_line(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, LOOM.replace('kind = "loom"', "kind = loom"))
    assert found.line == 3


@pytest.mark.parametrize(
    "make", [lambda _: None, lambda file: file.mkdir(), lambda file: file.write_bytes(b"\xff")]
)
def test_a_file_that_cannot_be_read_is_a_complaint(tmp_path: Path, make: object) -> None:
    file = tmp_path / "loom.toml"
    make(file)  # type: ignore[operator]
    with pytest.raises(BadConfigurationError, match=r"loom\.toml"):
        load_profile(file, TABLE)


@pytest.mark.parametrize("name", ["knit-flat", "weld-cell"])
def test_the_shipped_profiles_are_read_in_one_request(configs: Path, name: str) -> None:
    profile = load_profile(configs / "profiles" / f"{name}.toml", TABLE)
    assert plan(profile) == (Block(Table.HOLDING, 0, 54),)
    assert all(counter.retained for counter in profile.counters)
    assert {"produced", "scrap", "energy_wh"} <= {quantity.name for quantity in profile.quantities}
    assert profile.run_time is not None
    assert profile.has_order


def test_labels_can_stand_in_a_record(configs: Path, tmp_path: Path) -> None:
    import re

    for label in (loaded(tmp_path).label, load_stop_table(configs / "stop-codes.toml").label):
        assert re.match(LABEL, label)
