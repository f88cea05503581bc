"""What is stored is walked again: whatever is missing, broken or double is told."""

from collections.abc import Callable

from msgspec.structs import replace

from contract.chain import seal
from contract.facts import Quarantined, payload_text
from contract.messages import encode
from contract.records import Interval, Meter, Record
from tests.chaos.walk import Stored, complaints

Make = Callable[..., Interval]
Sealed = Callable[[list[Record]], tuple[Record, ...]]


def history(interval: Make, opening: Meter, sealed: Sealed) -> tuple[Record, ...]:
    made = [interval(300 * n, made=2, total=2 * (n + 1)) for n in range(4)]
    return sealed([opening, *made])


def rejected(record: Record) -> Quarantined:
    return Quarantined(
        site="qinghe",
        gateway="gw1",
        received=1,
        batch="b",
        part=0,
        parts=1,
        machine=record.machine,
        epoch=record.epoch,
        sequence=record.sequence,
        reason="retention",
        detail="",
        payload=payload_text(encode(record)),
        replayed=0,
    )


def test_a_whole_history_is_without_complaint(interval: Make, opening: Meter, sealed: Sealed) -> None:
    assert complaints(Stored(records=history(interval, opening, sealed))) == []


def test_a_missing_record_is_told(interval: Make, opening: Meter, sealed: Sealed) -> None:
    whole = history(interval, opening, sealed)
    found = complaints(Stored(records=(*whole[:2], *whole[3:])))
    assert any("sequence 2 is missing" in one for one in found)
    assert any("300000 ms late" in one for one in found)


def test_a_record_that_was_changed_breaks_the_chain(interval: Make, opening: Meter, sealed: Sealed) -> None:
    whole = history(interval, opening, sealed)
    changed = replace(whole[2], tenant="ruifeng")
    [found] = complaints(Stored(records=(*whole[:2], changed, *whole[3:])))
    assert "the chain breaks at sequence 2" in found


def test_what_was_rejected_stands_in_the_chain(interval: Make, opening: Meter, sealed: Sealed) -> None:
    *whole, last = history(interval, opening, sealed)
    assert complaints(Stored(records=tuple(whole), quarantined=(rejected(last),))) == []
    [found] = complaints(Stored(records=(), quarantined=(rejected(last),)))
    assert "quarantine only" in found


def test_a_record_stored_twice_is_told(interval: Make, opening: Meter, sealed: Sealed) -> None:
    whole = history(interval, opening, sealed)
    found = complaints(Stored(records=(*whole, whole[-1])))
    assert sum("2 records have this" in one for one in found) == 2


def test_times_that_do_not_sum_and_quantities_that_are_no_differences_are_told(
    interval: Make, opening: Meter, sealed: Sealed
) -> None:
    found = complaints(
        Stored(
            records=sealed([opening, interval(0, made=1, total=1), interval(300, made=5, total=2, run_ms=1)])
        )
    )
    assert any("do not sum to its duration" in one for one in found)
    assert any("produced of sequence 2 is not the difference" in one for one in found)


def test_merged_intervals_stand_for_all_their_sequences(
    interval: Make, opening: Meter, sealed: Sealed
) -> None:
    first, second = sealed([opening, interval(0)])
    merged = replace(second, sequence=3)
    whole = (first, seal(merged, first.digest))
    assert complaints(Stored(records=whole)) == []
