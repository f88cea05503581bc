"""Evidence beside the store: rows that were frozen and are not there any more as they were. Pure.

Both are read in rising time, and only what has one instant is held at once.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from zoneinfo import ZoneInfo

from billing.period import shown
from contract.series import Row

Key = tuple[tuple[str, str], ...]
"""Of a row among those of its instant."""
_FEW = 8


def record_of(row: Row, zone: ZoneInfo) -> str:
    """Which record or fact a row is, for a person: series, machine, epoch, sequence or id, and time."""
    number = row.fields.get("sequence", row.fields.get("id", ""))
    named = (row.tags.get("machine", ""), row.tags.get("epoch", ""), str(number))
    return f"{row.series} {'/'.join(filter(None, named))}, {shown(row.time, zone)}"


class Comparison:
    """One file of the evidence beside the same stretch of the store."""

    def __init__(self, file: str, zone: ZoneInfo) -> None:
        self._file, self._zone = file, zone
        self._line = 0
        self._told: list[str] = []
        self.more: list[str] = []
        """Rows that only the store has, the first few: later ones, unless the file has lost some."""
        self.many = 0
        self.kept = 0
        """Rows of the evidence that stand where they should."""

    async def differences(self, kept: Iterable[Row], stored: AsyncIterable[Row]) -> AsyncIterator[str]:
        """Whichever of the two was changed, the record is named."""
        theirs = _groups_of(stored)
        other = await anext(theirs, None)
        for mine in self._groups(kept):
            while other and other[0].time < mine[0].time:
                self._only_stored(other)
                other = await anext(theirs, None)
            beside = other if other and other[0].time == mine[0].time else []
            for text in [*self._drain(), *self._compare(mine, beside)]:
                yield text
            if beside:
                other = await anext(theirs, None)
        for text in self._drain():
            yield text
        while other:
            self._only_stored(other)
            other = await anext(theirs, None)

    def _groups(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Rows of one instant; what stands out of its order, or twice, is told of and left out."""
        group: list[Row] = []
        for row in rows:
            self._line += 1
            if group and row.time > group[0].time:
                yield group
                group = []
            if group and (row.time < group[0].time or _key(row) in map(_key, group)):
                what = "twice" if row.time == group[0].time else "out of its order"
                self._told.append(f"{self._file}, line {self._line}: {self._named(row)} stands there {what}")
            else:
                group.append(row)
                self.kept += 1
        if group:
            yield group

    def _drain(self) -> list[str]:
        told, self._told = self._told, []
        return told

    def _compare(self, kept: list[Row], stored: list[Row]) -> Iterator[str]:
        theirs = {_key(row): row for row in stored}
        for row in kept:
            other = theirs.pop(_key(row), None)
            if other is None:
                yield f"{self._named(row)}: is in the evidence, and in the store no more"
            elif other.fields != row.fields:
                yield f"{self._named(row)}: {'; '.join(_fields(row, other))}"
        self._only_stored(list(theirs.values()))

    def _only_stored(self, rows: list[Row]) -> None:
        self.many += len(rows)
        self.more += [self._named(row) for row in rows[: max(0, _FEW - len(self.more))]]

    def _named(self, row: Row) -> str:
        return record_of(row, self._zone)


async def _groups_of(rows: AsyncIterable[Row]) -> AsyncIterator[list[Row]]:
    group: list[Row] = []
    async for row in rows:
        if group and row.time != group[0].time:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _key(row: Row) -> Key:
    return tuple(sorted(row.tags.items()))


def _fields(kept: Row, stored: Row) -> Iterator[str]:
    for name in sorted({*kept.fields, *stored.fields}):
        one, other = kept.fields.get(name, "nothing"), stored.fields.get(name, "nothing")
        if one != other:
            yield f"{name} is {other} in the store, {one} in the evidence"
