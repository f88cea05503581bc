"""More waits than it should: the ring goes, then resolution, then records; nothing counts twice."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from contract.chain import GENESIS, is_linked
from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException, decode_record
from contract.records import Interval, Loss, Meter, Record, Transition
from edge_agent import relief
from edge_agent.held import Put, Relief, Sealed
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
START = 1_795_305_600_000
GRID = 300_000
Open = Callable[..., Outbox]
R = TypeVar("R", Interval, Meter, Transition)


def golden(kind: type[R], name: str) -> R:
    record = decode_record((GOLDEN / f"{name}.json").read_bytes())
    assert isinstance(record, kind)
    return replace(record, digest="")


INTERVAL, METER, TRANSITION = (
    golden(Interval, "interval"),
    golden(Meter, "meter"),
    golden(Transition, "transition"),
)


def interval(sequence: int, slot: int, machine: str = "m") -> Interval:
    """Slot ``slot`` of the grid, one piece, wholly run."""
    quantities = {"produced": 1, "scrap": 0, "rework": 0, "energy_wh": 5, "shots": 0}
    return replace(
        INTERVAL,
        machine=machine,
        epoch="e1",
        sequence=sequence,
        sequence_first=sequence,
        start=START + slot * GRID,
        span_start=START + slot * GRID,
        run_ms=GRID,
        stop_tenant_ms=0,
        quantities=quantities,
        totals={name: n * (slot + 1) for name, n in quantities.items()},
    )


def slots(*numbers: int, machine: str = "m") -> Put:
    return Put(machine=machine, records=tuple(interval(n + 1, n, machine) for n in numbers))


SIZE = len(msgspec.json.encode(interval(10, 10)))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    outboxes: list[Outbox] = []

    def open_with(limit: float, ring_bytes: int = 10**9) -> Outbox:
        """``limit`` in intervals."""
        for outbox in outboxes:
            outbox.close()
        outboxes.append(
            Outbox.open(
                tmp_path / "outbox.db",
                site=INTERVAL.site,
                gateway=INTERVAL.gateway,
                limit_bytes=int(limit * SIZE),
                ring_bytes=ring_bytes,
                ring_ms=10**12,
            )
        )
        return outboxes[-1]

    yield open_with
    for outbox in outboxes:
        outbox.close()


def records_of(sealed: Sealed) -> list[Record]:
    return [decode_record(raw) for raw in msgspec.json.decode(sealed.payload, type=Batch).records]


def receipt(sealed: Sealed, *, kept: bool = False) -> Receipt:
    records = records_of(sealed)
    exceptions = [
        RecordException(
            machine=record.machine,
            epoch=record.epoch,
            sequence=record.sequence,
            outcome=Outcome.KEPT,
            reason=ExceptionReason.STORE,
            detail="away",
        )
        for record in records
        if kept
    ]
    return Receipt(
        batch=sealed.id,
        collector="c",
        at=0,
        records=len(records),
        accepted=len(records) - len(exceptions),
        unreadable=None,
        retry_after_ms=0,
        exceptions=exceptions,
    )


def relieved(outbox: Outbox) -> Relief:
    """Until there is nothing left to do."""
    whole = Relief()
    while (step := outbox.relieve()) != Relief():
        whole += step
    return whole


def delivered(outbox: Outbox) -> list[Record]:
    """Everything that is receipted from now on, in the order it is sent."""
    came: list[Record] = []
    while sealed := outbox.seal(10**15, "s-1"):
        for batch in sealed:
            came += records_of(batch)
            assert outbox.settle(receipt(batch), 10**15).complaint is None
    return came


def pieces(records: list[Record]) -> int:
    return sum(record.quantities["produced"] for record in records if isinstance(record, Interval))


def seconds(records: list[Record]) -> int:
    return sum(record.duration_ms for record in records if isinstance(record, Interval)) // 1000


def test_what_was_written_but_not_receipted_is_not_merged_under_pressure(opened: Open) -> None:
    """The store has it already; merged, the same seconds and pieces would be there under two names."""
    outbox = opened(3.5)
    outbox.commit([slots(0, 1, 2)])
    (sent,) = outbox.seal(0, "s-1")
    store = {(r.machine, r.epoch, r.sequence): r for r in records_of(sent)}
    outbox.commit([slots(3, 4, 5)])
    assert relieved(outbox).merged == 2
    assert outbox.waiting() == [sent]
    outbox.settle(receipt(sent, kept=True), 0)  # or the receipt was lost: the same records go again
    assert relieved(outbox) == Relief()
    for record in delivered(outbox):
        name = record.machine, record.epoch, record.sequence
        assert store.setdefault(name, record) == record
    came = sorted(store.values(), key=lambda record: record.sequence)
    assert (pieces(came), seconds(came)) == (6, 6 * 300)
    assert [record.sequence for record in came] == [1, 2, 3, 6]


def test_within_the_limit_nothing_is_touched(opened: Open) -> None:
    outbox = opened(20)
    outbox.commit([slots(*range(12))])
    assert outbox.relieve() == Relief()
    assert outbox.depth().records == 12


def test_the_ring_goes_before_anything_is_merged(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relief, "ROWS", 5)
    outbox = opened(6)
    outbox.commit([slots(*range(6))])
    delivered(outbox)
    outbox.commit([slots(*range(6, 14))])
    assert outbox.relieve() == Relief(ring_dropped=5)
    depth = outbox.depth()
    assert (depth.ring_records, depth.ring_from) == (1, START + 5 * GRID)
    assert outbox.relieve() == Relief(ring_dropped=1, merged=4)
    assert outbox.depth().ring_records == 0


def test_under_pressure_an_hour_becomes_one_interval(opened: Open) -> None:
    outbox = opened(2.9)
    outbox.commit([slots(*range(36))])
    assert relieved(outbox) == Relief(merged=33)
    came = delivered(outbox)
    assert [(r.sequence_first, r.sequence) for r in came if isinstance(r, Interval)] == [
        (1, 12),
        (13, 24),
        (25, 36),
    ]
    assert (pieces(came), seconds(came)) == (36, 36 * 300)


def test_intervals_that_come_later_join_those_of_their_hour(opened: Open) -> None:
    outbox = opened(1)
    for slot in range(12):
        outbox.commit([slots(slot)])
        relieved(outbox)
    (only,) = delivered(outbox)
    assert isinstance(only, Interval)
    assert (only.sequence_first, only.sequence, only.quantities["produced"]) == (1, 12, 12)


def test_a_restart_forgets_nothing_that_merging_needs(opened: Open) -> None:
    outbox = opened(1)
    outbox.commit([slots(0, 1, 2)])
    relieved(outbox)
    outbox = opened(1)
    outbox.commit([slots(3, 4)])
    relieved(outbox)
    (only,) = delivered(outbox)
    assert isinstance(only, Interval)
    assert (only.sequence_first, only.sequence) == (1, 5)


def test_merged_records_stand_in_the_chain_where_their_last_part_stood(opened: Open) -> None:
    outbox = opened(2)
    turn = replace(TRANSITION, machine="m", epoch="e1", sequence=2, at=START + GRID + 5)
    outbox.commit(
        [
            Put(
                machine="m",
                records=(interval(1, 0), turn, interval(3, 1), interval(4, 2), interval(5, 3)),
            )
        ]
    )
    assert relieved(outbox).merged == 3
    came = delivered(outbox)
    assert [(type(record), record.sequence) for record in came] == [(Transition, 2), (Interval, 5)]
    previous = GENESIS
    for record in came:
        assert is_linked(record, previous)
        previous = record.digest


def test_when_nothing_merges_the_oldest_of_the_fullest_machine_are_lost_by_name(opened: Open) -> None:
    outbox = opened(20)
    odd = tuple(range(0, 60, 2))  # with a slot between them missing, no two are neighbours
    outbox.commit([slots(*odd, machine="full"), slots(*odd[:3], machine="other")])
    told = relieved(outbox)
    assert told.lost > 0
    assert told.merged == 0
    came = delivered(outbox)
    (loss,) = [record for record in came if isinstance(record, Loss)]
    left = [record for record in came if isinstance(record, Interval) and record.machine == "full"]
    assert (loss.machine, loss.records) == ("full", told.lost)
    assert (loss.sequence_first, loss.start) == (1, START)
    assert loss.end <= left[0].start
    assert loss.sequence < left[0].sequence
    assert len(left) + told.lost == len(odd)
    assert pieces(came) == len(odd) + 3 - told.lost


def test_up_to_a_quarter_over_the_limit_nothing_is_lost(opened: Open) -> None:
    outbox = opened(20)
    outbox.commit([slots(*range(0, 48, 2))])
    assert relieved(outbox) == Relief()
    assert outbox.depth().over_limit
    outbox.commit([slots(*range(48, 60, 2))])
    assert relieved(outbox).lost > 0
    assert outbox.depth().bytes <= 1.25 * 20 * SIZE


def test_one_loss_grows_instead_of_many_coming(opened: Open) -> None:
    outbox = opened(20)
    lost = 0
    for slot in range(0, 160, 2):
        outbox.commit([slots(slot)])
        lost += relieved(outbox).lost
    losses = [record for record in delivered(outbox) if isinstance(record, Loss)]
    assert [loss.records for loss in losses] == [lost]


def test_a_meter_is_never_lost(opened: Open) -> None:
    outbox = opened(4)
    opening = replace(METER, machine="m", epoch="e1", sequence=0)
    outbox.commit([Put(machine="m", records=(opening, *slots(*range(0, 40, 2)).records))])
    assert relieved(outbox).lost > 0
    came = delivered(outbox)
    assert [type(record) for record in came[:2]] == [Meter, Loss]


def test_what_was_offered_is_never_lost(opened: Open) -> None:
    outbox = opened(4)
    outbox.commit([slots(*range(0, 40, 2))])
    (sent,) = outbox.seal(0, "s-1")
    outbox.settle(receipt(sent, kept=True), 0)
    assert relieved(outbox) == Relief()
    assert pieces(delivered(outbox)) == 20


def test_while_the_store_is_away_nothing_new_is_offered(opened: Open) -> None:
    """What was offered can no longer merge: a store that is away for a month would see all of it."""
    outbox = opened(100)
    outbox.commit([slots(0)])
    (sent,) = outbox.seal(0, "s-1")
    outbox.settle(receipt(sent, kept=True), 0)
    outbox.commit([slots(1)])
    assert outbox.seal(0, "s-1", fresh=False) == []
    (again,) = outbox.seal(30_000, "s-1", fresh=False)
    assert records_of(again) == records_of(sent)
    assert [r.sequence for batch in outbox.seal(30_000, "s-1") for r in records_of(batch)] == [2]


def test_sending_again_by_request_is_no_pressure(opened: Open) -> None:
    """Or a refilled database would cost what it has not seen yet."""
    outbox = opened(10)
    for first in range(0, 40, 8):
        outbox.commit([slots(*range(first, first + 8))])
        delivered(outbox)
    outbox.commit([slots(40, 41)])
    assert outbox.resend(START, START + 40 * GRID) == 40
    depth = outbox.depth()
    assert depth.records == 42
    assert not depth.over_limit
    assert outbox.relieve() == Relief()
    assert pieces(delivered(outbox)) == 42
    assert outbox.depth().ring_records == 42


def test_one_call_does_a_bounded_piece(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relief, "ROWS", 10)
    outbox = opened(9.5)
    outbox.commit([slots(*range(60), machine=machine) for machine in "ab"])
    steps = 0
    while outbox.relieve() != Relief():
        steps += 1
    assert steps > 10
    came = delivered(outbox)
    assert (pieces(came), seconds(came)) == (120, 120 * 300)
    assert len(came) == 10


def test_nothing_is_merged_into_a_record_that_fits_no_batch(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened(1.7)
    outbox.commit([slots(0, 1)])
    monkeypatch.setattr(relief, "RECORD_LIMIT", SIZE)
    assert relieved(outbox) == Relief()


def test_a_second_agent_on_the_file_is_still_found_out_after_merging(opened: Open) -> None:
    outbox = opened(1)
    outbox.commit([slots(0, 1, 2)])
    relieved(outbox)
    with pytest.raises(OutboxError, match="after a later one"):
        outbox.commit([slots(1)])
