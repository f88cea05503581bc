"""Workbooks read back by another library than the one that wrote them, and their formulas worked out anew."""

import io
import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import openpyxl
from openpyxl.utils import range_boundaries

from billing.book import letter


def opened(data: bytes, *, values: bool = False) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data), data_only=values)


def exactly(value: object) -> Fraction:
    """A number of a spreadsheet as it is shown, with fifteen digits; of a time its days."""
    if isinstance(value, timedelta):
        return Fraction(value // timedelta(microseconds=1), 86_400_000_000)
    return Fraction(Decimal(f"{value:.15g}")) if value is not None else Fraction(0)


def calculated(book: Any, sheet: str, cell: str) -> Fraction:
    """What a cell comes to. Knows the forms that our workbooks use, and no other."""
    value = book[sheet][cell].value
    if not isinstance(value, str) or not value.startswith("="):
        return exactly(value)
    for form, work in _FORMS:
        if found := re.fullmatch(form, value):
            return work(book, sheet, *found.groups())
    raise AssertionError(f"{sheet} {cell}: a formula of no known form: {value}")


def _sum(book: Any, sheet: str, span: str) -> Fraction:
    return sum((calculated(book, *each) for each in cells(sheet, span)), Fraction(0))


def _sum_if(book: Any, sheet: str, rates: str, rate: str, sums: str) -> Fraction:
    pairs = zip(cells(sheet, rates), cells(sheet, sums), strict=True)
    of = [s for r, s in pairs if calculated(book, *r) == Fraction(rate)]
    return sum((calculated(book, *each) for each in of), Fraction(0))


def _where(book: Any, sheet: str, conditions: str, sums: str) -> Fraction:
    """SUMPRODUCT of comparisons with a text, or with a cell, and of a column."""
    rows = cells(sheet, sums)
    fits = [True] * len(rows)
    for span, wanted in re.findall(r"\((.+?)=(.+?)\)\*", conditions):
        text = wanted.strip('"') if wanted.startswith('"') else book[sheet][wanted].value
        fits = [
            fit and book[s][c].value == text for fit, (s, c) in zip(fits, cells(sheet, span), strict=True)
        ]
    return sum((calculated(book, *row) for fit, row in zip(fits, rows, strict=True) if fit), Fraction(0))


def _product(book: Any, sheet: str, *factors: str) -> Fraction:
    a, b, c, d = (calculated(book, sheet, each) for each in factors)
    return a * b * c / d


def _share(book: Any, sheet: str, whole: str, share: str, shares: str) -> Fraction:
    return calculated(book, sheet, whole) * calculated(book, sheet, share) / _sum(book, sheet, shares)


def _difference(book: Any, sheet: str, one: str, other: str) -> Fraction:
    return calculated(book, sheet, one) - calculated(book, sheet, other)


_CELL = r"([A-Z]+\d+)"
_FORMS = (
    (r"=SUM\(([^()]*)\)", _sum),
    (r"=SUMIF\((.*),([\d.]+),(.*)\)", _sum_if),
    (r"=SUMPRODUCT\(((?:\(.+?\)\*)+)([^()]+)\)", _where),
    (rf"={_CELL}\*{_CELL}\*{_CELL}/{_CELL}", _product),
    (rf"={_CELL}\*{_CELL}/SUM\(([^()]*)\)", _share),
    (rf"={_CELL}-{_CELL}", _difference),
)


def cells(sheet: str, span: str) -> list[tuple[str, str]]:
    where, _, area = span.rpartition("!")
    first, top, last, bottom = range_boundaries(area)
    assert first == last
    return [(where.strip("'") or sheet, f"{letter(first - 1)}{row}") for row in range(top, bottom + 1)]
