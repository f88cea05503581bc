"""What somebody can check who has a pack and nothing else: no books, no store, no configuration. Wiring."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from billing import again
from billing.bad_usage import BadUsageError
from billing.chain import Break, Life
from billing.chain_walk import Start
from billing.chains import Plan, finding_of, walked
from billing.damage import damage
from billing.evidence import PackStore
from billing.filling import open_line
from billing.frozen import heads_of, starts_in
from billing.ledger import Entry, line_of, sealed
from billing.manifest import Kind, Manifest, canonical
from billing.pack_settings import settings_in
from billing.past import NO_PAST, Past, past_of
from billing.period import whole_days
from billing.shelf import ISSUED, PACK, Shelf


async def audit(place: Path, manifest: Manifest) -> AsyncIterator[str]:
    """Everything in which the pack at ``place`` disagrees with itself, one line each."""
    if (place / PACK).read_bytes() != canonical(manifest):
        yield f"{PACK} is not written as a manifest is"
    for text in [*_issue(place, manifest), *damage(place, manifest)]:
        yield text
    async for text in again.differences(place, manifest, _past(place, manifest)):
        yield text
    try:
        for each in await _breaks(place, manifest):
            if open_line(finding_of(each), manifest.zone) not in manifest.open:
                yield f"{each.rule} of {each.said(manifest.zone)}"
    except Exception as error:  # noqa: BLE001  what was tampered with may go wrong anywhere, and is told so
        yield f"its chains cannot be walked: {again.said(error)}"


def _issue(place: Path, manifest: Manifest) -> list[str]:
    path = place / ISSUED
    if not path.is_file():
        return []
    data = path.read_bytes()
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return [f"{ISSUED}: cannot be read ({error})"]
    if line_of(sealed(entry)) != data or entry.pack != manifest.digest:
        return [f"{PACK} and {ISSUED} do not belong together: one of the two was changed"]
    return []


def _past(place: Path, manifest: Manifest) -> Past:
    """An adjustment is against what was issued before it, which lies beside it in the books."""
    if manifest.kind is Kind.STATEMENT:
        return NO_PAST
    past = past_of(Shelf(place.resolve().parent.parent), manifest.name, manifest.revision)
    if past.packs != manifest.booked:
        raise BadUsageError(
            f"{place}: an adjustment, and not beside what it adjusts; give it where it lies in the books"
        )
    return past


async def _breaks(place: Path, manifest: Manifest) -> tuple[Break, ...]:
    """None for a period that does not consist of whole days: chains are cut only there."""
    period = whole_days(manifest.period, manifest.zone)
    if period != manifest.period:
        return ()
    plan = Plan(
        site=manifest.site,
        period=period,
        zone=manifest.zone,
        now=manifest.now,
        heads=heads_of(manifest),
        starts=_starts(manifest),
        trusted=settings_in(place, manifest).trusted,
        is_pack=True,
    )
    return (await walked(PackStore(place, manifest.files), plan)).breaks


def _starts(manifest: Manifest) -> dict[Life, Start]:
    return {life: Start(head, manifest.period.start) for life, head in starts_in(manifest).items()}
