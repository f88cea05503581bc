"""Freezing a period: rates it, keeps the evidence, and puts both on the shelf. Wiring."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from billing.chains import Plan, walked
from billing.config import Settings
from billing.damage import damage
from billing.evidence import DamagedError
from billing.filling import Filled, chain_lines, fill
from billing.frozen import newest_heads, starts_of
from billing.ledger import Entry, Event, Ledger, next_entry, sealed
from billing.manifest import Kind, Manifest
from billing.past import NO_PAST, Past, past_of
from billing.period import Period, label, shown, whole_days
from billing.progress import Progress
from billing.shelf import ISSUED, Shelf
from store.protocol import Store

_FEW: Final = 8


class NotNowError(Exception):
    """The life of a statement does not allow it. The text says why, and what to do."""


class NothingNewError(Exception):
    """A fresh rating is what was booked."""


class Order(Struct, frozen=True, kw_only=True):
    """What a person asked for."""

    period: Period
    now: int
    """UTC ms."""
    by: str
    override: str = ""


async def freeze(
    store: Store, settings: Settings, order: Order, shelf: Shelf, progress: Progress | None = None
) -> Filled:
    """Raises NotNowError, StoreAwayError, DamagedError."""
    name = label(order.period, settings.zone)
    with shelf.locked():
        finished(shelf, name)
        refuse_to_freeze(shelf, settings, order, name)
        plan = _plan(shelf, settings, order, Kind.STATEMENT)
        return await _put(store, settings, plan, shelf, past=NO_PAST, progress=progress)


async def adjust(
    store: Store, settings: Settings, order: Order, shelf: Shelf, progress: Progress | None = None
) -> Filled:
    """A fresh rating less what was issued. Raises NotNowError, also when nothing is different."""
    name = label(order.period, settings.zone)
    with shelf.locked():
        finished(shelf, name)
        if not shelf.ledger.revisions(name, Event.ISSUED):
            raise NotNowError(f"{name} is not issued: nothing is booked yet; `freeze` it as it is today")
        past = past_of(shelf, name)
        plan = _plan(shelf, settings, order, Kind.ADJUSTMENT, past.packs)
        return await _put(store, settings, plan, shelf, past=past, progress=progress)


async def _put(
    store: Store,
    settings: Settings,
    plan: Manifest,
    shelf: Shelf,
    *,
    past: Past,
    progress: Progress | None,
) -> Filled:
    with shelf.new(plan.name, plan.revision) as (directory, finish):
        filled = await fill(store, settings, plan, directory, past=past, progress=progress)
        walk = _walk(settings, plan, shelf)
        chains = await walked(store, walk)
        opened = (*filled.manifest.open, *chain_lines(chains, settings))
        starts = {"/".join(life): str(start.head) for life, start in sorted(walk.starts.items())}
        manifest = msgspec.structs.replace(filled.manifest, open=opened, heads=chains.heads, starts=starts)
        if plan.kind is Kind.ADJUSTMENT and not filled.adjustments:
            raise NothingNewError(f"{plan.name}: a fresh rating is what was booked; nothing to adjust")
        if manifest.open and not plan.override:
            raise NotNowError(open_text(manifest.open, plan.name, "frozen"))
        finish(manifest)
    shelf.add(Event.FROZEN, plan.now, (plan.name, plan.revision, manifest.digest), plan.by, plan.override)
    return msgspec.structs.replace(filled, manifest=manifest)


def _walk(settings: Settings, plan: Manifest, shelf: Shelf) -> Plan:
    return Plan(
        site=settings.site.id,
        period=plan.period,
        zone=settings.zone,
        now=plan.now,
        heads=newest_heads(shelf, plan.name),
        starts=starts_of(shelf, plan.period),
        trusted=settings.trusted,
    )


def refuse_to_freeze(shelf: Shelf, settings: Settings, order: Order, name: str) -> None:
    """Raises NotNowError when the period cannot be frozen, whatever was found in it."""
    ledger = shelf.ledger
    whole(ledger)
    if order.now < order.period.end:
        over = shown(order.period.end, settings.zone)
        raise NotNowError(f"{name} is not over: freeze it after {over} (`run` makes drafts until then)")
    if issued := ledger.revisions(name, Event.ISSUED):
        raise NotNowError(
            f"{name} is issued (by {issued[0].by}, revision {issued[0].revision}) and never changes;"
            f" `adjust` books what is different today"
        )
    for other in shelf.manifests():
        if other.name != name and _overlap(other.period, order.period):
            raise NotNowError(
                f"{name} overlaps {other.name}, which is frozen: what lies in both would be booked twice;"
                " freeze the rest with --from and --to"
            )
        days = whole_days(order.period, settings.zone)
        if other.name != name and not order.override and _overlap(_days(other), days):
            raise NotNowError(
                f"{name} shares a day with {other.name}, which is frozen: what is charged by the day or the"
                " month (base fees, minimums, lines by hand) would be charged for that day in both; freeze"
                " from midnight to midnight, or take it as it is: --override REASON, which every page says"
            )


def whole(ledger: Ledger) -> None:
    """Nothing is added to a ledger that was tampered with. Raises DamagedError."""
    if ledger.breaks:
        raise DamagedError("\n".join([*ledger.breaks, "restore the ledger from a copy before anything else"]))


def finished(shelf: Shelf, name: str) -> None:
    """Writes the entry that who was ended in the middle had still to write: of a pack that lies there whole.

    A pack is laid down before its entry, and a pack's own word that it was issued before the ledger's. What
    fits to the end of the ledger is finished; anything else is for `verify`. Raises DamagedError.
    """
    whole(shelf.ledger)
    frozen = [entry.revision for entry in shelf.ledger.revisions(name, Event.FROZEN)]
    for revision in shelf.revisions(name):
        if revision > max(frozen, default=0) and (manifest := _laid_down(shelf, name, revision)):
            pack = (name, revision, manifest.digest)
            shelf.add(Event.FROZEN, manifest.now, pack, manifest.by, manifest.override)
            frozen.append(revision)
    ledger, said = shelf.ledger, shelf.issue_of(name, max(frozen, default=0))
    is_next = said is not None and (said.number, said.previous) == (len(ledger.entries) + 1, ledger.head)
    if said is not None and is_next and sealed(said) == said:
        shelf.append(said)


def _laid_down(shelf: Shelf, name: str, revision: int) -> Manifest | None:
    """Of a pack that no entry knows, was never issued, and is whole."""
    place = shelf.place(name, revision)
    try:
        manifest = shelf.manifest(name, revision)
    except DamagedError:
        return None
    is_its = (manifest.name, manifest.revision) == (name, revision)
    is_whole = is_its and not (place / ISSUED).exists() and not [*damage(place, manifest)]
    return manifest if is_whole else None


def issue(shelf: Shelf, name: str, now: int, by: str) -> Entry:
    """Marks the latest frozen run of a period as issued. Raises NotNowError, DamagedError."""
    with shelf.locked():
        finished(shelf, name)
        ledger = shelf.ledger
        frozen = ledger.revisions(name, Event.FROZEN)
        if not frozen:
            raise NotNowError(f"{name} is not frozen; `freeze` it first")
        latest = frozen[-1]
        if any(entry.revision == latest.revision for entry in ledger.revisions(name, Event.ISSUED)):
            raise NotNowError(
                f"{name} is issued, revision {latest.revision} the latest; `adjust` books what is new"
            )
        manifest = shelf.manifest(name, latest.revision)
        if manifest.digest != latest.pack:
            raise DamagedError(
                f"{name}/{latest.revision}: its pack is not the one that was frozen; see `verify`"
            )
        entry = next_entry(ledger, Event.ISSUED, now, (name, latest.revision, latest.pack), (by, ""))
        shelf.mark_issued(entry)
        return shelf.append(entry)


def _overlap(one: Period, other: Period) -> bool:
    return one.start < other.end and other.start < one.end


def _days(manifest: Manifest) -> Period:
    return whole_days(manifest.period, manifest.zone)


def _plan(
    shelf: Shelf, settings: Settings, order: Order, kind: Kind, booked: tuple[str, ...] = ()
) -> Manifest:
    name = label(order.period, settings.zone)
    return Manifest(
        kind=kind,
        site=settings.site.id,
        timezone=settings.timezone,
        period=order.period,
        name=name,
        revision=max(shelf.revisions(name), default=0) + 1,
        now=order.now,
        by=order.by,
        override=order.override,
        software=f"gongfang {version('gongfang')}",
        config=Path(settings.config).name,
        booked=booked,
    )


def open_text(lines: Sequence[str], name: str, what: str) -> str:
    """``what``: frozen, or closed."""
    more = [f"and {len(lines) - _FEW} more"] if len(lines) > _FEW else []
    where = "in the evidence and on every statement" if what == "frozen" else "in the ledger"
    remedy = (
        "assign what waits (`suspense` shows how) and mend what was found (`validate`), or take it as it is:"
        f" --override REASON, which stands {where}"
    )
    listed = "\n  ".join([*lines[:_FEW], *more])
    return f"{name} has {len(lines)} things open and is not {what}:\n  {listed}\n{remedy}"
