"""Stored rows as files of an evidence pack, and an evidence pack as a store that can be read again.

A file is called after its series and the stretch of time that was read: ``usage-START-END.jsonl.gz``. Dense
series are cut by the day, so that neither writing nor reading holds more than a row.
"""

import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from billing.manifest import Kept, canonical
from billing.stretches import Stretch, cut, without
from contract.series import Row, Series
from store.protocol import ANY, Store, UnusableStoreError, Written

_LEVEL: Final = 6
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
    """The stretch that a file of rows is called after."""
    if not file.endswith(_SUFFIX):
        return None
    series, start, end = file.removesuffix(_SUFFIX).rsplit("-", 2)
    return _Name(series, int(start), int(end))


def packed(path: Path, data: bytes) -> Kept:
    """Writes a file of a pack that is not compressed."""
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return Kept(digest=digest, content=digest)


class _File:
    """A file of rows while it is written. The same rows give the same bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = path.open("wb")
        self._zip = gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0)
        self._content = hashlib.sha256()
        self._rows = 0

    def add(self, row: Row) -> None:
        line = canonical(row)
        self._content.update(line)
        self._zip.write(line)
        self._rows += 1

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
        known = self._read.setdefault(series.name, [])
        fresh = [part for new in without(Stretch(start, end), known) for part in cut(new, dense=series.dense)]
        writing = _Writing(self._directory, series.name, fresh, self.files)
        try:
            async for row in self._store.read(series, start, end, tags):
                writing.add(row)
                yield row
        finally:
            writing.close()
        known.append(Stretch(start, end))


class _Writing:
    """Puts rows that come in rising time into the files of their stretches."""

    def __init__(self, directory: Path, series: str, parts: list[Stretch], files: dict[str, Kept]) -> None:
        self._directory, self._series, self._files = directory, series, files
        self._parts = parts
        self._open: tuple[str, _File] | None = None

    def add(self, row: Row) -> None:
        while self._parts and row.time >= self._parts[0].end:
            self._next()
        if self._parts and row.time >= self._parts[0].start:
            self._file().add(row)

    def _file(self) -> _File:
        if self._open is None:
            name = str(_Name(self._series, *self._parts[0]))
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
        for name in self._names:
            if name.series == series.name and name.start < end and name.end > start:
                for row in rows_of(self._directory / str(name)):
                    if start <= row.time < end and tags.items() <= row.tags.items():
                        yield row


def rows_of(path: Path) -> Iterator[Row]:
    """Raises DamagedError, after the rows before the damage."""
    last = "its beginning"
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                row = msgspec.json.decode(line, type=Row)
                yield row
                last = described(row)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path}: cannot be read after {last} ({error})") from None


def described(row: Row) -> str:
    """Which record or fact a row is, for a person."""
    machine, epoch = row.tags.get("machine", ""), row.tags.get("epoch", "")
    name = "/".join(filter(None, (machine, epoch, str(row.fields.get("sequence", row.fields.get("id", ""))))))
    return f"{row.series} {name} at {row.time}"
