"""What `/query` answers: JSON documents, one a line when the answer is chunked."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from sys import intern
from typing import Final

import msgspec
from msgspec import Struct

from contract.series import BY_NAME, Row, Series
from contract.stored import Stored, fields_text

Cell = int | str | None


class _Table(Struct, frozen=True):
    columns: list[str]
    name: str = ""
    tags: dict[str, str] = {}
    """Of an answer that is grouped by them."""
    values: list[list[Cell]] = []


class _Result(Struct, frozen=True):
    series: list[_Table] = []
    error: str = ""
    partial: bool = False


class Document(Struct, frozen=True):
    results: list[_Result] = []
    error: str = ""

    @property
    def trouble(self) -> str:
        """What the database said instead of giving rows."""
        return self.error or next((result.error for result in self.results if result.error), "")

    @property
    def is_partial(self) -> bool:
        """Whether rows are missing that the next document brings, if there is one."""
        return any(result.partial for result in self.results)

    def tables(self) -> Iterator[_Table]:
        return (table for result in self.results for table in result.series)


_decoder: Final = msgspec.json.Decoder(Document)


def document(line: bytes) -> Document:
    """Raises msgspec.DecodeError, also for numbers that are not integers: there are none in our series."""
    try:
        return _decoder.decode(line)
    except (ValueError, RecursionError) as error:  # no UTF-8, or nested without bottom
        raise msgspec.DecodeError(str(error)) from None


async def lines(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines of a body that arrives in pieces of any size."""
    begun = bytearray()
    async for piece in pieces:
        begun += piece
        *whole, rest = begun.split(b"\n")
        begun = rest
        for line in whole:
            yield bytes(line)
    yield bytes(begun)


def rows(answer: Document) -> list[Row]:
    """The rows of our series in the document. A cell that is null is a field that the row does not have.

    Raises msgspec.ValidationError for what is none of ours.
    """
    return [_row(table, series, values) for table, series in _known(answer) for values in table.values]


def _known(answer: Document) -> Iterator[tuple[_Table, Series]]:
    for table in answer.tables():
        yield table, _series(table)


def _series(table: _Table) -> Series:
    if table.name not in BY_NAME:
        raise msgspec.ValidationError(f"there is no series {table.name!r}")
    return BY_NAME[table.name]


def _row(table: _Table, series: Series, values: list[Cell]) -> Row:
    _check_width(table, values)
    cells = {**table.tags, **dict(zip(table.columns, values, strict=True))}
    return Row(
        series=table.name,
        time=_whole(cells.pop("time", None)),
        tags={tag: str(cells.pop(tag, None) or "") for tag in series.tags},
        fields={name: cell for name, cell in cells.items() if cell is not None},
    )


def stored(answer: Document) -> list[Stored]:
    """What ``rows`` gives, of a question that groups nothing, without a record in between.

    A month of a site is read so: the places of the columns are looked for once a document, and a tag that
    thousands of rows share is one text. Raises what ``rows`` raises.
    """
    return [each for table, series in _known(answer) for each in _stored(table, series)]


def _stored(table: _Table, series: Series) -> Iterator[Stored]:
    places = {column: place for place, column in enumerate(table.columns)}
    time = places.pop("time", None)
    tags = [places.pop(tag, None) for tag in series.tags]
    fields = list(places.items())
    for values in table.values:
        _check_width(table, values)
        yield (
            _whole(None if time is None else values[time]),
            *["" if at is None else intern(str(values[at] or "")) for at in tags],
            fields_text({name: cell for name, at in fields if (cell := values[at]) is not None}),
        )


def _check_width(table: _Table, values: list[Cell]) -> None:
    if len(table.columns) != len(values):
        raise msgspec.ValidationError(f"{len(values)} cells in {len(table.columns)} columns")


def _whole(cell: Cell) -> int:
    if not isinstance(cell, int):
        raise msgspec.ValidationError(f"time is {cell!r}")
    return cell


def values(answer: Document) -> set[str]:
    """The column `value` of every table, for SHOW TAG VALUES."""
    return {
        value
        for table in answer.tables()
        if "value" in table.columns
        for value in (row[table.columns.index("value")] for row in table.values)
        if isinstance(value, str)
    }


def names(answer: Document) -> set[Cell]:
    """The first column of every table, for SHOW DATABASES."""
    return {cell for table in answer.tables() for values in table.values for cell in values[:1]}
