"""A workbook before any library has seen it: sheets of rows, with formulas that add them up again. Pure."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from msgspec import Struct

from billing.words import Words

DAY_MS: Final = 86_400_000
"""A spreadsheet counts time in days."""


class Look(StrEnum):
    """How a cell is shown. What is text stays text, whatever it looks like: nobody's name is a formula."""

    TEXT = "text"
    MONEY = "money"
    """Two places."""
    COUNT = "count"
    NUMBER = "number"
    """With as many places as it has."""
    TIME = "time"
    """Milliseconds, shown as h:mm:ss."""
    PERCENT = "percent"
    """A number of percent."""


class Formula(Struct, frozen=True):
    text: str
    value: Decimal | int
    """What it comes to, for programs that do not calculate."""


Value = str | int | Decimal | Fraction | Formula | None


class Column(Struct, frozen=True):
    title: Words
    look: Look = Look.TEXT
    width: int = 12
    """In characters."""


class Fact(Struct, frozen=True):
    """A line above a table: what it is called, and what it is."""

    called: Words
    value: Value
    look: Look = Look.TEXT


class Sheet(Struct, frozen=True, kw_only=True):
    name: Words
    facts: tuple[Fact, ...] = ()
    columns: tuple[Column, ...]
    rows: Iterable[tuple[Value, ...]] = ()
    """Read once, one at a time."""
    foot: tuple[tuple[Value, ...], ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name.zh} {self.name.en}"

    @property
    def first(self) -> int:
        """The number of the first row of the table, as a formula counts."""
        return len(self.facts) + (3 if self.facts else 2)


class Book(Struct, frozen=True, kw_only=True):
    title: str
    made: int
    """UTC ms: the instant of the run, not of the writing, so that the same run gives the same bytes."""
    sheets: tuple[Sheet, ...]


def letter(column: int) -> str:
    """Of a column, from 0: A to Z, AA and so on."""
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(65 + place) + letters
    return letters


def span(column: int, first: int, rows: int, sheet: str = "") -> str:
    """The cells of a column below each other; at least one, so that a sum over nothing is a sum."""
    where = f"'{sheet}'!" if sheet else ""
    return f"{where}{letter(column)}{first}:{letter(column)}{first + max(1, rows) - 1}"


def total(column: int, first: int, rows: int, value: Decimal | int) -> Value:
    """The sum of a column, for the row below it. Of nothing it is no formula: that would be about itself."""
    return value if not rows else Formula(f"=SUM({span(column, first, rows)})", value)
