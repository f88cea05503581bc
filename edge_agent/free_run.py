"""Metering while nobody knows the time. Pure."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from contract.records import Record
from edge_agent.merge import Fresh, Swallowed, compact, lose

RECORDS: Final = 100_000
"""Of all machines together, about 100 MB."""
_LEAST: Final = 24


def share(machines: int) -> int:
    """How many records each of so many machines may hold."""
    return max(RECORDS // max(machines, 1), _LEAST)


class FreeRun:
    """The time since a start on a wall clock that was never set. Nothing of it is a fact yet.

    No record and no checkpoint leaves the machine: when the clock is put right they are dated anew; after a
    power cut before that, all of it is a gap, recovered from the machine's own counters.

    What it holds is in memory and has a bound: beyond it intervals merge as they do in a full outbox, and
    where that makes too little room, the oldest become a loss that names them.
    """

    def __init__(self, since: int, ended: str, most: int) -> None:
        self.since = since
        """Monotonic ms."""
        self.ended = ended
        """The epoch before it, whose instants were right."""
        self._most, self._rows, self._next = most, dict[int, Fresh](), 0

    @property
    def held(self) -> list[Record]:
        return [fresh.record for fresh in self._rows.values()]

    @property
    def count(self) -> int:
        return len(self._rows)

    def hold(self, records: Iterable[Record], timezone: str) -> None:
        for record in records:
            self._rows[self._next] = Fresh(self._next, 1, 1, record)
            self._next += 1
        if self.count > self._most:
            self._make_room(timezone)

    def _make_room(self, timezone: str) -> None:
        """An eighth at least, so that it is not to be made again for the next record."""
        for epoch in self._epochs():
            for merged in compact(epoch, timezone):
                self._put(merged)
        for epoch in self._epochs():
            too_many = self.count - self._most * 7 // 8
            if too_many > 0 and (lost := lose(epoch, too_many)) is not None:
                self._put(lost)

    def _epochs(self) -> list[list[Fresh]]:
        """Those that began since, oldest first."""
        rows = (fresh for fresh in self._rows.values() if fresh.record.epoch != self.ended)
        return [list(those) for _, those in groupby(rows, lambda fresh: fresh.record.epoch)]

    def _put(self, swallowed: Swallowed) -> None:
        """In place of its last part, so that all stand in the order in which they were made."""
        self._rows[swallowed.row] = Fresh(swallowed.row, swallowed.stands, 1, swallowed.record)
        for row in swallowed.gone:
            del self._rows[row]
