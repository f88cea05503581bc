"""Signatures of chain heads in the outbox: made as records are sealed, kept until a collector has them.

Works on the tables of the outbox, within its transactions. Without a key nothing is signed, and only where
each chain ends is noted, so that a key that comes later can sign what is there.
"""

from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Final, Protocol

from msgspec.structs import replace

from contract.signature import Signature, encode_signature, signed_bytes
from edge_agent.custody import LONGEST_RETRY_MS, resend_after_ms
from edge_agent.heads import Head, is_later, quiet_until, times_of
from edge_agent.packing import Life, Linked

BYTES: Final = 16 * 1024
"""Most bytes of signatures in a batch: the rest is for records."""
_AT_ONCE: Final = 64
"""Silent chains that are signed in one go."""
_EVERY_MS: Final = 600_000
"""Between two looks for silent chains."""
_PATIENT: Final = 6
"""After so many sendings it is rather a collector that knows nothing of signatures than a store away."""
_KEPT_MS: Final = 30 * 86_400_000
"""A later signature of an epoch binds whatever an earlier one did: older ones need not wait for ever."""


class Signer(Protocol):
    @property
    def fingerprint(self) -> str: ...

    def sign(self, data: bytes) -> str: ...


class Signatures:
    def __init__(self, db: Connection, site: str, gateway: str, timezone: str, signer: Signer | None) -> None:
        self._db, self._site, self._gateway = db, site, gateway
        self._timezone, self._signer = timezone, signer
        self._looked = 0

    def heads(self, taken: Iterable[Linked]) -> dict[Life, Head]:
        """How far the chains are sealed that ``taken`` lengthens; asked before they are lengthened."""
        found = {life: self._head(life) for life in {one.life for one in taken if one.is_new}}
        return {life: head for life, head in found.items() if head}

    def linked(self, taken: Sequence[Linked], before: dict[Life, Head], now: int) -> None:
        """``taken`` was sealed just now, in its order, behind ``before``; ``now`` is UTC ms, of the plant."""
        heads = dict(before)
        ended: list[Life] = []
        for one in taken:
            if one.is_new:
                times = times_of(one.wire)
                head = heads.get(one.life)
                if head and is_later(times, head, self._timezone):
                    self._sign([head], now)
                ended += [one.life] if times.opens else []
                heads[one.life] = Head(*one.life, times.sequence, one.digest, times.until)
        self._db.executemany(
            "UPDATE life SET until = ? WHERE machine = ? AND epoch = ?",
            ((head.until, head.machine, head.epoch) for head in heads.values()),
        )
        for life in ended:
            self._sign(self._ended("machine = ? AND epoch != ?", life), now)

    def look(self, now: int) -> None:
        """Signs chains that have gone no further since midnight; now and then, and not all at once."""
        if self._signer is None or abs(now - self._looked) < _EVERY_MS:
            return
        quiet = self._ended("until <= ?", (quiet_until(now, self._timezone),))
        self._sign(quiet, now)
        if len(quiet) < _AT_ONCE:
            self._looked = now

    def _ended(self, where: str, values: Sequence[object]) -> list[Head]:
        query = (
            "SELECT machine, epoch, sealed, head, until FROM life"  # noqa: S608  fixed conditions
            f" WHERE until > 0 AND signed < sealed AND sealed = last AND {where} LIMIT {_AT_ONCE}"
        )
        return [Head(*row) for row in self._db.execute(query, values)]

    def _head(self, life: Life) -> Head | None:
        query = "SELECT machine, epoch, sealed, head, until FROM life WHERE (machine, epoch) = (?, ?)"
        row = self._db.execute(query, life).fetchone()
        return Head(*row) if row and row[2] >= 0 else None

    def _sign(self, heads: Iterable[Head], now: int) -> None:
        if self._signer is None:
            return
        for head in heads:
            body = encode_signature(self._signed(head, self._signer, now))
            place = (head.machine, head.epoch, head.sequence)
            self._db.execute(
                "INSERT INTO signature (machine, epoch, sequence, until, body) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (*place, head.until, body),
            )
            self._db.execute(
                "UPDATE life SET signed = max(signed, ?) WHERE (machine, epoch) = (?, ?)",
                (head.sequence, head.machine, head.epoch),
            )

    def _signed(self, head: Head, signer: Signer, now: int) -> Signature:
        unsigned = Signature(
            site=self._site,
            machine=head.machine,
            epoch=head.epoch,
            gateway=self._gateway,
            sequence=head.sequence,
            digest=head.digest,
            until=head.until,
            signed=now,
            key=signer.fingerprint,
            signature="",
        )
        return replace(unsigned, signature=signer.sign(signed_bytes(unsigned)))

    def due(self, now_ms: int, room: int) -> list[tuple[int, bytes]]:
        """Row and body of those that go with the next batch."""
        return list(self._due(now_ms, min(room, BYTES)))

    def _due(self, now_ms: int, room: int) -> Iterator[tuple[int, bytes]]:
        for passed, bound in (("<=", now_ms), (">", now_ms + LONGEST_RETRY_MS)):  # as of records
            query = f"SELECT row, body FROM signature WHERE place = 0 AND due {passed} ? ORDER BY row"  # noqa: S608  two fixed conditions
            for row, body in self._db.execute(query, (bound,)):
                room -= len(body) + 1
                if room < 0:
                    return
                yield row, body

    def travel(self, rows: Iterable[tuple[int, bytes]], batch: int) -> None:
        self._db.executemany(
            "UPDATE signature SET place = 1, batch = ? WHERE row = ?", ((batch, row) for row, _ in rows)
        )

    def settle(self, batch: int, stored: int, now_ms: int) -> None:
        """``stored`` of those in ``batch`` rest in the store. Others wait with these where that failed."""
        found = self._db.execute(
            "SELECT count(*), max(tries) FROM signature WHERE place = 1 AND batch = ?", (batch,)
        )
        many, tries = found.fetchone()
        if not many:
            return
        if stored == many:
            self._db.execute("UPDATE signature SET place = 2, batch = NULL WHERE batch = ?", (batch,))
            self._db.execute("UPDATE signature SET due = 0 WHERE place = 0 AND due > 0")
            return
        self._db.execute(
            "UPDATE signature SET place = 0, batch = NULL, tries = ? WHERE batch = ?", (tries + 1, batch)
        )
        wait_ms = LONGEST_RETRY_MS if tries > _PATIENT else resend_after_ms(tries + 1)
        self._db.execute("UPDATE signature SET due = ? WHERE place = 0", (now_ms + wait_ms,))

    def resend(self, start: int, end: int) -> None:
        """Those of what ended in ``(start, end]`` go again."""
        self._db.execute(
            "UPDATE signature SET place = 0, due = 1, tries = 0 WHERE place = 2 AND until > ? AND until <= ?",
            (start, end),
        )

    def trim(self, now_ms: int) -> None:
        self._db.execute("DELETE FROM signature WHERE place != 1 AND until < ?", (now_ms - _KEPT_MS,))
