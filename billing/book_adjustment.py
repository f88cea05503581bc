"""An adjustment or credit note as a workbook: what was booked, what it is today, and the difference. Pure."""

from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from billing.adjusting import Change
from billing.book import Book, Column, Fact, Formula, Look, Sheet, Value, total
from billing.period import on_page
from billing.render_adjustment import Note
from billing.words import Words
from contract.names import NONE

_COLUMNS: Final = (
    Column(Words("Order", "订单"), width=16),
    Column(Words("Kind", "机型"), width=10),
    Column(Words("", "项目"), width=24),
    Column(Words("Charge", ""), width=30),
    Column(Words("Was", "原数量"), Look.NUMBER, 14),
    Column(Words("Is", "现数量"), Look.NUMBER, 14),
    Column(Words("Unit", "单位"), width=10),
    Column(Words("VAT %", "增值税率"), Look.PERCENT, 10),
    Column(Words("Booked", "已结"), Look.MONEY, 14),
    Column(Words("Today", "重算"), Look.MONEY, 14),
    Column(Words("Difference", "差额"), Look.MONEY, 14),
    Column(Words("Of it net", "其中不含税"), Look.MONEY, 14),
    Column(Words("Of it tax", "其中税额"), Look.MONEY, 14),
    Column(Words("Line", "行"), width=40),
)


def adjustment_book(note: Note) -> Book:
    manifest, adjustment = note.manifest, note.adjustment
    facts = _facts(note)
    first, lines = len(facts) + 3, adjustment.changes
    sums = (
        sum((each.before.gross for each in lines), Decimal("0.00")),
        sum((each.now.gross for each in lines), Decimal("0.00")),
        adjustment.total,
        adjustment.net,
        adjustment.tax,
    )
    feet = [total(8 + n, first, len(lines), value) for n, value in enumerate(sums)]
    sheet = Sheet(
        name=Words("Adjustment", "结算调整"),
        facts=facts,
        columns=_COLUMNS,
        rows=[_row(each, first + n) for n, each in enumerate(lines)],
        foot=(("合计 Total", *[None] * 6, adjustment.currency, *feet, None),),
    )
    return Book(title=f"{adjustment.tenant.id} {manifest.name}", made=manifest.now, sheets=(sheet,))


def _facts(note: Note) -> tuple[Fact, ...]:
    manifest, adjustment = note.manifest, note.adjustment
    zone = ZoneInfo(manifest.timezone)
    called = Words("Credit note", "红字结算单") if adjustment.is_credit else Words("Adjustment", "结算调整单")
    ends = (on_page(at, zone) for at in (manifest.period.start, manifest.period.end))
    override = f"{manifest.override} ({manifest.by})"
    return (
        Fact(called, note.site.shown),
        Fact(Words("Tenant", "承租方"), f"{adjustment.tenant.shown} ({adjustment.tenant.id})"),
        Fact(Words("Period", "原结算期"), f"{' – '.join(ends)}  {manifest.timezone}"),
        Fact(Words("Booked before", "已结金额"), adjustment.booked, Look.MONEY),
        *((Fact(Words("Closed with items open", "人工确认后结账"), override),) if manifest.override else ()),
        *(Fact(Words("Why", "原因"), reason) for reason in note.reasons),
    )


def _row(change: Change, at: int) -> tuple[Value, ...]:
    now, before = change.now, change.before
    return (
        "" if now.order_id == NONE else now.order_id,
        "" if now.kind == NONE else now.kind,
        f"{now.label['zh']} {now.part['zh']}".strip(),
        f"{now.label['en']} {now.part['en']}".strip(),
        Decimal(before.quantity),
        Decimal(now.quantity),
        now.unit,
        now.vat_percent,
        before.gross,
        now.gross,
        Formula(f"=J{at}-I{at}", change.gross),
        change.net,
        change.tax,
        now.id,
    )
