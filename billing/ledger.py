"""The ledger of frozen and issued runs: lines of JSON, each with the digest of the line before it. Pure.

Nothing in it is ever changed; what was done is told by what was added.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

GENESIS: Final = "0" * 64
"""Stands before the first entry."""


class Event(StrEnum):
    CLOSED = "closed"
    """A day: looked at by a person, with nothing open or a reason why."""
    FROZEN = "frozen"
    ISSUED = "issued"


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    number: int
    """Counts from 1."""
    at: int
    """UTC ms."""
    event: Event
    period: str
    """The name of the period: a day, a month, or both ends."""
    revision: int
    pack: str
    """Digest of the evidence pack; of a closed day, of what its closing left (``closed_day``)."""
    by: str
    override: str = ""
    """Why it was frozen or closed although something was open."""
    previous: str
    """Digest of the entry before."""
    digest: str = ""
    """SHA-256 of the entry without it; left out while it is computed."""


class Ledger(Struct, frozen=True, kw_only=True):
    entries: tuple[Entry, ...] = ()
    head: str = GENESIS
    """Digest of the last entry."""
    breaks: tuple[str, ...] = ()
    """What is wrong with it, one line each."""
    size: int = 0
    """Bytes up to the end of the last whole line."""
    is_cut_off: bool = False
    """Whether an entry at its end was not written whole: a disk was full, or the power gone."""

    def revisions(self, period: str, event: Event) -> list[Entry]:
        return [entry for entry in self.entries if entry.period == period and entry.event is event]


def line_of(entry: Entry) -> bytes:
    return msgspec.json.encode(entry, order="sorted") + b"\n"


def sealed(entry: Entry) -> Entry:
    plain = msgspec.structs.replace(entry, digest="")
    return msgspec.structs.replace(plain, digest=hashlib.sha256(line_of(plain)).hexdigest())


def read_ledger(data: bytes) -> Ledger:
    """Every line is walked, also behind a broken one. What an append left unfinished is left out."""
    size = data.rfind(b"\n") + 1
    is_cut_off, data = size < len(data), data[:size]
    entries: list[Entry] = []
    breaks: list[str] = []
    head = GENESIS
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            breaks.append(f"ledger, entry {number}: cannot be read ({error})")
            continue
        breaks += [f"ledger, entry {number}: {what}" for what in _wrong(entry, number, head, line)]
        entries.append(entry)
        head = entry.digest
    return Ledger(entries=tuple(entries), head=head, breaks=tuple(breaks), size=size, is_cut_off=is_cut_off)


def _wrong(entry: Entry, number: int, head: str, line: bytes) -> Iterable[str]:
    if entry.previous != head:
        yield f"does not follow the entry before it, which was changed or removed ({entry.period})"
    if entry.number != number:
        yield f"says that it is entry {entry.number}"
    if line_of(sealed(entry)) != line:
        yield f"is not as it was written ({entry.event} {entry.period}, revision {entry.revision})"


def next_entry(
    ledger: Ledger, event: Event, at: int, names: tuple[str, int, str], said: Sequence[str]
) -> Entry:
    """``names``: period, revision, digest of the pack. ``said``: by whom, and the override."""
    period, revision, pack = names
    by, override = said
    entry = Entry(
        number=len(ledger.entries) + 1,
        at=at,
        event=event,
        period=period,
        revision=revision,
        pack=pack,
        by=by,
        override=override,
        previous=ledger.head,
    )
    return sealed(entry)
