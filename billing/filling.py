"""Fills an evidence pack: rates a period, keeps the rows as they are read, writes the pages. Wiring."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from billing.adjusting import Adjustment, Document, adjustments, document
from billing.blocking import open_items
from billing.chains import Walked
from billing.config import Settings
from billing.documents import ADJUSTMENT, OWNERS, STATEMENT, TOTALS
from billing.evidence import Recorder, packed
from billing.findings import Finding
from billing.manifest import Kept, Kind, Manifest, canonical, digests_of
from billing.owners_page import owners_page
from billing.past import Past, leases_in, news
from billing.period import shown, whole_days
from billing.progress import Progress
from billing.reasons import Whose, reasons
from billing.render_adjustment import Note
from billing.render_json import statement_json
from billing.report import By
from billing.run import assess
from billing.shelf import ACCOUNTS, RATING, STANDING, STATEMENTS, TEXTS
from billing.statement import Assessment, Statement
from billing.stop_tables import SHIPPED
from billing.timeline import timelines
from billing.totals import Status, totals
from contract.series import SIGNATURE
from store.protocol import Store


class Filled(Struct, frozen=True, kw_only=True):
    manifest: Manifest
    assessment: Assessment
    adjustments: tuple[Adjustment, ...] = ()


async def fill(
    store: Store,
    settings: Settings,
    plan: Manifest,
    directory: Path,
    *,
    past: Past,
    progress: Progress | None = None,
) -> Filled:
    """Rates as ``plan`` says and fills ``directory``. The same plan over the same rows: the same bytes.

    ``past``: what was issued of the period; an adjustment is what is different from it.
    """
    recorder = Recorder(store, directory)
    start, end = plan.period.start, plan.period.end
    said = f"{plan.override} ({plan.by})" if plan.override else ""
    is_adjustment = plan.kind is Kind.ADJUSTMENT
    files: dict[str, Kept] = {}
    fresh: list[Document] = []
    if is_adjustment:
        (directory / RATING).mkdir()

    def take(made: Statement) -> None:
        each = _said(made, said)
        if is_adjustment:
            files.update(_rating(directory, each))
            fresh.append(document(statement_json(each).encode()))
        else:
            files.update(_pages(directory, each))

    reports = (By.MACHINE, By.TENANT)
    found = await assess(
        recorder, settings, start, end, now=plan.now, progress=progress, take=take, reports=reports
    )
    await _keep_signatures(recorder, settings, plan)
    files |= {TEXTS: packed(directory / TEXTS, canonical(settings.texts)), **recorder.files}
    changed = adjustments(past.documents, fresh) if is_adjustment else []
    files |= _write_notes(directory, settings, plan, past, changed)
    files |= _write_accounts(directory, settings, found, plan, said)
    opened, texts = tuple(open_lines(found, settings)), plan.texts
    if plan.format > 1:
        texts = digests_of(settings.texts)
    manifest = msgspec.structs.replace(plan, files=files, open=opened, texts=texts)
    return Filled(manifest=manifest, assessment=found, adjustments=tuple(changed))


async def _keep_signatures(recorder: Recorder, settings: Settings, plan: Manifest) -> None:
    """Those over the days of the period: reading them through the recorder puts them into the pack."""
    days = whole_days(plan.period, settings.zone)
    tags = {"site": plan.site}
    async for _ in recorder.pages(SIGNATURE, days.start + 1, days.end + 1, tags):
        pass


def _said(statement: Statement, said: str) -> Statement:
    heading = msgspec.structs.replace(statement.heading, override=said)
    return msgspec.structs.replace(statement, heading=heading)


def _pages(directory: Path, statement: Statement) -> dict[str, Kept]:
    names = {f"{STATEMENTS}/{statement.tenant.id}.{kind}": made for kind, made in STATEMENT.items()}
    return {name: packed(directory / name, made(statement)) for name, made in names.items()}


def _rating(directory: Path, statement: Statement) -> dict[str, Kept]:
    """Of the fresh rating that an adjustment is the difference to: evidence, no page for tenants."""
    name = f"{RATING}/{statement.tenant.id}.json"
    return {name: packed(directory / name, statement_json(statement).encode())}


def _write_accounts(
    directory: Path, settings: Settings, found: Assessment, plan: Manifest, said: str
) -> dict[str, Kept]:
    """The totals of a statement's pack; and what owners get, after an adjustment by the fresh rating."""
    frozen: dict[str, Any] = {"status": Status.FROZEN, "revision": plan.revision, "override": said}
    made: dict[str, bytes] = {}
    page = totals(found, settings.effects, **frozen)
    if plan.kind is Kind.STATEMENT:
        made |= {f"{ACCOUNTS}/totals.{kind}": of(page) for kind, of in TOTALS.items()}
    else:
        made[f"{ACCOUNTS}/{STANDING}"] = TOTALS["json"](page)
    if found.revenue.splits:
        owners = owners_page(found, **frozen)
        made |= {f"{ACCOUNTS}/owners.{kind}": of(owners) for kind, of in OWNERS.items()}
    if made:
        (directory / ACCOUNTS).mkdir()
    return {name: packed(directory / name, data) for name, data in made.items()}


def _write_notes(
    directory: Path, settings: Settings, plan: Manifest, past: Past, changed: Iterable[Adjustment]
) -> dict[str, Kept]:
    files: dict[str, Kept] = {}
    plans = tuple(timelines(leases_in(each)) for each in (past.latest, directory) if each)
    for adjustment in changed:
        whose = Whose(tenant=adjustment.tenant.id, period=plan.period, zone=settings.zone, plans=plans)
        fresh = news(past, directory, adjustment.machines)
        heard = reasons(fresh, adjustment.machines, whose)
        why = [*_reconfigured(settings, past), *heard]
        note = Note(site=settings.site, manifest=plan, adjustment=adjustment, reasons=tuple(why))
        for kind, made in ADJUSTMENT.items():
            name = f"{STATEMENTS}/{adjustment.tenant.id}.{kind}"
            files[name] = packed(directory / name, made(note))
    return files


def _reconfigured(settings: Settings, past: Past) -> list[str]:
    now, before = settings.texts, past.texts
    names = sorted({*now, *before})
    changed = [name for name in names if now.get(name) != before.get(name)]
    return [f"{name} is another file than it was" for name in changed if name != SHIPPED or name in before]


def open_lines(found: Assessment, settings: Settings) -> list[str]:
    """What blocks the period, by rule, machine and time range; a remark does not."""
    items = (*found.disputed, *found.suspense)
    return [open_line(one, settings.zone) for one in open_items(found.findings, items, settings.effects)]


def chain_lines(walked: Walked, settings: Settings) -> list[str]:
    return [open_line(one, settings.zone) for one in open_items(walked.findings(), (), settings.effects)]


def open_line(finding: Finding, zone: ZoneInfo) -> str:
    ends = [shown(at, zone) for at in (finding.at, finding.end) if at]
    when = f" {' to '.join(ends)}" if ends else ""
    return f"{finding.rule} {finding.machine}{when}: {finding.text}"
