"""Restarts, pauses and midnights, each where nothing else would show it: one sign alone must be enough."""

import pytest
from msgspec.structs import replace

from contract.records import Meter
from tests.edge_agent.meter_bench import PROFILE, SCHEME, Bench

HOUR = 3600


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_restart_shows_in_the_boot_count_alone(bench: Bench) -> None:
    """Silent for long enough that the controller is up for longer than before, and has counted past it."""
    bench.see_every_second(0, 100, uptime_s=50)
    bench.boot_count, bench.readings["energy"] = 2, 150
    bench.see(500, uptime_s=300)
    gap = bench.intervals()[-1]
    assert gap.quantities["energy_wh"] == 1_500


def test_an_uptime_that_comes_round_is_no_restart(bench: Bench) -> None:
    """A register of 16 bits counts seconds for 18 hours."""
    bench.readings["energy"] = 8_125_000
    bench.see_every_second(0, 100, uptime_s=65_535)
    bench.see_every_second(101, 300, uptime_s=0, energy=1)
    (interval,) = bench.intervals()
    assert (interval.quantities["energy_wh"], interval.quality) == (2_000, "actual")


def test_an_hour_in_which_nobody_polled_is_a_gap(bench: Bench) -> None:
    """The agent was stopped between two polls, so that not even a missed one was counted."""
    bench.see_every_second(0, 100)
    bench.see(100 + HOUR, run_s=60)
    assert bench.story()[2:] == [
        "0-100 none/none run=100",
        "100 gap: run 100s -> unknown",
        "100-3700 none/none run=60 unknown=3540 recovered:silent",
    ]


def test_a_changed_profile_opens_another_epoch(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    digest = "e" * 64
    identity = replace(SCHEME.identity, profile_digest=digest)
    bench.scheme = replace(SCHEME, profile=replace(PROFILE, digest=digest), identity=identity)
    bench.kill_and_restart(110)
    bench.see(111)
    opened = bench.written[-1]
    assert isinstance(opened, Meter)
    assert (opened.reason, opened.previous_epoch, opened.profile_digest) == ("replaced", "e1", digest)


def test_local_midnight_cuts_where_no_grid_does() -> None:
    """In Kolkata it is midnight at half past the hours of an hourly grid."""
    identity = replace(SCHEME.identity, timezone="Asia/Kolkata")
    bench = Bench(replace(SCHEME, grid_ms=HOUR * 1000, identity=identity))
    midnight = 18 * HOUR + HOUR // 2
    for at in range(midnight - 2_000, midnight + 2_000):
        bench.see(at + 0.5)
    before, after = bench.intervals()[-2:]
    assert (before.end, after.start) == (bench.ms(midnight), bench.ms(midnight))
    assert bench.transitions()[-1].at == bench.ms(midnight)


def test_a_lease_that_is_heard_with_a_sample_cuts_behind_it(bench: Bench) -> None:
    """In the very millisecond up to which everything is settled."""
    bench.see_every_second(0, 10)
    bench.lease(10, "hengxin")
    bench.see_every_second(11, 300)
    assert [(i.tenant, i.end - bench.eight) for i in bench.intervals()] == [
        ("none", 10_001),
        ("hengxin", 300_000),
    ]


def test_a_clock_put_right_while_the_agent_was_away_opens_another_epoch(bench: Bench) -> None:
    bench.eight += 3_600_000
    bench.see_every_second(0, 100)
    bench.eight -= 3_600_000
    bench.kill_and_restart(110)
    bench.see(111)
    opened = bench.written[-1]
    assert isinstance(opened, Meter)
    assert (opened.reason, opened.at) == ("clock_back", bench.ms(111))
    assert opened.previous_end == bench.ms(100 + HOUR)
