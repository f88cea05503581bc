"""What a wrong clock wrote is put where it belongs; what fell between two epochs is counted."""

from collections.abc import Callable

from msgspec.structs import replace

from contract.clock import ClockPair
from contract.records import Interval, Meter, MeterReason, Method, Reason, Record
from tests.chaos import layout
from tests.chaos.schedule import Fault, Kind
from tests.chaos.site import Outage
from tests.chaos.steps import jumps, straight, uncounted

Make = Callable[..., Interval]
CLOCK = ClockPair(real_ms=1_000_000, plant_ms=layout.START_MS, scale=layout.SCALE)
AHEAD_MS = 600_000


def step(by_ms: int = AHEAD_MS, target: str = "gw1") -> Outage:
    """From 300 s to 600 s of plant time."""
    fault = Fault(at_s=10, for_s=10, kind=Kind.STEP, target=target, by_ms=by_ms)
    return Outage(fault=fault, began=CLOCK.real_ms + 10_000, ended=CLOCK.real_ms + 20_000)


def stepped(interval: Make) -> list[Interval]:
    gap = interval(
        300,
        620,
        sequence=2,
        method=Method.COUNTERS,
        reason=Reason.CLOCK_STEP,
        run_ms=20_000,
        unknown_ms=AHEAD_MS,
    )
    return [interval(0, 300, sequence=1), gap, interval(920, 280, sequence=3)]


def test_what_follows_a_jump_is_so_much_earlier_and_its_gap_so_much_shorter(interval: Make) -> None:
    found = straight(stepped(interval), [step()], CLOCK)
    at = [((each.start - layout.START_MS) // 1000, each.duration_ms // 1000) for each in found]
    assert at == [(0, 300), (300, 20), (320, 280)]
    assert found[1].unknown_ms == 0


def test_a_gap_that_midnight_cut_is_one(interval: Make) -> None:
    before, gap, after = stepped(interval)
    first = replace(gap, sequence=2, duration_ms=320_000, run_ms=0, unknown_ms=320_000, method=Method.NONE)
    second = replace(gap, sequence=3, start=first.end, duration_ms=300_000, run_ms=20_000, unknown_ms=280_000)
    found = straight([before, first, second, replace(after, sequence=4)], [step()], CLOCK)
    assert [each.duration_ms for each in found] == [300_000, 20_000, 280_000]


def test_a_silence_that_a_jump_cut_is_one_gap_and_so_much_shorter(interval: Make) -> None:
    before, _, after = stepped(interval)
    silent = interval(
        300, 40, sequence=2, method=Method.NONE, reason=Reason.SILENT, run_ms=0, unknown_ms=40_000
    )
    jump = interval(
        340,
        580 + 40,
        sequence=3,
        method=Method.COUNTERS,
        reason=Reason.CLOCK_STEP,
        run_ms=50_000,
        unknown_ms=570_000,
        span_start=silent.start,
    )
    later = replace(after, sequence=4, start=jump.end, span_start=jump.end)
    found = straight([before, silent, jump, later], [step()], CLOCK)
    assert [each.duration_ms for each in found] == [300_000, 60_000, 280_000]
    assert (found[1].run_ms, found[1].unknown_ms) == (50_000, 10_000)


def test_other_gateways_and_small_steps_change_nothing(interval: Make) -> None:
    usage = stepped(interval)
    assert straight(usage, [step(target="gw2")], CLOCK) == usage
    assert straight(usage, [step(3_000)], CLOCK) == usage
    assert jumps([step(3_000), step(-3_000), step()]) == [step()]


def test_pieces_between_two_epochs_are_known_from_the_machines_readings(
    interval: Make, opening: Meter
) -> None:
    opening = replace(opening, readings={"pieces": 100, "pieces_ng": 7})
    later = replace(
        opening,
        epoch="e2",
        reason=MeterReason.CLOCK_BACK,
        previous_epoch="e1",
        readings={"pieces": 105, "pieces_ng": 7},
    )
    records: list[Record] = [opening, interval(0, made=3, total=3), later]
    assert uncounted(records) == {("knit-01", "produced"): 2, ("knit-01", "scrap"): 0}
    assert not uncounted([opening])
