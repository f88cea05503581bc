"""Statements and reports as CSV: plain numbers, one header line, UTF-8."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain

from billing import figures
from billing.charge import Charge
from billing.csv_text import csv_text
from billing.period import local
from billing.records_text import records_of
from billing.render_json import row_fields
from billing.report import By, ReportRow
from billing.statement import Statement
from contract.names import NONE

CHARGE_COLUMNS = (
    *("site", "tenant", "from", "to", "tariff", "version"),
    *("order", "kind", "clause", "clause_id", "label", "part", "note"),
    *("seconds", "price_per_hour", "count", "counted", "unit", "price_each", "formula"),
    *("amount", "currency", "net", "vat_percent", "tax", "gross"),
    *("known_ms", "busy_ms", "coverage_percent", "records"),
    *("preliminary", "override"),
)


def statement_csv(*statements: Statement) -> str:
    """One line per charge under one header; the sum of a tenant's ``gross`` is the total.

    ``amount`` is what ``formula`` says of the other columns, rounded half away from zero to the fen.
    ``override`` is why the period was closed although something was open, and who said so.
    """
    return csv_text(CHARGE_COLUMNS, chain.from_iterable(map(_lines, statements)))


def _lines(statement: Statement) -> list[tuple[object, ...]]:
    heading, tariff = statement.heading, statement.heading.tariff
    ends = (_instant(statement, heading.period.start), _instant(statement, heading.period.end))
    fixed = (heading.site.id, statement.tenant.id, *ends, tariff.id, tariff.version)
    return [
        (
            *fixed,
            *(_order(charge.order_id), charge.kind, charge.clause, charge.clause_id),
            *(charge.label.en, charge.part.en, charge.note.en),
            *_priced(charge),
            *(charge.amount, tariff.currency),
            *(charge.net, charge.vat_percent, charge.tax, charge.gross),
            *(charge.known_ms, charge.busy_ms, figures.coverage(charge), _records(charge)),
            *("yes" if heading.is_preliminary else "no", heading.override),
        )
        for charge in statement.charges
    ]


def _order(order_id: str) -> str:
    """``#`` and the id, so that a spreadsheet keeps it: 007, 1E5, 3-4 and -A1 would become something else.

    No id begins with ``#``, so a program takes the first character off; the JSON has the id alone. An
    apostrophe, or ``="007"``, is understood by some spreadsheets only, and by no program.
    """
    return order_id if order_id == NONE else f"#{order_id}"


def _records(charge: Charge) -> str:
    """``knit-01/e1/5-288``, each machine once."""
    return " ".join("/".join(filter(None, each)) for each in records_of(charge).items())


def _priced(charge: Charge) -> tuple[object, ...]:
    """Time is seconds and a price per hour, everything else a count and a price for each."""
    quantity = figures.quantity(charge)
    if figures.is_hourly(charge):
        return quantity, charge.price, "", "", "", "", _formula("seconds x price_per_hour", charge.factor)
    units = (charge.counted.name, charge.priced.name)
    return "", "", quantity, *units, charge.price, _formula("count x price_each", charge.factor)


def _formula(product: str, factor: Fraction) -> str:
    """What ``amount`` is before it is rounded."""
    times = "" if factor.numerator == 1 else f" x {factor.numerator}"
    return product + times + ("" if factor.denominator == 1 else f" / {factor.denominator}")


def report_csv(rows: Sequence[ReportRow], by: By) -> str:
    """An empty cell is a figure that would not be true."""
    dicts = [row_fields(row, by) for row in rows]
    for fields in dicts if by is By.ORDER else ():
        if fields["tenant"] != NONE:
            fields["order"] = _order(fields["order"])
    columns = tuple(dicts[0]) if dicts else (by.value,)
    return csv_text(columns, [tuple(fields.values()) for fields in dicts])


def _instant(statement: Statement, at: int) -> str:
    return local(at, statement.heading.zone).isoformat()
