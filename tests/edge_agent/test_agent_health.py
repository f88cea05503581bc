"""What an agent's report amounts to, as a verdict and as metrics."""

from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.exposition import lines
from daemon.health import Grade, judged
from edge_agent.counts import Counts
from edge_agent.gauges import families
from edge_agent.health import LATE_MS, troubles
from edge_agent.held import Depth, Relief
from edge_agent.report import EndpointReport, Queues, Reloads, Report

NOW = 1_790_380_800_000

DEPTH = Depth(
    records=0,
    bytes=0,
    oldest_ms=None,
    batches=0,
    ring_records=7,
    ring_bytes=2_800,
    ring_from=NOW - 3_600_000,
    rejected=0,
    over_limit=False,
)
QUEUES = Queues(
    wanted_records=1,
    wanted_limit=50_000,
    wanted_machines=2,
    outbox_calls=3,
    in_flight=4,
    unreadable=5,
    unsent=6,
    arrivals=7,
    orders=8,
    leases=9,
    free=10,
)
WELL = Report(
    site="qinghe",
    gateway="gw1",
    version="0.1.0",
    machines=3,
    ailing={},
    wrong={},
    stuck=(),
    is_connected=True,
    disk_trouble=None,
    is_free=False,
    clock_moved_ms=-1_500,
    now_ms=NOW,
    depth=DEPTH,
    depth_age_s=0.25,
    limit_bytes=1 << 30,
    relief=Relief(merged=11, ring_dropped=12, lost=13),
    queues=QUEUES,
    reloads=Reloads(taken=2, refused=1, taken_ms=NOW),
)


def but(**changes: Any) -> Report:
    return msgspec.structs.replace(WELL, **changes)


@pytest.mark.parametrize(
    ("report", "status", "reasons"),
    [
        (WELL, "ok", []),
        (but(wrong={"broker": "lost"}), "degraded", ["broker: lost"]),
        (but(ailing={"knit-01": "silent"}), "degraded", ["knit-01: silent"]),
        (
            but(ailing={"knit-01": "silent", "knit-02": "link", "weld-01": "refused"}),
            "failing",
            ["machines: silent", "knit-01: silent", "knit-02: link", "weld-01: refused"],
        ),
        (but(machines=0), "ok", []),
        (but(wrong={"disk": "takes nothing"}, disk_trouble="full"), "failing", ["disk: takes nothing"]),
        (but(wrong={"outbox": "over its limit"}), "degraded", ["outbox: over its limit"]),
        (but(wrong={"outbox": "lost records"}), "failing", ["outbox: lost records"]),
        (but(wrong={"clock": "never set"}, is_free=True), "degraded", ["clock: never set"]),
        (but(stuck=("endpoint bus",)), "failing", ["endpoint bus: stuck"]),
        (
            but(depth=msgspec.structs.replace(DEPTH, records=9, oldest_ms=NOW - LATE_MS)),
            "ok",
            [],
        ),
        (
            but(depth=msgspec.structs.replace(DEPTH, records=9, oldest_ms=NOW - LATE_MS - 1)),
            "degraded",
            ["receipts: late"],
        ),
        (but(depth=None), "ok", []),
    ],
)
def test_health_is_what_metering_and_custody_need(report: Report, status: str, reasons: list[str]) -> None:
    found = judged("agent", "gw1", "0.1.0", troubles(report))
    assert found.status == status
    assert [f"{one.subject}: {one.kind}" for one in found.reasons] == reasons


def test_a_disk_that_takes_nothing_says_what_it_said() -> None:
    [found] = troubles(but(wrong={"disk": "takes nothing"}, disk_trouble="database or disk is full"))
    assert (found.grade, found.detail) == (Grade.FAILING, "database or disk is full")


def told(report: Report, counts: Counts) -> dict[str, dict[str, float]]:
    text = "".join(lines(families(report, counts)))
    return {
        family.name: {
            "".join(
                [s.name.removeprefix(family.name), *(f"|{value}" for value in s.labels.values())]
            ): s.value
            for s in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def test_every_queue_has_a_gauge() -> None:
    """Each field of Queues is a number of its own here, so that none can stand in for another."""
    found = told(WELL, Counts())
    values = {next(iter(samples.values())) for samples in found.values() if len(samples) == 1}
    assert set(msgspec.structs.astuple(QUEUES)) <= values


def test_sizes_and_ages_are_bytes_and_seconds() -> None:
    waiting = msgspec.structs.replace(DEPTH, records=9, bytes=4_000, oldest_ms=NOW - 90_000, batches=2)
    found = told(but(depth=waiting), Counts())
    expected = {
        "gongfang_agent_outbox_records": 9,
        "gongfang_agent_outbox_bytes": 4_000,
        "gongfang_agent_outbox_batches": 2,
        "gongfang_agent_outbox_oldest_seconds": 90,
        "gongfang_agent_ring_reach_seconds": 3_600,
        "gongfang_agent_clock_moved_seconds": -1.5,
        "gongfang_agent_configuration_taken_timestamp_seconds": NOW / 1000,
    }
    assert {name: next(iter(found[name].values())) for name in expected} == expected


def test_each_endpoint_has_its_state() -> None:
    bus = EndpointReport(name="bus", connected=True, silent=2, refused=1, polls=3)
    found = told(but(endpoints=(bus,)), Counts())
    kinds = ("connected", "silent_units", "refused_blocks", "polls")
    assert [found[f"gongfang_agent_endpoint_{kind}"] for kind in kinds] == [
        {"|bus": 1},
        {"|bus": 2},
        {"|bus": 1},
        {"|bus": 3},
    ]


def test_what_never_waited_has_no_age() -> None:
    assert told(WELL, Counts())["gongfang_agent_outbox_oldest_seconds"] == {}
    assert "gongfang_agent_outbox_records" not in told(but(depth=None), Counts())


def test_polls_are_told_by_endpoint_and_machines_by_reason_only() -> None:
    counts = Counts()
    counts.begin(3)
    counts.behind("bus-a").came_to("good", 40)
    counts.behind("bus-a").came_to("silent", 2)
    counts.behind("bus-b").came_to("refused")
    ailing = {f"knit-{n:04}": "silent" for n in range(4_499)} | {"weld-01": "link"}
    found = told(but(machines=4_500, ailing=ailing), counts)
    assert found["gongfang_agent_polls"] == {
        "_total|bus-a|good": 40,
        "_total|bus-a|silent": 2,
        "_total|bus-b|refused": 1,
    }
    assert found["gongfang_agent_machines_ailing"] == {"|silent": 4_499, "|link": 1}
    assert found["gongfang_agent_poll_lateness_seconds"]["_sum"] == 0.003
