"""When a unit that did not answer is asked again, and what that may cost the others."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.block import Block, Table
from edge_agent.breaker import Breakers, Patience
from edge_agent.link import (
    DesyncError,
    LinkError,
    LinkLostError,
    RefusedError,
    RestingError,
    SilentError,
)

ONE, TWO = Block(Table.HOLDING, 0, 10), Block(Table.HOLDING, 100, 10)
PATIENCE = Patience(free=3, first_ms=2_000, longest_ms=30_000, limit_ms=1_000)
SECOND = 1_000


def rests(breakers: Breakers, now: int, unit: int = 1, block: Block = ONE) -> bool:
    try:
        breakers.check(block, unit, now)
    except (RestingError, RefusedError):
        return True
    return False


def asked_over(breakers: Breakers, seconds: int, error: LinkError, unit: int = 1) -> list[int]:
    """The seconds at which a unit was asked that is polled every second and fails with ``error`` at once."""
    asked = []
    for second in range(seconds):
        if not rests(breakers, second * SECOND, unit):
            asked.append(second)
            breakers.failed(ONE, unit, error, second * SECOND, second * SECOND)
    return asked


@pytest.mark.parametrize("error", [SilentError(), DesyncError(), RefusedError(10), RefusedError(11)])
def test_a_unit_that_had_answered_is_retried_at_once_a_few_times_then_ever_later(error: LinkError) -> None:
    breakers = Breakers(PATIENCE)
    breakers.answered(ONE, 1)
    assert asked_over(breakers, 130, error) == [0, 1, 2, 3, 5, 9, 17, 33, 63, 93, 123]


def test_a_unit_that_never_answered_has_no_retries_for_free() -> None:
    assert asked_over(Breakers(PATIENCE), 70, SilentError()) == [0, 2, 6, 14, 30, 60]


def test_an_answer_takes_it_all_back() -> None:
    breakers = Breakers(PATIENCE)
    asked_over(breakers, 100, SilentError())
    breakers.answered(ONE, 1)
    assert not breakers.troubled
    assert asked_over(breakers, 8, SilentError())[:4] == [0, 1, 2, 3]


def test_a_refusal_is_a_sign_of_life_too() -> None:
    breakers = Breakers(PATIENCE)
    breakers.failed(ONE, 1, SilentError(), 0, 0)
    breakers.failed(ONE, 1, RefusedError(6), SECOND, SECOND)
    assert not breakers.troubled


def test_a_lost_link_is_no_units_fault() -> None:
    breakers = Breakers(PATIENCE)
    assert asked_over(breakers, 10, LinkLostError()) == list(range(10))


def test_one_units_silence_leaves_its_neighbours_alone() -> None:
    breakers = Breakers(PATIENCE)
    breakers.failed(ONE, 1, SilentError(), 0, 0)
    assert rests(breakers, 1, unit=1)
    assert not rests(breakers, 1, unit=2)


def test_while_it_rests_it_is_said_how_long() -> None:
    breakers = Breakers(PATIENCE)
    breakers.failed(ONE, 1, SilentError(), 0, 0)
    with pytest.raises(RestingError, match=r"left alone for 1\.5 s more"):
        breakers.check(ONE, 1, 500)


@pytest.mark.parametrize("code", [1, 2, 3])
def test_a_block_that_was_refused_is_asked_again_later_and_the_others_go_on(code: int) -> None:
    breakers = Breakers(PATIENCE)
    for _ in range(4):
        breakers.check(ONE, 1, 0)
        breakers.failed(ONE, 1, RefusedError(code), 0, 0)
    with pytest.raises(RefusedError) as refused:
        breakers.check(ONE, 1, SECOND)
    assert refused.value.code == code
    breakers.check(TWO, 1, SECOND)
    breakers.check(ONE, 2, SECOND)
    breakers.answered(TWO, 1)
    with pytest.raises(RefusedError):
        breakers.check(ONE, 1, SECOND)
    breakers.check(ONE, 1, 2 * SECOND)
    breakers.answered(ONE, 1)
    assert not breakers.troubled


@pytest.mark.parametrize("code", [4, 5, 6, 8, 99])
def test_what_may_be_over_soon_is_asked_at_every_poll(code: int) -> None:
    assert asked_over(Breakers(PATIENCE), 10, RefusedError(code)) == list(range(10))


def one_after_the_other(
    breakers: Breakers, silent: list[int], seconds: int, cost: int, *, alive: bool = True
) -> list[tuple[int, int]]:
    """Every second each silent unit wants to be asked; who is holds the line for ``cost`` ms."""
    asked, now = [], 0
    if alive:
        breakers.answered(ONE, 99)
    for second in range(seconds):
        now = max(now, second * SECOND)
        for unit in silent:
            if not rests(breakers, now, unit):
                asked.append((now, unit))
                breakers.failed(ONE, unit, SilentError(), now, now + cost)
                now += cost
    return asked


def test_all_the_silent_together_take_a_tenth_of_the_lines_time_beyond_the_first_look() -> None:
    asked = one_after_the_other(Breakers(PATIENCE), list(range(1, 16)), 600, cost=1_000)
    first, retries = asked[:15], asked[15:]
    assert {unit for _, unit in first} == set(range(1, 16))
    assert len(retries) <= 4 + 60 + 1


def test_the_one_that_waited_longest_is_next() -> None:
    asked = one_after_the_other(Breakers(PATIENCE), list(range(1, 16)), 600, cost=1_000)
    late = [unit for now, unit in asked if now > 200_000]
    for begin in range(len(late) - 15):
        assert len(set(late[begin : begin + 15])) == 15


def test_a_unit_that_nobody_polls_any_more_keeps_nobody_waiting() -> None:
    """It was first in the queue when its machine was taken out of the configuration."""
    breakers = Breakers(PATIENCE)
    breakers.answered(ONE, 99)
    for unit in (1, 2):
        breakers.failed(ONE, unit, SilentError(), 0, 0)
        breakers.failed(ONE, unit, SilentError(), 0, 20_000)
    assert rests(breakers, 50_000, unit=1)
    now = 51_000
    while rests(breakers, now, unit=2):
        now += SECOND
        assert now < 500_000
    assert now > 50_000 + 60_000, "it might have wanted to be asked again"


def test_where_nobody_answers_nobody_loses_by_asking() -> None:
    breakers = Breakers(PATIENCE)
    asked = one_after_the_other(breakers, list(range(1, 16)), 300, cost=1_000, alive=False)
    for unit in range(1, 16):
        times = [now for now, who in asked if who == unit and now > 100_000]
        assert max(b - a for a, b in pairwise(times)) <= 30_000 + 16 * SECOND


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("asdrl"), st.integers(0, 5_000)), max_size=30))
def test_a_silent_unit_is_asked_again_in_bounded_time_whatever_happened(
    story: list[tuple[int, str, int]],
) -> None:
    """All that ever happens: answers, silence, desyncs, refusals, lost links, over any times."""
    breakers, now = Breakers(PATIENCE), 0
    errors = {"s": SilentError(), "d": DesyncError(), "r": RefusedError(2), "l": LinkLostError()}
    for unit, what, took in story:
        asked, now = now, now + took
        if what == "a":
            breakers.answered(ONE, unit)
        else:
            breakers.failed(ONE, unit, errors[what], asked, now)
    bound = now + 30_000 + 10 * sum(took for _, what, took in story if what in "sd") + 3 * SECOND
    for unit in (1, 2, 3):
        at = now
        while rests(breakers, at, unit):
            at += SECOND
            assert at <= bound
        breakers.answered(ONE, unit)
