"""Laws of a machine's story, for any plant: it is whole, it is fair to pollers, and it can be told again."""

import bisect
import itertools
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.behaviour import tell
from simulators.plant import Machine, Plant
from simulators.story import Segment, Story

ANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def stories(plant: Plant) -> list[tuple[Machine, Story]]:
    return [(machine, tell(machine, plant)) for machine in plant.machines]


def segment_at(story: Story, offset: int) -> Segment:
    return story.segments[bisect.bisect_right([s.start for s in story.segments], offset) - 1]


def changes(plant: Plant, machine: Machine, story: Story) -> set[int]:
    """When the machine's order or lease changes; both ends of the shift count, for nothing goes on there."""
    neighbours = itertools.pairwise(story.segments)
    orders = {after.start for before, after in neighbours if before.order != after.order}
    leases = {instant for x in plant.leases_of(machine.name) for instant in (x.from_ms, x.until_ms)}
    return orders | leases | {0, plant.duration_ms}


@ANY
@given(data=st.data())
def test_segments_tile_the_shift(plant_strategy: st.SearchStrategy[Plant], data: st.DataObject) -> None:
    plant = data.draw(plant_strategy)
    for _, story in stories(plant):
        assert story.segments[0].start == 0
        assert story.segments[-1].end == plant.duration_ms
        for one, other in itertools.pairwise(story.segments):
            assert one.start < one.end == other.start


@ANY
@given(data=st.data())
def test_no_piece_counter_moves_near_a_change_of_order_or_lease(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for machine, story in stories(plant):
        marks = sorted(changes(plant, machine, story))
        for event in story.events:
            at = bisect.bisect_left(marks, event.at)
            assert min(abs(event.at - mark) for mark in marks[max(0, at - 1) : at + 1]) > plant.quiet_ms


@ANY
@given(data=st.data())
def test_a_lease_sees_no_order_of_another_tenant(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for machine, story in stories(plant):
        for segment in story.segments:
            held = {
                lease.tenant
                for lease in plant.leases_of(machine.name)
                if lease.from_ms < segment.end and segment.start < lease.until_ms
            }
            order = plant.order(str(segment.order))
            assert len(held) <= 1
            assert segment.tenant in held or (
                not held and segment.tenant == (order.tenant if order else "none")
            )
            assert order is None or order.tenant == segment.tenant


@ANY
@given(data=st.data())
def test_a_counter_moves_for_the_order_and_tenant_of_that_instant(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for _, story in stories(plant):
        assert [event.at for event in story.events] == sorted(event.at for event in story.events)
        for event in story.events:
            now = segment_at(story, event.at)
            assert (event.order, event.tenant) == (now.order, now.tenant)
            assert event.order != 0


@ANY
@given(data=st.data())
def test_no_more_pieces_than_ordered_and_no_more_scrap_than_pieces(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for _, story in stories(plant):
        counts: Counter[tuple[int, str]] = Counter()
        for event in sorted(story.events, key=lambda e: (e.at, e.counter)):  # "produced" sorts first
            counts[event.order, event.counter] += event.n
            spoilt = counts[event.order, "scrap"] + counts[event.order, "rework"]
            assert spoilt <= counts[event.order, "produced"]
        for order in plant.orders:
            assert counts[order.number, "produced"] <= order.pieces


@ANY
@given(data=st.data())
def test_every_ms_of_running_belongs_to_a_finished_piece(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for _, story in stories(plant):
        ran = sum(s.end - s.start for s in story.segments if s.state == "run")
        edges = [0, *(piece.run_to for piece in story.pieces)]
        assert edges[-1] == ran
        assert [piece.run_from for piece in story.pieces] == edges[:-1]
        assert all(piece.run_from < piece.run_to for piece in story.pieces)


@ANY
@given(data=st.data())
def test_work_states_have_an_order_and_off_has_none(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for _, story in stories(plant):
        for segment in story.segments:
            assert segment.order or segment.state in ("idle", "off", "maint")
            assert not (segment.order and segment.state == "off")
            assert segment.state != "stop" or segment.stop_code


@ANY
@given(data=st.data())
def test_the_same_plant_tells_the_same_story(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    assert stories(plant) == stories(plant)


def test_machines_of_one_plant_tell_different_stories(demo: Plant) -> None:
    told = [story.segments for _, story in stories(demo)]
    assert len({repr(segments) for segments in told}) == len(told)


def test_the_demo_shows_all_that_a_floor_manager_would_recognise(demo: Plant) -> None:
    told = [segment for _, story in stories(demo) for segment in story.segments]
    assert {segment.state for segment in told} == {
        *("run", "setup", "stop", "fault", "idle", "maint", "off", "test"),
    }
    codes = {segment.stop_code for segment in told}
    assert {0, 10, 11, 12, 13, 15, 17, 30, 31, 32, 33, 34, 36, 37, 51, 52, 60, 99} <= codes
    assert any(segment.slow for segment in told)
    assert any(segment.e_stop for segment in told)
    assert any(segment.guard_open for segment in told)
    assert any(story.boots for _, story in stories(demo))


def test_stops_are_mostly_minutes_sometimes_seconds_and_rarely_long(demo: Plant) -> None:
    lengths = sorted(
        segment.end - segment.start
        for _, story in stories(demo)
        for segment in story.segments
        if segment.state == "stop"
    )
    short, long = sum(ms < 30_000 for ms in lengths), sum(ms > 600_000 for ms in lengths)
    assert 0.03 < short / len(lengths) < 0.3
    assert 0.01 < long / len(lengths) < 0.2
    assert 60_000 < lengths[len(lengths) // 2] < 600_000


def test_an_order_cut_by_the_end_of_a_lease_goes_on_in_the_next(demo: Plant) -> None:
    machine = next(m for m in demo.machines if m.name == "knit-05")
    story = tell(machine, demo)
    assert {event.tenant for event in story.events if event.at < 4 * 3_600_000} == {"hengxin"}
    assert {event.tenant for event in story.events if event.at > 4 * 3_600_000} == {"ruifeng"}


def test_a_machine_without_a_lease_works_for_the_tenant_of_its_order(demo: Plant) -> None:
    machine = next(m for m in demo.machines if m.name == "knit-12")
    assert not demo.leases_of("knit-12")
    assert {event.tenant for event in tell(machine, demo).events} == {"ruifeng"}


def test_each_machine_of_mini_changes_its_order_and_one_its_tenant(mini: Plant) -> None:
    worked = {machine.name: {event.order for event in story.events} for machine, story in stories(mini)}
    tenants = {machine.name: {event.tenant for event in story.events} for machine, story in stories(mini)}
    assert all(len(orders) == 2 for orders in worked.values())
    assert tenants["knit-02"] == {"hengxin", "ruifeng"}
