"""Statements and reports as CSV: plain numbers, one header line, UTF-8."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain

from billing import figures
from billing.charge import Charge
from billing.period import local
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
)


def statement_csv(*statements: Statement) -> str:
    """One line per charge under one header; the sum of a tenant's ``gross`` is the total.

    ``amount`` is what ``formula`` says of the other columns, rounded half away from zero to the fen.
    """
    return _csv(CHARGE_COLUMNS, chain.from_iterable(map(_lines, statements)))


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
    """One range for each machine: a cell has its limits, and the JSON has every range.

    ``knit-01/e1/5-288``, or from the first to the last of several: ``knit-01/e1/5-20...e2/7-9(4)``.
    """
    of: dict[str, list[str]] = defaultdict(list)
    for record in charge.records:
        machine, span = record.split("/", 1)
        of[machine].append(span)
    return " ".join(f"{machine}/{_bounded(spans)}" for machine, spans in of.items())


def _bounded(spans: list[str]) -> str:
    return spans[0] if len(spans) == 1 else f"{spans[0]}...{spans[-1]}({len(spans)})"


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
    return _csv(columns, [tuple(fields.values()) for fields in dicts])


def _instant(statement: Statement, at: int) -> str:
    return local(at, statement.heading.zone).isoformat()


def _csv(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue()
