"""What an outbox holds, for a person to look at: how much, since when, and what was rejected."""

from sqlite3 import Connection

from edge_agent.held import Depth, RejectedRecord
from edge_agent.packing import wire_form


def depth(db: Connection, limit_bytes: int) -> Depth:
    tally = {place: rest for place, *rest in db.execute("SELECT place, records, bytes FROM tally")}
    waiting, ring = [tally[place] for place in (0, 1, 10, 11)], [tally[place] for place in (2, 3)]
    return Depth(
        records=sum(records for records, _ in waiting),
        bytes=sum(size for _, size in waiting),
        oldest_ms=_oldest(db, "place < 2"),
        batches=db.execute("SELECT count(*) FROM batch").fetchone()[0],
        ring_records=sum(records for records, _ in ring),
        ring_bytes=sum(size for _, size in ring),
        ring_from=_oldest(db, "place >= 2"),
        rejected=tally[3][0],
        signatures=db.execute("SELECT count(*) FROM signature WHERE place < 2").fetchone()[0],
        over_limit=tally[0][1] + tally[1][1] > limit_bytes,
    )


def _oldest(db: Connection, where: str) -> int | None:
    found: int | None = db.execute(
        f"SELECT min(instant) FROM record WHERE {where}"  # noqa: S608  two fixed conditions
    ).fetchone()[0]
    return found


def rejected(db: Connection, limit: int) -> list[RejectedRecord]:
    rows = db.execute(
        "SELECT machine, epoch, sequence, reason, detail, body, digest FROM record"
        " WHERE place = 3 ORDER BY instant DESC, row DESC LIMIT ?",
        (limit,),
    )
    return [
        RejectedRecord(
            machine=machine,
            epoch=epoch,
            sequence=sequence,
            reason=reason,
            detail=detail,
            payload=wire_form(body, digest),
        )
        for machine, epoch, sequence, reason, detail, body, digest in rows
    ]
