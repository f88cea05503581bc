"""The outbox: every record rests here until a receipt, on disk before anything is published (DESIGN 4).

Synchronous, and used from one thread only (``commit.py`` has that thread). Every method is one transaction,
durable when it returns, or nothing. Nothing that matters is remembered outside the file.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Final, Self

import msgspec

from contract.chain import GENESIS, canonical
from contract.messages import BATCH_LIMIT, Batch, Order, Receipt, batch_id, encode
from contract.records import Record
from edge_agent.custody import LONGEST_RETRY_MS, InRing, Member, Ruling, falls_out, rule
from edge_agent.held import Depth, Put, RejectedRecord, Relief, Sealed, Settlement
from edge_agent.inventory import depth, rejected
from edge_agent.outbox_file import OutboxError, open_file, transaction
from edge_agent.packing import RECORD_LIMIT, Linked, fronts_of, instant_of, pack, payload_of, wire_form
from edge_agent.queued import due
from edge_agent.relief import Pressure
from edge_agent.setaside import suspicion
from edge_agent.sheets import Sheets
from edge_agent.signatures import Signatures, Signer

TRIM_ROWS: Final = 2000
"""Most records that one ``trim`` drops, so that a slow card does not hold up the next commit for long."""


class Outbox:
    """Made by ``Outbox.open``; ``close`` it, or use it in a ``with``."""

    def __init__(
        self,
        db: Connection,
        path: Path,
        set_aside: Path | None,
        *,
        site: str,
        gateway: str,
        limit_bytes: int,
        ring_bytes: int,
        ring_ms: int,
        timezone: str,
        signer: Signer | None = None,
    ) -> None:
        self._db, self._path = db, path
        self.set_aside = set_aside
        """Where a damaged file went, in whose place this one is new: every epoch has to be opened anew."""
        self._site, self._gateway = site, gateway
        self._limit_bytes, self._ring_bytes, self._ring_ms = limit_bytes, ring_bytes, ring_ms
        self._pressure = Pressure(db, limit_bytes, timezone)
        self._sheets = Sheets(db)
        self._signatures = Signatures(db, site, gateway, timezone, signer)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        site: str,
        gateway: str,
        limit_bytes: int,
        ring_bytes: int,
        ring_ms: int,
        timezone: str = "UTC",
        may_set_aside: bool = False,
        signer: Signer | None = None,
    ) -> Self:
        """Opens or makes the file. Raises OutboxError, and never deletes or changes what is not its own.

        ``timezone`` says where the hours begin within which intervals may merge, and where days end.
        ``signer`` signs the chains, day by day. Only the agent itself may set a damaged file aside: a command
        must not move it away under a running one.
        """
        db, aside = open_file(path, site, gateway, may_set_aside=may_set_aside)
        limits = {"limit_bytes": limit_bytes, "ring_bytes": ring_bytes, "ring_ms": ring_ms}
        return cls(db, path, aside, site=site, gateway=gateway, timezone=timezone, signer=signer, **limits)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self, puts: Collection[Put]) -> None:
        """Keeps all of ``puts`` or, on an error, nothing.

        Raises OutboxError for a sequence that does not rise (two agents on one file, or a copied one) and
        for a record too large for any batch.
        """
        with transaction(self._db):
            for put in puts:
                for record in put.records:
                    self._insert(record)
            self._sheets.write({put.machine: put.checkpoint for put in puts if put.checkpoint is not None})
        self._sheets.written()

    def _insert(self, record: Record) -> None:
        name = (record.machine, record.epoch, record.sequence)
        body = canonical(record)
        if len(wire_form(body, GENESIS)) > RECORD_LIMIT:
            raise OutboxError(f"record {name} of {len(body)} bytes fits no batch; name fewer quantities")
        risen = self._db.execute(
            "INSERT INTO life (machine, epoch, last, head, fresh) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO"
            " UPDATE SET last = excluded.last, fresh = fresh + excluded.fresh WHERE last < excluded.last",
            (*name, GENESIS, len(body)),
        ).rowcount
        if not risen:
            raise OutboxError(f"record {name} comes after a later one: does another agent use this outbox?")
        self._db.execute(
            "INSERT INTO record (machine, epoch, sequence, instant, size, body) VALUES (?, ?, ?, ?, ?, ?)",
            (*name, instant_of(record), len(body), body),
        )

    def checkpoints(self) -> dict[str, bytes]:
        """The last checkpoint of each machine."""
        return self._sheets.read()

    def put_order(self, order: Order) -> None:
        """Keeps the announcement, unless a later issued one of the same order is held."""
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO announcement VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                " SET issued = excluded.issued, body = excluded.body WHERE issued <= excluded.issued",
                (order.order_id, order.issued, encode(order)),
            )

    def orders(self) -> dict[str, Order]:
        rows = self._db.execute("SELECT order_id, body FROM announcement")
        return {order_id: msgspec.json.decode(body, type=Order) for order_id, body in rows}

    def seal(
        self,
        now_ms: int,
        session: str,
        *,
        in_flight: int = 4,
        limit: int = BATCH_LIMIT,
        sealed_ms: int | None = None,
        fresh: bool = True,
    ) -> list[Sealed]:
        """Makes batches of what may go now, until ``in_flight`` wait in all.

        New records go first, in the order they were put; kept ones when their back-off has passed. Without
        ``fresh`` no new ones go, for as long as the store is away: offered, they could no longer be merged.
        ``now_ms`` is the clock of ``settle``; ``sealed_ms`` is what to write as the batches' instant where
        plant time is another.
        """
        envelope = Batch(
            site=self._site,
            gateway=self._gateway,
            session=session,
            sealed=now_ms if sealed_ms is None else sealed_ms,
            records=[],
        )
        sealed: list[Sealed] = []
        with transaction(self._db):
            self._signatures.look(envelope.sealed)
            free = in_flight - self._count("SELECT count(*) FROM batch")
            while len(sealed) < free and (batch := self._seal_one(envelope, now_ms, limit, fresh)):
                sealed.append(batch)
                # What becomes of a batch is stored under the instant it was sealed: no two have the same.
                envelope = msgspec.structs.replace(envelope, sealed=envelope.sealed + 1)
        return sealed

    def _seal_one(self, envelope: Batch, now_ms: int, limit: int, fresh: bool) -> Sealed | None:  # noqa: FBT001  see seal
        signed = self._signatures.due(now_ms, limit // 4)
        taken = pack(due(self._db, now_ms, 0 if fresh else 1), limit - len(payload_of(envelope, (), signed)))
        if not (taken or signed):
            return None
        payload = payload_of(envelope, taken, signed)
        if len(payload) > limit and taken:  # one record that fills a batch by itself
            payload, signed = payload_of(envelope, taken, []), []
        sealed = Sealed(batch_id(payload), payload)
        self._store_batch(sealed, taken, signed, envelope.sealed)
        return sealed

    def _store_batch(
        self, sealed: Sealed, taken: Sequence[Linked], signed: Sequence[tuple[int, bytes]], now: int
    ) -> None:
        before = self._signatures.heads(taken)
        batch = (
            self._db.execute(
                "INSERT INTO batch (id, payload) VALUES (?, ?)", (sealed.id, sealed.payload)
            ).lastrowid
            or 0
        )
        self._signatures.travel(signed, batch)
        self._db.executemany(
            "UPDATE record SET place = 1, batch = ?, digest = ? WHERE row = ?",
            ((batch, linked.digest, linked.row) for linked in taken),
        )
        self._db.executemany(
            "UPDATE life SET head = ?, fresh = fresh - ?,"
            " sealed = (SELECT sequence FROM record WHERE row = ?) WHERE machine = ? AND epoch = ?",
            ((front.head, front.size, front.row, *life) for life, front in fronts_of(taken).items()),
        )
        self._signatures.linked(taken, before, now)

    def waiting(self) -> list[Sealed]:
        """The batches without receipt, in the order they were sealed: the same bytes after a restart."""
        return [Sealed(*row) for row in self._db.execute("SELECT id, payload FROM batch ORDER BY row")]

    def settle(self, receipt: Receipt, now_ms: int) -> Settlement:
        """Follows a receipt: accepted and rejected records go to the ring, kept ones back to the queue."""
        with transaction(self._db):
            found = self._db.execute("SELECT row FROM batch WHERE id = ?", (receipt.batch,)).fetchone()
            if found is None:
                return Settlement(known=False)
            members = self._db.execute(
                "SELECT row, machine, epoch, sequence, tries FROM record WHERE place = 1 AND batch = ?", found
            )
            ruling = rule([Member(*row) for row in members], receipt, now_ms)
            if ruling.complaint is None:
                self._follow(ruling)
                self._db.execute("DELETE FROM batch WHERE row = ?", found)
                self._signatures.settle(found[0], receipt.signatures, now_ms)
        return Settlement(
            known=True,
            accepted=len(ruling.accepted),
            rejected=len(ruling.rejected),
            kept=len(ruling.kept),
            conflicts=ruling.conflicts,
            retry_after_ms=min(receipt.retry_after_ms, LONGEST_RETRY_MS),
            complaint=ruling.complaint,
        )

    def _follow(self, ruling: Ruling) -> None:
        self._db.executemany(
            "UPDATE record SET place = 2, batch = NULL, again = 0 WHERE row = ?",
            ((row,) for row in ruling.accepted),
        )
        self._db.executemany(
            "UPDATE record SET place = 3, batch = NULL, again = 0, reason = ?, detail = ? WHERE row = ?",
            ((rejected.reason, rejected.detail, rejected.row) for rejected in ruling.rejected),
        )
        self._db.executemany(
            "UPDATE record SET place = 0, batch = NULL, due = ?, tries = tries + 1 WHERE row = ?",
            ((kept.due, kept.row) for kept in ruling.kept),
        )

    def resend(self, start_ms: int, end_ms: int) -> int:
        """Puts the receipted records of ``[start_ms, end_ms)`` back in the queue, behind new ones."""
        with transaction(self._db):
            self._signatures.resend(start_ms, end_ms)
            return self._db.execute(
                "UPDATE record SET place = 0, due = 1, tries = 0, again = 1, reason = NULL, detail = NULL"
                " WHERE place >= 2 AND instant >= ? AND instant < ?",
                (start_ms, end_ms),
            ).rowcount

    def rejected(self, limit: int = 100) -> list[RejectedRecord]:
        """The latest rejected records, latest first, for a person to read."""
        return rejected(self._db, limit)

    def trim(self, now_ms: int) -> int:
        """Drops what the ring holds too long or too much, oldest first; never a record without receipt.

        Returns how many records went: at most TRIM_ROWS, then call again.
        """
        with transaction(self._db):
            excess = self._count("SELECT sum(bytes) FROM tally WHERE place IN (2, 3)") - self._ring_bytes
            oldest = self._db.execute(
                "SELECT row, instant, size FROM record WHERE place >= 2 ORDER BY instant, row LIMIT ?",
                (TRIM_ROWS,),
            )
            out = falls_out(
                (InRing(*row) for row in oldest), excess_bytes=excess, before_ms=now_ms - self._ring_ms
            )
            self._db.executemany("DELETE FROM record WHERE row = ?", ((row,) for row in out))
            self._signatures.trim(now_ms)
        return len(out)

    def relieve(self) -> Relief:
        """Makes room where more than ``limit_bytes`` wait: one bounded piece of it, then call again.

        First the ring goes, oldest first; then never-offered intervals merge within their hour; and while
        5/4 of the limit wait after all that, the oldest never-offered records become a ``loss``.
        """
        return self._pressure.relieve()

    def suspect(self) -> None:
        """Something in the file cannot be read: the next start looks at all of it. Raises OSError."""
        suspicion(self._path).touch()

    def depth(self) -> Depth:
        return depth(self._db, self._limit_bytes)

    def _count(self, query: str) -> int:
        number: int = self._db.execute(query).fetchone()[0]
        return number
