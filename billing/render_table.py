"""Statements, reports, open items and findings for a terminal, in rich's tables."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from billing import figures
from billing.charge import Charge
from billing.findings import Finding
from billing.period import shown
from billing.report import By, ReportRow
from billing.statement import Assessment, Statement
from billing.suspense import Item, command
from billing.tariff import HOURLY, unit
from billing.wording import BY, CALENDAR, CLAUSES, DOUBTS, UNITS, Words
from contract.names import NONE


def print_assessment(console: Console, assessment: Assessment, config: str = "") -> None:
    """Statements, then what waits for a person, then findings."""
    for statement in assessment.statements:
        console.print(statement_table(statement))
    zone = assessment.heading.zone
    waiting = (*assessment.disputed, *assessment.suspense)
    if waiting:
        console.print(items_table(waiting, zone, config))
    if assessment.findings:
        console.print(findings_table(assessment.findings, zone))


_TEXTS: Final = ("order 订单", "kind 机型", "charge 项目")
_NUMBERS: Final = ("h:mm:ss", "quantity 数量", "price 单价", "amount 金额", "observed 观测率")


def statement_table(statement: Statement) -> RenderableType:
    heading, zone = statement.heading, statement.heading.zone
    table = _table(f"{statement.tenant.shown}  {statement.tenant.id}")
    for name in _TEXTS:
        table.add_column(name)
    for name in _NUMBERS:
        table.add_column(name, justify="right")
    for charge in statement.charges:
        table.add_row(*_cells(charge))
    table.add_section()
    total = Text(figures.yuan(statement.total), "bold")
    table.add_row("", "", Text("total 合计", "bold"), "", "", heading.tariff.currency, total)
    ends = f"{shown(heading.period.start, zone)} to {shown(heading.period.end, zone)}, {heading.timezone}"
    below = f"{ends}; tariff {heading.tariff.id} {heading.tariff.version}; from {heading.digest[:12]}"
    early = Text("preliminary 预结算: the period is not over", "yellow")
    notes = (Text(below, "dim"), *((early,) if heading.is_preliminary else ()))
    return Group(table, *notes, report_table(statement.machines, By.MACHINE), Text())


def _cells(charge: Charge) -> tuple[str, ...]:
    known = figures.coverage(charge)
    return (
        _order(charge.order_id),
        charge.kind,
        _both(CLAUSES[charge.clause]),
        figures.clock(charge.quantity) if charge.clause in HOURLY else "",
        f"{figures.quantity(charge)} {UNITS[unit(charge.clause)].zh}",
        str(charge.price),
        figures.yuan(charge.amount),
        figures.NOTHING if known is None else f"{known} %",
    )


_COLUMNS: Final = (
    *("run 运行", "setup 准备", "stop 停机", "fault 故障", "idle 空闲", "unknown 未知"),
    *("pieces 产量", "scrap 次品", "good 良品", "quality 良品率"),
    *("avail. 可用率", "util.eff. 利用效率", "alloc.eff. 分配效率", "observed 观测率"),
)


def report_table(rows: Sequence[ReportRow], by: By) -> RenderableType:
    table = _table("")
    for name in (By.TENANT, by) if by is By.ORDER else (by,):
        table.add_column(_both(BY[name]).replace(" ", "\n"))
    for column in _COLUMNS:
        table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
    for row in rows:
        who = (row.tenant, row.name) if by is By.ORDER else (row.name,)
        ms = (row.run_ms, row.setup_ms, row.stop_ms, row.fault_ms, row.idle_ms, row.unknown_ms)
        ratios = (row.quality_ratio, row.availability, row.utilisation_efficiency, row.allocation_efficiency)
        table.add_row(
            *who,
            *map(figures.clock, ms),
            *map(figures.count, (row.produced, row.scrap, row.good)),
            *map(figures.share, ratios),
            figures.observed(row.coverage),
        )
    return Group(table, Text(CALENDAR.en, style="dim"))


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
    table = _table("findings 需核查")
    for name in ("rule", "machine", "at", "what"):
        table.add_column(name, overflow="fold")
    for found in findings:
        table.add_row(found.rule, found.machine, shown(found.at, zone) if found.at else "", Text(found.text))
    return table


def _table(title: str) -> Table:
    return Table(
        title=Text(title, "bold") if title else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
    )


def _both(words: Words) -> str:
    return f"{words.en} {words.zh}"


def _order(order_id: str) -> str:
    return "–" if order_id == NONE else order_id
