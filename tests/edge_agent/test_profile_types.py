"""A profile that uses every kind of register: what arrives where, and what is said of each mistake."""

from pathlib import Path

import pytest

from contract.complaint import BadConfigurationError, Complaint
from edge_agent.block import Block, Table
from edge_agent.plan import read_plan
from edge_agent.profile import Counter, Gauge, Mask, Profile, Range, RangeRead, StateRead, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.register import RegisterType, WordOrder

TABLE = StopTable(label="t@1", codes=())

ODD = (Path(__file__).parent / "profiles" / "odd.toml").read_text("utf-8")


def write(folder: Path, text: str) -> Path:
    file = folder / "odd.toml"
    file.write_text(text, "utf-8")
    return file


def loaded(folder: Path, text: str = ODD) -> Profile:
    return load_profile(write(folder, text), TABLE)


def complaints(folder: Path, text: str) -> list[Complaint]:
    with pytest.raises(BadConfigurationError) as bad:
        loaded(folder, text)
    return list(bad.value.complaints)


def test_every_key_arrives_where_it_belongs(tmp_path: Path) -> None:
    profile = loaded(tmp_path)
    by_name = {register.name: register for register in profile.registers}
    assert by_name["flow"].no_value == (-9999.0,)
    assert by_name["temperature"].no_value == (-32768,)
    assert by_name["energy_kwh"].word_order is WordOrder.EFGHABCD
    assert (by_name["model"].type, by_name["model"].count) == (RegisterType.ASCII, 4)
    assert (by_name["mode"].field, by_name["gear"].type) == ((4, 7), RegisterType.U8_HIGH)
    assert profile.bits == {
        "valve": Mask(register="valve", mask=1),
        "pump": Mask(register="pump", mask=1),
    }
    assert profile.roles.valid == profile.bits["valve"]
    assert (profile.max_coils, profile.state_read) == (64, StateRead.AROUND_COUNTS)
    assert profile.ranges == (
        Range(table=Table.HOLDING, first=4136, last=4199, read=RangeRead.FORBIDDEN),
        Range(table=Table.INPUT, first=0, last=3, read=RangeRead.WHOLE),
    )
    assert profile.counters == (
        Counter(
            name="total_m3",
            width_bits=32,
            retained=True,
            max_per_hour=100_000,
            wraps_at=(1 << 32) * 1000,
            fraction="total_part",
            counts=1000,
        ),
        Counter(name="energy_kwh", width_bits=64, retained=True, max_per_hour=20_000, counts=100),
    )
    assert profile.gauges == (
        Gauge(name="flow_m3h", register="flow", unit="m3/h"),
        Gauge(name="temperature_c", register="temperature", unit="°C", multiply=1, add=-400, divide=10),
    )


def test_its_plan_reads_the_state_around_the_counts_and_the_gauges_now_and_then(tmp_path: Path) -> None:
    made = read_plan(loaded(tmp_path))
    state = (Block(Table.COIL, 3, 1), Block(Table.DISCRETE, 7, 1), Block(Table.HOLDING, 4120, 16))
    assert (made.fast, made.again) == ((*state, *state), 3)
    assert made.needed == set(range(6))
    assert made.slow == (Block(Table.HOLDING, 4112, 2), Block(Table.INPUT, 0, 4))


@pytest.mark.parametrize(
    ("long", "short"),
    [("ABCDEFGH", "ABCD"), ("HGFEDCBA", "DCBA"), ("BADCFEHG", "BADC"), ("GHEFCDAB", "CDAB")],
)
def test_an_order_with_two_names_is_one_order(tmp_path: Path, long: str, short: str) -> None:
    first = loaded(tmp_path, ODD.replace('"EFGHABCD"', f'"{long}"'))
    other = loaded(tmp_path, ODD.replace('"EFGHABCD"', f'"{short}"'))
    assert first.registers == other.registers
    assert first.digest == other.digest


def test_gauges_are_no_part_of_the_digest_and_all_else_is(tmp_path: Path) -> None:
    """Who adds a gauge opens no new epoch."""
    digest = loaded(tmp_path).digest
    assert loaded(tmp_path, ODD[: ODD.index("[[gauge]]")]).digest == digest
    assert loaded(tmp_path, ODD.replace("scale = 0.1", "scale = 0.2")).digest == digest
    assert loaded(tmp_path, ODD.replace("no_value = [-9999]", "")).digest == digest, "only a gauge reads it"
    for old, new in [
        ("resolution = 0.001", "resolution = 0.01"),
        ("max_coils = 64", "max_coils = 63"),
        ("bits = [4, 7]", "bits = [4, 6]"),
        ("last = 4199", "last = 4198"),
        ('"EFGHABCD"', '"CDAB"'),
        ('flag = ["D", "T"]', 'flag = ["D"]'),
        ('register = "energy_kwh"\n', 'register = "energy_kwh"\nwraps_at = 99_999_999\n'),
    ]:
        assert loaded(tmp_path, ODD.replace(old, new)).digest != digest, new


DIGESTS = {
    "knit-flat": "cfe87e85b9dfeea25e12668ba778a89e6904d14d9fb9e496a7734fd20daf9382",
    "weld-cell": "a29c946fde8e96be4a0abf808055dcf693eadf06fc52f201bc054c4d8d4066dc",
}
"""Stored with every epoch since version 0.1: another digest would close every meter of these machines."""


@pytest.mark.parametrize("name", DIGESTS)
def test_the_first_profiles_have_the_digests_that_stored_epochs_have(configs: Path, name: str) -> None:
    assert load_profile(configs / "profiles" / f"{name}.toml", TABLE).digest == DIGESTS[name]


WRAPS = [
    ('type = "bcd8"', "", "style", 10**8),
    ('type = "bcd4"', "", "style", 10**4),
    ('type = "u32"', "width = 24", "style", 2**24),
    ('type = "u32"', "wraps_at = 1_000_000", "style", 1_000_000),
    ('type = "u32"\nbits = [4, 19]', "", "style", 2**16),
]


@pytest.mark.parametrize(("type_", "more", "name", "modulus"), WRAPS)
def test_where_a_counter_begins_again(tmp_path: Path, type_: str, more: str, name: str, modulus: int) -> None:
    counter = f'[[counter]]\nregister = "{name}"\nkeeps = "retained"\nmax_per_hour = 100\n{more}\n'
    text = ODD.replace('type = "bcd8"', type_).replace('order = "style"\n', "") + counter
    (made,) = [c for c in loaded(tmp_path, text).counters if c.name == name]
    assert made.modulus == modulus


def test_wraps_of_a_pair_are_told_in_counts(tmp_path: Path) -> None:
    text = ODD.replace("resolution = 0.001", "resolution = 0.001\nwraps_at = 10_000_000_000")
    assert loaded(tmp_path, text).counters[0].modulus == 10**10


SINGLE = ODD.replace('type = "f64"\nword_order = "EFGHABCD"', 'type = "f32"').replace("0.01\n", "0.001\n")
"""Floats up to 16,384 lie less than 0.001 apart."""


@pytest.mark.parametrize(("rate", "hours"), [(204_800, 80), (2_048_000, 8)])
def test_a_float_that_would_soon_leave_counts_out_is_refused(tmp_path: Path, rate: int, hours: int) -> None:
    (found,) = complaints(tmp_path, SINGLE.replace("20_000", str(rate)))
    assert found.key == "counter.1.resolution"
    says = f"counts to 16384000, where f32 ends to be exact, within {hours} h"
    assert says in found.problem
    assert loaded(tmp_path, SINGLE.replace("20_000", "200_000"))


def test_a_float_that_begins_again_sooner_is_judged_by_that(tmp_path: Path) -> None:
    text = SINGLE.replace("0.001\n", "0.001\nwraps_at = 1_000_000\n")
    (found,) = [c for c in complaints(tmp_path, text) if c.key == "counter.1.resolution"]
    assert "counts to 1000000" in found.problem
