"""The bad lines of a write are found by halving, whatever the database does with their neighbours."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.messages import ExceptionReason, Outcome
from store.answers import Answer, Meaning, away
from store.halving import attempts
from store.protocol import ACCEPTED, Written

STORED = Answer(meaning=Meaning.STORED)
BAD = Answer(meaning=Meaning.REFUSED, reason=ExceptionReason.TYPE, detail="400 field type conflict")
FULL = Answer(meaning=Meaning.REFUSED, detail="413 too large")


def run(lines: Sequence[str], database: Callable[[Sequence[str]], Answer]) -> tuple[list[Written], int]:
    """What became of the lines, and how many requests it took."""
    plan, requests = attempts(lines), 0
    try:
        piece = next(plan)
        while True:
            requests += 1
            piece = plan.send(database(piece))
    except StopIteration as done:
        return done.value, requests


class Database:
    """Refuses what holds a bad line; stores the good ones of it, as 1.x does, or none, as 2.x may."""

    def __init__(self, bad: set[str], *, partial: bool = False, most: int = 10_000) -> None:
        self.bad, self.partial, self.most = bad, partial, most
        self.stored: set[str] = set()

    def __call__(self, lines: Sequence[str]) -> Answer:
        if len(lines) > self.most:
            return FULL
        good = set(lines) - self.bad
        if self.partial or good == set(lines):
            self.stored |= good
        return STORED if good == set(lines) else BAD


def test_good_lines_take_one_request() -> None:
    assert run(["a", "b", "c"], Database(set())) == ([ACCEPTED] * 3, 1)


def test_nothing_to_send_asks_nothing() -> None:
    assert run([], Database(set())) == ([], 0)


def test_one_bad_line_of_a_thousand_takes_some_twenty_requests() -> None:
    lines = [str(n) for n in range(1000)]
    written, requests = run(lines, Database({"617"}))
    assert [n for n, one in enumerate(written) if one is not ACCEPTED] == [617]
    assert written[617] == Written(
        outcome=Outcome.REJECTED, reason=ExceptionReason.TYPE, detail="400 field type conflict"
    )
    assert requests <= 21


def test_a_bad_line_alone_is_rejected() -> None:
    (written,), _ = run(["a"], Database({"a"}))
    assert written.outcome is Outcome.REJECTED


def test_when_every_line_is_refused_all_are_kept() -> None:
    written, _ = run(["a", "b"], Database({"a", "b"}))
    assert {one.outcome for one in written} == {Outcome.KEPT}
    assert written[0].detail == "every line was refused: 400 field type conflict"


def test_a_line_that_is_refused_for_no_fault_of_its_own_is_kept() -> None:
    def database(lines: Sequence[str]) -> Answer:
        return FULL if "b" in lines else STORED

    written, _ = run(["a", "b", "c"], database)
    assert [one.outcome for one in written] == [Outcome.ACCEPTED, Outcome.KEPT, Outcome.ACCEPTED]
    assert (written[1].reason, written[1].detail) == (ExceptionReason.STORE, "413 too large")


def test_too_much_at_once_goes_in_parts() -> None:
    lines = [str(n) for n in range(100)]
    database = Database(set(), most=30)
    assert run(lines, database)[0] == [ACCEPTED] * 100
    assert database.stored == set(lines)


def test_a_database_that_goes_away_is_asked_nothing_more() -> None:
    answers = iter([BAD, STORED, away("503 busy")])
    written, requests = run(["a", "b", "c", "d", "e", "f"], lambda _: next(answers))
    assert [one.outcome for one in written] == [Outcome.ACCEPTED] * 3 + [Outcome.KEPT] * 3
    assert {one.detail for one in written[3:]} == {"503 busy"}
    assert requests == 3


@given(data=st.data(), count=st.integers(2, 80), partial=st.booleans(), most=st.integers(1, 100))
def test_exactly_the_bad_lines_are_rejected(data: Any, count: int, most: int, *, partial: bool) -> None:
    lines = [str(n) for n in range(count)]
    bad = data.draw(st.sets(st.sampled_from(lines), max_size=count - 1))
    database = Database(bad, partial=partial, most=most)
    written, requests = run(lines, database)
    refused = {line for line, one in zip(lines, written, strict=True) if one.outcome is Outcome.REJECTED}
    assert refused == bad
    assert database.stored == set(lines) - bad
    assert requests < 2 * count
