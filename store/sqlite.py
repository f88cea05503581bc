"""The embedded store: one SQLite file, written by one thread, readable by other processes meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from contract.messages import ExceptionReason
from contract.names import TIME_LIMIT
from contract.series import BY_NAME, Row, Series, Value
from contract.stored import Stored, fields_text, row_of_stored
from store import schema
from store.admission import RECORD_SERIES, check_tags, flaw
from store.naming import Claim, claim, quarrel
from store.protocol import (
    ACCEPTED,
    ALL_MACHINES,
    ANY,
    OTHER_CONTENT,
    Machines,
    StoreAwayError,
    Written,
    kept,
    rejected,
)
from store.sqlite_file import connect

_T = TypeVar("_T")
_fields: Final[msgspec.json.Decoder[dict[str, Value]]] = msgspec.json.Decoder(dict[str, Value])


class SqliteStore:
    """Every statement runs on the one thread, so the event loop never waits for the disk."""

    retry_after_ms = 0

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        return await _on(self._thread, partial(_write, self._connection, rows))

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        async for page in self.pages(series, start, end, tags):
            for stored in page:
                yield row_of_stored(stored, series)

    async def pages(
        self,
        series: Series,
        start: int,
        end: int,
        tags: Mapping[str, str] = ANY,
        among: Machines = ALL_MACHINES,
    ) -> AsyncIterator[Sequence[Stored]]:
        bounds = {sign: name for sign, name in ((">=", among.first), ("<", among.until)) if name}
        check_tags(series, [*tags, *(["machine"] if bounds else [])])
        # Page by page after the last key seen: no statement stays open, so the log can be checkpointed.
        query = schema.page(series, tags, bounds)
        start, end = max(0, start), min(end, TIME_LIMIT)
        after: list[int | str] = [start - 1, *("\U0010ffff" for _ in series.tags)]
        while True:
            values = [end, *after, *tags.values(), *bounds.values()]
            found = await _on(self._thread, partial(_fetch, self._connection, query, values))
            if found:
                yield found
            if len(found) < schema.PAGE_ROWS:
                return
            after = list(found[-1][:-1])

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        check_tags(series, tags)
        values: list[int | str] = [max(0, start), min(end, TIME_LIMIT), *tags.values()]
        count = partial(_fetch, self._connection, schema.count(series, tags), values)
        [(found,)] = await _on(self._thread, count)
        return int(found)


@asynccontextmanager
async def open_sqlite(path: Path, *, read_only: bool = False) -> AsyncIterator[SqliteStore]:
    """Raises UnusableStoreError when the file is not, and cannot become, a store."""
    with ThreadPoolExecutor(1, thread_name_prefix=f"store {path.name}") as thread:
        connection = await _on(thread, partial(connect, path, read_only=read_only))
        try:
            yield SqliteStore(connection, thread)
        finally:
            await _on(thread, connection.close)


async def _on(thread: ThreadPoolExecutor, call: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(thread, call)


def _fetch(connection: sqlite3.Connection, query: str, values: Sequence[int | str]) -> list[Any]:
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise StoreAwayError(f"the SQLite store cannot be read: {error}") from error


def _write(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Written]:
    """All rows in one transaction; when it fails, none of them is stored."""
    flaws = [flaw(row) for row in rows]
    try:
        connection.execute("BEGIN IMMEDIATE")
        written = [
            rejected(ExceptionReason.INVALID, found) if found else _put(connection, row)
            for row, found in zip(rows, flaws, strict=True)
        ]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.rollback()
        away = kept(f"the SQLite store cannot be written: {error}")
        return [rejected(ExceptionReason.INVALID, found) if found else away for found in flaws]
    return written


def _put(connection: sqlite3.Connection, row: Row) -> Written:
    series = BY_NAME[row.series]
    key = (row.time, *(row.tags[tag] for tag in series.tags))
    stored = connection.execute(schema.find(series), key).fetchone()
    if stored and _fields.decode(stored[0]) == row.fields:
        return ACCEPTED
    if stored and not series.overwrite:
        return rejected(ExceptionReason.CONFLICT, OTHER_CONTENT)
    if not stored and (why := _take_name(connection, row)):
        return rejected(ExceptionReason.CONFLICT, why)
    connection.execute(schema.put(series), (*key, fields_text(row.fields)))
    return ACCEPTED


def _take_name(connection: sqlite3.Connection, row: Row) -> str:
    """Why a record cannot have its name and its time, or nothing, and they are taken."""
    if row.series not in RECORD_SERIES:
        return ""
    mine = claim(row)
    for other in _near(connection, mine):
        if why := quarrel(mine, other):
            return why
    connection.execute(schema.PUT_NAME, (*mine.life, mine.last, mine.series, mine.time, mine.first))
    return ""


def _near(connection: sqlite3.Connection, mine: Claim) -> Iterator[Claim]:
    machine, epoch = mine.life
    wanted: dict[str, int | str] = {"machine": machine, "epoch": epoch, "series": mine.series}
    wanted |= {"time": mine.time, "first": mine.first, "last": mine.last}
    for question in schema.NEAR_CLAIMS:
        for series, time, first, last in connection.execute(question, wanted):
            yield Claim(series, mine.life, time, first, last)
