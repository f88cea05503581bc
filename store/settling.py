"""Which rows of a write have to be sent, given what is stored already (InfluxDB would overwrite it)."""

from bisect import bisect_left
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import Self

from msgspec import Struct

from contract.messages import ExceptionReason, Outcome
from contract.series import BY_NAME, Row
from contract.stored import Stored
from store.admission import RECORD_SERIES
from store.naming import Claim, Claims, claim
from store.protocol import ACCEPTED, OTHER_CONTENT, Written, kept, rejected

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
    blocked: Mapping[int, tuple[int, str]]
    """Rows that cannot stand beside one that is sent: its number, and why."""

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        flaws: Sequence[str | None],
        stored: Iterable[Row],
        claims: Claims | None = None,
    ) -> Self:
        """``claims`` are those of stored records; the ones of this write are added to them."""
        known = {n: rejected(ExceptionReason.INVALID, found) for n, found in enumerate(flaws) if found}
        contents = {key(row): row.fields for row in stored}
        leaders: dict[Key, int] = {}
        blocked: dict[int, tuple[int, str]] = {}
        names = _Names(claims or Claims())
        for number, row in enumerate(rows):
            if number in known or (key(row) in leaders and not BY_NAME[row.series].overwrite):
                continue
            if key(row) in contents and not BY_NAME[row.series].overwrite:
                known[number] = _compare(same=contents[key(row)] == row.fields)
            elif (found := names.take(number, row)) is None:
                leaders[key(row)] = number
            elif found[0] is None:
                known[number] = rejected(ExceptionReason.CONFLICT, found[1])
            else:
                blocked[number] = found[0], found[1]
        return cls(rows, known, leaders, blocked)

    @property
    def to_send(self) -> list[Row]:
        return [self.rows[number] for number in self.leaders.values()]

    def conclude(self, sent: Sequence[Written]) -> list[Written]:
        """``sent`` is what became of ``to_send``; the answer is about every row, in order."""
        became = dict(zip(self.leaders.values(), sent, strict=True))
        return [self._concluded(number, became) for number in range(len(self.rows))]

    def all_kept(self, detail: str) -> list[Written]:
        """When nothing could be asked or sent."""
        return [self.known.get(number, kept(detail)) for number in range(len(self.rows))]

    def _concluded(self, number: int, became: Mapping[int, Written]) -> Written:
        if number in self.known:
            return self.known[number]
        row = self.rows[number]
        leader, why = self.blocked.get(number) or (self.leaders[key(row)], OTHER_CONTENT)
        same = number not in self.blocked and row.fields == self.rows[leader].fields
        if same or BY_NAME[row.series].overwrite:
            return became[leader]
        if became[leader].outcome is Outcome.ACCEPTED:
            return rejected(ExceptionReason.CONFLICT, why)
        return kept("another row of this write has its key or its name")


class _Names:
    """Takes names for the rows of a write, one after the other."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._taken: dict[Claim, int] = {}

    def take(self, number: int, row: Row) -> tuple[int | None, str] | None:
        """None when the row may be sent; else the number of the row before it that forbids it, and why."""
        if row.series not in RECORD_SERIES:
            return None
        mine = claim(row)
        if found := self._claims.against(mine):
            other, why = found
            return self._taken.get(other), why
        self._claims.add(mine)
        self._taken[mine] = number
        return None


def _compare(*, same: bool) -> Written:
    return ACCEPTED if same else rejected(ExceptionReason.CONFLICT, OTHER_CONTENT)


def is_partly_shown(rows: Iterable[Row], stored: Iterable[Row]) -> bool:
    """Whether a stored row has nothing but some of the fields of one of ``rows``.

    InfluxDB shows a row field by field while somebody else writes it: another look tells what it is.
    """
    contents = {key(row): row.fields for row in stored}
    return any(
        key(row) in contents and contents[key(row)].items() < row.fields.items()
        for row in rows
        if not BY_NAME[row.series].overwrite
    )


async def in_order(pages: AsyncIterable[list[Stored]]) -> AsyncIterator[list[Stored]]:
    """``pages``, which come by time, with the rows of one instant by their tags and in one page."""
    held: list[Stored] = []
    async for page in pages:
        # No two rows have one key, so the fields are never looked at.
        held = sorted([*held, *page])
        of_last = bisect_left(held, held[-1][:1]) if held else 0
        if of_last:
            yield held[:of_last]
        held = held[of_last:]
    if held:
        yield held
