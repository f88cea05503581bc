"""The workbook of a statement, read back by another library: figures that re-add, texts that stay texts."""

import io
import os
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from billing.book import Book, Column, Look, Sheet
from billing.book_statement import statement_book
from billing.statement import Statement
from billing.words import Words
from billing.xlsx import content, xlsx
from tests.billing.case_file import CASES
from tests.billing.case_rating import assessed
from tests.billing.sheets import calculated, exactly, opened

EVIL = "=cmd|' /C calc'!A0"
LINES = "费用明细 Charges"
DAYS = "每日用量 Usage by day"


def statements(name: str = "a_day_on_the_picture") -> tuple[Statement, ...]:
    return assessed(CASES / name)[0].statements


def test_the_totals_of_every_case_are_those_of_its_lines(case_folder: Path) -> None:
    """Worked out from the formulas, not from what was written beside them."""
    for statement in assessed(case_folder)[0].statements:
        book = opened(xlsx(statement_book(statement)))
        sheet = book["合计 Totals"]
        foot = [calculated(book, sheet.title, f"{column}{sheet.max_row}") for column in "CDE"]
        assert foot == [Fraction(statement.net), Fraction(statement.tax), Fraction(statement.total)]
        rates = {
            Fraction(str(row[0].value)): [calculated(book, sheet.title, cell.coordinate) for cell in row[2:5]]
            for row in sheet.iter_rows(
                min_row=sheet.max_row - len(statement.taxes), max_row=sheet.max_row - 1
            )
        }
        assert rates == {
            Fraction(tax.percent): [Fraction(each) for each in (tax.net, tax.tax, tax.gross)]
            for tax in statement.taxes
        }
        for number, line in enumerate(statement.charges, 2):
            exact = calculated(book, LINES, f"O{number}")
            assert abs(exact - Fraction(line.amount)) <= Fraction(1, 200) + Fraction(1, 10**9)


@pytest.mark.parametrize("name", ["a_day_on_the_picture", "vat_on_top", "huzhou_effluent"])
def test_what_formulas_come_to_stands_beside_them(name: str) -> None:
    """For programs that do not calculate."""
    for statement in statements(name):
        data = xlsx(statement_book(statement))
        book, shown = opened(data), opened(data, values=True)
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f" and "SUMPRODUCT" not in cell.value:
                        told = shown[sheet.title][cell.coordinate].value
                        assert float(calculated(book, sheet.title, cell.coordinate)) == pytest.approx(
                            float(exactly(told)), abs=1e-9
                        )


def test_numbers_are_numbers_and_money_has_two_places() -> None:
    hongye = statements()[0]
    sheet = opened(xlsx(statement_book(hongye)))[LINES]
    head = {str(cell.value).split("\n")[-1]: cell.column for cell in sheet[1]}
    for row, line in enumerate(hongye.charges, 2):
        for title, value in (
            ("Amount", line.amount),
            ("Net", line.net),
            ("Tax", line.tax),
            ("Gross", line.gross),
        ):
            cell = sheet.cell(row, head[title])
            assert (cell.data_type, Decimal(str(cell.value))) == ("n", value)
            assert cell.number_format.startswith("#,##0.00")


def test_time_by_day_adds_up_to_the_time_on_the_page() -> None:
    hongye = statements()[0]
    book = opened(xlsx(statement_book(hongye)))
    last = book[DAYS].max_row
    assert round(calculated(book, DAYS, f"C{last}") * 86_400_000) == hongye.whole.run_ms
    assert book[DAYS][f"C{last}"].number_format == "[h]:mm:ss"
    assert calculated(book, DAYS, f"J{last}") == hongye.whole.produced


@pytest.mark.parametrize(
    "text", [EVIL, "+1", "-1+2", "@SUM(A1)", "http://x.example", "007", "{=1}", "mailto:a@b"]
)
def test_what_people_write_is_never_a_formula_a_link_or_a_number(text: str) -> None:
    hongye = statements()[0]
    line = replace(hongye.charges[0], label=Words(text, text), note=Words(text, text), order_id=text)
    evil = replace(
        hongye,
        charges=(line,),
        tenant=replace(hongye.tenant, name_en=text, name_zh=""),
        heading=replace(hongye.heading, override=text),
    )
    data = xlsx(statement_book(evil))
    book = opened(data)
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if text in str(cell.value)]
    assert len(found) >= 5
    assert {cell.data_type for cell in found} == {"s"}
    assert not any(cell.hyperlink for cell in found)
    formulas = [cell.value for s in book for r in s.iter_rows() for cell in r if cell.data_type == "f"]
    assert not [formula for formula in formulas if text in formula]


@contextmanager
def elsewhere() -> Iterator[None]:
    """Another time zone, and other rights for new files."""
    before, zone = os.umask(0), os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    try:
        yield
    finally:
        os.umask(before)
        os.environ.pop("TZ")
        if zone:
            os.environ["TZ"] = zone
        time.tzset()


def test_the_same_statement_gives_the_same_bytes_wherever_it_is_written() -> None:
    book = lambda: statement_book(statements()[0])  # noqa: E731  rows are read once
    here = xlsx(book())
    with elsewhere():
        assert xlsx(book()) == here
    with zipfile.ZipFile(io.BytesIO(here)) as file:
        assert {each.date_time[0] for each in file.infolist()} == {1980}
        assert b">2026-11-22T04:00:00Z<" in file.read("docProps/core.xml")


def test_what_a_workbook_holds_is_told_whatever_compressed_it() -> None:
    data = xlsx(statement_book(statements()[0]))
    assert content(again(data)) == content(data)
    assert content(again(data, b"38.41", b"38.42")) != content(data)


def again(data: bytes, old: bytes = b"", new: bytes = b"") -> bytes:
    """The same workbook, not compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(made, "w") as after:
        for each in before.infolist():
            after.writestr(each.filename, before.read(each).replace(old, new))
    return made.getvalue()


def test_a_large_workbook_is_written_a_row_at_a_time() -> None:
    """A hundred thousand cells of twenty-seven characters, never in memory at once."""

    def peak(rows: int) -> int:
        lines = ((f"a line of the day {n:08}",) * 10 for n in range(rows))
        sheet = Sheet(name=Words("A", "甲"), columns=(Column(Words("a", "")),) * 10, rows=lines)
        tracemalloc.start()
        xlsx(Book(title="", made=0, sheets=(sheet,)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(10_000) - peak(1_000) < 2_000_000


def test_a_text_that_no_cell_can_hold_is_cut_and_still_there() -> None:
    sheet = Sheet(name=Words("A", "甲"), columns=(Column(Words("a", ""), Look.TEXT),), rows=[("x" * 40_000,)])
    book = opened(xlsx(Book(title="", made=0, sheets=(sheet,))))
    assert len(book["甲 A"]["A2"].value) == 32_000
