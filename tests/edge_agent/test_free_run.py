"""What waits for a clock to be set is bounded, and what had to go is named: sums and sequences still hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.records import Interval, Loss, Meter, Record, Transition
from edge_agent.free_run import RECORDS, share
from tests.edge_agent.meter_bench import EIGHT, SCHEME, Bench, total

MINUTE_MS = 60_000
SLOW = replace(SCHEME, poll_ms=MINUTE_MS)
"""Read once a minute, so that a day passes quickly."""
IN_1970 = MINUTE_MS


def metered(states: list[str], most: int) -> Bench:
    """A minute of each state on a clock that was never set, which somebody then puts right."""
    bench = Bench(SLOW, eight=IN_1970, most_held=most)
    bench.start()
    for minute, state in enumerate(states):
        bench.see(60 * minute, state, pieces=3 if state == "run" else 0)
        assert bench.machine.held <= most
    assert bench.written == []
    bench.eight = EIGHT
    bench.see(60 * len(states), "run")
    bench.see(60 * len(states) + 60, "run")
    bench.stop()
    return bench


def names(record: Record) -> range:
    first = record.sequence_first if isinstance(record, Interval | Loss) else record.sequence
    return range(first, record.sequence + 1)


def pieces(bench: Bench) -> int:
    (last,) = [record for record in bench.written if isinstance(record, Interval)][-1:]
    return last.totals["produced"]


def test_a_day_of_steady_work_merges_and_loses_nothing() -> None:
    bench = metered(["run"] * 1440, most=40)
    whole = metered(["run"] * 1440, most=RECORDS)
    assert not any(isinstance(record, Loss) for record in bench.written)
    assert len(bench.written) < 44
    assert len(whole.written) > 280
    assert total(bench.intervals(), "produced") == total(whole.intervals(), "produced") == 3 * 1440 - 3
    assert sum(i.run_ms for i in bench.intervals()) == sum(i.run_ms for i in whole.intervals())
    ends = [interval.end for interval in bench.intervals()]
    assert [interval.start for interval in bench.intervals()][1:] == ends[:-1]
    assert {interval.clock for interval in bench.intervals()} <= {"free", "synced"}


def test_where_nothing_merges_the_oldest_become_one_loss_that_ends_where_the_rest_begins() -> None:
    bench = metered(["run", "stop"] * 300, most=40)
    opened, loss, *rest = bench.written
    assert isinstance(opened, Meter)
    assert isinstance(loss, Loss)
    assert not any(isinstance(record, Loss) for record in rest)
    assert loss.start == EIGHT
    first = next(record for record in rest if isinstance(record, Interval))
    assert first.start == loss.end
    assert loss.records == loss.sequence - loss.sequence_first + 1


@given(st.lists(st.sampled_from(["run", "stop", "idle"]), min_size=2, max_size=120), st.integers(12, 60))
def test_no_name_is_missing_and_the_last_total_is_what_was_counted(states: list[str], most: int) -> None:
    bench = metered(states, most)
    whole = metered(states, RECORDS)
    assert {n for record in bench.written for n in names(record)} == set(
        range(whole.written[-1].sequence + 1)
    )
    sums = [n for record in bench.written if isinstance(record, Interval | Loss) for n in names(record)]
    kept = {r.sequence: r for r in whole.written if isinstance(r, Transition)}
    assert len(set(sums)) == len(sums), "an interval that stands in two of them"
    assert pieces(bench) == pieces(whole)
    assert [r for r in bench.written if isinstance(r, Meter)] == [
        r for r in whole.written if isinstance(r, Meter)
    ]
    assert all(kept[r.sequence] == r for r in bench.written if isinstance(r, Transition))


@pytest.mark.parametrize(("machines", "each"), [(0, RECORDS), (1, RECORDS), (100, 1000), (4500, 24)])
def test_all_machines_together_share_the_room(machines: int, each: int) -> None:
    assert share(machines) == each
