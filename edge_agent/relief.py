"""Relief of an outbox in which too much waits: the ring goes first, then resolution, at last records.

Works on the tables of the outbox, a bounded piece at a time. What was ever in a batch is not touched: only
what comes after the ``sealed`` sequence of a life, which no store can have.
"""

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Final

from msgspec import Struct

from contract.chain import GENESIS, canonical
from contract.messages import decode_record
from contract.records import Interval
from edge_agent.held import Relief
from edge_agent.merge import Fresh, Swallowed, compact, lose
from edge_agent.outbox_file import transaction
from edge_agent.packing import RECORD_LIMIT, Life, instant_of, wire_form

ROWS: Final = 500
"""Most records that one call drops, and most that it looks at: some 20 ms each."""
NOTHING: Final = Relief()

_LIVES: Final = """
SELECT machine, epoch, sealed, last,
    (SELECT row FROM record WHERE (machine, epoch) = (life.machine, life.epoch) AND sequence > sealed
     ORDER BY sequence LIMIT 1) AS oldest,
    sum(fresh) OVER (PARTITION BY machine) AS waiting
FROM life WHERE fresh > 0 ORDER BY waiting DESC, machine, oldest
"""
"""Lives with records that were never offered: those of the machine that has most of them first, by age."""

_FRESH: Final = """
SELECT row, stands, size, body FROM record
WHERE machine = ? AND epoch = ? AND sequence >= ? AND place = 0 AND digest = '' ORDER BY sequence LIMIT ?
"""


class _Living(Struct, frozen=True):
    life: Life
    sealed: int
    last: int


class _Looked(Struct, frozen=True):
    """How far a life was looked at for neighbours."""

    since: int
    """The last interval seen: what comes may join it."""
    until: int


class Pressure:
    """``limit_bytes`` bounds what waits for its first receipt; beyond 5/4 of it records are lost.

    What it remembers (how far each life was looked at) only saves work: after a restart it looks again.
    """

    def __init__(self, db: Connection, limit_bytes: int, timezone: str) -> None:
        self._db, self._limit, self._timezone = db, limit_bytes, timezone
        self._looked: dict[Life, _Looked] = {}

    def relieve(self) -> Relief:
        """One piece of what has to be done; nothing while what waits is within its limit."""
        if self._excess() <= 0:
            return NOTHING
        with transaction(self._db):
            dropped = self._drop_ring()
            if dropped == ROWS:
                return Relief(ring_dropped=dropped)
            merged, is_all = self._merge()
            excess = self._excess() - self._limit // 4
            lost = self._lose(excess + self._limit // 64) if is_all and excess > 0 else 0
        return Relief(merged=merged, ring_dropped=dropped, lost=lost)

    def _excess(self) -> int:
        waiting: int = self._db.execute("SELECT sum(bytes) FROM tally WHERE place < 2").fetchone()[0]
        return waiting - self._limit

    def _drop_ring(self) -> int:
        return self._db.execute(
            "DELETE FROM record WHERE row IN"
            " (SELECT row FROM record WHERE place >= 2 ORDER BY instant, row LIMIT ?)",
            (ROWS,),
        ).rowcount

    def _merge(self) -> tuple[int, bool]:
        """How many intervals went into others, and whether there is nothing left to look at."""
        merged, room = 0, ROWS
        for living in self._lives():
            looked = self._looked.get(living.life, _Looked(0, -1))
            if looked.until < living.last:
                rows = self._fresh(living, looked.since, room)
                self._looked[living.life] = _look(rows, living, looked)
                merged += self._compact(rows, living.life)
                room -= len(rows)
                if room < 2 or self._looked[living.life].until < living.last:
                    return merged, False
        return merged, True

    def _lives(self) -> list[_Living]:
        return [_Living((machine, epoch), *rest) for machine, epoch, *rest, _, _ in self._db.execute(_LIVES)]

    def _fresh(self, living: _Living, since: int, limit: int) -> list[Fresh]:
        rows = self._db.execute(_FRESH, (*living.life, max(since, living.sealed + 1), limit))
        return [Fresh(row, stands, size, decode_record(body)) for row, stands, size, body in rows]

    def _compact(self, rows: Iterable[Fresh], life: Life) -> int:
        merged = [one for one in compact(rows, self._timezone) if _fits(one)]
        for one in merged:
            self._swallow(one, life)
        return sum(one.news for one in merged)

    def _lose(self, wanted_bytes: int) -> int:
        """How many records are lost now: the oldest of the machine that has the most."""
        for living in self._lives():
            lost = lose(self._fresh(living, 0, ROWS), wanted_bytes)
            if lost is not None:
                self._swallow(lost, living.life)
                return lost.news
        return 0

    def _swallow(self, one: Swallowed, life: Life) -> None:
        body = canonical(one.record)
        self._db.executemany("DELETE FROM record WHERE row = ?", ((row,) for row in one.gone))
        self._db.execute(
            "UPDATE record SET body = ?, size = ?, instant = ?, stands = ? WHERE row = ?",
            (body, len(body), instant_of(one.record), one.stands, one.row),
        )
        self._db.execute(
            "UPDATE life SET fresh = fresh + ? WHERE machine = ? AND epoch = ?",
            (len(body) - one.size, *life),
        )


def _look(rows: list[Fresh], living: _Living, before: _Looked) -> _Looked:
    """Where to look next. Each look sees a record that the one before has not, or the end."""
    if not rows:
        return _Looked(living.last, living.last)
    until = rows[-1].record.sequence
    intervals = [fresh.record.sequence for fresh in rows if isinstance(fresh.record, Interval)]
    since = intervals[-1] if intervals else before.since
    return _Looked(since if until > before.until else until, until)


def _fits(one: Swallowed) -> bool:
    return len(wire_form(canonical(one.record), GENESIS)) <= RECORD_LIMIT
