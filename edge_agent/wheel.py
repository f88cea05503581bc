"""A timer wheel: thousands of things that come due, for the price of one list entry each. Pure.

Time is cut into ticks. What comes due within a tick is called out together at its end: at most a tick late,
never early.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Wheel(Generic[T]):
    """Nothing is ever taken out before it is due: whoever no longer waits lets it pass."""

    def __init__(self, tick: int) -> None:
        """``tick`` and all instants are in one unit, whichever."""
        self._tick = tick
        self._spokes: dict[int, list[T]] = {}
        """By the number of the tick at whose end they are due."""
        self._ends: list[int] = []
        """The numbers of these ticks, as a heap."""

    def add(self, due: int, thing: T) -> bool:
        """Whether ``next`` is sooner now."""
        end = -(-due // self._tick)
        spoke = self._spokes.get(end)
        if spoke is not None:
            spoke.append(thing)
            return False
        self._spokes[end] = [thing]
        heappush(self._ends, end)
        return self._ends[0] == end

    @property
    def next(self) -> int | None:
        """When something is due."""
        return self._ends[0] * self._tick if self._ends else None

    def due(self, now: int) -> Iterator[T]:
        """Takes out what is due, in order of ticks."""
        last = now // self._tick
        while self._ends and self._ends[0] <= last:
            yield from self._spokes.pop(heappop(self._ends))
