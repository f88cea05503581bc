"""What a receipt decides, and how long to wait: tables, no file."""

import msgspec
import pytest

from contract.messages import ExceptionReason, Outcome, Receipt, RecordException
from edge_agent.custody import (
    LONGEST_RETRY_MS,
    InRing,
    Kept,
    Member,
    Rejected,
    back_off_ms,
    falls_out,
    resend_after_ms,
    rule,
)

NOW = 1_795_305_600_000
MEMBERS = [
    Member(1, "cnc-01", "e1", 0, 0),
    Member(2, "cnc-01", "e1", 1, 2),
    Member(3, "cnc-02", "e9", 7, 0),
]


def exception(
    machine: str = "cnc-01",
    sequence: int = 1,
    *,
    epoch: str = "e1",
    outcome: Outcome = Outcome.KEPT,
    reason: ExceptionReason = ExceptionReason.STORE,
) -> RecordException:
    return RecordException(
        machine=machine, epoch=epoch, sequence=sequence, outcome=outcome, reason=reason, detail="why"
    )


def receipt(*exceptions: RecordException, retry_after_ms: int = 0) -> Receipt:
    return Receipt(
        batch="a" * 64,
        collector="c-1",
        at=NOW,
        records=3,
        accepted=3 - len(exceptions),
        unreadable=None,
        retry_after_ms=retry_after_ms,
        exceptions=list(exceptions),
    )


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (6, 300), (10_000, 300)]
)
def test_an_unanswered_batch_goes_again_after_30_seconds_doubling_to_5_minutes(
    attempt: int, seconds: int
) -> None:
    assert resend_after_ms(attempt) == seconds * 1000


@pytest.mark.parametrize(
    ("tries", "asked", "rest"),
    [
        (0, 0, 30_000),
        (1, 0, 60_000),
        (9, 0, 300_000),
        (0, 45_000, 45_000),
        (9, 45_000, 300_000),
        (0, 10**18, LONGEST_RETRY_MS),
    ],
)
def test_a_kept_record_rests_for_its_back_off_or_as_long_as_the_collector_asks(
    tries: int, asked: int, rest: int
) -> None:
    assert back_off_ms(tries, asked) == rest


def test_what_a_receipt_does_not_list_was_accepted() -> None:
    ruling = rule(MEMBERS, receipt(), NOW)
    assert ruling.accepted == (1, 2, 3)
    assert not ruling.kept
    assert not ruling.rejected
    assert ruling.complaint is None


def test_each_record_gets_the_outcome_of_its_own_name() -> None:
    refused = exception("cnc-02", 7, epoch="e9", outcome=Outcome.REJECTED, reason=ExceptionReason.RETENTION)
    ruling = rule(MEMBERS, receipt(refused, exception()), NOW)
    assert ruling.accepted == (1,)
    assert ruling.kept == (Kept(2, NOW + 120_000),)
    assert ruling.rejected == (Rejected(3, ExceptionReason.RETENTION, "why"),)
    assert ruling.conflicts == ()


def test_a_conflict_names_the_life_that_has_to_end_once() -> None:
    refusals = [
        exception("cnc-01", n, outcome=Outcome.REJECTED, reason=ExceptionReason.CONFLICT) for n in (0, 1)
    ]
    assert rule(MEMBERS, receipt(*refusals), NOW).conflicts == (("cnc-01", "e1"),)


def test_a_kept_conflict_ends_nothing() -> None:
    kept = exception(outcome=Outcome.KEPT, reason=ExceptionReason.CONFLICT)
    assert rule(MEMBERS, receipt(kept), NOW).conflicts == ()


replace = msgspec.structs.replace
CONTRADICTIONS = {
    "unreadable (no JSON)": replace(receipt(), unreadable="no JSON", records=0, accepted=0),
    "counts 4 records": replace(receipt(), records=4, accepted=4),
    "counts 0 records": replace(receipt(), records=0, accepted=0),
    "accepts 2 and excepts 0": replace(receipt(), accepted=2),
    "accepts 3 and excepts 1": replace(receipt(exception()), accepted=3),
    "names a record twice": receipt(exception(), exception()),
    "('cnc-09', 'e1', 1)": receipt(exception("cnc-09")),
    "('cnc-01', 'e2', 1)": receipt(exception(epoch="e2")),
    "('cnc-01', 'e1', 5)": receipt(exception(sequence=5)),
    "lists an accepted record": receipt(exception(outcome=Outcome.ACCEPTED)),
}


@pytest.mark.parametrize("said", CONTRADICTIONS)
def test_a_receipt_that_contradicts_itself_decides_nothing(said: str) -> None:
    ruling = rule(MEMBERS, CONTRADICTIONS[said], NOW)
    assert ruling.complaint is not None
    assert said in ruling.complaint
    assert "c-1" in ruling.complaint
    assert (ruling.accepted, ruling.rejected, ruling.kept, ruling.conflicts) == ((), (), (), ())


RING = [InRing(row=n, instant=1000 * n, size=10) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("excess", "before", "out"),
    [
        (0, 0, ()),
        (-5, 2000, (1,)),
        (0, 2001, (1, 2)),
        (1, 0, (1,)),
        (10, 0, (1,)),
        (11, 0, (1, 2)),
        (11, 3500, (1, 2, 3)),
        (10_000, 0, (1, 2, 3, 4)),
    ],
)
def test_the_oldest_of_the_ring_fall_out_when_too_old_or_too_much(
    excess: int, before: int, out: tuple[int, ...]
) -> None:
    assert falls_out(RING, excess_bytes=excess, before_ms=before) == out
