"""What a quarantined case is when it is judged again, by the rules and the clock of today. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from collector.announcement import Announced, read_announcement
from collector.answer import Judged
from collector.cases import Held, content
from collector.entry import NO_SEQUENCE, Entry
from collector.judge import judge, read_batch
from collector.quarantine import UNREADABLE
from collector.verdict import Unreadable
from contract.messages import Batch, Outcome
from contract.names import NONE, is_order_id
from contract.topics import Topic

SESSION: Final = "replay"
"""Stands for the session of the batch that a single record once came in."""
REFUSED: Final = "refused"
"""The outcome of a case that is nothing we could store."""


class Replayed(Struct, frozen=True, kw_only=True):
    """What became of a case."""

    case: Held
    outcome: str
    """accepted, rejected, kept or refused."""
    detail: str
    is_done: bool
    """Whether nothing more is to be had from the case: then it is marked as replayed."""


class Again(Struct, frozen=True, kw_only=True):
    """A case of a gateway, judged again: ``entries`` without a verdict may be written."""

    batch: Batch
    entries: list[Entry]


def read_again(one: Held, now: int) -> Again | Announced | Unreadable:
    """``now`` is UTC ms. Never raises for anything in the case."""
    try:
        payload = content(one)
    except ValueError as error:
        return Unreadable(why=str(error))
    if one.first.gateway == NONE:
        return _announcement(one, payload, now)
    return _batch(one, payload, now) if one.first.reason == UNREADABLE else _record(one, payload, now)


def _announcement(one: Held, payload: bytes, now: int) -> Announced | Unreadable:
    first = one.first
    fact = read_announcement(_topic(first.site, first.machine, payload), payload, now)
    # What counts is when it was heard, not when it could be kept.
    return fact if isinstance(fact, Unreadable) else msgspec.structs.replace(fact, heard=first.received)


class _Named(Struct):
    order_id: str | None = None
    panel: Any = None


def _topic(site: str, machine: str, payload: bytes) -> Topic:
    """The topic is not kept with the case; only a witness tells of a panel, and an order names itself."""
    try:
        said = msgspec.json.decode(payload, type=_Named)
    except (ValueError, RecursionError):
        said = _Named()
    if machine != NONE:
        return Topic("lease" if said.panel is None else "witness", site, machine)
    named = said.order_id or ""
    return Topic("order", site, named if is_order_id(named) else NONE)


def _batch(one: Held, payload: bytes, now: int) -> Again | Unreadable:
    batch = read_batch(Topic("batch", one.first.site, one.first.gateway), payload)
    return batch if isinstance(batch, Unreadable) else Again(batch=batch, entries=judge(batch, now))


def _record(one: Held, payload: bytes, now: int) -> Again | Unreadable:
    first = one.first
    batch = Batch(
        site=first.site,
        gateway=first.gateway,
        session=SESSION,
        sealed=first.received,
        records=[msgspec.Raw(payload)],
    )
    entries = judge(batch, now)
    if first.sequence != NO_SEQUENCE and entries[0].name != (first.machine, first.epoch, first.sequence):
        return Unreadable(why="the stored payload is not the record that it is filed under")
    return Again(batch=batch, entries=entries)


def concluded(one: Held, judged: Sequence[Judged]) -> Replayed:
    """A single record is done when it is stored; a whole batch also when the rest of it is in quarantine."""
    counts = {outcome: [v for _, v in judged if v.outcome is outcome] for outcome in Outcome}
    rejected, kept = counts[Outcome.REJECTED], counts[Outcome.KEPT]
    worst = Outcome.KEPT if kept else Outcome.REJECTED if rejected else Outcome.ACCEPTED
    whole = one.first.reason == UNREADABLE
    said = next((f"{verdict.reason}: {verdict.detail}" for verdict in (*kept, *rejected)), "")
    tally = ", ".join(f"{len(found)} {outcome}" for outcome, found in counts.items() if found)
    return Replayed(
        case=one,
        outcome=str(worst),
        detail="; ".join(filter(None, (tally or "no record", said))) if whole else said,
        is_done=not kept and (whole or not rejected),
    )


def refused(one: Held, why: str) -> Replayed:
    return Replayed(case=one, outcome=REFUSED, detail=why, is_done=False)


def chosen(cases: Iterable[Held], reason: str | None) -> list[Held]:
    """Those with the reason, or all, that were not replayed yet."""
    return [one for one in cases if one.replayed is None and reason in {None, one.first.reason}]
