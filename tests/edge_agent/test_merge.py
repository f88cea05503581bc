"""What never-offered records become under pressure: what may merge, what it sums to, what a loss names."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.names import DISPUTED, NONE
from contract.records import (
    Cause,
    Clock,
    Interval,
    Loss,
    LossReason,
    Method,
    Quality,
    Reason,
    Record,
    Transition,
)
from contract.states import TIME_FIELDS, Party, State
from edge_agent.merge import HOUR_MS, Fresh, compact, hour_end, joined, joins, lose

TEN = 1_795_305_600_000  # 2026-11-22 00:00 UTC
GRID = 300_000
COMMON: dict[str, Any] = {
    "site": "s",
    "area": "a",
    "machine": "m",
    "kind": "k",
    "epoch": "e1",
    "gateway": "g",
}


def interval(sequence: int, slot: int, **changes: Any) -> Interval:
    """The five minutes of ``slot``, with ``slot + 1`` pieces; totals go on from slot to slot."""
    times = dict.fromkeys((*TIME_FIELDS, "unplaced_run_ms", "unplaced_stop_ms"), 0)
    pieces = slot + 1
    fields: dict[str, Any] = {
        **COMMON,
        **times,
        "sequence": sequence,
        "sequence_first": sequence,
        "tenant": "zhang",
        "start": TEN + slot * GRID,
        "duration_ms": GRID,
        "span_start": TEN + slot * GRID,
        "run_ms": GRID - slot,
        "idle_ms": slot,
        "quantities": {"produced": pieces, "scrap": 1},
        "totals": {"produced": pieces * (pieces + 1) // 2, "scrap": pieces},
        "measured": "produced,scrap",
        "order_id": "4711",
        "lease_id": "l-1",
        "tenant_before": NONE,
        "tenant_after": NONE,
        "order_before": NONE,
        "order_after": NONE,
        "poll_ms": 1000,
        "polls_missed": slot,
        "quality": Quality.ACTUAL,
        "method": Method.POLLED,
        "reason": Reason.NONE,
        "clock": Clock.SYNCED,
    }
    return Interval(**{**fields, **changes})


def transition(sequence: int, at: int) -> Transition:
    return Transition(
        **COMMON, sequence=sequence, at=at, cause=Cause.STATE, state=State.STOP, party=Party.HOST,
        stop_code=1, vendor_code=0, tenant="zhang", order_id="4711", lease_id="l-1", stop_table="t@1",
        span_start=at - 5, span_ms=5, span_since=at - 5, span_state=State.RUN, span_party=Party.NONE,
        span_stop_code=0, span_tenant="zhang", span_order_id="4711", span_lease_id="l-1",
    )  # fmt: skip


def fresh(*records: Record) -> list[Fresh]:
    """Rows numbered by sequence, each of 100 bytes."""
    return [Fresh(record.sequence, 1, 100, record) for record in records]


def test_a_merged_interval_sums_its_parts_and_bears_the_last_name() -> None:
    one, other = interval(5, 0), interval(6, 1)
    merged = joined(one, other)
    assert (merged.sequence_first, merged.sequence) == (5, 6)
    assert (merged.start, merged.span_start, merged.duration_ms) == (TEN, TEN, 2 * GRID)
    assert (merged.run_ms, merged.idle_ms, merged.polls_missed) == (2 * GRID - 1, 1, 1)
    assert merged.quantities == {"produced": 3, "scrap": 2}
    assert merged.totals == other.totals
    assert sum(getattr(merged, name) for name in TIME_FIELDS) == merged.duration_ms


DIFFERENT: dict[str, dict[str, Any]] = {
    "another machine": {"machine": "n"},
    "another epoch": {"epoch": "e2"},
    "another tenant": {"tenant": "li"},
    "another order": {"order_id": "4712"},
    "another lease": {"lease_id": "l-2"},
    "another quality": {"quality": Quality.RECOVERED},
    "another method": {"method": Method.COUNTERS},
    "another reason": {"reason": Reason.RESTART},
    "another clock": {"clock": Clock.STEPPED},
    "another gateway": {"gateway": "h"},
    "another kind": {"kind": "weld"},
    "another rate of polls": {"poll_ms": 500},
    "other quantities measured": {"measured": "produced"},
    "a gap in time": {"start": TEN + GRID + 1, "span_start": TEN + GRID + 1},
    "the quantities of a longer span": {"span_start": TEN},
    "a quantity more": {
        "quantities": {"produced": 2, "scrap": 1, "picks": 0},
        "totals": {"produced": 3, "scrap": 2, "picks": 0},
    },
    "totals that do not go on": {"totals": {"produced": 4, "scrap": 2}},
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_intervals_that_differ_stay_two(name: str) -> None:
    assert joins(interval(5, 0), interval(6, 1))
    assert not joins(interval(5, 0), interval(6, 1, **DIFFERENT[name]))


def test_what_is_disputed_waits_for_a_person_as_it_is() -> None:
    sides = {"tenant": DISPUTED, "tenant_before": "li", "tenant_after": "zhang"}
    assert not joins(interval(5, 0, **sides), interval(6, 1, **sides))


def test_an_hour_of_intervals_becomes_one_and_the_next_hour_another() -> None:
    first, second = compact(fresh(*(interval(n, n) for n in range(24))), "UTC")
    assert isinstance(first.record, Interval)
    assert isinstance(second.record, Interval)
    assert (first.record.start, first.record.end) == (TEN, TEN + HOUR_MS)
    assert (second.record.start, second.record.end) == (TEN + HOUR_MS, TEN + 2 * HOUR_MS)
    assert (first.row, first.gone, first.stands) == (11, tuple(range(11)), 12)


def test_transitions_between_keep_their_names_and_places() -> None:
    rows = fresh(interval(5, 0), transition(6, TEN + GRID + 7), transition(7, TEN + GRID + 9), interval(8, 1))
    (merged,) = compact(rows, "UTC")
    assert isinstance(merged.record, Interval)
    assert (merged.record.sequence_first, merged.record.sequence) == (5, 8)
    assert (merged.row, merged.gone, merged.stands) == (8, (5,), 2)


def test_nothing_to_merge_changes_nothing() -> None:
    assert compact([], "UTC") == []
    assert compact(fresh(transition(1, TEN)), "UTC") == []
    assert compact(fresh(interval(1, 0), interval(2, 2)), "UTC") == []


HOURS = [
    ("UTC", TEN, TEN + HOUR_MS),
    ("UTC", TEN + 1, TEN + HOUR_MS),
    ("UTC", TEN - 1, TEN),
    ("Asia/Shanghai", TEN + 60_000, TEN + HOUR_MS),
    ("Asia/Kolkata", TEN, TEN + HOUR_MS // 2),
    ("Asia/Kathmandu", TEN, TEN + HOUR_MS // 4),
]


@pytest.mark.parametrize(("zone", "instant", "end"), HOURS)
def test_hours_are_those_of_the_site(zone: str, instant: int, end: int) -> None:
    assert hour_end(instant, zone) == end


@given(st.integers(0, 2**42), st.sampled_from(["Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"]))
def test_no_hour_is_longer_than_one_or_reaches_over_midnight(instant: int, zone: str) -> None:
    from edge_agent.cuts import midnights

    end = hour_end(instant, zone)
    assert instant < end <= instant + HOUR_MS
    assert midnights(instant, end - 1, zone) == []


def test_no_hour_reaches_over_a_midnight_that_came_early() -> None:
    """In Pyongyang the clocks went from 23:30 to midnight on 2018-05-04: that hour had half an hour."""
    instant, midnight = (
        int(datetime.fromisoformat(at).timestamp() * 1000)
        for at in ("2018-05-04T23:10+08:30", "2018-05-05T00:00+09:00")
    )
    assert hour_end(instant, "Asia/Pyongyang") == midnight


def test_a_loss_names_the_records_and_the_time_that_are_gone() -> None:
    rows = fresh(transition(4, TEN + 3), interval(5, 0), transition(6, TEN + GRID), interval(7, 1))
    lost = lose(rows, 150)
    assert lost is not None
    assert isinstance(lost.record, Loss)
    assert (lost.row, lost.gone) == (5, (4,))
    loss = lost.record
    assert (loss.sequence_first, loss.sequence, loss.records) == (4, 5, 2)
    assert (loss.start, loss.end, loss.reason) == (TEN, TEN + GRID, LossReason.OUTBOX_FULL)


def test_a_loss_ends_with_an_interval_so_that_none_is_cut_in_two() -> None:
    merged = interval(8, 1, sequence_first=5, start=TEN, span_start=TEN)
    lost = lose(fresh(transition(6, TEN + 3), transition(7, TEN + 4), merged, interval(9, 2)), 1)
    assert lost is not None
    assert isinstance(lost.record, Loss)
    assert (lost.record.sequence_first, lost.record.sequence) == (5, 8)


def test_a_loss_takes_in_the_loss_before_it() -> None:
    before = lose(fresh(interval(1, 0), interval(2, 1)), 150)
    assert before is not None
    rows = [Fresh(before.row, before.stands, 90, before.record), *fresh(interval(3, 2), interval(4, 3))]
    lost = lose(rows, 50)
    assert lost is not None
    assert isinstance(lost.record, Loss)
    assert (lost.record.sequence_first, lost.record.sequence, lost.record.records) == (1, 3, 3)
    assert (lost.record.start, lost.record.end) == (TEN, TEN + 3 * GRID)


def test_without_an_interval_nothing_is_lost() -> None:
    assert lose(fresh(transition(1, TEN), transition(2, TEN + 1)), 1) is None
    assert lose([], 1) is None


@given(
    st.lists(
        st.tuples(
            st.integers(1, 2 * GRID), st.integers(0, 9), st.sampled_from(["zhang", "li"]), st.booleans()
        ),
        max_size=40,
    ),
    st.sampled_from(["UTC", "Asia/Kolkata"]),
)
def test_merging_keeps_every_sum(parts: list[tuple[int, int, str, bool]], zone: str) -> None:
    records: list[Record] = []
    start, total = TEN, 0
    for duration, pieces, tenant, turns in parts:
        total += pieces
        if turns:
            records.append(transition(len(records), start))
        times = {"duration_ms": duration, "run_ms": duration - 1, "idle_ms": 1}
        counts = {"quantities": {"produced": pieces}, "totals": {"produced": total}}
        records.append(
            interval(len(records), 0, tenant=tenant, start=start, span_start=start, **times, **counts)
        )
        start += duration
    rows = fresh(*records)
    merged = compact(rows, zone)
    gone = {row for one in merged for row in one.gone} | {one.row for one in merged}
    left = sorted(
        [row.record for row in rows if row.row not in gone] + [one.record for one in merged],
        key=lambda record: record.sequence,
    )
    before = [record for record in records if isinstance(record, Interval)]
    after = [record for record in left if isinstance(record, Interval)]
    for tenant in ("zhang", "li"):
        for name in ("run_ms", "idle_ms", "duration_ms"):
            assert _sum(before, tenant, name) == _sum(after, tenant, name)
        assert sum(r.quantities["produced"] for r in before if r.tenant == tenant) == sum(
            r.quantities["produced"] for r in after if r.tenant == tenant
        )
    assert all(one.end == other.start for one, other in pairwise(after))
    assert all(
        other.totals["produced"] - other.quantities["produced"] == one.totals["produced"]
        for one, other in pairwise(after)
    )
    assert [r for r in left if isinstance(r, Transition)] == [r for r in records if isinstance(r, Transition)]
    assert all(one.end <= hour_end(one.start, zone) or one in before for one in after)
    msgspec.json.decode(msgspec.json.encode(left))


def _sum(intervals: list[Interval], tenant: str, name: str) -> int:
    return sum(getattr(record, name) for record in intervals if record.tenant == tenant)
