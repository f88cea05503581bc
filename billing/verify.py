"""Verifying a period: ledger, packs, what they come to, the stored rows and their chains. Wiring."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import msgspec

from billing.adjusting import Line, document
from billing.chain import Head
from billing.chains import Plan, walked
from billing.comparing import Key, differences, key_of, record_of
from billing.config import Settings
from billing.evidence import DamagedError, name_of, rows_of
from billing.filling import fill
from billing.freeze import settings_of, store_of
from billing.frozen import heads_of
from billing.ledger import Entry, Event
from billing.manifest import Manifest, canonical
from billing.past import past_of
from billing.period import Period, label
from billing.shelf import PACK, STATEMENTS, Shelf
from contract.complaint import BadConfigurationError
from contract.series import BY_NAME, Row
from store.protocol import Store


async def verify(store: Store, settings: Settings, shelf: Shelf, period: Period) -> AsyncIterator[str]:
    """Everything that is not as it was frozen, one line each; nothing when all is well."""
    ledger, name = shelf.ledger, label(period, settings.zone)
    for text in ledger.breaks:
        yield text
    frozen = ledger.revisions(name, Event.FROZEN)
    for revision in sorted({*shelf.revisions(name)} - {entry.revision for entry in frozen}):
        yield f"{name}/{revision}: no entry of the ledger knows this pack"
    for entry in frozen:
        async for text in _revision(store, settings, shelf, entry):
            yield f"{name}/{entry.revision}: {text}"
    async for text in _chains(store, settings, shelf, period, frozen):
        yield text


async def _chains(
    store: Store, settings: Settings, shelf: Shelf, period: Period, frozen: Sequence[Entry]
) -> AsyncIterator[str]:
    """From the first record of each epoch: nothing that was walked before is taken for granted."""
    heads: Mapping[str, Head] = {}
    now = period.end
    for entry in frozen:
        with suppress(DamagedError):  # which was told of before
            manifest = shelf.manifest(entry.period, entry.revision)
            heads, now = heads_of(manifest), manifest.now
    plan = Plan(
        site=settings.site.id,
        period=period,
        zone=settings.zone,
        now=now,
        heads=heads,
        trusted=settings.trusted,
    )
    for each in (await walked(store, plan)).breaks:
        yield f"{each.rule} of {each.said(settings.zone)}"


async def _revision(store: Store, settings: Settings, shelf: Shelf, entry: Entry) -> AsyncIterator[str]:
    place = shelf.place(entry.period, entry.revision)
    try:
        manifest = shelf.manifest(entry.period, entry.revision)
    except DamagedError as error:
        yield str(error)
        return
    if manifest.digest != entry.pack or (place / PACK).read_bytes() != canonical(manifest):
        yield f"{PACK} is not the one that was frozen"
    for text in _damage(place, manifest):
        yield text
    async for text in _against_store(store, settings, place, manifest):
        yield text
    async for text in _again(shelf, manifest):
        yield text


def _damage(place: Path, manifest: Manifest) -> Iterator[str]:
    """Files whose bytes are not what was frozen."""
    there = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} - {PACK}
    yield from (f"{name} was put in later" for name in sorted(there - set(manifest.files)))
    for name, kept in sorted(manifest.files.items()):
        if name not in there:
            yield f"{name} was removed"
        elif _digest(place / name) != kept.digest:
            yield f"{name}: its bytes are not those that were frozen"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _against_store(
    store: Store, settings: Settings, place: Path, manifest: Manifest
) -> AsyncIterator[str]:
    """Names the records that differ, whichever of the two was changed."""
    for file in sorted(manifest.files):
        if not (found := name_of(file)):
            continue
        kept: dict[Key, Row] = {}
        try:
            for row in rows_of(place / file):
                kept[key_of(row)] = row
        except DamagedError as error:
            yield str(error)
        rows = store.read(BY_NAME[found.series], found.start, found.end, {"site": manifest.site})
        stored = {key_of(row): row async for row in rows}
        for text in differences(kept, stored, settings.zone):
            yield text
        if len(kept) < manifest.files[file].rows:
            for row in (row for key, row in stored.items() if key not in kept):
                yield f"{record_of(row, settings.zone)}: may be missing from the evidence"


async def _again(shelf: Shelf, manifest: Manifest) -> AsyncIterator[str]:
    """Rates once more from the evidence alone, and compares every file."""
    past = past_of(shelf, manifest.name, manifest.revision)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        (directory / STATEMENTS).mkdir()
        plan = msgspec.structs.replace(manifest, files={}, open=())
        try:
            settings = settings_of(shelf, manifest)
            filled = await fill(store_of(shelf, manifest), settings, plan, directory, past=past)
        except (DamagedError, BadConfigurationError) as error:
            yield f"cannot be rated again from its evidence: {error}"
            return
        for text in _otherwise(manifest, filled.manifest):
            yield text
        for text in _lines(shelf.place(manifest.name, manifest.revision), directory):
            yield text


def _otherwise(before: Manifest, now: Manifest) -> Iterator[str]:
    here = f"gongfang {version('gongfang')}"
    hint = "" if before.software == here else f" (it was made by {before.software}, this is {here})"
    for name in sorted({*before.files, *now.files}):
        kept, made = before.files.get(name), now.files.get(name)
        if (kept and kept.content) != (made and made.content):
            yield f"{name}: comes out otherwise when it is made again from the evidence{hint}"


def _lines(place: Path, again: Path) -> Iterator[str]:
    """Lines of the pages that went out beside those that the evidence gives."""
    for path in sorted((again / STATEMENTS).glob("*.json")):
        name = f"{STATEMENTS}/{path.name}"
        try:
            kept, made = document((place / name).read_bytes()), document(path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"{name}: cannot be read ({error})"
            continue
        before, now = ({line.key: line for line in each.charges} for each in (kept, made))
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                was, comes = _gross(before.get(key)), _gross(now.get(key))
                yield f"{name}, line {key[0]}: {was}, by the evidence {comes}"
        if kept.total != made.total:
            yield f"{name}: total {kept.total}, by the evidence {made.total}"


def _gross(line: Line | None) -> str:
    return f"{line.quantity} {line.unit}, {line.gross}" if line else "not there"
