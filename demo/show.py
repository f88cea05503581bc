"""What a person sees after a rehearsal."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from billing.documents import OWNERS, STATEMENT, TOTALS
from billing.owners_page import owners_page
from billing.period import shown
from billing.render_table import calendar_note, print_assessment, report_table
from billing.report import By
from billing.statement import Assessment
from billing.totals import totals
from demo.truth import Verdict

_MOST: Final = 20


def documents(assessment: Assessment, directory: Path) -> list[Path]:
    """Writes each statement, the totals and what owners get in all their forms. Returns the pages."""
    statements, accounts = directory / "statements", directory / "accounts"
    pages = [
        _written(statements / statement.tenant.id, {k: made(statement) for k, made in STATEMENT.items()})
        for statement in assessment.statements
    ]
    whole, owned = totals(assessment, {}), owners_page(assessment)
    pages.append(_written(accounts / "totals", {kind: made(whole) for kind, made in TOTALS.items()}))
    if owned.ownerships:
        pages.append(_written(accounts / "owners", {kind: made(owned) for kind, made in OWNERS.items()}))
    return pages


def _written(stem: Path, forms: Mapping[str, bytes]) -> Path:
    stem.parent.mkdir(parents=True, exist_ok=True)
    for kind, data in forms.items():
        stem.with_suffix(f".{kind}").write_bytes(data)
    return stem.with_suffix(".html")


def print_result(
    console: Console, assessment: Assessment, pages: list[Path], verdict: Verdict, billing: Path
) -> None:
    """``billing``: the configuration with which the same period can be asked of again."""
    console.rule("utilisation and yield 利用率与良品率")
    for by in (By.MACHINE, By.TENANT, By.ORDER):
        console.print(report_table(assessment.report(by), by))
    console.print(calendar_note())
    console.rule("statements 结算单")
    print_assessment(console, assessment)
    console.rule("the judge 对账")
    console.print(judgement(verdict, next_step(assessment, billing)), soft_wrap=not verdict.true)
    console.rule("to open in a browser 网页; beside each .xlsx, .csv, .json")
    for page in pages:
        console.print(str(page), soft_wrap=True, highlight=False)


def next_step(assessment: Assessment, billing: Path) -> str:
    """After a difference. A rehearsal waits for a slow computer, so that slowness is no excuse."""
    heading = assessment.heading
    start, end = (shown(at, heading.zone) for at in (heading.period.start, heading.period.end))
    config = shlex.quote(str(billing))
    return (
        "What was stored is kept; this says what is odd in it, records that are missing first:\n"
        f"  gongfang-billing validate --config {config} --from {start} --to {end}\n"
        "A slow computer makes no difference, since plant time waits for it. A plant or a profile that you\n"
        f"changed may; else it is a mistake of ours: please report it with {billing.parent}."
    )


def judgement(verdict: Verdict, next_step: str = "") -> Text:
    """The ledger line: what is stored against what the machines say they did."""
    made = ", ".join(f"{count:,} {what}" for what, count in verdict.pieces.items())
    told = (
        f"{verdict.machines} machines, {verdict.orders} orders, {verdict.tenants} tenants, "
        f"{verdict.duration_ms / 3_600_000:,.1f} machine hours: pieces equal ({made}); "
        f"time within the distance of two samples around each transition "
        f"(at most {verdict.worst_ms / 1000:.1f} s off, of one machine in one state); "
        f"unknown {verdict.unknown_ms / 1000:.1f} s; disputed {verdict.disputed}"
    )
    if verdict.true:
        return Text.assemble(("stored = ledgers 与机台账本一致  ", "bold green"), told)
    lines = "\n".join(f"  {difference}" for difference in verdict.differences[:_MOST])
    more = len(verdict.differences) - _MOST
    tail = f"\n  and {more} more" if more > 0 else ""
    return Text.assemble(
        ("stored IS NOT what the ledgers say 与机台账本不符\n", "bold red"), lines, tail, f"\n{next_step}"
    )
