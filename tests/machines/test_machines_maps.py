"""Each shipped profile against the golden image of its machine: two readings of a map, nothing shared."""

import struct
from typing import Any, Final

import pytest

from edge_agent.block import Table
from edge_agent.gauge_values import gauges
from edge_agent.interpret import interpret, read_values, surprises
from edge_agent.plan import read_plan
from edge_agent.profile import Profile
from edge_agent.quantities import totals
from edge_agent.register import RegisterType
from edge_agent.sample import Sample
from simulators.codes import Kind
from simulators.device import answer
from simulators.kinds import TYPES
from tests.machines.cluster import RATIO, profile
from tests.simulators.golden_image import FUNCTIONS, Line, image
from tests.simulators.moments import NOW_MS, OFFSET, SCENES

KINDS: Final = {kind: each.profile for kind, each in TYPES.items()}
CASES = list(KINDS.items())


def words_of(kind: str) -> dict[tuple[Table, int], int]:
    return {
        (Table(line.table), line.address + place): word
        for line in image(kind)
        for place, word in enumerate(line.words)
    }


def sample(kind: str) -> Sample:
    found = interpret(profile(KINDS[kind]), words_of(kind), 0)
    assert isinstance(found, Sample), found
    return found


def meant(line: Line) -> int | float | str:
    if line.type == "f32":
        return float(struct.unpack(">f", struct.pack(">f", float(line.means)))[0])
    return line.value


TYPE_NAMES: Final = {"ascii1": "ascii"}


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_register_of_a_profile_stands_in_the_image_and_means_the_same(kind: str, name: str) -> None:
    shipped = profile(name)
    values = read_values(shipped, words_of(kind))
    lines = {(line.table, line.address): line for line in image(kind)}
    for register in shipped.registers:
        line = lines[register.table, register.address]
        assert register.type == TYPE_NAMES.get(line.type, line.type), register.name
        if line.order:
            assert register.word_order == line.order, register.name
        assert values[register.name] == meant(line), register.name


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_request_is_one_that_the_machine_answers(kind: Kind, name: str) -> None:
    scene = SCENES[kind]()
    shown = scene.map.image(scene.now, OFFSET, NOW_MS)
    made = read_plan(profile(name))
    assert len(made.fast) <= 3
    for block in (*made.fast, *made.slow):
        words = answer(shown, FUNCTIONS[block.table], block.address, block.count, scene.of.most_registers)
        assert len(words) == block.count


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_nothing_is_amiss_with_an_image(kind: str, name: str) -> None:
    shipped = profile(name)
    assert surprises(shipped, read_values(shipped, words_of(kind))) == []


# kind, state, party, stop code, vendor code, order, serial, boots, up time
STANDING = [
    ("knit", "run", "none", 0, 1, "87654321", 0xCAFE_0001, 65_537, 234),
    ("weld", "run", "none", 0, 1, "87654321", 0xCAFE_0001, 65_537, 234),
    ("loom", "run", "none", 0, 1, "87654321", 0xCAFE_0001, 65_537, 234),
    ("effluent", "run", "none", 0, 1, None, 0xCAFE_0001, 65_537, 234),
    ("energy", "idle", "none", 0, 0, None, 0, 0, 0),
    ("energy-1p", "idle", "none", 0, 0, None, 0, 0, 0),
    ("kemppi", "run", "none", 0, 0, None, 0, 0, 0),
    ("retrofit", "run", "none", 0, 0, None, 0, 0, 234),
]


@pytest.mark.parametrize("told", STANDING, ids=[row[0] for row in STANDING])
def test_how_the_machine_of_an_image_stands(told: tuple[Any, ...]) -> None:
    found = sample(told[0])
    assert told[1:] == (
        *(found.state, found.party, found.stop_code, found.vendor_code),
        *(found.order_id, found.serial, found.boot_count, found.uptime_s),
    )


METERED = [
    ("knit", {"produced": 131_072, "scrap": 1, "courses": 510, "energy_wh": 700_000}),
    (
        "weld",
        {"produced": 131_072, "scrap": 1, "rework": 0, "weld_starts": 5, "arc_ms": 650_000}
        | {"weld_mm": 5_200, "wire_g": 771, "gas_l": 162, "energy_wh": 700_000},
    ),
    ("loom", {"picks": 1_000_000, "woven_mm": 63_500, "ng_dm2": 11, "energy_wh": 700_000}),
    ("effluent", {"effluent_l": 1_234_500, "reverse_l": 7, "steam_kg": 213_676, "steam_mj": 399_978}),
    ("energy", {"energy_wh": 123_450, "reverse_wh": 1_000_000}),
    ("energy-1p", {"energy_wh": 1_000_000}),
    ("kemppi", {}),
    ("retrofit", {"produced": 1}),
]


@pytest.mark.parametrize(("kind", "expected"), METERED, ids=[row[0] for row in METERED])
def test_what_an_image_amounts_to_in_the_units_of_records(kind: str, expected: dict[str, int]) -> None:
    """A million picks at 400 mesh are 63.5 m; 1,234.5 cubic metres are that many thousand litres."""
    shipped = profile(KINDS[kind])
    amounts = totals(shipped, sample(kind).readings)
    assert {quantity.name: amounts[quantity.name] for quantity in shipped.quantities} == expected


def test_a_count_behind_transformers_is_worth_their_ratios() -> None:
    """E = data * PT * CT * 0.01 kWh: 12,345 behind 200 to 5 A are 4,938 kWh."""
    counts = sample("energy").readings["forward"]
    assert counts * 10 * RATIO == 4_938_000


# Gauge by gauge: what a person sees of each image. What is not here is not shown.
SHOWN = [
    (
        "loom",
        {"picks_per_minute": 120, "mesh": 400, "width": 1220, "wire": 0.025, "beam_left": 336.5}
        | {"tension": 21.5, "style": 87_654_321},
    ),
    (
        "effluent",
        {
            "flow": 36.0,
            "cod": 650.0,
            "tn": 27.4,
            "temperature": 38.9,
            "conductivity": 2500,
            "steam_flow": 4.32,
        },
    ),
    (
        "energy",
        {"volts_a": 231.0, "volts_b": 231.0, "volts_c": 231.0, "amps_a": 1.08, "amps_b": 1.08, "amps_c": 1.08}
        | {"frequency": 50.0, "power": 690},
    ),
    ("energy-1p", {"volts": 231.0, "amps": 9.99, "power": 2125, "power_factor": 0.92}),
    ("kemppi", {"current": 182, "voltage": 21.4, "wire_feed": 8.0, "arc_voltage": 20.2, "process": 1}),
    ("retrofit", {}),
]


def seen(shipped: Profile, words: dict[tuple[Table, int], int]) -> dict[str, float]:
    return gauges(shipped.gauges, read_values(shipped, words))


@pytest.mark.parametrize(("kind", "expected"), SHOWN, ids=[row[0] for row in SHOWN])
def test_what_the_gauges_of_an_image_show(kind: str, expected: dict[str, float]) -> None:
    assert seen(profile(KINDS[kind]), words_of(kind)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("flag", "FMSDCTB\0")
def test_a_gauge_whose_flag_is_not_normal_shows_nothing(flag: str) -> None:
    shipped, words = profile("effluent-point"), words_of("effluent")
    assert seen(shipped, words)["cod"] == 650.0
    assert "cod" not in seen(shipped, words | {(Table.HOLDING, 32): ord(flag)})
    assert seen(shipped, words | {(Table.HOLDING, 32): ord("N") << 8})["cod"] == 650.0  # in the high byte too


def test_a_fraction_is_rounded_to_the_litre_it_was_made_from() -> None:
    """0.007 is not 0.007 as a float, and cut off it would be six litres."""
    shipped, words = profile("effluent-point"), words_of("effluent")
    for litres in range(1000):
        high, low = struct.unpack(">2H", struct.pack(">f", litres / 1000))
        at = words | {(Table.HOLDING, 24): high, (Table.HOLDING, 25): low}
        found = interpret(shipped, at, 0)
        assert isinstance(found, Sample)
        assert found.readings["forward_m3"] == 1_234_000 + litres


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({0: 0, 1: 0}, "off"),
        ({3: 1}, "fault"),
        ({1: 0, 4: 1}, "stop"),
        ({4: 1}, "run"),
        ({1: 0}, "idle"),
    ],
)
def test_what_contacts_and_lamps_mean(words: dict[int, int], state: str) -> None:
    lamps = {(Table.DISCRETE, address): bit for address, bit in words.items()}
    found = interpret(profile("retrofit-io"), words_of("retrofit") | lamps, 0)
    assert isinstance(found, Sample)
    assert (found.state, found.party) == (state, "unknown" if state in ("stop", "fault") else "none")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0x0000, "off"),
        (0x0302, "idle"),
        (0x0303, "idle"),
        (0x0322, "fault"),
        (0x030B, "run"),
        (0x030F, "run"),
    ],
)
def test_what_the_status_word_of_a_welding_system_means(status: int, state: str) -> None:
    found = interpret(profile("kemppi-dcm"), words_of("kemppi") | {(Table.INPUT, 0): status}, 0)
    assert isinstance(found, Sample)
    assert found.state == state


def test_no_profile_meters_what_an_operator_can_set_back() -> None:
    for name in KINDS.values():
        counters = {counter.name for counter in profile(name).counters}
        assert not counters & {"target", "remaining", "flow", "cod"}
        types = {register.name: register.type for register in profile(name).registers}
        assert all(types[name] is not RegisterType.F32 for name in counters)
