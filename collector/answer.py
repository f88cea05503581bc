"""What a batch came to: the receipt for its gateway and the batch fact for the store. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from collector.entry import Entry
from collector.judge import FAR_AHEAD_MS
from collector.verdict import ACCEPTED, Verdict
from contract.facts import BatchFact
from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException

RETRY_AFTER_MS: Final = 30_000
"""When to come again after the store was away."""

Judged = tuple[Entry, Verdict]


def _exception(entry: Entry, verdict: Verdict) -> RecordException:
    return RecordException(
        machine=entry.machine,
        epoch=entry.epoch,
        sequence=entry.sequence,
        outcome=verdict.outcome,
        reason=verdict.reason or ExceptionReason.INVALID,
        detail=verdict.detail,
    )


def is_away(judged: Sequence[Judged]) -> bool:
    """Whether the store took nothing. One that takes some is at a limit: the rest must not wait for that."""
    verdicts = [verdict for _, verdict in judged]
    return ACCEPTED not in verdicts and any(verdict.reason is ExceptionReason.STORE for verdict in verdicts)


def receipt(
    batch_id: str,
    collector: str,
    at: int,
    judged: Sequence[Judged],
    store_asks_ms: int = 0,
    *,
    signatures: int = 0,
) -> Receipt:
    """``store_asks_ms``: so long the store asked to be left alone. ``signatures``: so many rest in it."""
    exceptions = [_exception(*one) for one in judged if one[1] != ACCEPTED]
    return Receipt(
        batch=batch_id,
        collector=collector,
        at=at,
        records=len(judged),
        accepted=len(judged) - len(exceptions),
        unreadable=None,
        retry_after_ms=max(RETRY_AFTER_MS, store_asks_ms) if is_away(judged) else 0,
        exceptions=exceptions,
        signatures=signatures,
    )


def unreadable_receipt(batch_id: str, collector: str, at: int, why: str) -> Receipt:
    return Receipt(
        batch=batch_id,
        collector=collector,
        at=at,
        records=0,
        accepted=0,
        unreadable=why,
        retry_after_ms=0,
        exceptions=[],
    )


def batch_fact(batch_id: str, collector: str, batch: Batch, judged: Sequence[Judged], now: int) -> BatchFact:
    """``now`` stands for a ``sealed`` that is too far ahead to be a time of the store."""
    outcomes = Counter(verdict.outcome for _, verdict in judged)
    return BatchFact(
        site=batch.site,
        gateway=batch.gateway,
        sealed=batch.sealed if batch.sealed <= now + FAR_AHEAD_MS else now,
        id=batch_id,
        records=len(judged),
        accepted=outcomes[Outcome.ACCEPTED],
        rejected=outcomes[Outcome.REJECTED],
        kept=outcomes[Outcome.KEPT],
        collector=collector,
    )
