"""Sums at any instant of a story written by hand, so that every number can be checked in the head."""

import pytest

from simulators import knit
from simulators.story import Event, Pen, Piece, Segment, Story
from simulators.totals import Moment, Totals

#   0      10     40     50     80     90    120   160   180   200 s
#   idle   setup  run    10     run    30    run   37    60    off
PLAN = [
    (10, "idle", 0, 0),
    (30, "setup", 0, 7),
    (10, "run", 0, 7),
    (30, "stop", 10, 7),
    (10, "run", 0, 7),
    (30, "fault", 30, 7),
    (40, "run", 0, 7),
    (20, "maint", 37, 7),
    (20, "idle", 60, 7),
    (10, "off", 0, 0),
]
END = 210


def segments() -> tuple[Segment, ...]:
    found, at = [], 0
    for seconds, state, code, order in PLAN:
        end = at + seconds * 1000
        found.append(Segment(start=at, end=end, state=state, stop_code=code, order=order))  # type: ignore[arg-type]
        at = end
    return tuple(found)


STORY = Story(
    segments=segments(),
    pieces=(
        Piece(at=85_000, run_from=0, run_to=15_000, order=7, judgement="ok"),
        Piece(at=160_000, run_from=15_000, run_to=60_000, order=7, judgement="ng", cause=2),
    ),
    events=(
        Event(at=85_000, counter="produced", n=1, order=7, tenant="red"),
        Event(at=160_000, counter="produced", n=1, order=7, tenant="red"),
        Event(at=170_000, counter="scrap", n=1, order=7, tenant="red"),
    ),
    boots=(55_000,),
)
KNIT = Totals(STORY, knit.TYPE.watts, knit.TYPE.classes)


def at(seconds: float) -> Moment:
    return KNIT.at(round(seconds * 1000))


# second, state, order, run, stop and power-on ms, pieces, scrap, done
INSTANTS = [
    (-1, "idle", 0, 0, 0, 0, 0, 0, 0),
    (0, "idle", 0, 0, 0, 0, 0, 0, 0),
    (10, "setup", 7, 0, 0, 10_000, 0, 0, 0),
    (39.999, "setup", 7, 0, 0, 39_999, 0, 0, 0),
    (45, "run", 7, 5_000, 0, 45_000, 0, 0, 0),
    (50, "stop", 7, 10_000, 0, 50_000, 0, 0, 0),
    (79.999, "stop", 7, 10_000, 29_999, 79_999, 0, 0, 0),
    (84.999, "run", 7, 14_999, 30_000, 84_999, 0, 0, 0),
    (85, "run", 7, 15_000, 30_000, 85_000, 1, 0, 1),
    (100, "fault", 7, 20_000, 30_000, 100_000, 1, 0, 1),
    (159.999, "run", 7, 59_999, 30_000, 159_999, 1, 0, 1),
    (160, "maint", 7, 60_000, 30_000, 160_000, 2, 0, 2),
    (170, "maint", 7, 60_000, 30_000, 170_000, 2, 1, 2),
    (190, "idle", 7, 60_000, 30_000, 190_000, 2, 1, 2),
    (205, "off", 0, 60_000, 30_000, 200_000, 2, 1, 0),
    (210, "idle", 0, 60_000, 30_000, 200_000, 2, 1, 0),
    (9_999, "idle", 0, 60_000, 30_000, 200_000, 2, 1, 0),
]


@pytest.mark.parametrize("told", INSTANTS, ids=[f"{told[0]} s" for told in INSTANTS])
def test_what_has_been_counted_at_an_instant(
    told: tuple[float, str, int, int, int, int, int, int, int],
) -> None:
    seconds, *expected = told
    now = at(seconds)
    assert [
        now.segment.state,
        now.segment.order,
        now.run_ms,
        now.stop_ms,
        now.on_ms,
        now.pieces,
        now.scrap,
        now.done,
    ] == expected


def test_energy_is_power_times_time() -> None:
    idle, setup, run = 260, 420, 1150
    assert at(10).watt_ms == 10_000 * idle
    assert at(45).watt_ms == 10_000 * idle + 30_000 * setup + 5_000 * run
    assert at(200).watt_ms == at(205).watt_ms == at(END + 5).watt_ms  # off takes nothing


def test_the_last_and_the_next_piece_are_known() -> None:
    one, two = STORY.pieces
    assert (at(84).last, at(84).next) == (None, one)
    assert (at(85).last, at(85).next) == (one, two)
    assert (at(160).last, at(160).next) == (two, None)


def test_a_restart_is_counted_from_its_instant() -> None:
    assert (at(54.999).boots, at(54.999).booted) == (0, None)
    assert (at(55).boots, at(55).booted) == (1, 55_000)


@pytest.mark.parametrize(
    ("seconds", "yarn_break", "needle", "all_stops"),
    [(-1, 0, 0, 0), (49.999, 0, 0, 0), (50, 1, 0, 1), (89.999, 1, 0, 1), (90, 1, 1, 2), (999, 1, 1, 2)],
)
def test_a_stop_is_counted_when_it_begins(
    seconds: float, yarn_break: int, needle: int, all_stops: int
) -> None:
    stops = at(seconds).stops
    assert (stops[0], stops[3], sum(stops)) == (yarn_break, needle, all_stops)


def test_a_code_without_a_counter_counts_as_other() -> None:
    codes = (99, 17, 50, 36)
    told = tuple(
        Segment(start=n * 1000, end=n * 1000 + 1000, state="stop", stop_code=code, order=1)
        for n, code in enumerate((0, *codes))
    )
    story = Story(segments=told, pieces=(), events=(), boots=())
    moment = Totals(story, knit.TYPE.watts, knit.TYPE.classes).at(4_500)
    assert moment.stops == (0, 0, 0, 0, 0, 0, 0, 4)


def test_a_pen_joins_equal_neighbours_and_counts_running() -> None:
    pen = Pen()
    work, still = (Segment(start=0, end=0, state=state, order=1) for state in ("run", "stop"))
    for ms, like in ((100, work), (50, work), (30, still), (0, still), (-5, work), (20, work)):
        pen.write(ms, like)
    assert [(s.start, s.end, s.state) for s in pen.segments] == [
        (0, 150, "run"),
        (150, 180, "stop"),
        (180, 200, "run"),
    ]
    assert (pen.at, pen.run_ms) == (200, 170)


def test_a_pen_sorts_marks_that_come_later_than_the_next_piece() -> None:
    pen = Pen()
    work = Segment(start=0, end=0, state="run", order=1, tenant="red")
    pen.move(100, "produced", work)
    pen.move(190, "scrap", work)
    pen.move(150, "produced", work)
    assert pen.last_move == 190
    pen.write(500, work)
    assert [(e.at, e.counter) for e in pen.story(()).events] == [
        (100, "produced"),
        (150, "produced"),
        (190, "scrap"),
    ]
