"""Whether parts get on with their work."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.progress import Mark, Progress


def test_a_part_is_stuck_when_its_mark_rests_for_longer_than_its_patience() -> None:
    progress, rests = Progress(), {"bus": Mark(7, 10.0)}
    assert progress.stuck(rests, 100.0) == ()
    assert progress.stuck(rests, 110.0) == ()
    assert progress.stuck(rests, 110.1) == ("bus",)
    assert progress.stuck({"bus": Mark(8, 10.0)}, 110.2) == ()


def test_each_part_has_its_own_patience() -> None:
    progress, marks = Progress(), {"fast": Mark(0, 1.0), "slow": Mark(0, 100.0), "dead": Mark("dead", 0)}
    progress.stuck(marks, 0.0)
    assert progress.stuck(marks, 5.0) == ("fast", "dead")


def test_a_part_that_had_nothing_to_do_begins_anew() -> None:
    progress, marks = Progress(), {"commit": Mark(3, 10.0)}
    progress.stuck(marks, 0.0)
    progress.stuck({}, 50.0)
    assert progress.stuck(marks, 60.0) == ()
    assert progress.stuck(marks, 70.1) == ("commit",)


@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.booleans()), max_size=40))
def test_whoever_works_at_least_once_in_his_patience_is_never_stuck(looks: list[tuple[float, bool]]) -> None:
    progress, now, did, rested = Progress(), 0.0, 0, 0.0
    progress.stuck({"bus": Mark(did, 20.0)}, now)
    for passed, works in looks:
        now += passed
        if works or rested + passed > 14.9:
            did, rested = did + 1, 0.0
        else:
            rested += passed
        assert progress.stuck({"bus": Mark(did, 20.0)}, now) == ()
