"""What an agent's polls and records came to."""

from pathlib import Path

import msgspec
import pytest

from contract.messages import decode_record
from contract.names import DISPUTED
from contract.records import Interval, Meter
from contract.states import TIME_FIELDS
from edge_agent.counts import LATENESS_MS, Counts

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"


@pytest.mark.parametrize(
    ("late_ms", "place"), [(0, 0), (1, 0), (2, 1), (3, 2), (100, 6), (101, 7), (2_000, 10), (60_000, 11)]
)
def test_a_poll_is_counted_under_the_first_bound_that_it_does_not_exceed(late_ms: int, place: int) -> None:
    counts = Counts()
    counts.begin(late_ms)
    assert counts.late.index(1) == place
    assert len(counts.late) == len(LATENESS_MS) + 1
    assert (counts.late_ms, counts.last_late_ms) == (late_ms, late_ms)


def test_an_interval_is_counted_by_its_time_fields_and_a_disputed_one_once_more() -> None:
    interval = decode_record(msgspec.Raw((GOLDEN / "interval.json").read_bytes()))
    assert isinstance(interval, Interval)
    counts = Counts()
    counts.metered([interval, msgspec.structs.replace(interval, order_id=DISPUTED)])
    assert sum(counts.metered_ms[name] for name in TIME_FIELDS) == 2 * interval.duration_ms
    assert counts.disputed_ms == interval.duration_ms
    assert counts.records == {"interval": 2}


def test_an_epoch_is_counted_by_the_reason_that_opened_it() -> None:
    meter = decode_record(msgspec.Raw((GOLDEN / "meter.json").read_bytes()))
    assert isinstance(meter, Meter)
    counts = Counts()
    counts.metered([meter])
    assert counts.epochs == {meter.reason: 1}


def test_an_endpoint_that_is_gone_has_no_series_any_more() -> None:
    counts = Counts()
    counts.behind("a").came_to("good")
    counts.forget("a")
    counts.forget("never there")
    assert counts.tallies == {}
