"""Evidence beside the store: rows that were frozen and are not there any more as they were. Pure.

Both are read in rising time, and only what has one instant is held at once.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from billing.period import shown
from contract.series import Series
from contract.stored import Stored, fields_in, name_of_stored

_FEW = 8
_SHOWN = 60
"""So many characters of what cannot be read are shown."""


def record_of(stored: Stored, series: Series, zone: ZoneInfo, beside: Stored | None = None) -> str:
    """Which record or fact a row is, for a person: series, machine, epoch, sequence or id, and time.

    ``beside``: what it should be, which may say its number where the row itself does not.
    """
    return f"{name_of_stored(stored, series, beside)}, {shown(stored[0], zone)}"


class Comparison:
    """One file of the evidence beside the same stretch of the store."""

    def __init__(self, file: str, series: Series, zone: ZoneInfo) -> None:
        self._file, self._series, self._zone = file, series, zone
        self._line = 0
        self._told: list[str] = []
        self.more: list[str] = []
        """Rows that only the store has, the first few: later ones, unless the file has lost some."""
        self.many = 0
        self.kept = 0
        """Rows of the evidence that stand where they should."""

    async def differences(self, kept: Iterable[Stored], stored: AsyncIterable[Stored]) -> AsyncIterator[str]:
        """Whichever of the two was changed, the record is named."""
        theirs = _groups_of(stored)
        other = await anext(theirs, None)
        for mine in self._groups(kept):
            while other and other[0][0] < mine[0][0]:
                self._only_stored(other)
                other = await anext(theirs, None)
            beside = other if other and other[0][0] == mine[0][0] else []
            for text in [*self._drain(), *self._compare(mine, beside)]:
                yield text
            if beside:
                other = await anext(theirs, None)
        for text in self._drain():
            yield text
        while other:
            self._only_stored(other)
            other = await anext(theirs, None)

    def _groups(self, rows: Iterable[Stored]) -> Iterator[list[Stored]]:
        """Rows of one instant; what stands out of its order, or twice, is told of and left out."""
        group: list[Stored] = []
        for row in rows:
            self._line += 1
            if group and row[0] > group[0][0]:
                yield group
                group = []
            if group and (row[0] < group[0][0] or _key(row) in map(_key, group)):
                what = "twice" if row[0] == group[0][0] else "out of its order"
                self._told.append(f"{self._file}, line {self._line}: {self._named(row)} stands there {what}")
            else:
                group.append(row)
                self.kept += 1
        if group:
            yield group

    def _drain(self) -> list[str]:
        told, self._told = self._told, []
        return told

    def _compare(self, kept: list[Stored], stored: list[Stored]) -> Iterator[str]:
        theirs = {_key(row): row for row in stored}
        for row in kept:
            other = theirs.pop(_key(row), None)
            if other is None:
                yield f"{self._named(row)}: is in the evidence, and in the store no more"
            elif other[-1] != row[-1] and (apart := list(_apart(row[-1], other[-1]))):
                yield f"{record_of(row, self._series, self._zone, other)}: {'; '.join(apart)}"
        self._only_stored(list(theirs.values()))

    def _only_stored(self, rows: list[Stored]) -> None:
        self.many += len(rows)
        self.more += [self._named(row) for row in rows[: max(0, _FEW - len(self.more))]]

    def _named(self, row: Stored) -> str:
        return record_of(row, self._series, self._zone)


async def _groups_of(rows: AsyncIterable[Stored]) -> AsyncIterator[list[Stored]]:
    group: list[Stored] = []
    async for row in rows:
        if group and row[0] != group[0][0]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _key(row: Stored) -> Stored:
    """Of a row among those of its instant."""
    return row[1:-1]


def _apart(kept: str, stored: str) -> Iterator[str]:
    """How the fields are different; nothing where the texts mean the same."""
    mine, theirs = fields_in(kept), fields_in(stored)
    if mine is None and theirs is not None:
        yield f"cannot be read in the evidence: {_cut(kept)}"
    elif mine is not None and theirs is None:
        yield f"cannot be read in the store: {_cut(stored)}"
    elif mine is None or theirs is None:
        yield f"is {_cut(stored)} in the store, {_cut(kept)} in the evidence, and neither can be read"
    else:
        yield from _fields(mine, theirs)


def _fields(kept: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*kept, *stored}):
        one, other = _said(kept, name), _said(stored, name)
        if one != other:
            yield f"{name} is {other} in the store, {one} in the evidence"


def _said(fields: Mapping[str, Any], name: str) -> str:
    """As JSON, where 1, 1.0 and true are not the same."""
    if name not in fields:
        return "nothing"
    value = fields[name]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _cut(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
