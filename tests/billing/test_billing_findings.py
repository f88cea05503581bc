"""What a person must look at: sums, tiling, stops and unplaced time."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from billing.findings import UNDER_WAY_MS, Finding, Rule, Watch
from contract.records import MeterReason, Method
from contract.states import Party, State

HOUR = 3_600_000


def found(period: tuple[int, int], intervals: list[Any], spans: list[Any] | None = None) -> list[Finding]:
    watch = Watch(*period)
    for interval in intervals:
        watch.interval(interval)
    for span in spans or []:
        watch.transition(span)
    return watch.finish()


def rules(findings: list[Finding]) -> list[Rule]:
    return [finding.rule for finding in findings]


def test_a_whole_period_without_faults_finds_nothing(make: SimpleNamespace) -> None:
    totals = {"produced": 5, "scrap": 0, "rework": 0, "energy_wh": 0}
    one = make.interval(0, HOUR, quantities={"produced": 5}, totals=totals)
    two = make.interval(
        HOUR, 2 * HOUR, sequence=2, quantities={"produced": 2}, totals={**totals, "produced": 7}
    )
    assert found((0, 2 * HOUR), [one, two]) == []


def test_a_total_that_rises_by_more_than_the_interval_says_is_found(make: SimpleNamespace) -> None:
    one = make.interval(0, HOUR, totals={"produced": 5})
    two = make.interval(HOUR, 2 * HOUR, sequence=2, quantities={"produced": 2}, totals={"produced": 8})
    (finding,) = found((0, 2 * HOUR), [one, two])
    assert (finding.rule, finding.text) == (Rule.SUM, "e1/2: produced 2, but its total rose by 3")


def test_holes_overlaps_and_edges_are_told_apart(make: SimpleNamespace) -> None:
    intervals = [
        make.interval(HOUR, 2 * HOUR),
        make.interval(3 * HOUR, 4 * HOUR, sequence=2),
        make.interval(4 * HOUR - 7, 5 * HOUR, epoch="e2"),
    ]
    findings = found((0, 6 * HOUR), intervals)
    assert rules(findings) == [Rule.EDGE, Rule.EDGE, Rule.HOLE, Rule.OVERLAP]
    assert "for 1:00:00 at the start of the period" in findings[0].text
    assert "for 1:00:00 up to the end of the period" in findings[1].text
    assert "for 1:00:00 within epoch e1, before sequence 2" in findings[2].text
    assert "for 7 ms from epoch e1 to e2" in findings[3].text


def dark(period: tuple[int, int], intervals: list[Any], meters: list[Any], *gone: str) -> dict[Any, int]:
    watch = Watch(*period, frozenset(gone))
    for meter in meters:
        watch.meter(meter)
    for interval in intervals:
        watch.interval(interval)
    findings = watch.finish()
    assert {finding.machine for finding in findings} == {machine for _, machine in watch.holes}
    return watch.holes


def test_an_edge_beyond_two_polls_is_unknown_time(make: SimpleNamespace) -> None:
    one = make.interval(2000, HOUR, poll_ms=1000)
    assert dark((0, HOUR + 2000), [one], []) == {}
    assert dark((0, HOUR + 2001), [one], []) == {("knit", "knit-01"): 2001}
    late = make.interval(2001, HOUR, poll_ms=1000)
    assert dark((0, HOUR), [late], []) == {("knit", "knit-01"): 2001}


def test_a_machine_that_was_metered_and_says_nothing_is_missed(make: SimpleNamespace) -> None:
    """Also when it is silent in the whole period; not before it was there, nor once it is said to be gone."""
    meters = [make.meter(0), make.meter(3 * HOUR, epoch="e2")]
    assert dark((HOUR, 2 * HOUR), [], meters) == {("knit", "knit-01"): HOUR}
    assert dark((HOUR, 2 * HOUR), [], meters, "knit-01") == {}
    assert dark((0, 2 * HOUR), [], [make.meter(HOUR)]) == {("knit", "knit-01"): HOUR}
    assert dark((0, 2 * HOUR), [make.interval(HOUR, 2 * HOUR)], [make.meter(HOUR)]) == {}
    assert dark((0, HOUR), [], [make.meter(HOUR)]) == {}
    again = make.meter(HOUR, reason=MeterReason.STATE_LOST)
    assert dark((0, 2 * HOUR), [], [again]) == {("knit", "knit-01"): 2 * HOUR}


def test_parts_that_do_not_fill_the_interval_are_found(make: SimpleNamespace) -> None:
    assert rules(found((0, HOUR), [make.interval(0, HOUR, duration_ms=HOUR + 1)])) == [Rule.PARTS]


def test_time_that_fits_nowhere_is_found(make: SimpleNamespace) -> None:
    assert rules(found((0, HOUR), [make.interval(0, HOUR, unplaced_run_ms=5, unplaced_stop_ms=6)])) == [
        Rule.UNPLACED,
        Rule.UNPLACED,
    ]


def test_stops_by_state_must_equal_stops_by_interval(make: SimpleNamespace) -> None:
    interval = make.interval(0, HOUR, stop_tenant_ms=600)
    assert found((0, HOUR), [interval], [make.span(0, 600)]) == []
    assert rules(found((0, HOUR), [interval], [make.span(0, 599)])) == [Rule.STOPS]
    assert rules(found((0, HOUR), [interval], [make.span(0, 600, party=Party.HOST)])) == [Rule.STOPS]


def test_a_stop_that_reaches_out_of_the_period_counts_with_its_inside(make: SimpleNamespace) -> None:
    interval = make.interval(HOUR, 2 * HOUR, stop_tenant_ms=HOUR)
    assert found((HOUR, 2 * HOUR), [interval], [make.span(0, 3 * HOUR)]) == []


def test_a_stop_that_has_not_ended_is_said_and_not_a_difference(make: SimpleNamespace) -> None:
    interval = make.interval(HOUR, 2 * HOUR, stop_tenant_ms=HOUR - 100)
    running = make.span(0, HOUR + 100, span_state=State.RUN, span_party=Party.NONE)
    opened = msgspec.structs.replace(running, state=State.STOP, party=Party.TENANT)
    (finding,) = found((HOUR, 2 * HOUR), [interval], [opened])
    assert (finding.rule, finding.at) == (Rule.OPEN_STOP, HOUR + 100)


def test_stop_time_recovered_in_a_gap_has_no_span_and_is_not_compared(make: SimpleNamespace) -> None:
    gap = make.interval(0, HOUR, stop_tenant_ms=600, method=Method.COUNTERS)
    assert found((0, HOUR), [gap]) == []


def test_machines_are_watched_apart(make: SimpleNamespace) -> None:
    one = make.interval(0, HOUR)
    other = make.interval(0, HOUR, machine="knit-02")
    assert found((0, HOUR), [one, other]) == []


NOW = 6 * HOUR
LATE = UNDER_WAY_MS + 1


@pytest.mark.parametrize(
    ("silent_ms", "is_missed"),
    [(0, False), (UNDER_WAY_MS, False), (LATE, True)],
    ids=["no", "a little", "long"],
)
def test_before_a_period_is_over_what_is_under_way_is_no_finding(
    make: SimpleNamespace,
    silent_ms: int,
    is_missed: bool,  # noqa: FBT001  a case
) -> None:
    """Neither of a machine with records nor of one that has just begun; nor is that time unknown yet."""
    watch = Watch(0, NOW, under_way_ms=UNDER_WAY_MS)
    watch.meter(make.meter(NOW - silent_ms, machine="knit-02"))
    watch.interval(make.interval(0, NOW - silent_ms))
    findings = watch.finish()
    assert [(each.rule, each.machine) for each in findings] == (
        [(Rule.EDGE, "knit-01"), (Rule.EDGE, "knit-02")] if is_missed else []
    )
    assert all("up to now; the time counts as unknown" in each.text for each in findings)
    assert sum(watch.holes.values()) == (2 * silent_ms if is_missed else 0)


def test_what_was_dark_at_the_start_is_a_finding_before_the_period_is_over_too(
    make: SimpleNamespace,
) -> None:
    watch = Watch(0, NOW, under_way_ms=UNDER_WAY_MS)
    watch.interval(make.interval(5 * HOUR, NOW))
    (finding,) = watch.finish()
    assert "for 5:00:00 at the start of the period" in finding.text
