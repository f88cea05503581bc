"""Workbooks as XLSX bytes, by XlsxWriter: a row at a time, and the same bytes for the same book."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

import xlsxwriter

from billing.book import DAY_MS, Book, Fact, Formula, Look, Sheet, Value

_FORMATS: Final = {
    Look.TEXT: "@",
    Look.MONEY: "#,##0.00;[Red]-#,##0.00",
    Look.COUNT: "#,##0",
    Look.NUMBER: "General",
    Look.TIME: "[h]:mm:ss",
    Look.PERCENT: '0.## "%"',
}
_LONGEST: Final = 32_000
"""A cell takes 32,767 characters."""
_A4: Final = 9
_OPTIONS: Final = {"constant_memory": True}


def xlsx(book: Book) -> bytes:
    """The library dates what is in the archive 1980, and the book says when it was made."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, _OPTIONS) as workbook:
        at = datetime.fromtimestamp(book.made // 1000, UTC).replace(tzinfo=None)
        workbook.set_properties({"title": book.title, "author": "", "created": at})
        writing = _Writing(workbook)
        for sheet in book.sheets:
            writing.sheet(sheet)
    return made.getvalue()


def content(data: bytes) -> str:
    """SHA-256 of what a workbook holds, before compression: another library may compress otherwise."""
    whole = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for each in file.infolist():
            with file.open(each) as entry:
                found = hashlib.file_digest(entry, "sha256").hexdigest()  # type: ignore[arg-type]
            whole.update(f"{each.filename} {found}\n".encode())
    return whole.hexdigest()


class _Writing:
    def __init__(self, workbook: Any) -> None:  # noqa: ANN401  the library's types are loose
        self._workbook = workbook
        plain = {"font_size": 10, "valign": "top"}
        self._plain = {look: workbook.add_format({**plain, "num_format": f}) for look, f in _FORMATS.items()}
        ends = {**plain, "bold": True, "top": 1}
        self._ends = {look: workbook.add_format({**ends, "num_format": f}) for look, f in _FORMATS.items()}
        head = {"bold": True, "text_wrap": True, "valign": "bottom", "bg_color": "#EEF3F7", "bottom": 1}
        self._head = workbook.add_format({"font_size": 10, **head})
        self._number_head = workbook.add_format({"font_size": 10, **head, "align": "right"})
        self._called = workbook.add_format({"font_size": 10, "font_color": "#55626C"})

    def sheet(self, sheet: Sheet) -> None:
        to = self._workbook.add_worksheet(sheet.title)
        self._set_up(to, sheet)
        for number, fact in enumerate(sheet.facts):
            self._fact(to, number, fact)
        top = sheet.first - 2
        for column, each in enumerate(sheet.columns):
            head = self._head if each.look is Look.TEXT else self._number_head
            to.write_string(top, column, f"{each.title.zh}\n{each.title.en}".strip(), head)
        at = sheet.first - 1
        for row in sheet.rows:
            self._row(to, at, sheet, row)
            at += 1
        for row in sheet.foot:
            self._row(to, at, sheet, row, is_foot=True)
            at += 1

    def _set_up(self, to: Any, sheet: Sheet) -> None:  # noqa: ANN401
        """How it looks, and how it prints: A4 across, as wide as the paper, its head on every page."""
        to.set_landscape()
        to.set_paper(_A4)
        to.fit_to_pages(1, 0)
        to.repeat_rows(sheet.first - 2)
        to.freeze_panes(sheet.first - 1, 0)
        to.set_footer("&L&A&R&P / &N")
        for column, each in enumerate(sheet.columns):
            to.set_column(column, column, each.width)

    def _fact(self, to: Any, number: int, fact: Fact) -> None:  # noqa: ANN401
        to.write_string(number, 0, f"{fact.called.zh} {fact.called.en}".strip(), self._called)
        _put(to, (number, 2), fact.value, fact.look, self._plain[fact.look])

    def _row(self, to: Any, at: int, sheet: Sheet, row: tuple[Value, ...], *, is_foot: bool = False) -> None:  # noqa: ANN401
        formats = self._ends if is_foot else self._plain
        for column, (each, value) in enumerate(zip(sheet.columns, row, strict=True)):
            look = Look.TEXT if isinstance(value, str) else each.look
            _put(to, (at, column), value, look, formats[look])


def _put(to: Any, at: tuple[int, int], value: Value, look: Look, form: Any) -> None:  # noqa: ANN401
    match value:
        case None:
            to.write_blank(*at, None, form)
        case str():  # what a person is called is text, and never a formula, a link or a number
            to.write_string(*at, value[:_LONGEST], form)
        case Formula():
            to.write_formula(*at, value.text, form, _number(value.value, look))
        case _:
            to.write_number(*at, _number(value, look), form)


def _number(value: Any, look: Look) -> float | int:  # noqa: ANN401
    return float(value) / DAY_MS if look is Look.TIME else float(value)
