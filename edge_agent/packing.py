"""How queued records become a batch: linked into the chain of their life, as many as fit. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from contract.chain import link
from contract.messages import BATCH_LIMIT, Batch, encode
from contract.records import Interval, Loss, Record

ENVELOPE_LIMIT: Final = 1024
"""More than a batch needs around its records, whatever its site, gateway and session are called."""
RECORD_LIMIT: Final = BATCH_LIMIT - ENVELOPE_LIMIT
"""Most bytes of one record on the wire."""

Life = tuple[str, str]
"""Machine and epoch: what a chain runs through."""


class Queued(Struct, frozen=True):
    """A record that may go into the next batch."""

    row: int
    life: Life
    digest: str
    """Empty until the record was sealed into its first batch."""
    head: str
    """The last digest of its life."""
    body: bytes
    """Its canonical form."""


class Linked(Struct, frozen=True):
    """A record that goes into a batch."""

    row: int
    life: Life
    digest: str
    is_new: bool
    """Whether the digest was made now and is its life's new head."""
    size: int
    """Of its canonical form, bytes."""
    wire: bytes


class Front(Struct, frozen=True):
    """How far a life has been offered after a batch."""

    head: str
    """Its chain head."""
    row: int
    """The last of its records that were ever in a batch."""
    size: int
    """Bytes offered for the first time."""


def instant_of(record: Record) -> int:
    """The time of the record's row, UTC ms."""
    return record.start if isinstance(record, Interval | Loss) else record.at


def wire_form(body: bytes, digest: str) -> bytes:
    """The record as it travels: the very bytes its digest was made from, and the digest."""
    return body[:-1] + b',"digest":"' + digest.encode("ascii") + b'"}'


def payload_of(envelope: Batch, taken: Iterable[Linked], signatures: Iterable[tuple[int, bytes]]) -> bytes:
    """The batch as it travels. ``signatures``: row and body of each."""
    records = [msgspec.Raw(linked.wire) for linked in taken]
    signed = [msgspec.Raw(body) for _, body in signatures]
    return encode(msgspec.structs.replace(envelope, records=records, signatures=signed))


def pack(queue: Iterable[Queued], room: int) -> tuple[Linked, ...]:
    """The records from the front of the queue that fit into ``room`` bytes with a comma between each two.

    Links those that have no digest yet, so ``queue`` has the new records of each life in sequence order.
    Takes one record at least: a batch over its limit is better than a queue that stands still.
    """
    taken: list[Linked] = []
    heads: dict[Life, str] = {}
    for queued in queue:
        digest = queued.digest or link(heads.get(queued.life, queued.head), queued.body)
        wire = wire_form(queued.body, digest)
        room -= len(wire) + (1 if taken else 0)
        if room < 0 and taken:
            break
        if not queued.digest:
            heads[queued.life] = digest
        taken.append(Linked(queued.row, queued.life, digest, not queued.digest, len(queued.body), wire))
    return tuple(taken)


def fronts_of(taken: Iterable[Linked]) -> dict[Life, Front]:
    """The new fronts after the records of a batch."""
    fronts: dict[Life, Front] = {}
    for linked in taken:
        if linked.is_new:
            size = fronts[linked.life].size if linked.life in fronts else 0
            fronts[linked.life] = Front(linked.digest, linked.row, size + linked.size)
    return fronts
