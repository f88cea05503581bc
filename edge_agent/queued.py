"""The outbox's queue: what may go into a batch now, in its order."""

from collections.abc import Iterator
from sqlite3 import Connection
from typing import Final

from edge_agent.custody import LONGEST_RETRY_MS
from edge_agent.packing import Queued

_QUEUE: Final = """
SELECT row, machine, epoch, digest, head, body FROM record JOIN life USING (machine, epoch) WHERE place = 0
"""


def due(db: Connection, now_ms: int, least: int) -> Iterator[Queued]:
    """The queue's front, read only as far as it is wanted; ``least`` 1 leaves out what was never offered.

    A record that waits for longer than any back-off was kept while the clock was wrong: it is due.
    """
    for passed, bound in (("<=", now_ms), (">", now_ms + LONGEST_RETRY_MS)):
        query = f"{_QUEUE} AND due >= ? AND due {passed} ? ORDER BY due, row"
        for row, machine, epoch, digest, head, body in db.execute(query, (least, bound)):
            yield Queued(row, (machine, epoch), digest, head, body)
