"""What a panel is compared with, and when it agrees. ``panel.txt`` is the table of cases."""

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.panel import compare, figures, table
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table

READINGS = {"run_s": 91_234, "stop_s": 7_000, "pieces": 812, "pieces_ng": 0, "courses": 58_500, "energy": 777}
MINUTE_MS = 60_000
ROWS = [
    tuple(part.strip() for part in line.split("#")[0].split("|"))
    for line in (Path(__file__).parent / "panel.txt").read_text().splitlines()
    if "|" in line and not line.startswith("#")
]


@pytest.fixture(scope="session")
def knit() -> Profile:
    return load_profile(
        shipped() / "profiles" / "knit-flat.toml", load_stop_table(shipped() / "stop-codes.toml")
    )


@pytest.mark.parametrize(("said", "verdict"), ROWS, ids=[row[0] for row in ROWS])
def test_a_panel_agrees_when_it_could_have_shown_that(knit: Profile, said: str, verdict: str) -> None:
    name, number = said.split()
    figure = figures(knit)[name]
    reading = READINGS[figure.counter.name]
    found = compare(figure, number, (reading, reading), MINUTE_MS)
    told = "agrees" if found.agrees else f"disagrees: {found.hint}" if found.hint else "disagrees"
    assert told == verdict


def test_between_two_readings_of_a_person_who_was_asked_anything_may_have_been_shown(knit: Profile) -> None:
    figure = figures(knit)["pieces"]
    seen = [number for number in range(800, 830) if compare(figure, str(number), (812, 820), 8_000).agrees]
    assert (seen[0], seen[-1]) == (810, 822)


def test_every_figure_of_a_profile_can_be_shown(knit: Profile) -> None:
    shown = dict(table(knit, READINGS))
    assert shown["run_h"] == "25.343"
    assert shown["energy_kwh"] == "7.77"
    assert shown["produced"] == "812"
    assert set(shown) == set(figures(knit))


def test_a_float_with_a_resolution_is_compared_in_its_own_unit(knit: Profile) -> None:
    flow = msgspec.structs.replace(knit.counters[0], name="flow", counts=100, units=1)
    profile = msgspec.structs.replace(knit, counters=(flow,), quantities=(), run_time=None, stop_time=None)
    figure = figures(profile)["flow"]
    assert figure.per_count == Fraction(1, 100)
    assert compare(figure, "12.34", (1234, 1234), 0).agrees
    assert not compare(figure, "12.50", (1234, 1234), 0).agrees


@settings(deadline=None)
@given(reading=st.integers(0, 2**32), moved=st.integers(0, 50), decimals=st.integers(0, 3))
def test_what_a_panel_rounds_or_cuts_off_always_agrees(reading: int, moved: int, decimals: int) -> None:
    knit_run = Fraction(1, 3600)
    from edge_agent.panel import Figure
    from edge_agent.profile import Counter

    counter = Counter(name="run_s", width_bits=32, retained=True, max_per_hour=4000)
    figure = Figure(name="run_h", counter=counter, per_count=knit_run)
    scale = 10**decimals
    cut = int(figure.of(reading + moved) * scale)
    panel = f"{cut // scale}.{cut % scale:0{decimals}}" if decimals else str(cut)
    assert compare(figure, panel, (reading, reading + moved), 60_000).agrees
