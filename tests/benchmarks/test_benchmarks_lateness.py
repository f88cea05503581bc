"""The judge of the scale benchmark: lateness from instants alone, flattering nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.lateness import lateness, punctuality, start_of_slot

PERIOD = 1000.0
phases = st.integers(0, 999)
delays = st.lists(st.integers(0, 400), min_size=2, max_size=30)


def asked(phase: float, late: list[int]) -> list[float]:
    return [PERIOD * slot + phase + delay for slot, delay in enumerate(late)]


@given(phases, delays)
def test_lateness_is_measured_from_the_earliest_request(phase: int, delayed: list[int]) -> None:
    found = lateness(asked(phase, delayed), PERIOD)
    assert list(found.values()) == pytest.approx([delay - min(delayed) for delay in delayed], abs=1e-3)


@given(phases, delays)
def test_the_slot_begins_at_the_earliest_request(phase: int, delayed: list[int]) -> None:
    begins = (phase + min(delayed)) % PERIOD
    assert start_of_slot(asked(phase, delayed), PERIOD) == pytest.approx(begins)


def test_a_second_request_in_a_slot_makes_nothing_good() -> None:
    assert list(lateness([0.0, 1300.0, 1350.0, 2000.0], PERIOD).values()) == pytest.approx(
        [0, 300, 0], abs=1e-3
    )


def test_what_was_not_asked_is_not_on_time() -> None:
    found = punctuality({0: asked(10, [0, 0, 0, 150]), 1: asked(500, [0])}, 3, PERIOD, (0.0, 4000.0))
    assert (found.slots, found.asked) == (12, 5)
    assert found.on_time == pytest.approx(4 / 12)
    assert found.worst == pytest.approx(150, abs=1e-3)


def test_only_slots_of_the_window_count() -> None:
    found = punctuality({0: asked(10, [0, 0, 300, 0])}, 1, PERIOD, (0.0, 2000.0))
    assert (found.slots, found.on_time, found.worst) == (2, 1.0, pytest.approx(0, abs=1e-3))


def test_nobody_was_asked() -> None:
    assert punctuality({0: []}, 2, PERIOD, (0.0, 3000.0)).on_time == 0
