"""Which records cannot stand beside each other, and what is asked to find out."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.series import Row
from store.looking import RECENT_MS, Known, look
from store.naming import Claim, Claims, claim, quarrel

LIFE = ("press-1", "e1")


def made(series: str, time: int, first: int, last: int) -> Claim:
    return Claim(series, LIFE, time, first, last)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (made("usage", 5, 7, 7), made("usage", 9, 8, 8), ""),
        (made("usage", 5, 7, 7), made("state", 5, 8, 8), ""),
        (made("usage", 5, 7, 7), made("state", 9, 7, 7), "name"),
        (made("usage", 5, 3, 7), made("state", 6, 4, 4), ""),
        (made("usage", 5, 3, 7), made("usage", 9, 7, 8), "name"),
        (made("usage", 5, 3, 7), made("loss", 9, 1, 20), "name"),
        (made("usage", 5, 7, 7), made("usage", 5, 8, 8), "time is that of"),
        (made("usage", 5, 7, 7), made("usage", 4, 8, 8), "not in one order"),
    ],
)
def test_a_quarrel_has_a_reason_and_two_sides(one: Claim, other: Claim, why: str) -> None:
    for found in (quarrel(one, other), quarrel(other, one)):
        assert why in found
        assert bool(found) == bool(why)


def test_a_claim_is_read_from_its_row(usage: Any, state: Any) -> None:
    assert claim(usage(5, 9, sequence_first=3)) == made("usage", 5, 3, 9)
    assert claim(usage(5, 9, sequence_first=30)) == made("usage", 5, 9, 9)
    assert claim(usage(5, 9, sequence_first="x")) == made("usage", 5, 9, 9)
    assert claim(state(5, 9)) == made("state", 5, 9, 9)


claims = st.builds(
    lambda series, time, last, more: made(
        series, time, max(0, last - more) if series == "usage" else last, last
    ),
    st.sampled_from(["usage", "state"]),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from([0, 0, 0, 1, 4]),
)


@given(wanted=st.lists(claims, max_size=30))
def test_no_two_records_that_are_let_in_have_one_name_or_time(wanted: list[Claim]) -> None:
    known, taken = Claims(), list[Claim]()
    for one in wanted:
        if known.against(one) is None:
            known.add(one)
            taken.append(one)
    names = [(one.series, number) for one in taken for number in range(one.first, one.last + 1)]
    assert len(names) == len(set(names))
    assert len({one.last for one in taken}) == len(taken)
    assert len({(one.series, one.time) for one in taken}) == len(taken)
    for series in ("usage", "state"):
        of_series = [one for one in taken if one.series == series]
        assert max(of_series, key=lambda one: one.time, default=None) == max(
            of_series, key=lambda one: one.last, default=None
        ), "the newest by time is the newest by name, which is all that most writes are asked"


def asked(rows: Sequence[Row], answers: Sequence[Sequence[Row]]) -> tuple[list[list[str]], Known]:
    """The questions in their turns, where ``answers`` are all that is ever answered."""
    plan, turns, left = look(rows), list[list[str]](), list(answers)
    try:
        questions = next(plan)
        while True:
            turns.append(questions)
            questions = plan.send(list(left.pop(0)) if questions and left else [])
    except StopIteration as done:
        return [turn for turn in turns if turn], done.value


def test_the_newest_of_an_epoch_costs_two_questions(usage: Any, state: Any) -> None:
    rows = [usage(RECENT_MS + 50, 10), state(RECENT_MS + 60, 11)]
    turns, known = asked(rows, [[usage(40, 9), state(30, 8)]])
    assert [len(turn) for turn in turns] == [2]
    assert ("time >= 50ms" in turns[0][0], "time" in turns[0][1]) == (True, False)
    assert known.rows == []


def test_an_epoch_that_is_not_found_near_is_looked_for_everywhere(usage: Any) -> None:
    turns, known = asked([usage(RECENT_MS, 10)], [[], [usage(1, 10)]])
    assert [len(turn) for turn in turns] == [2, 1, 2]
    assert known.claims.against(claim(usage(RECENT_MS, 10)))


def test_what_is_stored_is_read_whole_and_its_name_not_looked_for(usage: Any, state: Any) -> None:
    row = usage(5, 3)
    turns, known = asked([row], [[usage(9, 4), state(9, 5)], [row], [row]])
    assert [turn[0].split(" FROM ")[0] for turn in turns[1:]] == [
        'SELECT "sequence", "sequence_first", "site", "area", "machine", "kind", "tenant", "epoch"',
        "SELECT *",
    ]
    assert known.rows == [row]


def test_facts_cost_no_question_about_names(lease: Any) -> None:
    turns, known = asked([lease(5)], [[lease(5)]])
    assert (len(turns), known.rows) == (1, [lease(5)])


def test_an_answer_without_a_sequence_is_no_record_of_ours(usage: Any) -> None:
    foreign = Row(series="usage", time=1, tags=usage(1, 1).tags, fields={"ratio": 5})
    _, known = asked([usage(1, 1)], [[foreign]])
    assert known.claims.against(claim(usage(1, 1))) is None
