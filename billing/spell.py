"""Intervals that plainly go on from the one before them, taken together. Pure."""

from collections.abc import Iterator, Sequence

from contract.records import Interval
from contract.states import TIME_FIELDS

Columns = Sequence[tuple[int, ...]]
"""A column for each field, with a number of each interval."""


class Spell:
    """What follows an interval in the same way: as it, but for time, sequence, digest and numbers."""

    def __init__(  # noqa: PLR0917  its columns
        self,
        last: Interval,
        starts: tuple[int, ...],
        sequences: tuple[int, ...],
        digests: tuple[str, ...],
        times: Columns,
        counts: Columns,
    ) -> None:
        """``last``: the last interval of it; ``times`` and ``counts``: by TIME_FIELDS and its quantities."""
        self.meter, self.last, self.end = (last.machine, last.epoch), last, last.end
        self.names = tuple(last.quantities)
        self.starts, self.sequences, self.digests = starts, sequences, digests
        self._times, self._counts = times, counts
        self.summed_times = list(map(sum, times))
        """In the order of TIME_FIELDS."""
        self.summed_counts = dict(zip(self.names, map(sum, counts), strict=True))

    @property
    def times(self) -> Iterator[tuple[int, ...]]:
        """Of each interval."""
        return zip(*self._times, strict=True)

    def alike(self) -> Iterator[tuple[tuple[int, ...], int]]:
        """Times, and how many intervals one after the other have them."""
        rows = list(self.times)
        if rows.count(rows[0]) == len(rows):
            yield rows[0], len(rows)
            return
        at = 0
        for place, times in enumerate(rows):
            if times != rows[at]:
                yield rows[at], place - at
                at = place
        yield rows[at], len(rows) - at

    @property
    def ends(self) -> list[int]:
        """Each interval ends where the next one starts."""
        return [*self.starts[1:], self.end]

    def column(self, measure: str) -> Sequence[int]:
        """A time field or a quantity, of each interval."""
        if measure in TIME_FIELDS:
            return self._times[TIME_FIELDS.index(measure)]
        if measure in self.names:
            return self._counts[self.names.index(measure)]
        return [0] * len(self.starts)
