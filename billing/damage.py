"""What of an evidence pack is not as it was frozen, file by file. Reads files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from billing.evidence import DamagedError
from billing.ledger import Entry, Event, line_of
from billing.manifest import Manifest, canonical, digests_of
from billing.period import Period, by_day, label
from billing.shelf import DAYS, ISSUED, PACK, TEXTS, Shelf

Texts = dict[str, str]


def damaged(place: Path, manifest: Manifest) -> list[str]:
    """Files of the pack that are not there any more, or whose bytes are others."""
    return [name for name, kept in manifest.files.items() if _digest(place / name) != kept.digest]


def damage(place: Path, manifest: Manifest) -> Iterator[str]:
    """The same, and files that are there and were not, one line each."""
    there = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} - {PACK, ISSUED}
    yield from (f"{name} was put in later" for name in sorted(there - set(manifest.files)))
    for name in sorted(damaged(place, manifest)):
        if name not in there:
            yield f"{name} was removed"
            continue
        yield f"{name}: its bytes are not those that were frozen"
        if name == TEXTS:
            yield from _changed_texts(place / name, manifest)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _changed_texts(path: Path, manifest: Manifest) -> Iterator[str]:
    try:
        texts = msgspec.json.decode(path.read_bytes(), type=Texts)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        yield f"{TEXTS}: cannot be read ({error})"
        return
    now, before = digests_of(texts), manifest.texts
    for name in sorted({*now, *before} if before else ()):
        if now.get(name) != before.get(name):
            became = (
                "was put in" if name not in before else "was removed" if name not in now else "was changed"
            )
            yield f"{TEXTS}: {name} {became}"


def closed_damage(shelf: Shelf, period: Period, zone: ZoneInfo) -> Iterator[str]:
    """What the closings of the days of a period left, beside the ledger's word for it."""
    days = {label(day, zone) for day in by_day(period, zone)}
    closed = [entry for entry in shelf.ledger.entries if entry.event is Event.CLOSED and entry.period in days]
    for entry in closed:
        try:
            if shelf.closed(entry) is None:
                yield f"{DAYS}/{entry.period}/{entry.revision}.json was removed"
        except DamagedError as error:
            yield str(error)
    known = {(entry.period, entry.revision) for entry in closed}
    for day in sorted(days):
        for path in sorted((shelf.directory / DAYS / day).glob("*")):
            if (day, int(path.stem) if path.stem.isdecimal() else 0) not in known:
                yield f"{DAYS}/{day}/{path.name}: no entry of the ledger knows it"


def manifest_damage(place: Path, manifest: Manifest, frozen: Entry) -> Iterator[str]:
    if manifest.digest != frozen.pack or (place / PACK).read_bytes() != canonical(manifest):
        yield f"{PACK} is not the one that was frozen"


def issue_damage(place: Path, manifest: Manifest, issued: Entry | None) -> Iterator[str]:
    """The pack's own word that it was issued beside the ledger's."""
    path = place / ISSUED
    if not path.is_file():
        if issued and manifest.format > 1:
            yield f"{ISSUED} was removed"
        return
    if issued is None:
        yield f"{ISSUED} says that it was issued, and the ledger has no entry of it: one was taken out there"
    elif path.read_bytes() != line_of(issued):
        yield f"{ISSUED} is not the entry of the ledger, number {issued.number}"
