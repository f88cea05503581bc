"""Statements, reports, open items and findings for a terminal, in rich's tables."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from billing import figures
from billing.blocking import Judged
from billing.charge import Charge
from billing.clauses import Clause
from billing.findings import Finding
from billing.owners_page import OwnersPage
from billing.period import on_page, shown
from billing.report import By, ReportRow
from billing.rule_words import EFFECTS, RULES
from billing.statement import Assessment, Statement
from billing.suspense import Item, command
from billing.wording import BY, CALENDAR, DOUBTS, FORMULA, GRACE, SETUP_FEE
from billing.words import Words
from contract.names import NONE


def print_assessment(console: Console, assessment: Assessment, config: str = "") -> None:
    """Statements, then what waits for a person, then findings."""
    for statement in assessment.statements:
        console.print(statement_table(statement, is_explained=False))
    console.print(explanation(assessment.statements), calendar_note())
    zone = assessment.heading.zone
    waiting = (*assessment.disputed, *assessment.suspense)
    if waiting:
        console.print(items_table(waiting, zone, config))
    if assessment.findings:
        console.print(findings_table(assessment.findings, zone))


_TEXTS: Final = ("order 订单", "kind 机型", "charge 项目")
_NUMBERS: Final = ("h:mm:ss", "quantity 数量", "price 单价", "amount 金额", "seen% 观测率")


def statement_table(statement: Statement, *, is_explained: bool = True) -> RenderableType:
    """With how its amounts are found, unless that stands once below several."""
    heading, zone = statement.heading, statement.heading.zone
    table = charges_table(statement)
    ends = f"{shown(heading.period.start, zone)} to {shown(heading.period.end, zone)}, {heading.timezone}"
    below = f"{ends}; tariff {heading.tariff.id} {heading.tariff.version}; from {heading.digest[:12]}"
    early = Text("preliminary 预结算: the period is not over", "yellow")
    said = (explanation([statement]),) if is_explained else ()
    notes = (Text(below, "dim"), *said, *((early,) if heading.is_preliminary else ()))
    return Group(table, *notes, report_table(statement.machines, By.MACHINE))


def charges_table(statement: Statement) -> Table:
    """The lines, VAT and the total."""
    tariff = statement.heading.tariff
    table = titled(f"{statement.tenant.shown}  {statement.tenant.id}")
    for name in _TEXTS:
        table.add_column(name.replace(" ", "\n"))
    for name in _NUMBERS:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for charge in statement.charges:
        table.add_row(*_cells(charge))
    table.add_section()
    for tax in statement.taxes:
        included = "incl. " if tariff.is_gross else ""
        name = f"{included}VAT 增值税 {tax.percent} %"
        table.add_row("", "", Text(name), "", "", figures.yuan(tax.net), figures.yuan(tax.tax))
    total = Text(figures.yuan(statement.total), "bold")
    table.add_row("", "", Text("total 合计", "bold"), "", "", tariff.currency, total)
    return table


def _cells(charge: Charge) -> tuple[str, ...]:
    known = figures.coverage(charge)
    return (
        _order(charge.order_id),
        _order(charge.kind),
        _what(charge),
        figures.clock(charge.quantity) if figures.is_hourly(charge) else "",
        f"{figures.quantity(charge)} {charge.counted.en}",
        _price(charge),
        figures.yuan(charge.amount),
        figures.NOTHING if known is None else str(known),
    )


def _what(charge: Charge) -> str:
    """What the line is, what of it, and how its figures came about."""
    parts = (charge.label, charge.part, charge.note)
    return "\n".join(_both(words) if words.en != words.zh else words.en for words in parts if words)


def _price(charge: Charge) -> str:
    each = f"{charge.price} %" if charge.priced.en == "%" else f"{charge.price}/{charge.priced.en}"
    return "\n".join(filter(None, (each, figures.times(charge))))


def owners_table(page: OwnersPage) -> RenderableType:
    """What each owner gets."""
    table = titled("owners 业主分配")
    for name in ("machines 机台", "owner 业主"):
        table.add_column(name.replace(" ", "\n"))
    for name in ("share 份额", "amount 金额"):
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for each in page.ownerships:
        table.add_row(each.id, "net revenue 不含税收入", "", figures.yuan(each.revenue))
        table.add_row("", "host's fee 主办方服务费", "", figures.yuan(-each.host_fee))
        for owner in each.owners:
            name = " ".join(dict.fromkeys((owner.name.en, owner.name.zh)))
            table.add_row("", name, f"{owner.share:,}", figures.yuan(owner.amount))
        table.add_section()
    table.add_row("", "the host's own 主办方自有", "", figures.yuan(page.host))
    table.add_row("", Text("all lines, net 全部不含税", "bold"), page.currency, figures.yuan(page.net))
    return table


def explanation(statements: Sequence[Statement]) -> RenderableType:
    """How the amounts of these statements are found, in words."""
    clauses = {charge.clause for statement in statements for charge in statement.charges}
    said = [FORMULA, *(words for clause, words in _SAID.items() if clause in clauses)]
    return Group(*(Text(_both(words), "dim") for words in said))


_SAID: Final = {Clause.STOP_TENANT: GRACE, Clause.SETUP_FEE: SETUP_FEE}
_TIMES: Final = ("run 运行", "setup 调机", "stop 停机", "fault 故障", "idle 空闲")
_PIECES: Final = ("pieces 产量", "scrap 次品")
_RATIOS: Final = ("good% 良品率", "avail% 可用率", "util% 利用率", "alloc% 分配率")
_DOUBTS: Final = ("unkn. 未知", "seen% 观测率")
"""Only shown where something was not observed."""


def calendar_note() -> Text:
    """Stands once under a page of reports."""
    return Text(f"{CALENDAR.en} {CALENDAR.zh}", style="dim")


def report_table(rows: Sequence[ReportRow], by: By) -> RenderableType:
    """Fits a terminal of 80 columns; the CSV has every figure, to the second.

    How much of the capacity is allocated is no property of an order, so its rows leave that out.
    """
    table = titled("")
    ratios = _RATIOS[:-1] if by is By.ORDER else _RATIOS
    doubtful = any(row.unknown_ms or row.coverage != 1 for row in rows)
    for name in (By.TENANT, by) if by is By.ORDER else (by,):
        table.add_column(_both(BY[name]).replace(" ", "\n"), no_wrap=True)
    for column in (*_TIMES, *_PIECES, *ratios, *(_DOUBTS if doubtful else ())):
        table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
    for row in rows:
        who = (row.tenant, _short(row.name)) if by is By.ORDER else (_short(row.name),)
        values = (row.quality_ratio, row.availability, row.utilisation_efficiency, row.allocation_efficiency)
        doubts = (figures.hours(row.unknown_ms), figures.observed(row.coverage)) if doubtful else ()
        table.add_row(
            *who,
            *map(figures.hours, (row.run_ms, row.setup_ms, row.stop_ms, row.fault_ms, row.idle_ms)),
            *map(figures.count, (row.produced, row.scrap)),
            *map(figures.percent, values[: len(ratios)]),
            *doubts,
        )
    return table


def items_table(items: Sequence[Item], zone: ZoneInfo, config: str = "") -> RenderableType:
    """What a person must decide, each with the command that does it."""
    parts: list[RenderableType] = [Text("waiting for a person 待处理", style="bold")]
    for item in items:
        parts += [Text(_story(item, zone)), Text(f"    {command(item, zone, config)}", style="cyan")]
    return Group(*parts, Text())


def _story(item: Item, zone: ZoneInfo) -> str:
    what = (
        ("run", item.run_ms, True),
        ("setup", item.setup_ms, True),
        ("test", item.test_ms, True),
        ("tenant stop", item.stop_ms, True),
        ("pieces", item.produced, False),
        ("scrap", item.scrap, False),
        ("rework", item.rework, False),
    )
    worth = ", ".join(f"{name} {figures.clock(n) if is_time else n}" for name, n, is_time in what if n)
    who = f"record says tenant {item.tenant}, order {item.order_id}, lease {item.lease_id}"
    gap = f"; before {item.tenant_before}/{item.order_before}, after {item.tenant_after}/{item.order_after}"
    changed = gap if (item.tenant_before, item.order_before) != (NONE, NONE) else ""
    maybe = f"; perhaps {' or '.join(item.tenants)}" if item.tenants else ""
    when = f"{shown(item.start, zone)} to {shown(item.end, zone)} (epoch {item.epoch}, {_records(item)})"
    title = f"{item.machine}  {when}  {item.place}: {_both(DOUBTS[item.doubt])}"
    return f"{title}\n    {worth or 'nothing counted'}; {who}{changed}{maybe}"


def _records(item: Item) -> str:
    first, last = item.sequences[0], item.sequences[-1]
    return f"record {first}" if first == last else f"records {first} to {last}"


def findings_table(findings: Sequence[Finding], zone: ZoneInfo) -> RenderableType:
    table = titled("findings 需核查")
    for name in ("rule", "machine", "at", "what"):
        table.add_column(name, overflow="fold")
    for found in findings:
        table.add_row(found.rule, found.machine, shown(found.at, zone) if found.at else "", Text(found.text))
    return table


_JUDGED: Final = ("effect 处理", "rule 规则", "machine 机台", "from 起", "to 止", "what 说明")


def judged_table(findings: Sequence[Judged], zone: ZoneInfo) -> RenderableType:
    """What blocks stands first."""
    table = titled("findings 需核查")
    for name in _JUDGED:
        table.add_column(name.replace(" ", "\n"), overflow="fold")
    for one in findings:
        found = one.finding
        ends = [on_page(at, zone) if at else "" for at in (found.at, found.end)]
        effect, rule = f"{one.effect}\n{EFFECTS[one.effect]}", f"{found.rule}\n{RULES[found.rule]}"
        table.add_row(effect, rule, found.machine, *ends, Text(found.text))
    return table


def titled(title: str) -> Table:
    return Table(
        title=Text(title, "bold") if title else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
        padding=0,
    )


def _both(words: Words) -> str:
    return f"{words.en} {words.zh}"


def _short(name: str) -> str:
    return "(host)" if name == "(unallocated)" else name


def _order(order_id: str) -> str:
    return "–" if order_id == NONE else order_id
