"""The meter told as stories: what is seen, second by second after 08:00, and what is written."""

import pytest
from msgspec.structs import replace

from contract.records import Interval, Meter, MeterReason, Transition
from edge_agent.machine import Machine
from edge_agent.profile import Quantity
from tests.edge_agent.meter_bench import EIGHT, PROFILE, SCHEME, Bench, total


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_first_good_sample_opens_an_epoch_and_writes_down_the_readings(bench: Bench) -> None:
    bench.see(0)
    (opened,) = bench.written
    assert isinstance(opened, Meter)
    assert (opened.sequence, opened.reason, opened.at) == (0, "first", EIGHT)
    assert opened.readings["pieces"] == 100


def test_time_belongs_to_the_state_that_was_seen(bench: Bench) -> None:
    bench.see_every_second(0, 9, "setup")
    bench.see_every_second(10, 299, "run")
    bench.see(300, "idle")
    bench.see(301, "idle")
    assert bench.story() == [
        "meter first",
        "0 epoch_start: none 0s -> setup",
        "10 state: setup 10s -> run",
        "0-300 none/none run=290 setup=10",
        "300 state: run 290s -> idle",
    ]


def test_a_step_is_booked_whole_in_the_interval_of_its_earlier_sample(bench: Bench) -> None:
    bench.see_every_second(0, 299)
    bench.see(300.5, pieces=1)
    bench.see_every_second(301, 600, pieces=0)
    first, second = bench.intervals()
    assert (first.quantities["produced"], second.quantities["produced"]) == (1, 0)
    assert second.totals["produced"] == 1


def test_an_order_change_cuts_at_the_sample_that_shows_it(bench: Bench) -> None:
    bench.see_every_second(0, 99, order="20001")
    bench.see(100, "setup", order="20002", pieces=1)
    bench.see_every_second(101, 300, "setup", order="20002")
    assert bench.story()[2:4] == ["0-100 none/20001 run=100 produced=1", "100 state: run 100s -> setup"]
    assert bench.intervals()[1].order_id == "20002"


def test_the_tenant_of_an_announced_order_is_used_where_no_lease_says_otherwise(bench: Bench) -> None:
    bench.announced = {"20001": "hengxin"}
    bench.see_every_second(0, 99, order="20001")
    bench.lease(99.5, "ruifeng")
    bench.see_every_second(100, 300, order="20001")
    assert [(i.tenant, i.end - i.start) for i in bench.intervals()] == [
        ("hengxin", 99_500),
        ("ruifeng", 200_500),
    ]


def test_a_lease_cuts_at_its_own_instant_and_not_at_the_next_sample(bench: Bench) -> None:
    bench.see_every_second(0, 10)
    lease = bench.lease(5, "hengxin", begins=20.25)
    bench.see_every_second(11, 30)
    bench.lease(30.5, None)
    bench.see_every_second(31, 300)
    assert bench.story()[1:-1] == [
        "0 epoch_start: none 0s -> run",
        "0-20.25 none/none run=20.25",
        "20.25 attribution: run 20.25s -> run",
        "20.25-30.5 hengxin/none run=10.25",
        "30.5 attribution: run 10.25s -> run",
    ]
    assert [i.lease_id for i in bench.intervals()] == ["none", lease, "none"]


def test_a_lease_is_never_back_dated(bench: Bench) -> None:
    bench.see_every_second(0, 50)
    bench.lease(50.4, "hengxin", begins=10)
    bench.see_every_second(51, 300)
    assert [i.end - EIGHT for i in bench.intervals()] == [50_400, 300_000]


def test_an_older_or_repeated_lease_message_changes_nothing(bench: Bench) -> None:
    bench.see_every_second(0, 5)
    bench.lease(5.1, "hengxin")
    held = bench.machine.leases
    bench.leases = iter([1, 0])  # type: ignore[assignment]  # the same id again, then an older message
    bench.lease(5.1, "ruifeng")
    bench.lease(4.0, "ruifeng")
    assert bench.machine.leases == held


def test_a_lease_that_starts_later_is_replaced_by_one_that_starts_before_it(bench: Bench) -> None:
    bench.see_every_second(0, 5)
    bench.lease(5.1, "ruifeng", begins=100)
    bench.lease(5.2, "hengxin", begins=50)
    bench.see_every_second(6, 300)
    assert [i.tenant for i in bench.intervals()] == ["none", "hengxin"]


def test_one_or_two_missed_polls_are_held_and_counted(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.miss(101)
    bench.miss(102)
    bench.see_every_second(103, 300, pieces=0)
    (interval,) = bench.intervals()
    assert (interval.run_ms, interval.unknown_ms, interval.polls_missed) == (300_000, 0, 2)
    assert interval.quality == "actual"


def test_silence_beyond_the_hold_is_a_gap_from_the_last_good_sample(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    for at in range(101, 160):
        bench.miss(at)
    bench.see(160, pieces=2, run_s=40, stop_s=15)
    bench.see_every_second(161, 300)
    assert bench.story()[2:] == [
        "0-100 none/none run=100",
        "100 gap: run 100s -> unknown",
        "100-160 none/none run=40 stop_unknown=15 unknown=5 produced=2 recovered:silent",
        "160 gap: unknown 60s -> run",
        "160-300 none/none run=140",
    ]


def test_the_boundaries_inside_a_hold_that_fails_cut_nothing(bench: Bench) -> None:
    bench.see_every_second(0, 298)
    for at in (299, 300, 301, 302):
        bench.miss(at)
    bench.see(310)
    assert bench.story()[2:] == [
        "0-298 none/none run=298",
        "298 gap: run 298s -> unknown",
        "298-310 none/none unknown=12 recovered:silent",
    ]


def test_a_state_seen_once_before_a_gap_never_lasted(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.see(101, "stop", code=10, party="tenant")
    for at in range(102, 110):
        bench.miss(at)
    assert bench.story()[-1] == "101 gap: run 101s -> unknown"


def test_recovered_time_is_capped_and_the_rest_is_told(bench: Bench) -> None:
    bench.see_every_second(0, 10)
    for at in range(11, 20):
        bench.miss(at)
    bench.see(20, run_s=12, stop_s=3)
    gap = bench.intervals()[-1]
    assert (gap.run_ms, gap.stop_unknown_ms, gap.unknown_ms) == (10_000, 0, 0)
    assert (gap.unplaced_run_ms, gap.unplaced_stop_ms) == (2_000, 3_000)


def test_an_order_that_changed_in_a_gap_is_disputed(bench: Bench) -> None:
    bench.announced = {"20001": "hengxin", "20002": "hengxin"}
    bench.see_every_second(0, 10, order="20001")
    for at in range(11, 20):
        bench.miss(at)
    bench.see(20, order="20002", pieces=3)
    gap = bench.intervals()[-1]
    assert (gap.tenant, gap.order_id) == ("hengxin", "disputed")
    assert (gap.order_before, gap.order_after) == ("20001", "20002")
    assert gap.quantities["produced"] == 3


def test_a_lease_that_came_and_went_in_a_gap_makes_it_disputed(bench: Bench) -> None:
    bench.lease(0, "hengxin")
    bench.see_every_second(1, 10)
    for at in range(11, 40):
        bench.miss(at)
    bench.lease(15, "ruifeng")
    bench.lease(25, "hengxin")
    bench.see(40)
    gap = bench.intervals()[-1]
    assert (gap.tenant, gap.tenant_before, gap.tenant_after) == ("disputed", "hengxin", "hengxin")


def test_a_renewed_lease_of_the_same_tenant_disputes_nothing(bench: Bench) -> None:
    bench.lease(0, "hengxin")
    bench.see_every_second(1, 10)
    for at in range(11, 40):
        bench.miss(at)
    bench.lease(15, "hengxin")
    bench.see(40)
    assert bench.intervals()[-1].tenant == "hengxin"


def test_local_midnight_cuts_intervals_spans_and_gaps(bench: Bench) -> None:
    midnight = 16 * 3600
    bench.see_every_second(midnight - 10, midnight - 5, "stop", code=10, party="tenant")
    bench.see(midnight - 4.5, "stop", code=10, party="tenant")
    bench.see(midnight - 1.5, "stop", code=10, party="tenant")
    bench.see(midnight + 1, "stop", code=10, party="tenant")
    bench.see(midnight + 2, "stop", code=10, party="tenant")
    before, after = bench.transitions()[-2:]
    assert (after.cause, after.at, after.span_since) == ("midnight", bench.ms(midnight), before.at)
    for at in range(midnight + 3, midnight + 9):
        bench.miss(at)
    bench.see(2 * midnight + 8 * 3600 + 50, run_s=60)
    parts = bench.intervals()[-2:]
    assert [part.start for part in parts] == [bench.ms(midnight + 2), bench.ms(midnight + 24 * 3600)]
    assert [(part.quality, part.span_start) for part in parts] == [
        ("unknown", parts[0].start),
        ("recovered", parts[0].start),
    ]
    assert (parts[0].run_ms, parts[1].run_ms) == (0, 50_000 + 0) or parts[1].run_ms == 60_000


def test_a_killed_agent_resumes_its_totals_in_the_same_epoch(bench: Bench) -> None:
    bench.see_every_second(0, 100, pieces=0)
    bench.see(101, pieces=5)
    bench.kill_and_restart(131)
    bench.see(132, pieces=2, run_s=31)
    bench.see_every_second(133, 300)
    assert bench.story()[2:5] == [
        "0-101 none/none run=101 produced=5",
        "101 gap: run 101s -> unknown",
        "101-132 none/none run=31 produced=2 recovered:restart",
    ]
    assert {record.epoch for record in bench.written} == {"e1"}
    assert bench.intervals()[-1].totals["produced"] == 7


def test_a_graceful_stop_closes_what_is_settled(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.stop()
    assert bench.story()[2:] == ["0-100 none/none run=100", "100 gap: run 100s -> unknown"]
    bench.kill_and_restart(110)
    bench.see(111, run_s=11)
    assert bench.story()[4:] == ["100-111 none/none run=11 recovered:restart"]


def test_a_wrapped_counter_goes_on_counting(bench: Bench) -> None:
    bench.readings["ng"] = 65_530
    bench.see_every_second(0, 200)
    bench.readings["ng"] = 12
    bench.see_every_second(201, 300)
    assert total(bench.intervals(), "scrap") == 18


def test_a_restarted_controller_counts_on_by_boot_count(bench: Bench) -> None:
    bench.see_every_second(0, 200)
    bench.boot_count, bench.readings["energy"] = 2, 3
    bench.see(201, uptime_s=1, pieces=1)
    bench.see_every_second(202, 300)
    (interval,) = bench.intervals()
    assert (interval.quantities["produced"], interval.quantities["energy_wh"]) == (1, 30)
    assert (interval.quality, interval.reason) == ("recovered", "restart")


def test_a_restart_without_boot_count_shows_in_the_uptime(bench: Bench) -> None:
    bench.see_every_second(0, 200)
    bench.readings["energy"] = 3
    bench.see(201, uptime_s=1)
    bench.see_every_second(202, 300, uptime_s=10)
    (interval,) = bench.intervals()
    assert (interval.quantities["energy_wh"], interval.quality, interval.reason) == (
        30,
        "recovered",
        "restart",
    )


def test_a_controller_whose_heartbeat_rests_is_not_believed(bench: Bench) -> None:
    for at in range(101):
        bench.see(at, heartbeat=at)
    for at in range(101, 131):
        bench.see(at, heartbeat=100)
    bench.see(131, heartbeat=131, pieces=1, run_s=20)
    gap = bench.intervals()[-1]
    assert (gap.reason, gap.start, gap.duration_ms) == ("stale", bench.ms(110), 21_000)
    assert (gap.run_ms, gap.quantities["produced"]) == (20_000, 1)


def test_one_odd_zero_is_neither_believed_nor_billed(bench: Bench) -> None:
    bench.readings["energy"] = 8_125_000
    bench.see_every_second(0, 100)
    bench.readings["energy"] = 0
    bench.see(101)
    bench.readings["energy"] = 8_125_001
    bench.see_every_second(102, 300)
    (interval,) = bench.intervals()
    assert (interval.quantities["energy_wh"], interval.run_ms, interval.quality) == (10, 300_000, "actual")


def test_one_zero_after_a_silent_night_is_no_wrap(bench: Bench) -> None:
    """In so long a time a counter of 16 bits could have come round to 0."""
    bench.readings["ng"] = 40_000
    bench.see_every_second(0, 100)
    night = 16 * 3600
    for at in range(160, night, 60):
        bench.miss(at)
    bench.readings["ng"] = 0
    bench.see(night)
    bench.readings["ng"] = 40_007
    bench.see_every_second(night + 1, night + 300)
    assert total(bench.intervals(), "scrap") == 7
    assert {interval.reason for interval in bench.intervals()} == {"none", "silent"}


def test_a_counter_that_wrapped_in_a_silent_night_is_believed_a_poll_later(bench: Bench) -> None:
    bench.readings["ng"] = 40_000
    bench.see_every_second(0, 100)
    night = 16 * 3600
    for at in range(160, night, 60):
        bench.miss(at)
    bench.readings["ng"] = 64
    bench.see_every_second(night, night + 300)
    assert total(bench.intervals(), "scrap") == 65_536 - 40_000 + 64
    gap = [interval for interval in bench.intervals() if interval.reason == "silent"][-1]
    assert gap.end == bench.ms(night), "what is known a poll later was true from the read that showed it"


def test_a_wrap_at_the_read_that_shows_the_next_order_misses_no_poll_and_mixes_no_pieces(
    bench: Bench,
) -> None:
    bench.readings["ng"] = 65_530
    bench.see_every_second(0, 100, order="20001")
    bench.readings["ng"] = 2
    bench.see(101, order="20002")
    bench.see(102, order="20002", ng=1)
    bench.see_every_second(103, 300, order="20002")
    first, second = bench.intervals()
    assert [(part.order_id, part.quantities["scrap"]) for part in (first, second)] == [
        ("20001", 8),
        ("20002", 1),
    ]
    assert (first.end, first.polls_missed, second.polls_missed) == (bench.ms(101), 0, 0)
    assert {part.quality for part in (first, second)} == {"actual"}


def test_a_counter_that_a_person_set_back_is_no_wrap_and_counts_on(bench: Bench) -> None:
    bench.see_every_second(0, 100, pieces=1)
    bench.readings["pieces"] = 10
    bench.see_every_second(101, 300, pieces=1)
    (interval,) = bench.intervals()
    assert (interval.quantities["produced"], interval.totals["produced"]) == (299, 299)
    assert (interval.quality, interval.reason) == ("unknown", "counter_unexplained")


def test_a_jump_that_the_next_read_confirms_has_no_value_and_is_told(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.see(101, pieces=50_000)
    bench.see(102, pieces=1)
    bench.see_every_second(103, 300)
    (interval,) = bench.intervals()
    assert interval.quantities["produced"] == 1
    assert (interval.quality, interval.reason) == ("unknown", "counter_unexplained")


def test_another_machine_behind_the_address_is_not_metered(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    for at in range(101, 110):
        bench.see(at, serial=8, pieces=0)
    bench.see(110, serial=7, pieces=4)
    gap = bench.intervals()[-1]
    assert (gap.reason, gap.unknown_ms, gap.quantities["produced"]) == ("identity", 10_000, 4)


def test_a_declared_replacement_opens_a_new_epoch() -> None:
    bench = Bench(serial=8)
    bench.machine._serial = None
    bench.see_every_second(0, 100, serial=7)
    bench.machine._serial = 8
    bench.see(101, serial=8)
    assert isinstance(bench.written[-1], Meter)
    assert (bench.written[-1].reason, bench.written[-1].previous_epoch) == ("replaced", "e1")
    assert bench.story()[2:4] == ["0-100 none/none run=100", "100 epoch_end: run 100s -> unknown"]


def test_a_clock_set_back_opens_a_new_epoch(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.eight -= 3_600_000
    bench.see(101)
    opened = bench.written[-1]
    assert isinstance(opened, Meter)
    assert (opened.reason, opened.previous_end) == ("clock_back", EIGHT + 100_000)


def test_a_clock_set_forward_is_a_flagged_gap_and_not_run_time(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.eight += 3_600_000
    bench.see(101, run_s=1)
    gap = bench.intervals()[-1]
    assert (gap.reason, gap.clock, gap.run_ms, gap.duration_ms) == ("clock_step", "stepped", 1_000, 3_601_000)


def test_a_clock_set_forward_in_a_silence_flags_the_jump_and_not_the_silence_before_it(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    for second in range(101, 161):
        bench.miss(second)
    bench.eight += 3_600_000
    for second in range(161, 221):
        bench.miss(second)
    bench.see(221, run_s=90)
    silence, jump = bench.intervals()[-2:]
    assert (silence.reason, silence.clock, silence.unknown_ms) == ("silent", "synced", 61_000)
    assert (jump.reason, jump.clock, jump.duration_ms) == ("clock_step", "stepped", 3_660_000)
    assert (jump.run_ms, jump.span_start) == (90_000, silence.start)


def test_clocks_set_forward_twice_in_one_silence_are_flagged_from_the_first_on(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.miss(110)
    for second in (120, 130):
        bench.eight += 60_000
        bench.miss(second)
    bench.see(140, run_s=0)
    parts = bench.intervals()[-3:]
    assert [(part.duration_ms, part.clock) for part in parts] == [
        (20_000, "synced"),
        (70_000, "stepped"),
        (70_000, "stepped"),
    ]
    assert [part.reason for part in parts] == ["silent", "clock_step", "clock_step"]


def test_the_last_poll_of_a_hold_may_arrive_a_little_late(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.miss(101.02)
    bench.miss(102.02)
    bench.see(103.012)
    bench.see_every_second(104, 300)
    (interval,) = bench.intervals()
    assert (interval.unknown_ms, interval.polls_missed) == (0, 2)


def test_the_machine_that_is_configured_is_the_only_one_metered() -> None:
    bench = Bench(serial=8)
    bench.see_every_second(0, 10, serial=7)
    assert bench.written == []
    bench.see(11, serial=8)
    assert isinstance(bench.written[0], Meter)


def test_a_new_epoch_does_not_make_a_stranger_welcome(bench: Bench) -> None:
    bench.see_every_second(0, 10)
    bench.eight -= 3_600_000
    bench.see(11, serial=8)
    assert not any(isinstance(record, Meter) for record in bench.written[1:])
    bench.see(12, serial=7)
    assert isinstance(bench.written[-1], Meter)


def test_a_conflict_in_a_gap_keeps_what_was_counted_till_then(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    for at in range(101, 200):
        bench.miss(at)
    bench.machine.renew_when_seen(MeterReason.CONFLICT)
    bench.see(200, pieces=7, run_s=90)
    gap = bench.intervals()[-1]
    assert (gap.epoch, gap.quantities["produced"], gap.run_ms, gap.end) == ("e1", 7, 90_000, bench.ms(200))
    opened = bench.written[-1]
    assert isinstance(opened, Meter)
    assert (opened.reason, opened.previous_end, opened.at) == ("conflict", bench.ms(200), bench.ms(200))


def test_an_epoch_ends_in_its_own_words_when_the_profile_has_changed(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.see(101, pieces=24, energy=5)
    more = (
        *PROFILE.quantities[:2],
        Quantity(name="energy_wh", counter="energy"),
        Quantity(name="grams", counter="ng"),
    )
    changed = replace(PROFILE, quantities=more, digest="e" * 64, kind="weld")
    identity = replace(SCHEME.identity, profile_digest="e" * 64, kind="weld", area="hall-2")
    bench.scheme = replace(SCHEME, profile=changed, identity=identity)
    bench.kill_and_restart(110)
    bench.see(111)
    last = bench.intervals()[-1]
    assert (last.area, last.kind, last.measured) == ("hall-1", "knit", "dozens,energy_wh,produced,scrap")
    assert (last.quantities["dozens"], last.quantities["energy_wh"]) == (2, 50)
    opened = bench.written[-1]
    assert isinstance(opened, Meter)
    assert (opened.kind, opened.area, opened.reason) == ("weld", "hall-2", "renamed")


def test_a_checkpoint_that_cannot_be_read_opens_an_epoch_and_says_so(bench: Bench) -> None:
    bench.machine = Machine(
        SCHEME, serial=None, name_epoch=lambda: "e9", checkpoint=b'{"meter": {"epoch": 1}}'
    )
    bench.see(0)
    opened = bench.written[0]
    assert isinstance(opened, Meter)
    assert opened.reason == "state_lost"


def test_a_lease_that_takes_effect_as_a_gap_ends_disputes_nothing(bench: Bench) -> None:
    bench.lease(0, "hengxin")
    bench.see_every_second(1, 10)
    bench.lease(10.5, "ruifeng", begins=40)
    for at in range(11, 40):
        bench.miss(at)
    bench.see(40)
    bench.see_every_second(41, 300)
    assert [i.tenant for i in bench.intervals()] == ["hengxin", "hengxin", "ruifeng"]


def test_an_order_of_a_lease_that_came_and_went_in_a_gap_is_disputed_where_no_register_tells(
    bench: Bench,
) -> None:
    bench.lease(0, "hengxin", order="A")
    for at in range(1, 11):
        bench.see(at, order=None)
    for at in range(11, 40):
        bench.miss(at)
    bench.lease(15, "hengxin", order="B")
    bench.lease(25, "hengxin", order="A")
    bench.see(40, order=None, pieces=2)
    gap = bench.intervals()[-1]
    assert (gap.tenant, gap.order_id) == ("hengxin", "disputed")


def test_an_order_leased_without_a_tenant_has_its_announced_tenant_at_once(bench: Bench) -> None:
    bench.announced = {"B": "ruifeng"}
    for at in range(11):
        bench.see(at, order=None)
    bench.lease(10.2, None, order="B")
    for at in range(11, 301):
        bench.see(at, order=None)
    assert [(i.tenant, i.order_id) for i in bench.intervals()] == [("none", "none"), ("ruifeng", "B")]


def test_a_clock_set_forward_by_weeks_opens_another_epoch_and_no_gap_of_weeks(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.eight += 60 * 86_400_000
    bench.see(101)
    assert len(bench.intervals()) == 1
    opened = bench.written[-1]
    assert isinstance(opened, Meter)
    assert (opened.reason, opened.previous_epoch) == ("clock_back", "e1")


# --- a clock that was never set ---------------------------------------------------------------------------


def test_what_was_metered_in_1970_is_dated_anew_when_the_clock_is_put_right() -> None:
    bench = Bench(eight=60_000)
    bench.start()
    bench.see_every_second(0, 400)
    bench.see(401, "stop", pieces=3)
    bench.see(402, "stop")
    assert bench.written == []
    assert bench.machine.checkpoint() is None
    bench.eight = EIGHT
    bench.see_every_second(403, 600, "stop")
    assert [interval.clock for interval in bench.intervals()] == ["free", "synced"]
    assert bench.intervals()[0].start == EIGHT
    assert total(bench.intervals(), "produced") == 3
    assert sum(interval.run_ms for interval in bench.intervals()) == 401_000
    ends = [interval.end for interval in bench.intervals()]
    assert [interval.start for interval in bench.intervals()] == [EIGHT, *ends[:-1]]
    assert bench.machine.checkpoint() is not None


def test_a_power_cut_before_the_clock_is_put_right_leaves_a_recovered_gap(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.stop()
    bench.eight = 0
    bench.kill_and_restart(110)
    bench.see_every_second(111, 200)
    bench.eight = EIGHT
    bench.kill_and_restart(300)
    bench.see(301, pieces=9, run_s=180)
    gap = bench.intervals()[-1]
    assert (gap.epoch, gap.reason, gap.quality) == ("e1", "restart", "recovered")
    assert (gap.duration_ms, gap.run_ms, gap.quantities["produced"]) == (201_000, 180_000, 9)


def test_a_checkpoint_from_the_future_is_waited_for_ten_minutes_by_a_clock_never_set(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.stop()
    bench.eight = 0
    bench.kill_and_restart(110)
    bench.see_every_second(111, 600)
    bench.eight = EIGHT
    bench.see(601, run_s=500, pieces=2)
    assert [(i.epoch, i.reason, i.run_ms) for i in bench.intervals()][-1] == ("e1", "restart", 500_000)


def test_after_ten_minutes_another_epoch_begins_and_is_dated_when_the_clock_is_put_right(
    bench: Bench,
) -> None:
    bench.see_every_second(0, 100)
    bench.stop()
    bench.eight = 0
    bench.kill_and_restart(110)
    bench.see_every_second(111, 1_000)
    before = len(bench.written)
    bench.eight = EIGHT
    bench.see_every_second(1_001, 1_100)
    late = bench.written[before:]
    (opened,) = [record for record in late if isinstance(record, Meter)]
    assert (opened.reason, opened.previous_epoch) == ("clock_back", "e1")
    assert opened.at == EIGHT + 710_000
    last = late[late.index(opened) - 1]
    assert isinstance(last, Transition)
    assert (last.cause, last.at) == ("epoch_end", opened.previous_end)


def test_a_clock_that_falls_back_to_1970_while_running_is_not_followed(bench: Bench) -> None:
    bench.see_every_second(0, 100)
    bench.eight = 0
    bench.see_every_second(101, 200)
    bench.eight = EIGHT
    bench.see_every_second(201, 301)
    assert [(i.duration_ms, i.reason) for i in bench.intervals()] == [(300_000, "none")]


def test_an_interval_of_no_length_is_never_written(bench: Bench) -> None:
    bench.see_every_second(0, 300)
    for at in range(301, 310):
        bench.miss(at)
    bench.see(310)
    assert all(
        isinstance(r, Meter | Transition) or r.duration_ms > 0
        for r in bench.written
        if not isinstance(r, Meter)
    )
    assert [(i.start, i.end) for i in bench.intervals() if isinstance(i, Interval)][-1][0] == bench.ms(300)


def test_a_quantity_is_the_difference_of_scaled_totals(bench: Bench) -> None:
    for at in range(0, 3600, 2):
        bench.see(at, pieces=1)
    dozens = [i.quantities["dozens"] for i in bench.intervals()]
    assert sum(dozens) == bench.intervals()[-1].totals["dozens"]
    assert set(dozens) == {12, 13}
