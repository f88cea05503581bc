"""The small pure parts of the meter, as tables: counters, cuts, the time line, the schedule, attribution."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import ClockPair
from contract.messages import Lease
from edge_agent.attribution import Held, Leases, attribute, changes, forget, hear, in_force
from edge_agent.clock import SystemClock
from edge_agent.counters import Kind, Step, classify
from edge_agent.cuts import grid, midnights, next_midnight
from edge_agent.line import STEP_MS, Jump, Line, begin, follow, instant
from edge_agent.profile import Counter
from edge_agent.schedule import next_due, phase, phase_of, skipped

HOUR = 3_600_000


def counter(bits: int = 32, *, retained: bool = True, max_per_hour: int = 3_600) -> Counter:
    return Counter(name="n", width_bits=bits, retained=retained, max_per_hour=max_per_hour)


@pytest.mark.parametrize(
    ("before", "after", "bits", "retained", "up_ms", "kind", "delta"),
    [
        (100, 100, 32, True, None, Kind.NORMAL, 0),
        (100, 101, 32, True, None, Kind.NORMAL, 1),
        (4_294_967_290, 25, 32, True, None, Kind.WRAPPED, 31),
        (65_530, 12, 16, True, None, Kind.WRAPPED, 18),
        (81_250, 0, 32, True, None, Kind.DOUBTFUL, 0),
        (38, 81_250, 32, True, None, Kind.DOUBTFUL, 0),
        (100, 99, 32, True, None, Kind.DOUBTFUL, 0),
        (100, 101, 32, True, 5_000, Kind.NORMAL, 1),
        (20, 21, 32, True, 5_000, Kind.NORMAL, 1),
        (100, 3, 32, False, 5_000, Kind.RESTARTED, 3),
        (100, 0, 32, False, 5_000, Kind.RESTARTED, 0),
        (100, 50_000, 32, False, 5_000, Kind.DOUBTFUL, 0),
        (50_000, 50_001, 32, False, 5_000, Kind.NORMAL, 1),
        (100, 3, 32, True, 5_000, Kind.DOUBTFUL, 0),
    ],
)
def test_a_step_is_classified(  # noqa: PLR0917  the columns of the table
    before: int,
    after: int,
    bits: int,
    retained: bool,  # noqa: FBT001  a column
    up_ms: int | None,
    kind: Kind,
    delta: int,
) -> None:
    step = classify(counter(bits, retained=retained), before, after, elapsed_ms=10_000, up_ms=up_ms)
    assert step == Step(kind, delta)


@given(st.integers(0, 2**16 - 1), st.integers(0, 60), st.sampled_from([16, 32]))
def test_a_feasible_step_is_counted_wherever_the_counter_stands(start: int, made: int, bits: int) -> None:
    modulus = 2**bits
    before = (modulus - 2**15 + start) % modulus
    step = classify(counter(bits), before, (before + made) % modulus, elapsed_ms=60_000, up_ms=None)
    assert step.delta == made


# --- cuts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        (0, 299_999, []),
        (0, 300_000, [300_000]),
        (300_000, 300_001, []),
        (299_999, 900_000, [300_000, 600_000, 900_000]),
    ],
)
def test_the_grid_is_half_open(after: int, until: int, expected: list[int]) -> None:
    assert list(grid(after, until, 300_000)) == expected


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("Asia/Shanghai", "2026-11-22T23:59:59+08:00", "2026-11-23T00:00:00+08:00"),
        ("Asia/Shanghai", "2026-11-23T00:00:00+08:00", "2026-11-24T00:00:00+08:00"),
        ("Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00"),
    ],
)
def test_the_next_local_midnight(zone: str, after: str, expected: str) -> None:
    at, due = (int(datetime.fromisoformat(text).timestamp()) * 1000 for text in (after, expected))
    assert next_midnight(at, zone) == due


@given(
    st.integers(0, 2**41), st.integers(1, 10 * 24 * HOUR), st.sampled_from(["Asia/Shanghai", "Europe/Berlin"])
)
def test_midnights_are_midnights_and_none_is_left_out(after: int, length: int, zone: str) -> None:
    found = midnights(after, after + length, zone)
    dates = [datetime.fromtimestamp(at // 1000, ZoneInfo(zone)) for at in found]
    assert all((date.hour, date.minute, date.second) == (0, 0, 0) for date in dates)
    assert all((b.date() - a.date()).days == 1 for a, b in pairwise(dates))
    assert all(after < at <= after + length for at in found)


# --- the line ---------------------------------------------------------------------------------------------


def test_the_line_follows_monotonic_time_and_not_the_wall() -> None:
    line = Line(wall=1_000_000, mono=50)
    assert instant(line, 1_050) == 1_001_000


@pytest.mark.parametrize(
    ("ahead", "jump"),
    [
        (0, Jump.NONE),
        (STEP_MS, Jump.NONE),
        (-STEP_MS, Jump.NONE),
        (STEP_MS + 1, Jump.FORWARD),
        (-STEP_MS - 1, Jump.BACK),
    ],
)
def test_a_step_of_the_wall_clock_is_told_from_drift(ahead: int, jump: Jump) -> None:
    line = Line(wall=1_000_000, mono=0)
    assert follow(line, 1_000_000 + 1_000 + ahead, 1_000)[1] is jump


@pytest.mark.parametrize(("ahead", "moved"), [(400, 5), (-400, -5), (3, 3), (-3, -3)])
def test_a_small_difference_is_worked_off_at_500_ppm(ahead: int, moved: int) -> None:
    line, jump = follow(Line(wall=1_000_000, mono=0), 1_010_000 + ahead, 10_000)
    assert (instant(line, 10_000), jump) == (1_010_000 + moved, Jump.NONE)


@given(st.lists(st.tuples(st.integers(1, 5_000), st.integers(-50, 50)), max_size=200))
def test_the_line_never_falls_and_never_runs_faster_or_slower_than_500_ppm(
    looks: list[tuple[int, int]],
) -> None:
    line, mono, wall = Line(wall=1_000_000, mono=0), 0, 1_000_000
    last = instant(line, 0)
    for passed, drift in looks:
        mono, wall = mono + passed, wall + passed + drift
        line, jump = follow(line, wall, mono)
        if jump is not Jump.NONE:
            return
        now = instant(line, mono)
        assert now > last
        last = now
    assert abs(instant(line, mono) - 1_000_000 - mono) <= mono * 500 // 1_000_000 + 1


@pytest.mark.parametrize(
    ("wall", "settled", "starts", "jump"),
    [
        (10_000_000, None, 10_000_000, Jump.NONE),
        (10_000_000, 9_000_000, 10_000_000, Jump.NONE),
        (10_000_000, 10_003_000, 10_003_001, Jump.NONE),
        (10_000_000, 10_005_001, 10_000_000, Jump.BACK),
    ],
)
def test_a_line_never_begins_before_the_checkpoint(
    wall: int, settled: int | None, starts: int, jump: Jump
) -> None:
    line, found = begin(wall, 77, settled)
    assert (instant(line, 77), found) == (starts, jump)


# --- the schedule -----------------------------------------------------------------------------------------


@given(st.integers(0, 10**12), st.integers(1, 100_000), st.text(min_size=1))
def test_slots_are_a_period_apart_in_the_machines_own_phase(now: int, period: int, name: str) -> None:
    shift = phase(name, period)
    due = next_due(now, period, shift)
    assert now < due <= now + period
    assert (due - shift) % period == 0
    assert next_due(due, period, shift) == due + period


@given(st.integers(1, 247), st.sampled_from([1, 2, 5, 10, 20]), st.text(min_size=1))
def test_units_of_one_endpoint_are_spread_over_the_period_whatever_their_step(
    count: int, step: int, name: str
) -> None:
    """The longest stretch without a unit is at most about three times what even spacing would leave."""
    period, units = 100_000, range(step, min(247, step * count) + 1, step)
    places = sorted(phase_of(name, unit, period) for unit in units)
    stretches = [*(after - before for before, after in pairwise(places)), places[0] + period - places[-1]]
    assert max(stretches) <= 3.3 * period / len(units) + 2


@given(st.integers(2, 120), st.text(min_size=1))
def test_on_a_line_that_is_four_fifths_busy_no_unit_waits_for_more_than_three_others(
    count: int, name: str
) -> None:
    """Each takes as long as the next, and who is due while another speaks waits for its turn."""
    period = 1_000_000
    takes = period * 4 // 5 // count
    places = [phase_of(name, unit, period) for unit in range(1, count + 1)]
    slots = sorted([*places, *(place + period for place in places)])
    free, waits = 0, []
    for slot in slots:
        waits.append(max(0, free - slot))
        free = max(free, slot) + takes
    assert max(waits) <= 3 * takes


def test_endpoints_are_spread_over_the_period_too() -> None:
    tenths = [phase_of(f"m{n:04}", 1, 1_000) // 100 for n in range(4_500)]
    assert all(400 <= tenths.count(tenth) <= 500 for tenth in range(10))


def test_slots_that_went_by_are_counted_and_not_made_up_for() -> None:
    assert skipped(last=1_000, due=2_000, period_ms=1_000) == 0
    assert skipped(last=1_000, due=5_000, period_ms=1_000) == 3


# --- attribution ------------------------------------------------------------------------------------------


def lease(number: int, tenant: str | None, effective: int, order: str | None = None) -> Lease:
    return Lease(
        id=f"l{number}",
        machine="m",
        by="x",
        tenant=tenant,
        order_id=order,
        effective=effective,
        issued=number,
    )


def test_leases_heard_ahead_take_effect_in_their_time() -> None:
    leases: Leases = ()
    for number, (tenant, at) in enumerate([("a", 10), ("b", 20), (None, 30)]):
        leases = hear(leases, lease(number, tenant, at), heard=1)
    owners = [attribute(in_force(leases, at), "none", {}).tenant for at in (5, 10, 19, 20, 29, 30, 99)]
    assert owners == ["none", "a", "a", "b", "b", "none", "none"]
    assert changes(leases, 10, 30) == [20, 30]
    assert [held.lease_id for held in forget(leases, 25)] == ["l1", "l2"]


@pytest.mark.parametrize(
    ("held", "order", "announced", "expected"),
    [
        (None, "none", {}, ("none", "none", "none")),
        (None, "7", {"7": "b"}, ("b", "7", "none")),
        (("a", "none"), "7", {"7": "b"}, ("a", "7", "l")),
        (("a", "8"), "7", {}, ("a", "7", "l")),
        (("a", "8"), None, {}, ("a", "8", "l")),
        (("none", "8"), None, {"8": "b"}, ("b", "8", "l")),
        (("none", "none"), "7", {"7": "b"}, ("b", "7", "none")),
    ],
)
def test_the_register_names_the_order_and_the_lease_the_tenant(
    held: tuple[str, str] | None, order: str | None, announced: dict[str, str], expected: tuple[str, str, str]
) -> None:
    given_lease = held and Held(lease_id="l", tenant=held[0], order_id=held[1], effective=0, issued=0)
    found = attribute(given_lease or None, order, announced)
    assert (found.tenant, found.order_id, found.lease_id) == expected


# --- the clocks of the operating system -------------------------------------------------------------------


def test_a_rehearsal_steps_the_wall_clock_through_a_file_and_never_the_machines(tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    clock = SystemClock(ClockPair(), offset)
    honest, mono = clock.wall_ms(), clock.mono_ms()
    offset.write_text("-3600000")
    assert honest - 3_600_000 <= clock.wall_ms() < honest - 3_500_000
    assert 0 <= clock.mono_ms() - mono < 100_000
    offset.write_text("nonsense")
    assert 0 <= clock.wall_ms() - honest < 100_000


async def test_plant_time_runs_as_fast_as_its_scale() -> None:
    clock = SystemClock(ClockPair(real_ms=0, plant_ms=0, scale=1_000))
    before = clock.mono_ms()
    await clock.sleep_until(before + 20_000)
    assert clock.mono_ms() >= before + 20_000
