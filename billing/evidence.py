"""Stored rows as files of an evidence pack, and an evidence pack as a store that can be read again.

A file is called after its series and the stretch of time that was read: ``usage-START-END.jsonl.gz``. Dense
series are cut by the day, so that neither writing nor reading holds more than a row.
"""

import gzip
import hashlib
import zlib
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from billing.manifest import Kept
from billing.stretches import Stretch, cut, without
from billing.xlsx import content
from contract.series import BY_NAME, Row, Series
from contract.stored import Stored, fields_text, name_of_stored, row_of_stored
from store.protocol import ANY, Store, UnusableStoreError, Written

_LEVEL: Final = 1
"""Of compression: the next ones save a tenth of the disk and take twice the time."""
PAGE_ROWS: Final = 500
_MOST_TAGS: Final = 20_000
"""Remembered as text at once."""
_is_json: Final = msgspec.json.Decoder(msgspec.Raw).decode
_SUFFIX: Final = ".jsonl.gz"


class DamagedError(Exception):
    """A pack cannot be read. The text says which file and after which record."""


class _Name(NamedTuple):
    series: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.series}-{self.start}-{self.end}{_SUFFIX}"


def name_of(file: str) -> _Name | None:
    """The stretch that a file of rows is called after. A name that somebody changed is none."""
    if not file.endswith(_SUFFIX):
        return None
    series, *ends = file.removesuffix(_SUFFIX).rsplit("-", 2)
    if series not in BY_NAME or len(ends) < 2 or not all(map(str.isdecimal, ends)):
        return None
    return _Name(series, *map(int, ends))


def packed(path: Path, data: bytes) -> Kept:
    """Writes a file of a pack that is not compressed, or a workbook."""
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return Kept(digest=digest, content=content(data) if path.suffix == ".xlsx" else digest)


class _File:
    """A file of rows while it is written. The same rows give the same bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = path.open("wb")
        self._zip = gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0)
        self._content = hashlib.sha256()
        self._rows = 0

    def add(self, lines: Sequence[bytes]) -> None:
        data = b"".join(lines)
        self._content.update(data)
        self._zip.write(data)
        self._rows += len(lines)

    def close(self) -> Kept:
        self._zip.close()
        self._raw.close()
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Kept(digest=digest, content=self._content.hexdigest(), rows=self._rows)


class Recorder:
    """A store that keeps a copy of every row that is read through it, each once."""

    retry_after_ms = 0

    def __init__(self, store: Store, directory: Path) -> None:
        self._store, self._directory = store, directory
        self._read: dict[str, list[Stretch]] = {}
        self.files: dict[str, Kept] = {}

    async def write(self, rows: Sequence[Row]) -> list[Written]:  # noqa: ARG002  as the protocol says
        raise UnusableStoreError("evidence is only ever read")

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        return await self._store.count(series, start, end, tags)

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        async for page in self.pages(series, start, end, tags):
            for stored in page:
                yield row_of_stored(stored, series)

    async def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        """What is read of one kind of machine is kept of all of them, or it would be missing for the next."""
        known = self._read.setdefault(series.name, [])
        fresh = [part for new in without(Stretch(start, end), known) for part in cut(new, dense=series.dense)]
        writing = _Writing(self._directory, series, fresh, self.files)
        asked = {"site": tags["site"]} if fresh and "site" in tags else tags
        wanted = [(1 + series.tags.index(tag), value) for tag, value in tags.items() if tag not in asked]
        try:
            async for page in self._store.pages(series, start, end, asked):
                writing.add(page)
                yield [row for row in page if all(row[place] == value for place, value in wanted)]
        finally:
            writing.close()
        known.append(Stretch(start, end))


def _time(stored: Stored) -> int:
    time: int = stored[0]
    return time


def _batches(rows: Iterator[Stored]) -> Iterator[list[Stored]]:
    while page := list(islice(rows, PAGE_ROWS)):
        yield page


class _Writing:
    """Puts rows that come in rising time into the files of their stretches."""

    def __init__(self, directory: Path, series: Series, parts: list[Stretch], files: dict[str, Kept]) -> None:
        self._directory, self._series, self._files = directory, series, files
        self._parts = parts
        self._lines = _Lines(series)
        self._open: tuple[str, _File] | None = None

    def add(self, page: Sequence[Stored]) -> None:
        """Cut where a stretch begins or ends."""
        at = 0
        while at < len(page) and self._parts:
            start, end = self._parts[0]
            first = bisect_left(page, start, at, key=_time)
            last = bisect_left(page, end, first, key=_time)
            if first < last:
                self._file().add([self._lines.line(stored) for stored in page[first:last]])
            if last < len(page):
                self._next()
            at = last

    def _file(self) -> _File:
        if self._open is None:
            name = str(_Name(self._series.name, *self._parts[0]))
            self._open = name, _File(self._directory / name)
        return self._open[1]

    def _next(self) -> None:
        """A stretch without rows has no file."""
        if self._open:
            name, file = self._open
            self._files[name] = file.close()
        self._open, self._parts = None, self._parts[1:]

    def close(self) -> None:
        while self._parts:
            self._next()


class PackStore:
    """The rows of a pack, read as from the store that they came from."""

    retry_after_ms = 0

    def __init__(self, directory: Path, files: Mapping[str, Any]) -> None:
        self._directory = directory
        names = [found for file in files if (found := name_of(file))]
        self._names = sorted(names, key=lambda name: (name.series, name.start))

    async def write(self, rows: Sequence[Row]) -> list[Written]:  # noqa: ARG002  as the protocol says
        raise UnusableStoreError("evidence is only ever read")

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        return len([row async for row in self.read(series, start, end, tags)])

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        async for page in self.pages(series, start, end, tags):
            for stored in page:
                yield row_of_stored(stored, series)

    async def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        wanted = [(1 + series.tags.index(tag), value) for tag, value in tags.items()]
        for name in self._of(series, start, end):
            for page in _batches(stored_in(self._directory / str(name))):
                yield [
                    row
                    for row in page
                    if start <= row[0] < end and all(row[place] == value for place, value in wanted)
                ]

    def _of(self, series: Series, start: int, end: int) -> list[_Name]:
        return [
            name
            for name in self._names
            if name.series == series.name and name.start < end and name.end > start
        ]


class _Line(Struct, frozen=True, kw_only=True):
    """A row as it lies in a file: its fields are looked at by who wants them."""

    series: str
    time: int
    tags: dict[str, str]
    fields: msgspec.Raw
    """A JSON object; or, of a row that could not be read when it was kept, its text as a string."""

    def stored(self, series: Series) -> Stored:
        """Raises msgspec.DecodeError and UnicodeDecodeError for what is no row of the series."""
        if self.series != series.name or self.tags.keys() != set(series.tags):
            raise msgspec.DecodeError(f"a row of {self.series} with the tags {', '.join(self.tags)}")
        text = bytes(self.fields).decode()
        if text[:1] == '"':
            text = msgspec.json.decode(text, type=str)
        return (self.time, *(self.tags[tag] for tag in series.tags), text)


def stored_in(path: Path) -> Iterator[Stored]:
    """The rows of a file, as they lay in the store. Raises DamagedError, after those before the damage."""
    name = name_of(path.name)
    if name is None:
        raise DamagedError(f"{path}: is not called after a series and a stretch of time")
    series, last = BY_NAME[name.series], None
    try:
        with gzip.open(path, "rb") as file:
            for text in file:
                stored = msgspec.json.decode(text, type=_Line).stored(series)
                yield stored
                last = stored
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        after = described(last, series) if last else "its beginning"
        raise DamagedError(f"{path}: cannot be read after {after} ({error})") from None


class _Lines:
    """Rows of one series as the lines of a file: the canonical JSON of ``Row``."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._tags: dict[Stored, str] = {}

    def line(self, stored: Stored) -> bytes:
        tags = self._tags.get(stored[1:-1])
        if tags is None:
            tags = self._tags[stored[1:-1]] = self._rest(stored)
        return f'{{"fields":{_kept(stored[-1])}{tags}{stored[0]}}}\n'.encode()

    def _rest(self, stored: Stored) -> str:
        """What stands between the fields and the time."""
        if len(self._tags) >= _MOST_TAGS:
            self._tags.clear()
        tags = fields_text(dict(zip(self._series.tags, stored[1:-1], strict=True)))
        return f',"series":"{self._series.name}","tags":{tags},"time":'


def _kept(text: str) -> str:
    """What cannot be read is kept all the same, and comes back as it was."""
    if "\n" not in text:
        with suppress(msgspec.DecodeError):
            _is_json(text)
            return text if text[:1] == "{" else _quoted(text)
    return _quoted(text)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def described(stored: Stored, series: Series) -> str:
    """Which record or fact a row is, for a person."""
    return f"{name_of_stored(stored, series)} at {stored[0]}"
