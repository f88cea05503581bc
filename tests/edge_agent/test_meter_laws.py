"""The laws of DESIGN 7 over random histories of polls, silence, leases, orders, restarts and clock steps."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.chain import canonical
from contract.records import Interval, Meter, Record, Transition
from contract.series import row_of
from contract.states import TIME_FIELDS, time_field
from edge_agent.line import STEP_MS
from tests.edge_agent.meter_bench import PROFILE, Bench, times_of


@dataclass(frozen=True)
class Moment:
    """What happens, so many ms after what happened before."""

    after_ms: int
    what: str
    state: str = "run"
    order: str = "none"
    tenant: str | None = None
    steps: dict[str, int] = field(default_factory=dict)
    ahead_ms: int = 0


STATES = st.sampled_from(["run", "setup", "stop", "fault", "idle", "off"])
ORDERS = st.sampled_from(["none", "20001", "20002"])
STEPS = st.fixed_dictionaries(
    {"pieces": st.integers(0, 3), "ng": st.integers(0, 1), "energy": st.integers(0, 5)}
)

MOMENTS = st.one_of(
    st.builds(
        Moment, after_ms=st.integers(1, 2_500), what=st.just("see"), state=STATES, order=ORDERS, steps=STEPS
    ),
    st.builds(Moment, after_ms=st.integers(1, 2_500), what=st.just("miss")),
    st.builds(
        Moment,
        after_ms=st.integers(0, 500),
        what=st.just("lease"),
        tenant=st.sampled_from([None, "hengxin", "ruifeng"]),
        ahead_ms=st.integers(-5_000, 20_000),
    ),
    st.builds(Moment, after_ms=st.integers(1, 60_000), what=st.just("restart")),
    st.builds(Moment, after_ms=st.integers(60_000, 90_000_000), what=st.just("silence")),
    st.builds(
        Moment, after_ms=st.integers(1, 1_000), what=st.just("step"), ahead_ms=st.integers(-9_000, 20_000)
    ),
)


def live(history: list[Moment]) -> Bench:
    bench, at = Bench(), 0
    for moment in history:
        at += moment.after_ms
        seconds = at / 1000
        match moment.what:
            case "see":
                bench.see(seconds, moment.state, order=moment.order, **moment.steps)
            case "miss":
                bench.miss(seconds)
            case "lease":
                bench.lease(seconds, moment.tenant, begins=seconds + moment.ahead_ms / 1000)
            case "restart":
                bench.kill_and_restart(seconds)
            case "step":
                bench.eight += moment.ahead_ms
            case _:
                pass
    bench.stop()
    return bench


def by_epoch(written: list[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in written:
        found[record.epoch].append(record)
    return found


HISTORIES = st.lists(MOMENTS, min_size=1, max_size=60)


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_within_an_epoch_intervals_tile_the_time_line(history: list[Moment]) -> None:
    for records in by_epoch(live(history).written).values():
        opened = records[0]
        assert isinstance(opened, Meter)
        end = opened.at
        for interval in (r for r in records if isinstance(r, Interval)):
            assert interval.start == end
            assert sum(times_of(interval).values()) == interval.duration_ms > 0
            assert min(times_of(interval).values()) >= 0
            end = interval.end


SEEN = Moment(after_ms=1, what="see")
SET_FORWARD_IN_A_GAP = [
    Moment(after_ms=2_500, what="miss"),
    Moment(after_ms=2_500, what="miss"),
    Moment(after_ms=1, what="step", ahead_ms=20_000),
]


@given(
    st.lists(MOMENTS.filter(lambda moment: moment.what != "restart" and moment.ahead_ms >= 0), max_size=60)
)
@example(SET_FORWARD_IN_A_GAP)
@settings(max_examples=300, deadline=None)
def test_time_that_only_a_clock_set_forward_has_made_is_flagged(history: list[Moment]) -> None:
    """While one process lives: how wrong its clock was before it was started, nobody can flag."""
    passed = sum(moment.after_ms for moment in history) + SEEN.after_ms
    steps = [moment.ahead_ms for moment in history if moment.what == "step"]
    plain = sum(
        record.duration_ms
        for record in live([SEEN, *history, SEEN]).written
        if isinstance(record, Interval) and record.clock != "stepped"
    )
    assert plain <= passed + sum(step for step in steps if step <= STEP_MS)


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_state_spans_tile_too_and_equal_the_intervals_by_state_and_party(history: list[Moment]) -> None:
    for records in by_epoch(live(history).written).values():
        spans = [r for r in records if isinstance(r, Transition)]
        known: dict[str, int] = defaultdict(int)
        end = None
        for span in spans:
            assert end is None or span.span_start == end
            assert span.span_start + span.span_ms == span.at
            assert span.span_since <= span.span_start
            end = span.at
            if span.span_ms:
                known[time_field(span.span_state, span.span_party)] += span.span_ms
        intervals = [r for r in records if isinstance(r, Interval) and spans and r.end <= spans[-1].at]
        outside = [i for i in intervals if i.method == "polled"]
        in_gaps = sum(i.duration_ms for i in intervals) - sum(i.duration_ms for i in outside)
        assert known.pop("unknown_ms", 0) == in_gaps
        assert known == {name: ms for name in TIME_FIELDS if (ms := sum(getattr(i, name) for i in outside))}


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_within_an_epoch_pieces_sum_to_what_the_device_counted(history: list[Moment]) -> None:
    bench = live(history)
    epochs = by_epoch(bench.written)
    opened = [r for r in bench.written if isinstance(r, Meter)]
    for records in epochs.values():
        intervals = [r for r in records if isinstance(r, Interval)]
        for before, after in pairwise(intervals):
            for name, made in after.quantities.items():
                assert after.totals[name] - before.totals[name] == made >= 0
    if len(opened) == 1 and bench.machine.meter is not None:
        raw = bench.machine.meter.raw
        seen = bench.machine.meter.settled.readings
        assert all(raw[c.name] == seen[c.name] - opened[0].readings[c.name] for c in PROFILE.counters)


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_no_two_facts_share_a_key_or_a_name(history: list[Moment]) -> None:
    written = live(history).written
    keys = [row_of(record).key for record in written]
    assert len(set(keys)) == len(keys)
    for records in by_epoch(written).values():
        assert [record.sequence for record in records] == list(range(len(records)))
        for kind in (Interval, Transition):
            times = [row_of(record).time for record in records if isinstance(record, kind)]
            assert times == sorted(set(times))


@given(HISTORIES)
@settings(max_examples=100, deadline=None)
def test_every_record_survives_the_wire_and_the_store(history: list[Moment]) -> None:
    from contract.messages import decode_record, encode
    from contract.series import fact_of

    for record in live(history).written:
        assert decode_record(encode(record)) == record
        assert fact_of(row_of(record)) == record
        assert canonical(record)


@given(HISTORIES, st.data())
@settings(max_examples=100, deadline=None)
def test_a_day_is_a_day(history: list[Moment], data: st.DataObject) -> None:
    day = 86_400_000
    for record in live(history).written:
        if isinstance(record, Interval):
            local = record.start + 8 * 3_600_000
            assert local // day == (local + record.duration_ms - 1) // day
