"""The totals of a period as a workbook for accounts: every sum is a formula over the documents. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from billing import money
from billing.attribution import Doubt
from billing.book import Book, Column, Fact, Formula, Look, Sheet, Value, span, total
from billing.period import on_page
from billing.rule_words import EFFECTS, RULES
from billing.totals import TenantTotal, Totals
from billing.totals_words import DOCUMENTS, PLACES, STATUSES, TIME_WORDS
from billing.wording import DOUBTS
from billing.words import Words

_MONEY: Final = Look.MONEY
_PARTS: Final = Words("Documents", "单据")
_PART_COLUMNS: Final = (
    Column(Words("Tenant", "承租方"), width=20),
    Column(Words("Name", "名称"), width=32),
    Column(Words("Document", "单据"), width=20),
    Column(Words("Revision", "版次"), Look.COUNT, 8),
    Column(Words("Status", "状态"), width=14),
    Column(Words("VAT %", "增值税率"), Look.PERCENT, 10),
    Column(Words("Net", "不含税"), _MONEY, 16),
    Column(Words("Tax", "税额"), _MONEY, 14),
    Column(Words("Gross", "价税合计"), _MONEY, 16),
)
_FIRST: Final = 2


def totals_book(totals: Totals) -> Book:
    rows = list(_parts(totals))
    return Book(
        title=f"{totals.site.id} {totals.period.name}",
        made=totals.generated_ms,
        sheets=(
            _tenants(totals, rows),
            _documents(totals, rows),
            _waiting(totals),
            _host(totals),
            _findings(totals),
        ),
    )


def _parts(totals: Totals) -> Iterator[tuple[Value, ...]]:
    """A row for each document and rate of VAT; one where there is no VAT."""
    for each in totals.tenants:
        for part in each.parts:
            shown = DOCUMENTS[part.document]
            about = (each.tenant.id, each.tenant.shown, f"{shown.zh} {shown.en}", part.revision)
            status = f"{STATUSES[part.status].zh} {STATUSES[part.status].en}"
            for tax in part.taxes:
                yield *about, status, tax.percent, tax.net, tax.tax, tax.gross
            if not part.taxes:
                yield *about, status, None, part.net, part.tax, part.gross


def _documents(totals: Totals, rows: list[tuple[Value, ...]]) -> Sheet:
    sums = (totals.net, totals.tax, totals.gross)
    foot = [total(6 + n, _FIRST, len(rows), value) for n, value in enumerate(sums)]
    whole = ("合计 Total", None, None, None, None, None, *foot)
    return Sheet(name=_PARTS, columns=_PART_COLUMNS, rows=rows, foot=(whole,))


def _tenants(totals: Totals, rows: list[tuple[Value, ...]]) -> Sheet:
    facts = _facts(totals)
    columns = (
        Column(Words("Tenant", "承租方"), width=24),
        Column(Words("Name", "名称"), width=32),
        Column(Words("Net", "不含税"), _MONEY, 16),
        Column(Words("Tax", "税额"), _MONEY, 14),
        Column(Words("Gross", "价税合计"), _MONEY, 16),
        Column(Words("Of it adjustments", "其中调整"), _MONEY, 16),
        Column(Words("Items waiting", "待确认事项"), Look.COUNT, 12),
    )
    where = [span(n, _FIRST, len(rows), f"{_PARTS.zh} {_PARTS.en}") for n in range(len(_PART_COLUMNS))]
    first = len(facts) + 3
    made = [_tenant(each, where, first + n) for n, each in enumerate(totals.tenants)]
    sums = (totals.net, totals.tax, totals.gross, adjusted(totals.tenants))
    feet = [total(2 + n, first, len(made), value) for n, value in enumerate(sums)]
    rates = [
        (
            f"增值税 VAT {tax.percent} %",
            None,
            *(
                Formula(f"=SUMIF({where[5]},{tax.percent},{where[n]})", value)
                for n, value in ((6, tax.net), (7, tax.tax), (8, tax.gross))
            ),
            None,
            None,
        )
        for tax in totals.taxes
    ]
    foot = (("合计 Total", None, *feet, None), *rates)
    return Sheet(name=Words("Totals", "合计"), facts=facts, columns=columns, rows=made, foot=foot)


def adjusted(tenants: tuple[TenantTotal, ...]) -> Decimal:
    return money.total([p.gross for each in tenants for p in each.parts if p.document == "adjustment"])


def _tenant(each: TenantTotal, where: list[str], row: int) -> tuple[Value, ...]:
    """By comparing names, since SUMIF takes the tenants 7 and 007 for one."""
    adjustment = DOCUMENTS["adjustment"]
    own = f"({where[0]}=A{row})"
    of_adjustments = f'({where[2]}="{adjustment.zh} {adjustment.en}")'
    sums = zip((6, 7, 8), (each.net, each.tax, each.gross), strict=True)
    return (
        each.tenant.id,
        each.tenant.shown,
        *(Formula(f"=SUMPRODUCT({own}*{where[n]})", value) for n, value in sums),
        Formula(f"=SUMPRODUCT({own}*{of_adjustments}*{where[8]})", adjusted((each,))),
        each.waiting,
    )


def _facts(totals: Totals) -> tuple[Fact, ...]:
    zone, period = ZoneInfo(totals.period.timezone), totals.period
    status = STATUSES[totals.status]
    ends = f"{on_page(period.start_ms, zone)} – {on_page(period.end_ms, zone)}  {period.timezone}"
    revision = f"  {totals.revision}" if totals.revision else ""
    override = (Fact(Words("Closed with items open", "人工确认后结账"), totals.override),)
    return (
        Fact(Words("Totals of the period", "结算汇总"), totals.site.shown),
        Fact(Words("Period", "结算期"), ends),
        Fact(Words("Status", "状态"), f"{status.zh} {status.en}{revision}"),
        *(override if totals.override else ()),
        Fact(Words("Currency", "币种"), totals.currency),
        Fact(Words("Generated from", "数据摘要"), totals.digest),
    )


def _waiting(totals: Totals) -> Sheet:
    zone = ZoneInfo(totals.period.timezone)
    columns = (
        Column(Words("Place", "类别"), width=16),
        Column(Words("Machine", "机台"), width=16),
        Column(Words("From", "起"), width=20),
        Column(Words("To", "止"), width=20),
        Column(Words("Reason", "原因"), width=60),
        Column(Words("Perhaps", "可能的承租方"), width=24),
        Column(Words("Order", "订单"), width=16),
        Column(Words("Run, setup, test", "运行、调机与打样"), Look.TIME, 14),
        Column(Words("Stop", "停机"), Look.TIME, 12),
        Column(Words("Pieces", "产量"), Look.COUNT, 10),
        Column(Words("Scrap", "次品"), Look.COUNT, 10),
    )
    rows = [
        (
            f"{PLACES[item.place].zh} {PLACES[item.place].en}",
            item.machine,
            on_page(item.start_ms, zone),
            on_page(item.end_ms, zone),
            f"{DOUBTS[Doubt(item.reason)].zh} {DOUBTS[Doubt(item.reason)].en}",
            ", ".join(item.tenants),
            ", ".join(item.orders),
            item.run_ms,
            item.stop_ms,
            item.produced,
            item.scrap,
        )
        for item in totals.waiting
    ]
    sums = zip((7, 8, 9, 10), zip(*(row[7:] for row in rows), strict=True), strict=True) if rows else ()
    foot = [total(column, _FIRST, len(rows), sum(values)) for column, values in sums]
    whole = (("合计 Total", *[None] * 6, *foot),) if rows else ()
    return Sheet(name=Words("Suspense", "挂账与争议"), columns=columns, rows=rows, foot=whole)


def _host(totals: Totals) -> Sheet:
    """Machine time that is nobody's but the host's."""
    columns = (Column(Words("Time", "时间"), width=24), Column(Words("h:mm:ss", "时长"), Look.TIME, 16))
    rows = [(f"{words.zh} {words.en}", totals.host[name]) for name, words in TIME_WORDS.items()]
    foot = (("合计 Total", total(1, _FIRST, len(rows), totals.host["total_ms"])),)
    return Sheet(name=Words("Host time", "主办方时间"), columns=columns, rows=rows, foot=foot)


def _findings(totals: Totals) -> Sheet:
    zone = ZoneInfo(totals.period.timezone)
    columns = (
        Column(Words("Effect", "处理"), width=16),
        Column(Words("Rule", "规则"), width=30),
        Column(Words("Machine", "机台"), width=16),
        Column(Words("From", "起"), width=20),
        Column(Words("To", "止"), width=20),
        Column(Words("What", "说明"), width=90),
    )
    rows = (
        (
            f"{EFFECTS[one.effect]} {one.effect}",
            f"{RULES[one.rule]} {one.rule}",
            one.machine,
            *(on_page(at, zone) if at else "" for at in (one.start_ms, one.end_ms)),
            one.text,
        )
        for one in totals.findings
    )
    return Sheet(name=Words("Findings", "需核查"), columns=columns, rows=rows)
