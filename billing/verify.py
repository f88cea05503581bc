"""Verifying a period: ledger, packs, what they come to, the stored rows and their chains. Wiring."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from billing import again
from billing.chain import Break, Head
from billing.chains import Plan, finding_of, walked
from billing.comparing import Comparison
from billing.config import Settings
from billing.damage import closed_damage, damage, damaged, issue_damage, manifest_damage
from billing.evidence import DamagedError, name_of, stored_in
from billing.filling import open_line
from billing.frozen import heads_of
from billing.ledger import Entry, Event
from billing.manifest import Manifest
from billing.past import past_of
from billing.period import Period, label
from billing.shelf import Shelf
from contract.series import BY_NAME
from contract.stored import Stored
from store.protocol import Store


async def verify(
    store: Store, settings: Settings, shelf: Shelf, period: Period, known: list[str]
) -> AsyncIterator[str]:
    """Everything that is not as it was frozen, one line each; nothing when all is well.

    ``known``: takes the breaks in chains that were there when it was frozen, with somebody's reason.
    """
    ledger, name = shelf.ledger, label(period, settings.zone)
    for text in ledger.breaks:
        yield text
    if ledger.is_cut_off:
        yield "ledger: what stands at its end is no whole entry; the next one takes its place"
    frozen = ledger.revisions(name, Event.FROZEN)
    for revision in sorted({*shelf.revisions(name)} - {entry.revision for entry in frozen}):
        yield f"{name}/{revision}: no entry of the ledger knows this pack"
    for entry in frozen:
        async for text in _revision(store, settings, shelf, entry):
            yield f"{name}/{entry.revision}: {text}"
    for text in closed_damage(shelf, period, settings.zone):
        yield text
    opened = _open(shelf)
    async for each in _breaks(store, settings, shelf, period):
        text = f"{each.rule} of {each.said(settings.zone)}"
        if open_line(finding_of(each), settings.zone) in opened:
            known.append(text)
        else:
            yield text


def _open(shelf: Shelf) -> set[str]:
    """What was open in the packs that are as they were frozen."""
    return {line for manifest in _manifests(shelf, shelf.ledger.entries) for line in manifest.open}


def _manifests(shelf: Shelf, entries: Iterable[Entry]) -> Iterator[Manifest]:
    for entry in entries:
        if entry.event is Event.FROZEN:
            with suppress(DamagedError):  # which is told of elsewhere
                manifest = shelf.manifest(entry.period, entry.revision)
                if manifest.digest == entry.pack:
                    yield manifest


async def _breaks(store: Store, settings: Settings, shelf: Shelf, period: Period) -> AsyncIterator[Break]:
    """From the first record of each epoch: nothing that was walked before is taken for granted."""
    heads: Mapping[str, Head] = {}
    now = period.end
    frozen = shelf.ledger.revisions(label(period, settings.zone), Event.FROZEN)
    for manifest in _manifests(shelf, frozen):
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
        yield each


async def _revision(store: Store, settings: Settings, shelf: Shelf, entry: Entry) -> AsyncIterator[str]:
    place = shelf.place(entry.period, entry.revision)
    try:
        manifest = shelf.manifest(entry.period, entry.revision)
    except DamagedError as error:
        yield str(error)
        return
    issued = shelf.ledger.revisions(entry.period, Event.ISSUED)
    its = next((one for one in issued if one.revision == entry.revision), None)
    for text in [*manifest_damage(place, manifest, entry), *issue_damage(place, manifest, its)]:
        yield text
    for text in damage(place, manifest):
        yield text
    async for text in _against_store(store, settings, place, manifest):
        yield text
    try:
        past = past_of(shelf, manifest.name, manifest.revision)
    except DamagedError as error:
        yield f"cannot be rated again: {error}"
        return
    async for text in again.differences(place, manifest, past):
        yield text


async def _against_store(
    store: Store, settings: Settings, place: Path, manifest: Manifest
) -> AsyncIterator[str]:
    """Names the records that differ, whichever of the two was changed."""
    broken = set(damaged(place, manifest))
    for file in sorted(manifest.files):
        if not (found := name_of(file)) or not (place / file).is_file():
            continue
        series = BY_NAME[found.series]
        kept, comparison = _Kept(place / file), Comparison(file, series, settings.zone)
        pages = store.pages(series, found.start, found.end, {"site": manifest.site})
        async for text in comparison.differences(kept, _rows(pages)):
            yield text
        if kept.damage:
            yield kept.damage
        elif file in broken and comparison.kept < manifest.files[file].rows:
            for name in comparison.more:
                yield f"{name}: may be missing from the evidence"
            if comparison.many > len(comparison.more):
                yield f"{file}: so may {comparison.many - len(comparison.more)} more"


async def _rows(pages: AsyncIterator[Sequence[Stored]]) -> AsyncIterator[Stored]:
    async for page in pages:
        for stored in page:
            yield stored


class _Kept:
    """The rows of a file, up to where it can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damage = ""

    def __iter__(self) -> Iterator[Stored]:
        try:
            yield from stored_in(self._path)
        except DamagedError as error:
            self.damage = str(error)
