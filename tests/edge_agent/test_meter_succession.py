"""One machine after another under one meter, or one meter under another name: both are witnessed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.names import NONE
from contract.records import Interval, Meter, MeterReason, Record, Transition
from edge_agent.checkpoint import is_open, moved
from edge_agent.scheme import Scheme
from tests.edge_agent.meter_bench import SCHEME, Bench


def called(name: str = "knit-15", area: str = "hall-1") -> Scheme:
    identity = msgspec.structs.replace(SCHEME.identity, machine=name, area=area)
    return msgspec.structs.replace(SCHEME, identity=identity)


def rename(bench: Bench, scheme: Scheme) -> list[Record]:
    records = bench.machine.rename(scheme, bench.serial, bench.announced)
    bench.written += records
    return records


def meters(bench: Bench) -> list[Meter]:
    return [record for record in bench.written if isinstance(record, Meter)]


def test_a_renamed_machine_ends_and_begins_with_one_sample() -> None:
    bench = Bench()
    bench.see_every_second(0, 30, pieces=1)
    assert rename(bench, called())
    bench.see_every_second(31, 320, pieces=1)
    first, second = meters(bench)
    assert (second.machine, second.reason) == ("knit-15", MeterReason.RENAMED)
    assert (second.previous_machine, second.previous_epoch) == ("knit-01", first.epoch)
    assert second.at == second.previous_end == bench.ms(30)
    assert second.readings == second.previous_readings
    assert second.previous_serial == second.serial == 7
    made = [record for record in bench.written if isinstance(record, Interval)]
    assert sum(one.quantities["produced"] for one in made) == 300 - 30 + 30
    assert {one.machine for one in made} == {"knit-01", "knit-15"}


def test_a_machine_in_another_area_keeps_its_name_and_does_not_name_it_twice() -> None:
    bench = Bench()
    bench.see_every_second(0, 30)
    rename(bench, called("knit-01", "hall-2"))
    second = meters(bench)[1]
    assert (second.area, second.previous_machine, second.reason) == ("hall-2", NONE, MeterReason.RENAMED)


def test_a_declared_replacement_witnesses_what_the_old_one_said_last_and_the_new_one_first() -> None:
    bench = Bench(serial=7)
    bench.see_every_second(0, 30, pieces=1)
    last = dict(bench.readings)
    bench.machine.configure(SCHEME, 8)
    for at in range(31, 40):
        bench.see(at, serial=7, pieces=1)
    bench.readings = dict.fromkeys(bench.readings, 5)
    bench.see_every_second(40, 60, serial=8, pieces=1)
    first, second = meters(bench)
    assert (second.reason, second.previous_epoch) == (MeterReason.REPLACED, first.epoch)
    assert (second.previous_serial, second.serial) == (7, 8)
    assert second.previous_readings == last
    assert second.readings["pieces"] == 6
    assert second.previous_machine == NONE


def test_a_controller_without_a_serial_number_is_declared_by_the_sites_own_count() -> None:
    bench = Bench()
    bench.see_every_second(0, 30, pieces=1)
    last = dict(bench.readings)
    identity = msgspec.structs.replace(SCHEME.identity, controller=2)
    bench.scheme = msgspec.structs.replace(SCHEME, identity=identity)
    assert rename(bench, bench.scheme) == [], "it is no other name"
    bench.kill_and_restart(31)
    bench.readings = dict.fromkeys(bench.readings, 5)
    bench.see_every_second(32, 60, pieces=1)
    bench.kill_and_restart(61)
    bench.see_every_second(62, 70)
    first, second = meters(bench)
    assert (second.reason, second.previous_epoch) == (MeterReason.REPLACED, first.epoch)
    assert (second.previous_readings, second.readings["pieces"]) == (last, 6)


def test_a_replacement_that_was_declared_while_the_agent_was_away_is_witnessed_too() -> None:
    bench = Bench(serial=7)
    bench.see_every_second(0, 30, pieces=1)
    last, bench.serial = dict(bench.readings), 8
    bench.kill_and_restart(60)
    bench.see_every_second(61, 70, serial=8)
    second = meters(bench)[1]
    assert (second.reason, second.previous_serial, second.serial) == (MeterReason.REPLACED, 7, 8)
    assert second.previous_readings == last


def test_a_machine_renamed_while_the_agent_was_away_is_witnessed_too() -> None:
    bench = Bench()
    bench.see_every_second(0, 30, pieces=1)
    last, bench.scheme = dict(bench.readings), called()
    bench.kill_and_restart(60)
    bench.see_every_second(61, 70, pieces=1)
    second = meters(bench)[1]
    assert (second.machine, second.previous_machine) == ("knit-15", "knit-01")
    assert second.previous_readings == last
    assert second.readings["pieces"] == last["pieces"] + 1


def test_an_epoch_that_nobody_declared_carries_no_witness() -> None:
    bench = Bench()
    bench.see_every_second(0, 30)
    bench.machine.renew_when_seen(MeterReason.CONFLICT)
    bench.see_every_second(31, 40)
    second = meters(bench)[1]
    assert (second.reason, second.previous_readings, second.previous_serial) == (MeterReason.CONFLICT, {}, 0)


@pytest.mark.parametrize("silent", [False, True])
def test_a_machine_that_is_not_seen_does_not_change_its_name_at_once(silent: bool) -> None:  # noqa: FBT001
    """Nothing is known of the time up to now: the epoch ends as it does after a restart."""
    bench = Bench()
    if silent:
        bench.see_every_second(0, 10)
        for at in range(11, 30):
            bench.miss(at)
    assert rename(bench, called()) == []
    assert bench.machine.name == "knit-01"


def test_another_profile_is_no_other_name() -> None:
    bench = Bench()
    bench.see_every_second(0, 10)
    identity = msgspec.structs.replace(called().identity, profile_digest="e" * 64)
    assert rename(bench, msgspec.structs.replace(SCHEME, identity=identity)) == []


def test_a_name_that_was_given_up_is_free_for_another_machine() -> None:
    bench = Bench()
    bench.see_every_second(0, 10)
    checkpoint = bench.machine.checkpoint()
    assert checkpoint is not None
    assert is_open(checkpoint)
    assert not is_open(moved(checkpoint))
    assert not is_open(None)
    other = Bench()
    other.machine = other._machine(moved(checkpoint))
    other.see_every_second(20, 30, serial=99)
    [opened] = meters(other)
    assert (opened.reason, opened.previous_epoch, opened.serial) == (MeterReason.FIRST, NONE, 99)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_new_table_of_stop_codes_is_named_from_then_on_and_ends_no_epoch(restarted: bool) -> None:  # noqa: FBT001
    bench = Bench()
    bench.see_every_second(0, 10)
    bench.see_every_second(11, 20, "idle")
    identity = msgspec.structs.replace(SCHEME.identity, stop_table="bench@2")
    bench.scheme = msgspec.structs.replace(SCHEME, identity=identity)
    if restarted:
        bench.kill_and_restart(21)
    else:
        bench.machine.configure(bench.scheme, None)
    bench.see_every_second(22, 40)
    bench.see_every_second(41, 60, "idle")
    turns = [record for record in bench.written if isinstance(record, Transition)]
    assert (turns[0].stop_table, turns[-1].stop_table) == ("bench@1", "bench@2")
    assert {record.epoch for record in bench.written} == {"e1"}


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.data())
def test_however_often_a_machine_is_renamed_no_time_and_no_piece_is_lost(
    stretches: list[int], data: st.DataObject
) -> None:
    bench, now, made = Bench(), 0, 0
    bench.see(0)
    for number, stretch in enumerate(stretches):
        for _ in range(stretch):
            now += 1
            pieces = data.draw(st.integers(0, 1))
            made += pieces
            bench.see(now, pieces=pieces)
        rename(bench, called(f"m{number}"))
    bench.stop()
    intervals = [record for record in bench.written if isinstance(record, Interval)]
    assert sum(one.quantities["produced"] for one in intervals) == made
    assert sum(one.duration_ms for one in intervals) == now * 1_000
    assert sum(one.run_ms for one in intervals) == now * 1_000
    for one, other in zip(meters(bench), meters(bench)[1:], strict=False):
        assert other.previous_epoch == one.epoch
        assert other.previous_readings == other.readings
