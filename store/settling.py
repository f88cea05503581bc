"""Which rows of a write have to be sent, given what is stored already (InfluxDB would overwrite it)."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import Self

from msgspec import Struct

from contract.messages import ExceptionReason, Outcome
from contract.series import BY_NAME, Row
from store.protocol import ACCEPTED, Written, kept, rejected

Key = tuple[str, int, tuple[str, ...]]


def key(row: Row) -> Key:
    return row.series, row.time, tuple(row.tags[tag] for tag in BY_NAME[row.series].tags)


class Settlement(Struct, frozen=True):
    """What is known of a write before anything is sent."""

    rows: Sequence[Row]
    known: Mapping[int, Written]
    """By the row's number."""
    leaders: Mapping[Key, int]
    """Of each key that is sent, the number of the row that speaks for it."""

    @classmethod
    def of(cls, rows: Sequence[Row], flaws: Sequence[str | None], stored: Iterable[Row]) -> Self:
        contents = {key(row): row.fields for row in stored}
        known = {n: rejected(ExceptionReason.INVALID, found) for n, found in enumerate(flaws) if found}
        leaders: dict[Key, int] = {}
        for number, row in enumerate(rows):
            if number in known:
                continue
            if key(row) in contents and not BY_NAME[row.series].overwrite:
                known[number] = _compare(same=contents[key(row)] == row.fields)
            elif BY_NAME[row.series].overwrite:
                leaders[key(row)] = number
            else:
                leaders.setdefault(key(row), number)
        return cls(rows, known, leaders)

    @property
    def to_send(self) -> list[Row]:
        return [self.rows[number] for number in self.leaders.values()]

    def conclude(self, sent: Sequence[Written]) -> list[Written]:
        """``sent`` is what became of ``to_send``; the answer is about every row, in order."""
        became = dict(zip(self.leaders, sent, strict=True))
        return [
            self.known[number] if number in self.known else self._followed(number, became[key(row)])
            for number, row in enumerate(self.rows)
        ]

    def _followed(self, number: int, written: Written) -> Written:
        """For a row whose key another row of the same write may speak for."""
        row, leader = self.rows[number], self.rows[self.leaders[key(self.rows[number])]]
        if row.fields == leader.fields or BY_NAME[row.series].overwrite:
            return written
        if written.outcome is Outcome.ACCEPTED:
            return _compare(same=False)
        return kept("another row of this write has its key")


def _compare(*, same: bool) -> Written:
    return ACCEPTED if same else rejected(ExceptionReason.CONFLICT, "its key is stored with other content")


async def in_order(rows: AsyncIterable[Row]) -> AsyncIterator[Row]:
    """``rows``, which come by time, with those of one instant by their tags."""
    together: list[Row] = []
    async for row in rows:
        if together and row.time != together[0].time:
            for before in sorted(together, key=key):
                yield before
            together = []
        together.append(row)
    for before in sorted(together, key=key):
        yield before
