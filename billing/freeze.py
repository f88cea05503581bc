"""Freezing a period: rates it, keeps the evidence, and puts both on the shelf. Wiring."""

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from billing.blocking import open_items
from billing.config import Settings, load
from billing.evidence import DamagedError, PackStore, Recorder, packed
from billing.findings import Finding
from billing.ledger import Entry, Event, Ledger
from billing.manifest import Kept, Kind, Manifest, canonical
from billing.period import Period, label, shown
from billing.render_csv import statement_csv
from billing.render_html import statement_html
from billing.render_json import statement_json
from billing.run import Progress, assess
from billing.shelf import STATEMENTS, TEXTS, Shelf
from billing.statement import Assessment, Statement
from store.protocol import Store

_FEW: Final = 8

_PAGES: Final[dict[str, Callable[[Statement], str]]] = {
    "json": statement_json,
    "html": statement_html,
    "csv": statement_csv,
}


class NotNowError(Exception):
    """The life of a statement does not allow it. The text says why, and what to do."""


class Order(Struct, frozen=True, kw_only=True):
    """What a person asked for."""

    period: Period
    now: int
    """UTC ms."""
    by: str
    override: str = ""


class Frozen(Struct, frozen=True, kw_only=True):
    manifest: Manifest
    assessment: Assessment


async def freeze(
    store: Store, settings: Settings, order: Order, shelf: Shelf, progress: Progress | None = None
) -> Frozen:
    """Raises NotNowError, StoreAwayError, DamagedError."""
    name = label(order.period, settings.zone)
    with shelf.locked():
        refuse_to_freeze(shelf, settings, order, name)
        revision = max(shelf.revisions(name), default=0) + 1
        with shelf.new(name, revision) as (directory, finish):
            plan = _plan(settings, order, name, revision)
            frozen = await rate(store, settings, plan, directory, progress)
            if frozen.manifest.open and not order.override:
                raise NotNowError(_open_text(frozen.manifest.open, name))
            finish(frozen.manifest)
        names = (name, revision, frozen.manifest.digest)
        shelf.add(Event.FROZEN, order.now, names, order.by, order.override)
    return frozen


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


def whole(ledger: Ledger) -> None:
    """Nothing is added to a ledger that was tampered with. Raises DamagedError."""
    if ledger.breaks:
        raise DamagedError("\n".join([*ledger.breaks, "restore the ledger from a copy before anything else"]))


def issue(shelf: Shelf, name: str, now: int, by: str) -> Entry:
    """Marks the latest frozen run of a period as issued. Raises NotNowError, DamagedError."""
    with shelf.locked():
        ledger = shelf.ledger
        whole(ledger)
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
        return shelf.add(Event.ISSUED, now, (name, latest.revision, latest.pack), by)


def _overlap(one: Period, other: Period) -> bool:
    return one.start < other.end and other.start < one.end


def _plan(settings: Settings, order: Order, name: str, revision: int) -> Manifest:
    return Manifest(
        kind=Kind.STATEMENT,
        site=settings.site.id,
        timezone=settings.timezone,
        period=order.period,
        name=name,
        revision=revision,
        now=order.now,
        by=order.by,
        override=order.override,
        software=f"gongfang {version('gongfang')}",
        config=Path(settings.config).name,
    )


async def rate(
    store: Store, settings: Settings, plan: Manifest, directory: Path, progress: Progress | None = None
) -> Frozen:
    """Rates as ``plan`` says and fills ``directory``. The same plan over the same rows: the same bytes."""
    recorder = Recorder(store, directory)
    start, end = plan.period.start, plan.period.end
    found = await assess(recorder, settings, start, end, now=plan.now, progress=progress)
    said = f"{plan.override} ({plan.by})" if plan.override else ""
    statements = [_said(statement, said) for statement in found.statements]
    files = {TEXTS: packed(directory / TEXTS, canonical(settings.texts)), **recorder.files}
    files |= write_pages(directory, statements)
    manifest = msgspec.structs.replace(plan, files=files, open=tuple(open_lines(found, settings)))
    return Frozen(manifest=manifest, assessment=msgspec.structs.replace(found, statements=tuple(statements)))


def _said(statement: Statement, said: str) -> Statement:
    heading = msgspec.structs.replace(statement.heading, override=said)
    return msgspec.structs.replace(statement, heading=heading)


def write_pages(directory: Path, statements: Iterable[Statement]) -> dict[str, Kept]:
    names = {
        f"{STATEMENTS}/{statement.tenant.id}.{kind}": page(statement)
        for statement in statements
        for kind, page in _PAGES.items()
    }
    return {name: packed(directory / name, text.encode()) for name, text in names.items()}


def open_lines(found: Assessment, settings: Settings) -> list[str]:
    """What blocks the period, by rule, machine and time range; a remark does not."""
    items = (*found.disputed, *found.suspense)
    return [_open_line(one, settings) for one in open_items(found.findings, items, settings.effects)]


def _open_line(finding: Finding, settings: Settings) -> str:
    ends = [shown(at, settings.zone) for at in (finding.at, finding.end) if at]
    when = f" {' to '.join(ends)}" if ends else ""
    return f"{finding.rule} {finding.machine}{when}: {finding.text}"


def _open_text(lines: Sequence[str], name: str) -> str:
    more = [f"and {len(lines) - _FEW} more"] if len(lines) > _FEW else []
    remedy = (
        "assign what waits (`suspense` shows how) and mend what was found (`validate`), or take it as it is:"
        " --override REASON, which stands in the evidence and on every statement"
    )
    listed = "\n  ".join([*lines[:_FEW], *more])
    return f"{name} has {len(lines)} things open and is not frozen:\n  {listed}\n{remedy}"


def settings_of(shelf: Shelf, manifest: Manifest) -> Settings:
    """The configuration of a pack, as it was."""
    texts = shelf.texts(manifest.name, manifest.revision)

    def read(path: Path) -> str:
        if str(path) not in texts:
            raise FileNotFoundError(path)
        return texts[str(path)]

    return load(Path(manifest.config), read)


def store_of(shelf: Shelf, manifest: Manifest) -> PackStore:
    return PackStore(shelf.place(manifest.name, manifest.revision), manifest.files)
