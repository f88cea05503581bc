"""What was issued of a period, read from the shelf."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from billing.adjusting import Document, document
from billing.evidence import DamagedError, name_of, stored_in
from billing.ledger import Event
from billing.shelf import STATEMENTS, Shelf
from contract.facts import LeaseFact
from contract.series import BY_NAME, LEASE, Row, fact_of
from contract.stored import row_of_stored

Key = tuple[str, int, tuple[tuple[str, str], ...]]


class Past(Struct, frozen=True, kw_only=True):
    packs: tuple[str, ...] = ()
    """Digests of what was issued, oldest first."""
    documents: Mapping[str, tuple[Document, ...]] = {}
    """By tenant, oldest first."""
    texts: Mapping[str, str] = {}
    """The configuration of the latest."""
    latest: Path | None = None
    """The directory of its evidence."""


NO_PAST = Past()


def past_of(shelf: Shelf, name: str, before: int | None = None) -> Past:
    """``before``: only revisions below it. Raises DamagedError."""
    issued = [
        entry
        for entry in shelf.ledger.revisions(name, Event.ISSUED)
        if before is None or entry.revision < before
    ]
    documents: dict[str, list[Document]] = defaultdict(list)
    for entry in issued:
        for path in sorted((shelf.place(name, entry.revision) / STATEMENTS).glob("*.json")):
            found = _document(path)
            documents[found.tenant.id].append(found)
    if not issued:
        return NO_PAST
    return Past(
        packs=tuple(entry.pack for entry in issued),
        documents={tenant: tuple(found) for tenant, found in documents.items()},
        texts=shelf.texts(name, issued[-1].revision),
        latest=shelf.place(name, issued[-1].revision),
    )


def _document(path: Path) -> Document:
    try:
        return document(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path}: cannot be read ({error})") from None


def news(past: Past, directory: Path, machines: frozenset[str]) -> Iterator[Row]:
    """Rows about ``machines`` in ``directory`` that are not in the evidence of what was issued last."""
    known = {_key(row) for row in _rows(past.latest, machines)} if past.latest else set[Key]()
    yield from (row for row in _rows(directory, machines) if _key(row) not in known)


def _rows(directory: Path, machines: frozenset[str]) -> Iterator[Row]:
    for path in sorted(directory.iterdir()):
        if name := name_of(path.name):
            series = BY_NAME[name.series]
            for stored in stored_in(path):
                with suppress(msgspec.DecodeError):  # what cannot be read is no reason that can be told
                    row = row_of_stored(stored, series)
                    if row.tags.get("machine") in machines:
                        yield row


def _key(row: Row) -> Key:
    return row.series, row.time, tuple(sorted(row.tags.items()))


def leases_in(directory: Path) -> Iterator[LeaseFact]:
    """Of a pack, all that can be read."""
    for path in sorted(directory.glob(f"{LEASE.name}-*")):
        for stored in stored_in(path):
            with suppress(msgspec.DecodeError):
                fact = fact_of(row_of_stored(stored, LEASE))
                if isinstance(fact, LeaseFact):
                    yield fact
