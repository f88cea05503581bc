"""What a record lays claim to, and when two claims cannot both stand (DESIGN 5). Pure.

A record is named machine + epoch + sequence, and within an epoch the time of each series strictly rises with
the sequence. A merged interval and a loss stand for every interval of a range of sequences; transitions keep
their own names inside that range, so they do not quarrel with it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

from msgspec import Struct

from contract.series import LOSS, USAGE, Row

RANGED: Final = frozenset({USAGE.name, LOSS.name})
"""The series whose rows may stand for a range of sequences."""

Life = tuple[str, str]
"""Machine and epoch."""


class Claim(Struct, frozen=True):
    series: str
    life: Life
    time: int
    first: int
    last: int
    """The sequence of its name; ``first`` is below it where it stands for others."""

    @property
    def line(self) -> tuple[str, Life]:
        """On which its time rises."""
        return self.series, self.life


def claim(row: Row) -> Claim:
    """Of a row of a record series."""
    last = int(row.fields["sequence"])
    first = row.fields.get("sequence_first", last) if row.series in RANGED else last
    life = row.tags["machine"], row.tags["epoch"]
    return Claim(row.series, life, row.time, min(first, last) if isinstance(first, int) else last, last)


def quarrel(mine: Claim, other: Claim) -> str:
    """Why ``mine`` cannot be stored beside ``other``, which is of the same machine and epoch; or nothing."""
    both_ranged = mine.series in RANGED and other.series in RANGED
    overlap = mine.first <= other.last and other.first <= mine.last
    if mine.last == other.last or (both_ranged and overlap):
        return f"its name is stored in {other.series} at {other.time}"
    if mine.series != other.series:
        return ""
    if mine.time == other.time:
        return f"its time is that of {other.last} in its epoch"
    if (mine.time < other.time) != (mine.last < other.last):
        return f"its time and its sequence are not in one order with {other.last} at {other.time}"
    return ""


class Claims:
    """Those known so far; with the newest of each line among them, every name above it is free."""

    def __init__(self, known: Iterable[Claim] = ()) -> None:
        self._places: dict[tuple[str, Life, int], Claim] = {}
        self._names: dict[tuple[Life, int], Claim] = {}
        self._ranged: dict[Life, list[Claim]] = {}
        self._newest: dict[tuple[str, Life], Claim] = {}
        self._highest: dict[Life, int] = {}
        for one in known:
            self.add(one)

    def add(self, one: Claim) -> None:
        self._places.setdefault((*one.line, one.time), one)
        self._names.setdefault((one.life, one.last), one)
        self._highest[one.life] = max(one.last, self._highest.get(one.life, one.last))
        if one.series in RANGED:
            insort(self._ranged.setdefault(one.life, []), one, key=attrgetter("last", "first"))
        if (newest := self._newest.get(one.line)) is None or newest.time < one.time:
            self._newest[one.line] = one

    def has_line(self, series: str, life: Life) -> bool:
        return (series, life) in self._newest

    def reaches(self, one: Claim) -> bool:
        """Whether something at or after its time is known on its line."""
        newest = self._newest.get(one.line)
        return newest is not None and one.time <= newest.time

    def passed(self, one: Claim) -> bool:
        """Whether its name may be taken: it is not above all that is known of its life."""
        return one.life in self._highest and one.first <= self._highest[one.life]

    def against(self, mine: Claim) -> tuple[Claim, str] | None:
        """The claim that ``mine`` quarrels with, and why."""
        for other in self._near(mine):
            if why := quarrel(mine, other):
                return other, why
        return None

    def _near(self, mine: Claim) -> Iterator[Claim]:
        ranged = self._ranged.get(mine.life, ())
        after = bisect_left(ranged, mine.first, key=attrgetter("last"))
        found = (
            self._places.get((*mine.line, mine.time)),
            self._names.get((mine.life, mine.last)),
            ranged[after] if after < len(ranged) else None,
            self._newest.get(mine.line),
        )
        return (other for other in found if other is not None)
