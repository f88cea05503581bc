"""What owners get, as a workbook: for each ownership its shares and what they come from. Pure."""

from billing.book import Book, Column, Fact, Formula, Look, Sheet, Value, span, total
from billing.owners_page import OwnershipPage, OwnersPage
from billing.totals_words import STATUSES
from billing.words import Words
from contract.names import NONE


def owners_book(page: OwnersPage) -> Book:
    sheets = [sheet for n, each in enumerate(page.ownerships, 1) for sheet in _sheets(page, each, n)]
    return Book(
        title=f"{page.site.id} {page.period.name}",
        made=page.generated_ms,
        sheets=(_overview(page), *sheets),
    )


def _overview(page: OwnersPage) -> Sheet:
    """Where every net fen of the period went."""
    columns = (
        Column(Words("Ownership", "共有机台"), width=28),
        Column(Words("Net revenue", "不含税收入"), Look.MONEY, 18),
        Column(Words("Host's fee", "主办方服务费"), Look.MONEY, 18),
        Column(Words("Shared out", "可分配"), Look.MONEY, 18),
    )
    facts = (
        Fact(Words("Owner statement", "业主分配单"), page.site.shown),
        Fact(Words("Period", "结算期"), f"{page.period.start} – {page.period.end}"),
        Fact(Words("Status", "状态"), f"{STATUSES[page.status].zh} {STATUSES[page.status].en}"),
        Fact(Words("Currency", "币种"), page.currency),
        Fact(Words("Generated from", "数据摘要"), page.digest),
    )
    rows: list[tuple[Value, ...]] = [(e.id, e.revenue, e.host_fee, e.shared) for e in page.ownerships]
    rows.append(("主办方自有 The host's own", page.host, None, None))
    first = len(facts) + 3
    fee = sum((each.host_fee for each in page.ownerships), start=page.net * 0)
    shared = sum((each.shared for each in page.ownerships), start=page.net * 0)
    feet = [total(n, first, len(rows), value) for n, value in enumerate((page.net, fee, shared), 1)]
    return Sheet(
        name=Words("Overview", "总览"),
        facts=facts,
        columns=columns,
        rows=rows,
        foot=(("合计 Total", *feet),),
    )


def _sheets(page: OwnersPage, each: OwnershipPage, number: int) -> tuple[Sheet, Sheet]:
    lines = Words(f"{number} lines", "来源")
    source = Sheet(
        name=lines,
        columns=(
            Column(Words("Line", "行"), width=40),
            Column(Words("Tenant", "承租方"), width=20),
            Column(Words("Order", "订单"), width=16),
            Column(Words("", "项目"), width=18),
            Column(Words("Charge", ""), width=24),
            Column(Words("Net", "不含税"), Look.MONEY, 16),
        ),
        rows=[
            (
                line.id,
                line.tenant,
                "" if line.order_id == NONE else line.order_id,
                line.label.zh,
                line.label.en,
                line.amount,
            )
            for line in each.lines
        ],
        foot=(("合计 Total", None, None, None, None, total(5, 2, len(each.lines), each.revenue)),),
    )
    return _shares(page, each, Words(f"{number} shares", "份额"), f"{lines.zh} {lines.en}"), source


def _shares(page: OwnersPage, each: OwnershipPage, name: Words, lines: str) -> Sheet:
    revenue = Formula(f"=SUM({span(5, 2, len(each.lines), lines)})", each.revenue)
    facts = (
        Fact(Words("Ownership", "共有机台"), each.id),
        Fact(Words("Machines", "机台"), ", ".join(each.machines)),
        Fact(Words("Net revenue", "不含税收入"), revenue if each.lines else each.revenue, Look.MONEY),
        Fact(Words("Host's fee", "主办方服务费"), each.host_fee, Look.MONEY),
        Fact(Words("Shared out", "可分配"), Formula("=C3-C4", each.shared), Look.MONEY),
    )
    first, count = len(facts) + 3, len(each.owners)
    shares = span(2, first, count)
    return Sheet(
        name=name,
        facts=facts,
        columns=(
            Column(Words("Owner", "业主"), width=20),
            Column(Words("Name", "名称"), width=30),
            Column(Words("Share", "份额"), Look.COUNT, 16),
            Column(Words("Before rounding", "舍入前"), Look.NUMBER, 18),
            Column(Words("Amount", "金额"), Look.MONEY, 18),
        ),
        rows=[
            (
                owner.id,
                f"{owner.name.zh} {owner.name.en}",
                owner.share,
                Formula(f"=C5*C{first + n}/SUM({shares})", owner.exact),
                owner.amount,
            )
            for n, owner in enumerate(each.owners)
        ],
        foot=(
            (
                "合计 Total",
                page.currency,
                total(2, first, count, sum(owner.share for owner in each.owners)),
                None,
                total(4, first, count, each.shared),
            ),
        ),
    )
