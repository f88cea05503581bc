"""Each type's golden image: the simulator shows it, nothing is left out, and it means what it says."""

import struct
from typing import cast

import pytest

from simulators.codes import Kind
from simulators.kinds import TYPES
from tests.simulators.golden_image import FUNCTIONS, GOLDEN, decoded, image
from tests.simulators.moments import NOW_MS, OFFSET, SCENES

KINDS = tuple(TYPES)


def test_every_type_has_a_golden_image() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(KINDS) == set(SCENES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_shows_its_golden_image_and_nothing_beside_it(kind: Kind) -> None:
    scene = SCENES[kind]()
    shown = scene.map.image(scene.now, OFFSET, NOW_MS)
    words = {
        (function, address): word
        for function, runs in shown.items()
        for start, values in runs
        for address, word in enumerate(values, start)
    }
    lines = image(kind)
    for line in lines:
        for place, word in enumerate(line.words):
            assert words.pop((FUNCTIONS[line.table], line.address + place)) == word, line.name
    # Map A and B to D answer as input registers what they answer as holding registers.
    assert all(function == 4 for function, _ in words)
    assert [words[4, address] for _, address in words] == [
        word for line in lines if words for word in line.words
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_means_what_it_says(kind: str) -> None:
    for line in image(kind):
        expected = line.value
        if line.type == "f32":
            expected = struct.unpack(">f", struct.pack(">f", cast("float", expected)))[0]
        assert decoded(line) == expected, line.name


FIGURES = [
    ("loom", "picks_total", 1_000_000, "picks"),
    ("loom", "length_total", 6_350, "0.01 m: a million picks at 400 mesh are 63.5 m"),
    ("loom", "style", 87_654_321, "eight digits of BCD, the low word first"),
    ("effluent", "forward_m3", 1_234, "and a half of a cubic metre in the fraction"),
    ("effluent", "cod", 650.0, "mg/L"),
    ("energy", "forward", 12_345, "times 1 times 40 times 0.01 kWh: 4,938 kWh"),
    ("energy-1p", "total", 100_000, "0.01 kWh"),
    ("kemppi", "current", 182, "A"),
    ("kemppi", "voltage", 214, "0.1 V"),
    ("retrofit", "pulses", 1, "65,537 in sixteen bits"),
]


@pytest.mark.parametrize(("kind", "name", "value", "why"), FIGURES, ids=[f"{f[0]} {f[1]}" for f in FIGURES])
def test_the_published_figures_stand_in_the_images(kind: str, name: str, value: float, why: str) -> None:
    told = [line.value for line in image(kind) if line.name == name]
    assert told[0] == value, why
