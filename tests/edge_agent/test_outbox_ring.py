"""What stays after the receipt: the ring, sending again, and how full everything is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException, decode_record
from contract.records import Loss
from edge_agent.held import Put, Sealed
from edge_agent.outbox import TRIM_ROWS, Outbox
from tests.edge_agent.losses import loss

SECOND = 1000
NOW = 1_795_305_600_000
Open = Callable[..., Outbox]


def second(sequence: int) -> Loss:
    """The record of second ``sequence``; all have the same size from 100 on."""
    return loss(sequence, start=sequence * SECOND)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    outboxes: list[Outbox] = []

    def open_with(*, limit_bytes: int = 10**6, ring_bytes: int = 10**9, ring_ms: int = 10**12) -> Outbox:
        outbox = Outbox.open(
            tmp_path / "outbox.db",
            site="s",
            gateway="g",
            limit_bytes=limit_bytes,
            ring_bytes=ring_bytes,
            ring_ms=ring_ms,
        )
        outboxes.append(outbox)
        return outbox

    yield open_with
    for outbox in outboxes:
        outbox.close()


def fill(outbox: Outbox, *sequences: int) -> None:
    outbox.commit([Put(machine="m", records=tuple(map(second, sequences)))])


def answer(outbox: Outbox, sealed: Sealed, *rejected: int) -> None:
    records = [decode_record(raw) for raw in msgspec.json.decode(sealed.payload, type=Batch).records]
    refusals = [
        RecordException(
            machine="m",
            epoch="e1",
            sequence=sequence,
            outcome=Outcome.REJECTED,
            reason=ExceptionReason.RETENTION,
            detail="too old",
        )
        for sequence in rejected
    ]
    said = Receipt(
        batch=sealed.id,
        collector="c",
        at=0,
        records=len(records),
        accepted=len(records) - len(refusals),
        unreadable=None,
        retry_after_ms=0,
        exceptions=refusals,
    )
    assert outbox.settle(said, NOW).complaint is None


def accept_all(outbox: Outbox) -> None:
    while sealed := outbox.seal(NOW, "s-1"):
        for batch in sealed:
            answer(outbox, batch)


def test_depth_counts_what_waits_and_what_rests(opened: Open) -> None:
    outbox = opened()
    fill(outbox, 100, 101, 102)
    (sealed,) = outbox.seal(NOW, "s-1")
    answer(outbox, sealed, 101)
    fill(outbox, 103, 104)
    outbox.seal(NOW, "s-1")
    fill(outbox, 105)
    depth = outbox.depth()
    assert (depth.records, depth.batches, depth.oldest_ms) == (3, 1, 103 * SECOND)
    assert (depth.ring_records, depth.ring_from, depth.rejected) == (3, 100 * SECOND, 1)
    assert depth.bytes == depth.ring_bytes > 300


def test_an_empty_outbox_has_no_oldest_record(opened: Open) -> None:
    depth = opened().depth()
    assert (depth.records, depth.bytes, depth.oldest_ms, depth.ring_from) == (0, 0, None, None)
    assert not depth.over_limit


def test_too_much_without_receipt_is_an_alarm_and_drops_nothing(opened: Open) -> None:
    outbox = opened(limit_bytes=1000, ring_bytes=0, ring_ms=0)
    fill(outbox, *range(100, 110))
    assert outbox.depth().over_limit
    assert outbox.trim(10**15) == 0
    assert outbox.depth().records == 10
    accept_all(outbox)
    assert not outbox.depth().over_limit


def test_the_ring_lets_go_of_what_is_too_old(opened: Open) -> None:
    outbox = opened(ring_ms=60 * SECOND)
    fill(outbox, *range(100, 110))
    accept_all(outbox)
    fill(outbox, 110)
    assert outbox.trim(165 * SECOND) == 5
    depth = outbox.depth()
    assert (depth.ring_records, depth.ring_from, depth.records) == (5, 105 * SECOND, 1)


def test_the_ring_lets_go_of_the_oldest_when_it_is_too_full(opened: Open) -> None:
    outbox = opened()
    fill(outbox, *range(100, 110))
    accept_all(outbox)
    one = outbox.depth().ring_bytes // 10
    outbox.close()
    outbox = opened(ring_bytes=4 * one)
    assert outbox.trim(0) == 6
    depth = outbox.depth()
    assert (depth.ring_records, depth.ring_bytes, depth.ring_from) == (4, 4 * one, 106 * SECOND)
    assert outbox.trim(0) == 0


def test_one_trim_drops_a_bounded_number(opened: Open) -> None:
    outbox = opened(ring_bytes=0)
    fill(outbox, *range(TRIM_ROWS + 10))
    accept_all(outbox)
    assert [outbox.trim(0), outbox.trim(0), outbox.trim(0)] == [TRIM_ROWS, 10, 0]


def test_records_of_a_time_go_again_as_they_were_behind_new_ones(opened: Open) -> None:
    outbox = opened()
    fill(outbox, *range(100, 106))
    (sealed,) = outbox.seal(NOW, "s-1")
    answer(outbox, sealed, 103)
    sent = {
        record.sequence: record
        for record in map(decode_record, msgspec.json.decode(sealed.payload, type=Batch).records)
    }
    assert outbox.resend(102 * SECOND, 105 * SECOND) == 3
    assert outbox.depth().rejected == 0
    fill(outbox, 106)
    (again,) = outbox.seal(NOW, "s-2")
    records = [decode_record(raw) for raw in msgspec.json.decode(again.payload, type=Batch).records]
    assert [record.sequence for record in records] == [106, 102, 103, 104]
    assert records[1:] == [sent[102], sent[103], sent[104]]


def test_only_receipted_records_are_sent_again_by_request(opened: Open) -> None:
    outbox = opened()
    fill(outbox, 100)
    outbox.seal(NOW, "s-1")
    fill(outbox, 101)
    assert outbox.resend(0, 10**15) == 0
    assert outbox.depth().batches == 1


def test_a_record_sent_again_starts_its_back_off_anew_and_ends_in_the_ring(opened: Open) -> None:
    outbox = opened()
    fill(outbox, 100)
    accept_all(outbox)
    outbox.resend(0, 10**15)
    accept_all(outbox)
    assert outbox.depth().ring_records == 1
    assert outbox.depth().records == 0


def test_rejected_records_stay_readable(opened: Open) -> None:
    outbox = opened()
    fill(outbox, 100, 101, 102)
    (sealed,) = outbox.seal(NOW, "s-1")
    answer(outbox, sealed, 100, 102)
    latest, earlier = outbox.rejected()
    assert (latest.machine, latest.epoch, latest.sequence) == ("m", "e1", 102)
    assert (latest.reason, latest.detail) == ("retention", "too old")
    assert decode_record(latest.payload) in map(
        decode_record, msgspec.json.decode(sealed.payload, type=Batch).records
    )
    assert earlier.sequence == 100
    assert [record.sequence for record in outbox.rejected(limit=1)] == [102]


WATCHED = {
    "relieve": lambda outbox: outbox.relieve(),
    "seal": lambda outbox: outbox.seal(10**9, "s-1"),
    "depth": lambda outbox: outbox.depth(),
    "trim": lambda outbox: outbox.trim(0),
    "resend": lambda outbox: outbox.resend(5, 6),
    "rejected": lambda outbox: outbox.rejected(),
    "waiting": lambda outbox: outbox.waiting(),
}


@pytest.mark.parametrize("name", WATCHED)
def test_no_operation_walks_the_whole_ring(opened: Open, name: str) -> None:
    """A ring of a gigabyte has a million records: every query has to find its rows by an index."""
    outbox = opened()
    fill(outbox, 100)
    queries: list[str] = []
    outbox._db.set_trace_callback(queries.append)
    WATCHED[name](outbox)
    outbox._db.set_trace_callback(None)
    asked = [query for query in queries if query.startswith(("SELECT", "UPDATE", "DELETE", "\nSELECT"))]
    plans = [detail for query in asked for *_, detail in outbox._db.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert plans
    assert [plan for plan in plans if plan == "SCAN record" or "TEMP B-TREE" in plan] == []


def test_the_tally_agrees_with_the_records(opened: Open) -> None:
    outbox = opened(ring_bytes=3500)
    fill(outbox, *range(100, 170))
    first, second, *_ = outbox.seal(NOW, "s-1", limit=3000)
    answer(outbox, first, 109)
    answer(outbox, second)
    outbox.trim(0)
    outbox.resend(0, 105 * SECOND)
    places = "SELECT place + 10 * again AS at, count(*), sum(size) FROM record GROUP BY at"
    counted = outbox._db.execute(places).fetchall()
    tally = outbox._db.execute("SELECT * FROM tally WHERE place < 11").fetchall()
    assert all(records for _, records, _ in tally)
    assert sorted(counted) == sorted(tally)
