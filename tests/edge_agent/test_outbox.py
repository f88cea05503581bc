"""The outbox: put, seal, settle, across restarts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from contract.chain import GENESIS, is_linked
from contract.messages import (
    BATCH_LIMIT,
    Batch,
    ExceptionReason,
    Outcome,
    Receipt,
    RecordException,
    batch_id,
    decode_record,
)
from contract.records import Record
from edge_agent.held import Put, Sealed
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from tests.edge_agent.losses import loss

NOW = 1_795_305_600_000
Name = tuple[str, str, int]


def put(machine: str, *sequences: int, epoch: str = "e1", checkpoint: bytes | None = None) -> Put:
    records = tuple(loss(sequence, machine, epoch, start=NOW + sequence) for sequence in sequences)
    return Put(machine=machine, records=records, checkpoint=checkpoint)


def records_of(sealed: Sealed) -> list[Record]:
    batch = msgspec.json.decode(sealed.payload, type=Batch)
    return [decode_record(raw) for raw in batch.records]


def names_of(sealed: Sealed) -> list[Name]:
    return [(record.machine, record.epoch, record.sequence) for record in records_of(sealed)]


def receipt(sealed: Sealed, kept: list[Name] = [], rejected: list[Name] = []) -> Receipt:  # noqa: B006  never changed
    exceptions = [
        RecordException(
            machine=machine,
            epoch=epoch,
            sequence=sequence,
            outcome=outcome,
            reason=reason,
            detail="because",
        )
        for names, outcome, reason in (
            (kept, Outcome.KEPT, ExceptionReason.STORE),
            (rejected, Outcome.REJECTED, ExceptionReason.CONFLICT),
        )
        for machine, epoch, sequence in names
    ]
    count = len(names_of(sealed))
    return Receipt(
        batch=sealed.id,
        collector="c-1",
        at=NOW,
        records=count,
        accepted=count - len(exceptions),
        unreadable=None,
        retry_after_ms=0,
        exceptions=exceptions,
    )


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Callable[[], Outbox]]:
    """Opens the outbox of this test; what was open is closed first."""
    opened: list[Outbox] = []

    def again() -> Outbox:
        for outbox in opened:
            outbox.close()
        opened[:] = [
            Outbox.open(
                tmp_path / "outbox.db",
                site="s",
                gateway="g",
                limit_bytes=10_000,
                ring_bytes=10_000_000,
                ring_ms=1_000_000,
            )
        ]
        return opened[0]

    yield again
    for outbox in opened:
        outbox.close()


def test_what_was_put_is_sealed_in_the_order_it_was_put(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("b", 0, 1), put("a", 0)])
    outbox.commit([put("b", 2)])
    (sealed,) = outbox.seal(NOW, "s-1")
    assert names_of(sealed) == [("b", "e1", 0), ("b", "e1", 1), ("a", "e1", 0), ("b", "e1", 2)]
    envelope = msgspec.json.decode(sealed.payload, type=Batch)
    assert (envelope.site, envelope.gateway, envelope.session, envelope.sealed) == ("s", "g", "s-1", NOW)
    assert sealed.id == batch_id(sealed.payload)


def test_no_two_batches_are_sealed_at_one_instant(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", *range(60))])
    sealed = outbox.seal(NOW, "s-1", limit=8_192)
    instants = [msgspec.json.decode(batch.payload, type=Batch).sealed for batch in sealed]
    assert len(instants) > 1
    assert instants == list(range(NOW, NOW + len(instants)))


def test_a_batch_may_bear_plant_time(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0)])
    (sealed,) = outbox.seal(NOW, "s-1", sealed_ms=77)
    assert msgspec.json.decode(sealed.payload, type=Batch).sealed == 77


def test_the_chain_of_each_life_starts_at_genesis_and_goes_on_through_batches_and_restarts(
    reopen: Callable[[], Outbox],
) -> None:
    outbox = reopen()
    heads = {("a", "e1"): GENESIS, ("b", "e1"): GENESIS, ("a", "e2"): GENESIS}
    for puts in ([put("a", 0), put("b", 0)], [put("b", 1), put("a", 1, 2)], [put("a", 0, epoch="e2")]):
        outbox.commit(puts)
        (sealed,) = outbox.seal(NOW, "s-1")
        for record in records_of(sealed):
            life = record.machine, record.epoch
            assert is_linked(record, heads[life])
            heads[life] = record.digest
        outbox = reopen()


def test_the_same_bytes_wait_after_a_restart_in_the_order_they_were_sealed(
    reopen: Callable[[], Outbox],
) -> None:
    outbox = reopen()
    outbox.commit([put("a", *range(30))])
    sealed = outbox.seal(NOW, "s-1", limit=2000)
    assert len(sealed) == 4
    assert outbox.waiting() == sealed
    assert reopen().waiting() == sealed


def test_no_more_batches_wait_than_allowed(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", *range(30))])
    first = outbox.seal(NOW, "s-1", in_flight=2, limit=2000)
    assert len(first) == 2
    assert outbox.seal(NOW, "s-1", in_flight=2, limit=2000) == []
    outbox.settle(receipt(first[0]), NOW)
    assert len(outbox.seal(NOW, "s-1", in_flight=2, limit=2000)) == 1


def test_a_full_batch_comes_close_to_its_limit_and_never_over(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", *range(900))])
    sealed = outbox.seal(NOW, "s-1")
    assert [len(names_of(batch)) for batch in sealed] == sorted(
        (len(names_of(batch)) for batch in sealed), reverse=True
    )
    assert all(len(batch.payload) <= BATCH_LIMIT for batch in sealed)
    assert all(len(batch.payload) > BATCH_LIMIT - 500 for batch in sealed[:-1])


def test_a_receipt_ends_its_batch(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0, 1, 2)])
    (sealed,) = outbox.seal(NOW, "s-1")
    done = outbox.settle(receipt(sealed, kept=[("a", "e1", 1)], rejected=[("a", "e1", 2)]), NOW)
    assert done.known
    assert (done.accepted, done.kept, done.rejected) == (1, 1, 1)
    assert done.conflicts == (("a", "e1"),)
    assert done.complaint is None
    assert outbox.waiting() == []
    depth = outbox.depth()
    assert (depth.records, depth.batches, depth.ring_records, depth.rejected) == (1, 0, 2, 1)


def test_a_receipt_for_a_batch_no_longer_held_does_nothing(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0, 1)])
    (sealed,) = outbox.seal(NOW, "s-1")
    outbox.settle(receipt(sealed, kept=[("a", "e1", 1)]), NOW)
    before = outbox.depth()
    assert not outbox.settle(receipt(sealed), NOW).known
    assert outbox.depth() == before


def test_a_receipt_for_another_batch_releases_nothing(reopen: Callable[[], Outbox]) -> None:
    """As many records as ours has: only the name of the batch tells them apart."""
    outbox = reopen()
    outbox.commit([put("a", 0, 1)])
    sealed = outbox.seal(NOW, "s-1")
    other = msgspec.structs.replace(receipt(sealed[0]), batch="0" * 64)
    assert not outbox.settle(other, NOW).known
    assert outbox.waiting() == sealed
    assert outbox.depth().records == 2


def test_a_receipt_that_contradicts_itself_leaves_the_batch_waiting(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0, 1)])
    sealed = outbox.seal(NOW, "s-1")
    wrong = receipt(sealed[0], kept=[("a", "e1", 7)])
    done = outbox.settle(wrong, NOW)
    assert done.known
    assert done.complaint is not None
    assert outbox.waiting() == sealed
    assert outbox.settle(receipt(sealed[0]), NOW).accepted == 2


def test_an_unreadable_batch_stays_as_it_is(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0)])
    sealed = outbox.seal(NOW, "s-1")
    unreadable = msgspec.structs.replace(
        receipt(sealed[0]), unreadable="no such version", records=0, accepted=0
    )
    done = outbox.settle(unreadable, NOW)
    assert done.complaint is not None
    assert "no such version" in done.complaint
    assert outbox.waiting() == sealed


def test_a_kept_record_goes_again_after_its_back_off_under_the_same_digest(
    reopen: Callable[[], Outbox],
) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0, 1)])
    (first,) = outbox.seal(NOW, "s-1")
    outbox.settle(receipt(first, kept=[("a", "e1", 0)]), NOW)
    assert outbox.seal(NOW + 29_999, "s-1") == []
    outbox = reopen()
    (again,) = outbox.seal(NOW + 30_000, "s-2")
    assert records_of(again) == records_of(first)[:1]
    assert again.id != first.id
    outbox.settle(receipt(again, kept=[("a", "e1", 0)]), NOW + 30_000)
    assert outbox.seal(NOW + 89_999, "s-2") == []
    assert names_of(outbox.seal(NOW + 90_000, "s-2")[0]) == [("a", "e1", 0)]


def test_a_kept_record_never_goes_before_a_new_one(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0)])
    (first,) = outbox.seal(NOW, "s-1")
    outbox.settle(receipt(first, kept=[("a", "e1", 0)]), NOW)
    outbox.commit([put("b", 0)])
    (second,) = outbox.seal(NOW, "s-1")
    assert names_of(second) == [("b", "e1", 0)]
    outbox.commit([put("b", 1)])
    (third,) = outbox.seal(NOW + 30_000, "s-1")
    assert names_of(third) == [("b", "e1", 1), ("a", "e1", 0)]


def test_a_clock_that_went_back_does_not_bury_a_kept_record(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    outbox.commit([put("a", 0)])
    (first,) = outbox.seal(NOW, "s-1")
    wrong_year = NOW + 14 * 365 * 86_400_000
    outbox.settle(receipt(first, kept=[("a", "e1", 0)]), wrong_year)
    assert names_of(outbox.seal(NOW, "s-1")[0]) == [("a", "e1", 0)]


def test_the_checkpoint_is_the_last_one_put(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    assert outbox.checkpoints() == {}
    outbox.commit([put("a", 0, checkpoint=b"one"), put("b", checkpoint=b"two")])
    outbox.commit([put("a", 1, checkpoint=b"three"), put("b", 0)])
    assert reopen().checkpoints() == {"a": b"three", "b": b"two"}


@pytest.mark.parametrize("sequence", [3, 4])
def test_a_commit_with_a_sequence_that_does_not_rise_keeps_nothing(
    reopen: Callable[[], Outbox], sequence: int
) -> None:
    outbox = reopen()
    outbox.commit([put("a", 4, checkpoint=b"before")])
    with pytest.raises(OutboxError, match="after a later one"):
        outbox.commit([put("b", 0), put("a", 5, sequence, checkpoint=b"after")])
    assert outbox.checkpoints() == {"a": b"before"}
    assert outbox.depth().records == 1
    outbox.commit([put("a", 5), put("b", 0), put("a", 0, epoch="e2")])


def test_every_commit_waits_for_the_disk(reopen: Callable[[], Outbox]) -> None:
    """By SQLite's own word; a power cut that shows it is beyond a test."""
    full = 2
    assert reopen()._db.execute("PRAGMA synchronous").fetchone() == (full,)


def test_a_record_that_fits_no_batch_is_an_error_at_once(reopen: Callable[[], Outbox]) -> None:
    outbox = reopen()
    with pytest.raises(OutboxError, match="fits no batch"):
        outbox.commit([Put(machine="a", records=(msgspec.structs.replace(loss(0, "a"), kind="k" * 70_000),))])
