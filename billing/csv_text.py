"""CSV as spreadsheets and programs read it: one header line, plain numbers, texts that stay texts. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_text(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in line] for line in lines)
    return text.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would calculate gets an apostrophe before it; a number is no text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
