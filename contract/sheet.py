"""A table from a spreadsheet: the bytes of a CSV file to rows that know their line. Pure.

Spreadsheets do not agree on what CSV is. Taken are UTF-8 with or without a byte-order mark, UTF-16 (Excel's
"Unicode text") and GB 18030, which contains the GBK of a Chinese Excel; comma, semicolon and tab; any line
ending; quoted fields; empty rows; rows that begin with #.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

from contract.complaint import Complaint


class SheetRow(Struct, frozen=True, kw_only=True):
    line: int
    """1-based, of its first line in the file."""
    cells: Mapping[str, str]
    """By column; empty cells are left out."""


class Sheet(Struct, frozen=True, kw_only=True):
    file: str
    encoding: str
    """As a person calls it."""
    delimiter: str
    line: int
    """Of its headings."""
    headings: Mapping[str, str]
    """How the file itself calls each column that it has."""
    rows: tuple[SheetRow, ...]
    complaints: tuple[Complaint, ...]
    """About the file as a table; what a cell means is not looked at here."""

    def __str__(self) -> str:
        return f"{self.file}: {len(self.rows)} rows, {self.encoding}, fields cut at {self.delimiter}"


DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What .xlsx, .ods and .xls begin with."""
_IGNORED: Final = "#"


def read_sheet(file: str, data: bytes, columns: Mapping[str, str]) -> Sheet:
    """``columns``: each heading that may stand in the file, in lower case, to what its column is called."""
    if data.startswith(_WORKBOOKS):
        remedy = "save it from the spreadsheet as CSV, and name that file"
        return _useless(file, "none", 0, "is a workbook of a spreadsheet, not CSV", remedy)
    try:
        text, encoding = _decoded(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        remedy = "save it from the spreadsheet as CSV UTF-8"
        return _useless(file, "unknown", line, "is neither UTF-8 nor GBK text", remedy)
    lines = text.splitlines()
    head = next((number for number, line in enumerate(lines) if _says_something(line)), None)
    if head is None:
        remedy = f"begin it with a row of headings: {', '.join(dict.fromkeys(columns.values()))}"
        return _useless(file, encoding, 0, "has no row", remedy)
    return _Reader(file, encoding, columns).read(text, lines[head])


def _decoded(data: bytes) -> tuple[str, str]:
    """Raises UnicodeDecodeError, as seen from GB 18030: whatever is valid UTF-8 was meant as UTF-8."""
    if data.startswith(_UTF_16):
        return data.decode("utf-16", "replace"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("gb18030"), "GBK"


def _says_something(line: str) -> bool:
    bare = line.strip(" \t,;\"'")
    return bool(bare) and not bare.startswith(_IGNORED) and not _names_delimiter(line)


def _names_delimiter(line: str) -> bool:
    """``sep=;``, with which some programs begin a file."""
    return line.strip().strip('"').lower().startswith("sep=") and len(line.strip().strip('"')) <= len("sep=;")


def _useless(file: str, encoding: str, line: int, problem: str, remedy: str) -> Sheet:
    found = Complaint(file=file, line=line, key="", problem=problem, remedy=remedy)
    return Sheet(
        file=file, encoding=encoding, delimiter="", line=line, headings={}, rows=(), complaints=(found,)
    )


class _Reader:
    """Takes one file apart."""

    def __init__(self, file: str, encoding: str, columns: Mapping[str, str]) -> None:
        self._file, self._encoding, self._columns = file, encoding, columns
        self._complaints: list[Complaint] = []
        self._headings: dict[str, str] = {}

    def read(self, text: str, head: str) -> Sheet:
        delimiter = max(DELIMITERS, key=lambda each: self._fit(head, each))
        table = self._rows(text, delimiter)
        top, headings = next(table, (1, []))
        places = self._places(top, headings)
        rows = [row for line, cells in table if (row := self._row(line, cells, places))]
        return Sheet(
            file=self._file,
            encoding=self._encoding,
            delimiter=DELIMITERS[delimiter],
            line=top,
            headings=self._headings,
            rows=tuple(rows),
            complaints=tuple(self._complaints),
        )

    def _fit(self, head: str, delimiter: str) -> tuple[int, int]:
        """How many known headings the first row has, cut in this way; then into how many it is cut."""
        cells = next(csv.reader([head], delimiter=delimiter), [])
        return sum(_folded(cell) in self._columns for cell in cells), len(cells)

    def _rows(self, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Without the empty ones and the comments. A quote that is not closed ends the table."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                bare = [cell.strip() for cell in cells]
                if any(bare) and not bare[0].startswith(_IGNORED) and not _names_delimiter(cells[0]):
                    yield line, bare
                line = reader.line_num + 1
        except csv.Error as error:
            self._complain(line, "", f"cannot be read from here on ({error})", "close the quote that is open")

    def _places(self, line: int, cells: list[str]) -> list[str | None]:
        """Which column stands where; None for one that is not looked at."""
        places: list[str | None] = []
        for cell in cells:
            column = self._columns.get(_folded(cell))
            if column is None and cell and not cell.startswith(_IGNORED):
                known = ", ".join(dict.fromkeys(self._columns.values()))
                near = get_close_matches(_folded(cell), self._columns, n=1)
                meant = f"is {near[0]} meant? " if near else ""
                remedy = f"{meant}name it one of {known}; or begin it with #, and it is not looked at"
                self._complain(line, cell, "is no known column", remedy)
            elif column in self._headings:
                self._complain(line, cell, f"is the same column as {self._headings[column]}", "keep one")
                column = None
            elif column is not None:
                self._headings[column] = cell
            places.append(column)
        return places

    def _row(self, line: int, cells: list[str], places: list[str | None]) -> SheetRow | None:
        if beyond := [cell for cell in cells[len(places) :] if cell]:
            problem = f"has {beyond[0]!r} beyond the last column"
            self._complain(
                line, "", problem, "give the column a heading, or quote the field with the delimiter"
            )
        found = {column: cell for column, cell in zip(places, cells, strict=False) if column and cell}
        for column, cell in found.items():
            if not cell.isprintable():
                problem = "has a line break or a control character in it"
                self._complain(line, self._headings[column], problem, "close its quote, or take it out")
        return SheetRow(line=line, cells=found) if found else None

    def _complain(self, line: int, key: str, problem: str, remedy: str) -> None:
        self._complaints.append(
            Complaint(file=self._file, line=line, key=key, problem=problem, remedy=remedy)
        )


def _folded(heading: str) -> str:
    return heading.strip().lower().replace(" ", "_")
