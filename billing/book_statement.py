"""A statement as a workbook: totals that add the lines up again, the lines, and what they rest on. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing import figures, words
from billing.book import Book, Column, Fact, Formula, Look, Sheet, Value, span, total
from billing.charge import Charge
from billing.machine_day import MachineDay
from billing.period import on_page
from billing.phases import CALLED, PHASES
from billing.records_text import records_of
from billing.statement import Statement
from billing.wording import DOUBTS
from billing.words import Words
from billing.yields import CAUSES
from contract.names import NONE

LINES: Final = Words("Charges", "费用明细")
_MONEY: Final = Look.MONEY
_LINE_COLUMNS: Final = (
    Column(Words("No.", "序号"), Look.COUNT, 6),
    Column(Words("Order", "订单"), width=14),
    Column(Words("Kind", "机型"), width=8),
    Column(Words("", "项目"), width=18),
    Column(Words("Charge", ""), width=22),
    Column(Words("Part", "部分"), width=18),
    Column(Words("Note", "说明"), width=30),
    Column(Words("Quantity", "数量"), Look.NUMBER, 14),
    Column(Words("Unit", "单位"), width=10),
    Column(Words("Price", "单价"), Look.NUMBER, 10),
    Column(Words("per", "每"), width=10),
    Column(Words("times", "乘"), Look.NUMBER, 8),
    Column(Words("over", "除"), Look.NUMBER, 8),
    Column(Words("Amount", "金额"), _MONEY, 14),
    Column(Words("Before rounding", "舍入前"), Look.NUMBER, 14),
    Column(Words("VAT %", "增值税率"), Look.PERCENT, 8),
    Column(Words("Net", "不含税"), _MONEY, 14),
    Column(Words("Tax", "税额"), _MONEY, 12),
    Column(Words("Gross", "价税合计"), _MONEY, 14),
    Column(Words("Observed %", "观测率"), Look.PERCENT, 10),
    Column(Words("Clause", "条款"), width=20),
)
_QUANTITY, _PRICE, _TIMES, _OVER, _AMOUNT, _EXACT, _VAT, _NET, _TAX, _GROSS = "HJLMNOPQRS"
_PLACES: Final = {letter: ord(letter) - 65 for letter in "NOPQRS"}
_FIRST: Final = 2
"""The first row of the lines, whose sheet begins with their head."""


def statement_book(statement: Statement) -> Book:
    heading = statement.heading
    return Book(
        title=f"{statement.tenant.id} {on_page(heading.period.start, heading.zone)}",
        made=heading.generated,
        sheets=(
            _totals(statement),
            _lines(statement),
            _days(statement),
            _behind(statement),
            _open(statement),
        ),
    )


def _facts(statement: Statement) -> tuple[Fact, ...]:
    heading = statement.heading
    ends = f"{on_page(heading.period.start, heading.zone)} – {on_page(heading.period.end, heading.zone)}"
    early = (Fact(Words("Preliminary", "预结算"), "本期尚未结束 the period is not over"),)
    override = (Fact(Words("Closed with items open", "人工确认后结账"), heading.override),)
    return (
        Fact(Words("Statement of machine use", "设备使用结算单"), heading.site.shown),
        Fact(Words("Tenant", "承租方"), f"{statement.tenant.shown} ({statement.tenant.id})"),
        Fact(Words("Period", "结算期"), f"{ends}  {heading.timezone}"),
        Fact(Words("Tariff", "价目"), f"{heading.tariff.id} v{heading.tariff.version}"),
        *(early if heading.is_preliminary else ()),
        *(override if heading.override else ()),
        Fact(Words("Generated from", "数据摘要"), heading.digest),
    )


def _totals(statement: Statement) -> Sheet:
    """By rate of VAT, from the sheet of lines; and how many lines do not come to what their figures say."""
    lines = len(statement.charges)
    where = {letter: span(_PLACES[letter], _FIRST, lines, _title(LINES)) for letter in _PLACES}
    rows = [_rate(where, tax.percent, tax.net, tax.tax, tax.gross) for tax in statement.taxes]
    facts = _facts(statement)
    off = Formula(f"=SUMPRODUCT(--(ABS({where[_EXACT]}-{where[_AMOUNT]})>0.005001))", 0)
    checks = (Fact(Words("Lines that do not re-add", "复算不符的行数"), off, Look.COUNT),)
    whole = (statement.net, statement.tax, statement.total)
    columns = (
        Column(Words("VAT %", "增值税率"), Look.PERCENT, 24),
        Column(Words("Currency", "币种"), width=10),
        *(Column(Words(en, zh), _MONEY, 18) for en, zh in _MONIES),
    )
    sums = [
        Formula(f"=SUM({where[letter]})", value)
        for letter, value in zip((_NET, _TAX, _GROSS), whole, strict=True)
    ]
    return Sheet(
        name=Words("Totals", "合计"),
        facts=(*facts, *checks),
        columns=columns,
        rows=rows,
        foot=(("应付合计 Total due", statement.heading.tariff.currency, *sums),),
    )


_MONIES: Final = (("Net", "不含税"), ("Tax", "税额"), ("Gross", "价税合计"))


def _title(name: Words) -> str:
    return f"{name.zh} {name.en}"


def _rate(where: dict[str, str], percent: Decimal, *money: Decimal) -> tuple[Value, ...]:
    sums = [
        Formula(f"=SUMIF({where[_VAT]},{percent},{where[letter]})", value)
        for letter, value in zip((_NET, _TAX, _GROSS), money, strict=True)
    ]
    return percent, None, *sums


def _lines(statement: Statement) -> Sheet:
    lines = statement.charges
    foot: list[Value] = [None] * len(_LINE_COLUMNS)
    foot[0] = "合计 Total"
    whole = {_NET: statement.net, _TAX: statement.tax, _GROSS: statement.total}
    whole[_AMOUNT] = statement.total if statement.heading.tariff.is_gross else statement.net
    for letter, value in whole.items():
        foot[_PLACES[letter]] = total(_PLACES[letter], _FIRST, len(lines), value)
    rows = (_line(number, charge) for number, charge in enumerate(lines, 1))
    return Sheet(name=LINES, columns=_LINE_COLUMNS, rows=rows, foot=(tuple(foot),))


def _line(number: int, charge: Charge) -> tuple[Value, ...]:
    at = _FIRST + number - 1
    cells = {letter: f"{letter}{at}" for letter in (_QUANTITY, _PRICE, _TIMES, _OVER)}
    exact = f"={cells[_QUANTITY]}*{cells[_PRICE]}*{cells[_TIMES]}/{cells[_OVER]}"
    value = Fraction(figures.quantity(charge)) * Fraction(charge.price) * charge.factor
    return (
        number,
        figures.NOTHING if charge.order_id == NONE else charge.order_id,
        figures.NOTHING if charge.kind == NONE else charge.kind,
        charge.label.zh,
        charge.label.en,
        _both(charge.part),
        _both(charge.note),
        figures.quantity(charge),
        _both(Words(charge.counted.en, charge.counted.zh)),
        charge.price,
        _both(Words(charge.priced.en, charge.priced.zh)),
        charge.factor.numerator,
        charge.factor.denominator,
        charge.amount,
        Formula(exact, figures.plain(value)),
        charge.vat_percent,
        charge.net,
        charge.tax,
        charge.gross,
        figures.coverage(charge),
        charge.clause_id,
    )


def _both(words: Words) -> str:
    return words.zh if words.zh == words.en else f"{words.zh} {words.en}".strip()


def _days(statement: Statement) -> Sheet:
    """Time and pieces by machine and day, with their sums."""
    columns = (
        Column(Words("Machine", "机台"), width=16),
        Column(Words("Day", "日期"), width=12),
        *(Column(CALLED[phase], Look.TIME, 12) for phase in PHASES),
        *(Column(words, Look.COUNT, 12) for words in _PIECES),
    )
    days = statement.days
    sums: list[Value] = ["合计 Total", None]
    numbers = [_numbers(day) for day in days]
    for place in range(len(columns) - 2):
        value = sum(row[place] or 0 for row in numbers)
        sums.append(total(place + 2, _FIRST, len(days), value))
    rows = ((day.machine, day.day.name, *row) for day, row in zip(days, numbers, strict=True))
    return Sheet(name=Words("Usage by day", "每日用量"), columns=columns, rows=rows, foot=(tuple(sums),))


_PIECES: Final = (
    Words("produced", "产量"),
    Words("good", "良品"),
    *(
        Words(f"scrap, {cause.value}", f"次品：{zh}")
        for cause, zh in zip(CAUSES, ("承租方", "主办方", "公用设施", "原因未知"), strict=True)
    ),
    Words("rework", "返工"),
)


def _numbers(day: MachineDay) -> tuple[int | None, ...]:
    made = day.pieces
    if made is None:
        return (*day.time, *[None] * len(_PIECES))
    good = None if made.unsorted else made.good
    return (*day.time, made.produced, good, *(made.scrap.get(cause, 0) for cause in CAUSES), made.rework)


def _behind(statement: Statement) -> Sheet:
    """What each machine has of each line, and the stored records. The JSON has every range of records."""
    columns = (
        Column(Words("No.", "序号"), Look.COUNT, 6),
        Column(Words("Line", "行"), width=40),
        Column(Words("Machine or fact", "机台或凭据"), width=16),
        Column(Words("Quantity", "数量"), Look.NUMBER, 16),
        Column(Words("Unit", "单位"), width=12),
        Column(Words("Records", "记录"), width=60),
    )
    return Sheet(name=Words("Behind the lines", "计费依据"), columns=columns, rows=_parts(statement))


def _parts(statement: Statement) -> Iterator[tuple[Value, ...]]:
    for number, charge in enumerate(statement.charges, 1):
        records = records_of(charge)
        is_money = charge.is_shared_by_amount
        unit, scale = (words.CNY.en, 100) if is_money else (charge.counted.en, charge.scale)
        for machine in sorted({*charge.machines, *records}):
            part = charge.machines.get(machine)
            exact = None if part is None else figures.plain(Fraction(part, scale))
            yield number, charge.id, machine, exact, unit, records.get(machine, "")
        for each in charge.of:
            yield number, charge.id, each.line, Fraction(each.amount), words.CNY.en, ""


def _open(statement: Statement) -> Sheet:
    """What waits for a decision and is not charged."""
    zone = statement.heading.zone
    columns = (
        Column(Words("Machine", "机台"), width=16),
        Column(Words("From", "起"), width=20),
        Column(Words("To", "止"), width=20),
        Column(Words("Reason", "原因"), width=60),
        Column(Words("Order", "订单"), width=16),
        Column(Words("Run, setup, test", "运行、调机与打样"), Look.TIME, 14),
        Column(Words("Stop", "停机"), Look.TIME, 12),
        Column(Words("Pieces", "产量"), Look.COUNT, 10),
        Column(Words("Scrap", "次品"), Look.COUNT, 10),
    )
    rows = (
        (
            item.machine,
            on_page(item.start, zone),
            on_page(item.end, zone),
            _both(DOUBTS[item.doubt]),
            ", ".join(item.orders) or figures.NOTHING,
            item.run_ms + item.setup_ms + item.test_ms,
            item.stop_ms,
            item.produced,
            item.scrap,
        )
        for item in statement.open_items
    )
    return Sheet(name=Words("Waiting, not charged", "待确认未计费"), columns=columns, rows=rows)
