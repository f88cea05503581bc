"""The timer wheel: never early, at most a tick late, and nothing is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.wheel import Wheel

ticks = st.integers(1, 50)
dues = st.lists(st.integers(0, 5_000), max_size=60)
looks = st.lists(st.integers(1, 700), min_size=1, max_size=40)


@given(ticks, dues, looks)
def test_each_thing_comes_out_once_in_the_first_look_after_the_end_of_its_tick(
    tick: int, wanted: list[int], steps: list[int]
) -> None:
    wheel, now, out = Wheel[int](tick), 0, list[int]()
    for thing, due in enumerate(wanted):
        wheel.add(due, thing)
    for step in (*steps, 6_000):
        before, now = now, now + step
        for thing in wheel.due(now):
            assert wanted[thing] <= now, "early"
            assert wanted[thing] + tick > before, "a look has passed it over"
            out.append(thing)
    assert sorted(out) == list(range(len(wanted)))
    assert wheel.next is None


@given(ticks, dues)
def test_who_is_due_earlier_comes_out_earlier(tick: int, wanted: list[int]) -> None:
    wheel = Wheel[int](tick)
    for due in wanted:
        wheel.add(due, due)
    ends = [-(-due // tick) for due in wheel.due(6_000)]
    assert ends == sorted(ends)


@given(ticks, dues)
def test_it_says_when_the_next_is_due_and_whether_that_is_sooner_than_before(
    tick: int, wanted: list[int]
) -> None:
    wheel, soonest = Wheel[int](tick), 1 << 60
    for due in wanted:
        is_sooner = wheel.add(due, due)
        end = -(-due // tick) * tick
        assert is_sooner == (end < soonest)
        soonest = min(soonest, end)
        assert wheel.next == soonest


@given(dues)
def test_what_is_added_while_it_is_turned_waits_for_its_own_time(wanted: list[int]) -> None:
    wheel, turns = Wheel[int](10), 0
    for due in wanted:
        wheel.add(due, due)
    for due in wheel.due(6_000):
        wheel.add(due + 10_000, due)
        turns += 1
    assert turns == len(wanted)
    assert len(list(wheel.due(20_000))) == len(wanted)
