"""What becomes of records on their way to a receipt (DESIGN 4, "Custody"): pure decisions, no file."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from contract.messages import ExceptionReason, Outcome, Receipt, RecordException
from edge_agent.packing import Life

FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = 300_000
LONGEST_RETRY_MS: Final = 3_600_000
"""A collector may ask for at most this much patience: a nonsense number must not bury a record."""


class Member(Struct, frozen=True):
    """A record of a batch that waits for its receipt."""

    row: int
    machine: str
    epoch: str
    sequence: int
    tries: int
    """How many receipts have kept it so far."""

    @property
    def name(self) -> tuple[str, str, int]:
        return self.machine, self.epoch, self.sequence


class Rejected(Struct, frozen=True):
    row: int
    reason: str
    detail: str


class Kept(Struct, frozen=True):
    row: int
    due: int
    """When it may go again, ms."""


class Ruling(Struct, frozen=True, kw_only=True):
    """What a receipt means for each record of its batch; with a complaint it means nothing."""

    accepted: tuple[int, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    kept: tuple[Kept, ...] = ()
    conflicts: tuple[Life, ...] = ()
    """Lives of which the store holds a name with other content."""
    complaint: str | None = None


def resend_after_ms(attempt: int) -> int:
    """How long a batch waits for its receipt before the same bytes go again: 30 s, doubling to 5 min.

    ``attempt`` counts the sendings so far, from 1.
    """
    return min(FIRST_WAIT_MS << min(attempt - 1, 8), LONGEST_WAIT_MS)


def back_off_ms(tries: int, retry_after_ms: int) -> int:
    """How long a kept record rests: 30 s, doubling to 5 min, or longer if the collector asks for it.

    ``tries`` counts the receipts that kept it before.
    """
    return max(resend_after_ms(tries + 1), min(retry_after_ms, LONGEST_RETRY_MS))


def rule(members: Sequence[Member], receipt: Receipt, now_ms: int) -> Ruling:
    """What ``receipt`` says of each record of its batch. One that contradicts itself says nothing at all."""
    exceptions = {(e.machine, e.epoch, e.sequence): e for e in receipt.exceptions}
    complaint = _complaint(members, receipt, exceptions)
    if complaint:
        return Ruling(complaint=complaint)
    accepted, rejected, kept, conflicts = [], [], [], set()
    for member in members:
        exception = exceptions.get(member.name)
        if exception is None:
            accepted.append(member.row)
        elif exception.outcome is Outcome.KEPT:
            due = now_ms + back_off_ms(member.tries, receipt.retry_after_ms)
            kept.append(Kept(member.row, due))
        else:
            rejected.append(Rejected(member.row, exception.reason, exception.detail))
            if exception.reason == ExceptionReason.CONFLICT:
                conflicts.add((member.machine, member.epoch))
    return Ruling(
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        kept=tuple(kept),
        conflicts=tuple(sorted(conflicts)),
    )


def _complaint(
    members: Sequence[Member],
    receipt: Receipt,
    exceptions: dict[tuple[str, str, int], RecordException],
) -> str | None:
    strangers = exceptions.keys() - {member.name for member in members}
    checks = (
        (
            receipt.unreadable is not None,
            f"finds it unreadable ({receipt.unreadable}); it stays and goes again",
        ),
        (
            receipt.records != len(members),
            f"counts {receipt.records} records where it has {len(members)}; ignored",
        ),
        (len(exceptions) != len(receipt.exceptions), "names a record twice; ignored"),
        (
            receipt.accepted + len(exceptions) != receipt.records,
            f"accepts {receipt.accepted} and excepts {len(exceptions)} of {receipt.records}; ignored",
        ),
        (bool(strangers), f"names records that are not in it, {sorted(strangers)[:1]}; ignored"),
        (
            any(exception.outcome is Outcome.ACCEPTED for exception in exceptions.values()),
            "lists an accepted record as an exception; ignored",
        ),
    )
    about = f"the receipt of {receipt.collector} for batch {receipt.batch[:12]} "
    return next((about + text for is_wrong, text in checks if is_wrong), None)


class InRing(Struct, frozen=True):
    row: int
    instant: int
    size: int


def falls_out(oldest_first: Iterable[InRing], *, excess_bytes: int, before_ms: int) -> tuple[int, ...]:
    """The rows of the ring that are too old, and as many of the oldest as are too much."""
    out = []
    for record in oldest_first:
        if record.instant >= before_ms and excess_bytes <= 0:
            break
        out.append(record.row)
        excess_bytes -= record.size
    return tuple(out)
