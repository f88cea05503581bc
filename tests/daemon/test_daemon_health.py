"""Whether a process does its work, and why not."""

import pytest

from daemon.health import MOST, Grade, Trouble, judged


def trouble(subject: str, grade: Grade) -> Trouble:
    return Trouble(subject=subject, kind="wrong", grade=grade)


@pytest.mark.parametrize(
    ("grades", "status", "http"),
    [
        ((), "ok", 200),
        ((Grade.DEGRADED, Grade.DEGRADED), "degraded", 200),
        ((Grade.DEGRADED, Grade.FAILING, Grade.DEGRADED), "failing", 503),
    ],
)
def test_health_is_as_grave_as_its_gravest_trouble(grades: tuple[Grade, ...], status: str, http: int) -> None:
    found = judged("agent", "gw1", "1", [trouble(f"s{n}", grade) for n, grade in enumerate(grades)])
    assert (found.status, found.status.http_status) == (status, http)
    assert [one.grade for one in found.reasons] == sorted(grades, key=lambda g: g is not Grade.FAILING)


def test_a_hall_full_of_trouble_is_a_bounded_answer_with_the_gravest_first() -> None:
    many = [trouble(f"m{n:04}", Grade.DEGRADED) for n in range(4_500)]
    found = judged("agent", "gw1", "1", [*many, trouble("disk", Grade.FAILING)])
    assert (found.reasons[0].subject, len(found.reasons), found.more) == ("disk", MOST, 4_501 - MOST)
