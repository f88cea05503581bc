"""The short way through the meter leads where the long one does, and is left where anything is cut."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from msgspec.structs import replace

from contract.records import Reason
from edge_agent import machine as machines
from edge_agent import meter
from edge_agent.attribution import attribute, in_force
from edge_agent.state import Gap
from edge_agent.steady import steadily
from tests.edge_agent.meter_bench import SCHEME, Bench
from tests.edge_agent.test_meter_laws import HISTORIES, Moment, live

ways: Counter[str] = Counter()


def both_ways(scheme: Any, before: Any, sample: Any, leases: Any, announced: Any) -> meter.Turned:
    taken = meter.observe(scheme, before, sample, leases, announced)
    if sample.at > before.settled.at:
        owner = attribute(in_force(leases, sample.at), sample.order_id, announced)
        short = steadily(scheme, before, sample, leases, owner=owner, known_tenant="none")
        ways["long" if short is None else "short"] += 1
        assert taken == meter.at_length(scheme, before, sample, leases, announced)
    return taken


class Watched:
    """The module ``meter``, but for an ``observe`` that is held against the long way."""

    observe = staticmethod(both_ways)

    def __getattr__(self, name: str) -> Any:
        return getattr(meter, name)


@pytest.fixture(scope="module", autouse=True)
def watched() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machines, "metering", Watched())
        yield


@given(HISTORIES)
@example([Moment(after_ms=900, what="see", steps={"pieces": 1}) for _ in range(20)])
@settings(max_examples=500, deadline=None)
def test_both_ways_lead_to_the_same_meter_through_any_history(history: list[Moment]) -> None:
    live(history)


def test_an_hour_of_one_state_goes_the_short_way_but_for_what_the_grid_cuts() -> None:
    bench = Bench()
    ways.clear()
    bench.see_every_second(0, 3_600, pieces=1, run_s=1)
    assert ways == {"short": 3_600 - 1 - 12, "long": 1 + 12}  # its first second, and each fifth minute
    assert len(bench.intervals()) == 12


def changed(bench: Bench, **seen: Any) -> None:
    bench.see(101, **({"state": "run"} | seen))


def rebooted(bench: Bench) -> None:
    bench.boot_count += 1
    changed(bench)


CUTS: dict[str, Callable[[Bench], None]] = {
    "another state": lambda bench: changed(bench, state="idle"),
    "another stop code": lambda bench: changed(bench, code=12),
    "another order": lambda bench: changed(bench, order="20001"),
    "a restart of the controller": lambda bench: changed(bench, uptime_s=3),
    "a counter that fell": lambda bench: changed(bench, pieces=-1),
    "a counter that leapt": lambda bench: changed(bench, pieces=10_000),
    "a read after the hold": lambda bench: bench.see(104),
    "a read on the grid": lambda bench: bench.see(300),
    "a restart that only the boot count shows": rebooted,
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_whatever_is_not_more_of_the_same_goes_the_long_way(cut: Callable[[Bench], None]) -> None:
    bench = Bench()
    bench.see_every_second(0, 100)
    ways.clear()
    cut(bench)
    assert ways == {"long": 1}


def test_a_stop_that_becomes_another_partys_goes_the_long_way() -> None:
    bench = Bench()
    bench.see_every_second(0, 100, state="stop", party="tenant")
    ways.clear()
    bench.see(101, "stop", party="host")
    assert ways == {"long": 1}


def test_a_lease_that_begins_goes_the_long_way() -> None:
    bench = Bench()
    bench.see_every_second(0, 100)
    ways.clear()
    bench.lease(100.2, "hengxin", begins=100.6)
    bench.see_every_second(101, 103)
    assert ways == {"long": 1, "short": 2}


def test_a_lease_that_came_and_went_between_two_reads_goes_the_long_way() -> None:
    """At both of them the machine is nobody's."""
    bench = Bench()
    bench.see_every_second(0, 100)
    ways.clear()
    bench.lease(100.1, "hengxin", begins=100.3)
    bench.lease(100.2, None, begins=100.6)
    bench.see(101)
    assert ways == {"long": 1}
    assert [interval.tenant for interval in bench.intervals()] == ["none", "hengxin"]


def test_midnight_goes_the_long_way_where_it_is_not_on_the_grid() -> None:
    """In India it comes at half past six in the evening, UTC."""
    identity = replace(SCHEME.identity, timezone="Asia/Kolkata")
    bench = Bench(replace(SCHEME, identity=identity, grid_ms=3_600_000))
    midnight = 18 * 3600 + 1800
    bench.see_every_second(midnight - 10, midnight - 1)
    ways.clear()
    bench.see(midnight + 0.5)
    assert ways == {"long": 1}


def test_an_odd_read_is_forgotten_by_the_short_way_too() -> None:
    bench = Bench()
    bench.see_every_second(0, 100)
    bench.see(101, pieces=-50)
    assert bench.machine.meter is not None
    assert bench.machine.meter.suspect is not None
    ways.clear()
    bench.see(102, pieces=50)
    assert ways == {"short": 1}
    assert bench.machine.meter.suspect is None


def test_an_announcement_is_known_by_the_short_way_too() -> None:
    bench = Bench()
    bench.lease(0, "hengxin")
    bench.see_every_second(1, 100, order="20001")
    bench.announced["20001"] = "ruifeng"
    ways.clear()
    bench.see(101, order="20001")
    assert ways == {"short": 1}
    assert bench.machine.meter is not None
    assert bench.machine.meter.known_tenant == "ruifeng"


def test_an_open_gap_is_left_to_the_long_way() -> None:
    bench = Bench()
    bench.see_every_second(0, 100)
    settled = bench.machine.meter
    assert settled is not None
    gap = replace(settled, gap=Gap(start=settled.settled.at, reason=Reason.SILENT))
    sample = replace(settled.settled, at=settled.settled.at + 1_000)
    ask = {"owner": settled.attribution, "known_tenant": "none"}
    assert steadily(SCHEME, settled, sample, (), **ask) is not None
    assert steadily(SCHEME, gap, sample, (), **ask) is None


def test_missed_polls_within_the_hold_are_counted_the_short_way_too() -> None:
    bench = Bench()
    bench.see_every_second(0, 100)
    bench.miss(101)
    ways.clear()
    bench.see(102)
    assert ways == {"short": 1}
    bench.stop()
    assert bench.intervals()[-1].polls_missed == 1
