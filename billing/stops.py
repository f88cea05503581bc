"""Stops that a tenant caused, kept as numbers: a site has hundreds of thousands of them a month. Pure."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, overload

import msgspec
from msgspec import Struct

from billing.grain import WHOLE, Cell

_NUMBERS: Final = 5


class Stop(Struct, frozen=True, kw_only=True):
    """A stretch of a stop that the tenant caused, UTC ms."""

    start: int
    end: int
    since: int
    """When the unbroken stop began: its grace is counted from here, whatever cut it."""
    record: str
    cell: Cell = WHOLE

    def beyond(self, grace_ms: int) -> int:
        """How many of its milliseconds lie beyond the grace of the whole stop."""
        return max(0, self.end - max(self.start, self.since + grace_ms))


class Stops(Sequence[Stop]):
    """A sequence of stops that takes 40 bytes for each."""

    def __init__(self, numbers: bytes = b"", by_number: Iterable[tuple[str, Cell]] = ()) -> None:
        self._numbers = array("q", numbers)
        self._by_number = list(by_number)
        self._places = {each: place for place, each in enumerate(self._by_number)}
        """Meter and cell, by which many stops are alike."""

    def add(self, ends: tuple[int, int, int], meter: str, sequence: int, cell: Cell) -> None:
        """``ends``: start, end and since; ``meter``: machine/epoch."""
        place = self._places.setdefault((meter, cell), len(self._places))
        if place == len(self._by_number):
            self._by_number.append((meter, cell))
        self._numbers.extend((*ends, sequence, place))

    def join(self, other: "Stops") -> None:
        for ends, meter, sequence, cell in other.added():
            self.add(ends, meter, sequence, cell)

    def added(self) -> Iterator[tuple[tuple[int, int, int], str, int, Cell]]:
        """What was given to ``add``."""
        for first in range(0, len(self._numbers), _NUMBERS):
            start, end, since, sequence, place = self._numbers[first : first + _NUMBERS]
            yield (start, end, since), self._by_number[place][0], sequence, self._by_number[place][1]

    def plain(self) -> tuple[bytes, list[tuple[str, Cell]]]:
        """As what any codec knows."""
        return self._numbers.tobytes(), self._by_number

    @classmethod
    def of_plain(cls, plain: object) -> "Stops":
        """``plain``: as a codec gives it back."""
        numbers, by_number = msgspec.convert(plain, tuple[bytes, list[tuple[str, Cell]]])
        return cls(numbers, by_number)

    def __len__(self) -> int:
        return len(self._numbers) // _NUMBERS

    @overload
    def __getitem__(self, index: int) -> Stop: ...
    @overload
    def __getitem__(self, index: slice) -> list[Stop]: ...
    def __getitem__(self, index: int | slice) -> Stop | list[Stop]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        first = range(len(self))[index] * _NUMBERS
        start, end, since, sequence, place = self._numbers[first : first + _NUMBERS]
        meter, cell = self._by_number[place]
        return Stop(start=start, end=end, since=since, record=f"{meter}/{sequence}", cell=cell)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self._numbers))
