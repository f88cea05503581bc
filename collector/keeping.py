"""Brings what was judged good into the store, and tells what became of it."""

from collections.abc import Sequence

from collector.announcement import Announced, is_same
from collector.answer import Judged
from collector.entry import Entry
from collector.verdict import ACCEPTED, Verdict, brief, kept, rejected
from contract.messages import ExceptionReason, Outcome
from contract.series import BY_NAME, row_of, whole_fact
from store.protocol import Store, Written


def _verdict(written: Written) -> Verdict:
    return Verdict(outcome=written.outcome, reason=written.reason, detail=brief(written.detail))


async def keep_records(store: Store, entries: Sequence[Entry]) -> list[Judged]:
    """Writes the entries without a verdict. Never raises for a store that is away."""
    rows = {
        entry.name: row_of(entry.record)
        for entry in entries
        if entry.record is not None and entry.verdict is None
    }
    written = await store.write(list(rows.values())) if rows else []
    verdicts = {name: _verdict(one) for name, one in zip(rows, written, strict=True)}
    return [(entry, entry.verdict or verdicts[entry.name]) for entry in entries]


async def keep_announcement(store: Store, fact: Announced) -> Verdict:
    """A fact already stored is not written again: its first hearing counts. Raises StoreAwayError."""
    stored = await _stored(store, fact)
    if stored is None:
        [written] = await store.write([row_of(fact)])
        if written.outcome is Outcome.KEPT:
            return kept(ExceptionReason.STORE, written.detail)
        if written.outcome is Outcome.REJECTED and written.reason is not ExceptionReason.CONFLICT:
            return _verdict(written)
        stored = await _stored(store, fact)
        if stored is None and written.outcome is Outcome.REJECTED:
            return kept(ExceptionReason.STORE, "what is stored in its place cannot be read yet")
    if stored is None or is_same(stored, fact):
        return ACCEPTED
    detail = f"id {stored.id} of {stored.by} was heard first with the same issued instant"
    return rejected(ExceptionReason.CONFLICT, detail)


async def _stored(store: Store, fact: Announced) -> Announced | None:
    row = row_of(fact)
    async for known in store.read(BY_NAME[row.series], row.time, row.time + 1, row.tags):
        found = whole_fact(known)
        return found if isinstance(found, type(fact)) else None
    return None


async def foretold_records(store: Store, entries: Sequence[Entry]) -> list[Judged]:
    """What `keep_records` would do, as far as what is stored tells. Raises StoreAwayError."""
    return [(entry, entry.verdict or await _foretold(store, entry)) for entry in entries]


async def _foretold(store: Store, entry: Entry) -> Verdict:
    if entry.record is None:
        return ACCEPTED
    row = row_of(entry.record)
    async for known in store.read(BY_NAME[row.series], row.time, row.time + 1, row.tags):
        if known.fields != row.fields:
            return rejected(ExceptionReason.CONFLICT, "its key is stored with other content")
    return ACCEPTED


async def foretold_announcement(store: Store, fact: Announced) -> Verdict:
    """What `keep_announcement` would do. Raises StoreAwayError."""
    stored = await _stored(store, fact)
    same = stored is None or is_same(stored, fact)
    return ACCEPTED if same else rejected(ExceptionReason.CONFLICT, "another was heard first")
