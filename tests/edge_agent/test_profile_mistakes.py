"""What is said of each mistake with types, tables, ranges, counters and gauges: place, problem and remedy."""

from pathlib import Path

import pytest

from contract.complaint import BadConfigurationError, Complaint
from edge_agent.profile import StopTable
from edge_agent.profile_file import load_profile

ODD = (Path(__file__).parent / "profiles" / "odd.toml").read_text("utf-8")


def complaints(folder: Path, text: str) -> list[Complaint]:
    file = folder / "odd.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(BadConfigurationError) as bad:
        load_profile(file, StopTable(label="t@1", codes=()))
    return list(bad.value.complaints)


WRONG = [
    (
        'table = "coil"\naddress = 3\ntype = "bit"',
        'table = "coil"\naddress = 3\ntype = "u16"',
        "register.0.type",
        "is u16 in the table coil",
    ),
    (
        'address = 4112\ntype = "f32"',
        'address = 4112\ntype = "bit"',
        "register.2.type",
        "is bit in the table holding",
    ),
    ("length = 4\n", "", "register.7.length", "is missing"),
    ('type = "bcd8"', 'type = "bcd8"\nlength = 2', "register.6.length", "is given for bcd8"),
    ("bits = [4, 7]", "bits = [7, 4]", "register.8.bits", "name the lowest and the highest"),
    ("bits = [4, 7]", "bits = [4, 16]", "register.8.bits", "from 0 to 15"),
    ("bits = [4, 7]", "bits = [4]", "register.8.bits", "give 2 or more"),
    ('type = "bcd8"', 'type = "bcd8"\nbits = [0, 3]', "register.6.bits", "takes bits of bcd8"),
    (
        'address = 4120\ntype = "u32"',
        'address = 4120\ntype = "u32"\nword_order = "EFGHABCD"',
        "register.3.word_order",
        "is one of 64 bits, u32 has fewer",
    ),
    (
        "no_value = [0x8000]",
        "no_value = [0x10000]",
        "register.11.no_value",
        "has 65536, which i16 never holds",
    ),
    ("no_value = [0x8000]", 'no_value = ["----"]', "register.11.no_value", "which i16 never holds"),
    ("no_value = [-9999]", "no_value = [1e39]", "register.2.no_value", "which f32 never holds"),
    ("no_value = [-9999]", "no_value = [nan]", "register.2.no_value.0", "write a number"),
    ("no_value = [-9999]", "no_value = [true]", "register.2.no_value.0", "write a number"),
    ("address = 4122", "address = 4121", "register.4.address", "holding register 4121 belongs to the one"),
    ("last = 4199", "last = 4100", "range.0.last", "is before first, which is 4136"),
    ("first = 4136", "first = 4130", "register.7.address", "holding 4130 to 4199 may not be read"),
    (
        'table = "input"\nfirst = 0\nlast = 3',
        "first = 4150\nlast = 4160",
        "range.1",
        "overlaps the one in line",
    ),
    ('last = 3\nread = "whole"', 'last = 200\nread = "whole"', "range.1.read", "takes 201 at once, 125 fit"),
    ('read = "whole"', 'read = "alone"', "range.1.read", "'apart', 'whole'"),
    ("max_coils = 64", "max_coils = 2001", "max_coils", "2000 is the most"),
    ('state_read = "around_counts"', 'state_read = "twice"', "state_read", "'around_counts'"),
    ('state_read = "around_counts"', "", "max_registers", "they stand in more than one table"),
    ('order = "style"', 'order = "flow"', "roles.order", "flow is f32, which is no whole number"),
    ('order = "style"', 'serial = "temperature"', "roles.serial", "temperature is a signed register"),
    (
        'stop_code = "gear"',
        'stop_code = "flag"',
        "roles.stop_code",
        "flag is ascii, which is no whole number",
    ),
    ('valid = "valve"', 'valid = "mode"', "roles.valid", "names 'mode', which is no bit"),
    ('any = ["pump"]', 'any = ["mode"]', "state.1.any", "name one of: pump, valve"),
    ("{ mode = [1] }", '{ mode = ["1"] }', "state.1.equals", "mode is u16 and never holds '1'"),
    ("{ mode = [1] }", "{ flow = [1] }", "state.1.equals", "floats are seldom equal"),
    ("{ mode = [1] }", "{ mode = [1.5] }", "state.1.equals.mode.0", "write a whole number"),
    ('model = ["MFE600H"]', "model = [600]", "expect.model", "model is ascii and never holds 600"),
    (
        'fraction = "total_part"\n',
        'fraction = "part"\n',
        "counter.0.fraction",
        "names 'part', which is no register",
    ),
    (
        'fraction = "total_part"\n',
        'fraction = "style"\n',
        "counter.0.fraction",
        "a fraction from 0 to 1 is f32 or f64",
    ),
    ("resolution = 0.001\n", "", "counter.0.resolution", "a unit is so many counts"),
    ("resolution = 0.001\n", "resolution = 0.3\n", "counter.0.resolution", "a unit is so many counts"),
    ("resolution = 0.001\n", "resolution = inf\n", "counter.0.resolution", "is inf"),
    ("resolution = 0.001\n", "resolution = 0.00000000000001\n", "counter.0.resolution", "give few digits"),
    ('fraction = "total_part"\n', "", "counter.0.resolution", "is given for a whole number"),
    ("resolution = 0.01\n", "", "counter.1.register", "which is exact up to 7036874417766400 counts"),
    ("resolution = 0.01\n", "resolution = 0.01\nwidth = 8\n", "counter.1.width", "is given for f64"),
    (
        "resolution = 0.01\n",
        'resolution = 0.01\nfraction = "flow"\n',
        "counter.1.fraction",
        "is given for f64",
    ),
    (
        'fraction = "total_part"\n',
        'fraction = "total_part"\nwraps_at = 9_000_000_000_000\n',
        "counter.0.wraps_at",
        "its register wraps at 4294967296000",
    ),
    (
        'fraction = "total_part"\n',
        'fraction = "total_part"\nwidth = 24\nwraps_at = 9\n',
        "counter.0.width",
        "leave only wraps_at",
    ),
    ("max_per_hour = 100_000", "max_per_hour = 60_000_000_000", "counter.0.max_per_hour", "wraps after 71 h"),
    ('name = "flow_m3h"', 'name = "temperature_c"', "gauge.1.name", "is the same as in line"),
    (
        'name = "flow_m3h"\nregister = "flow"',
        'name = "flow_m3h"\nregister = "flo"',
        "gauge.0.register",
        "no register of this file",
    ),
    (
        'name = "flow_m3h"\nregister = "flow"',
        'name = "flow_m3h"\nregister = "model"',
        "gauge.0.register",
        "model is a text",
    ),
    ("scale = 0.1", "scale = 0", "gauge.1.scale", "every value would be the offset"),
    ("scale = 0.1", "scale = nan", "gauge.1.scale", "is nan"),
    ("[roles]", '[bits]\nheat = "flow.0"\n\n[roles]', "bits.heat", "flow is f32, which has no bits"),
    ("[roles]", '[bits]\nheat = "style.0"\n\n[roles]', "bits.heat", "style is bcd8, which has no bits"),
    ("[roles]", '[bits]\nheat = "mode.4"\n\n[roles]', "bits.heat", "mode has no bit 4"),
    ("[roles]", '[bits]\npump = "mode.0"\n\n[roles]', "bits.pump", "is the name of a coil or discrete input"),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "says"), WRONG, ids=[f"{row[2]} {row[3][:40]}" for row in WRONG]
)
def test_each_mistake_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, key: str, says: str
) -> None:
    assert old in ODD
    found = [c for c in complaints(tmp_path, ODD.replace(old, new, 1)) if c.key == key]
    assert len(found) == 1
    assert says in str(found[0])
    assert found[0].remedy
    assert found[0].line > 0 or key == "max_registers"
