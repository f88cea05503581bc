"""What the log says of machines and endpoints: when it changes, once, and never thousands of lines."""

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.allowance import Allowance
from edge_agent.conditions import EVERY_S, LINES, Conditions
from edge_agent.roll import roll


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The lines since it was last called."""
    caplog.set_level(logging.INFO)

    def lines() -> list[str]:
        found = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
        caplog.clear()
        return found

    return lines


def test_a_machine_is_told_of_when_its_trouble_begins_changes_and_ends(said: Callable[[], list[str]]) -> None:
    conditions = Conditions()
    for _ in range(3):
        conditions.ails("knit-01", "bus", "silent", "no answer within 1 s")
    conditions.ails("knit-01", "bus", "refused", "exception 2")
    for _ in range(3):
        conditions.recovered("knit-01")
    assert said() == [
        "WARNING knit-01: silent: no answer within 1 s",
        "WARNING knit-01: refused: exception 2",
        "INFO knit-01: no longer refused",
    ]


def test_an_endpoint_that_is_lost_is_told_once_with_the_cause_and_once_when_it_is_back(
    said: Callable[[], list[str]],
) -> None:
    conditions = Conditions()
    machines = [f"knit-{number:02}" for number in range(30)]
    for round_ in ("connection reset by peer", "not connected, next attempt in 0.1 s"):
        for machine in machines:
            conditions.ails(machine, "bus", "link", round_)
    assert said() == ["WARNING endpoint bus: lost: connection reset by peer"]
    assert len(conditions.ailing()) == 30
    for machine in machines:
        conditions.recovered(machine)
    assert said() == ["INFO endpoint bus: back; knit-00 is reached again"]
    conditions.ails("knit-07", "bus", "link", "timed out")
    assert said() == ["WARNING endpoint bus: lost: timed out"]


def test_an_endpoint_is_back_when_a_machine_behind_it_is_silent_for_a_reason_of_its_own(
    said: Callable[[], list[str]],
) -> None:
    conditions = Conditions()
    conditions.ails("knit-01", "bus", "link", "connection refused")
    conditions.ails("knit-01", "bus", "silent", "no answer")
    assert said() == [
        "WARNING endpoint bus: lost: connection refused",
        "INFO endpoint bus: back; knit-01 is reached again",
        "WARNING knit-01: silent: no answer",
    ]


def test_machines_that_are_not_metered_any_more_leave_no_lost_endpoint(said: Callable[[], list[str]]) -> None:
    conditions = Conditions()
    conditions.ails("knit-01", "bus", "link", "connection refused")
    conditions.ails("knit-02", "bus", "link", "connection refused")
    conditions.forget("knit-01")
    conditions.forget("knit-02")
    said()
    conditions.ails("knit-03", "bus", "link", "connection refused")
    assert said() == ["WARNING endpoint bus: lost: connection refused"]


def test_a_switch_that_fails_does_not_fill_the_log(said: Callable[[], list[str]]) -> None:
    clock = Clock()
    conditions = Conditions(clock)
    for number in range(4_500):
        conditions.ails(f"m{number}", f"e{number}", "link", "no route to host")
    assert len(said()) == LINES
    assert conditions.allowance.settle() == 4_500 - LINES
    clock.now += EVERY_S
    conditions.recovered("m4")
    assert said() == ["INFO endpoint e4: back; m4 is reached again"]


def test_what_is_wrong_with_the_agent_itself_is_always_told(said: Callable[[], list[str]]) -> None:
    conditions = Conditions(Clock())
    for number in range(4_500):
        conditions.ails(f"m{number}", "bus", "silent", "no answer")
    said()
    conditions.wrong("broker", "lost", "localhost:1883, without TLS: connection refused")
    conditions.good("broker", "connected", "localhost:1883, without TLS")
    assert conditions.now() == {}
    assert said() == [
        "WARNING broker: lost: localhost:1883, without TLS: connection refused",
        "INFO broker: connected: localhost:1883, without TLS",
    ]


@given(st.lists(st.floats(min_value=0, max_value=20), max_size=200))
def test_never_more_than_the_allowance_in_any_window_and_what_is_not_said_is_counted(
    waits: list[float],
) -> None:
    """Windows begin with a line, so any stretch of time sees two of them at most."""
    allowance, now, lines = Allowance(5, 30), 0.0, []
    for wait in waits:
        now += wait
        if allowance.may(now):
            lines.append(now)
    assert len(lines) + allowance.settle() == len(waits)
    assert allowance.settle() == 0
    for start in lines:
        assert sum(start <= line < start + 30 for line in lines) <= 2 * 5


ROLLS = [
    ((3, 3, {}, 0), "3 of 3 metered"),
    ((0, 0, {}, 0), "0 of 0 metered"),
    (
        (4_500, 4_498, {f"m{n}": "silent" for n in range(9)} | {"x": "link"}, 0),
        "4,488 of 4,500 metered; silent 9 (m0, m1, m2, ...); link 1 (x); 2 not asked yet",
    ),
    (
        (4_500, 4_500, {}, 1_234),
        "4,500 of 4,500 metered; 1,234 changes since the line before this were not told one by one",
    ),
]


@pytest.mark.parametrize(("given_", "line"), ROLLS)
def test_the_roll_is_one_line(given_: tuple[int, int, dict[str, str], int], line: str) -> None:
    assert roll(*given_) == line
