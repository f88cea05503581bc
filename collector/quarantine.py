"""What could not be accepted, as rows of the quarantine with reason and payload, to be replayed. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from collector.entry import NO_SEQUENCE
from contract.facts import PART_BYTES, Quarantined, payload_parts, payload_text
from contract.names import NONE

UNREADABLE: Final = "unreadable"
"""The reason of a payload that is not even a message."""
PAYLOAD_LIMIT: Final = 4 * PART_BYTES
"""Of a payload only this much is kept: whatever is longer is none of ours, and its sender still has it."""

LANES: Final = 16
"""Few enough that a batch of 1000 bad records is timed no more than 16 s ahead."""


class Case(Struct, frozen=True, kw_only=True):
    """One thing to be quarantined."""

    site: str
    gateway: str = NONE
    """``none`` for what did not come from a gateway."""
    batch: str
    """SHA-256 of the whole payload it came in."""
    machine: str = NONE
    epoch: str = NONE
    sequence: int = NO_SEQUENCE
    reason: str
    detail: str
    payload: bytes
    replayed: bool = False
    """Whether this says that a case was replayed, instead of being one."""


def parts(case: Case) -> Iterator[Quarantined]:
    """The case as facts without their time."""
    texts = payload_parts(payload_text(case.payload[:PAYLOAD_LIMIT]))
    for number, text in enumerate(texts):
        yield Quarantined(
            site=case.site,
            gateway=case.gateway,
            received=0,
            batch=case.batch,
            part=number,
            parts=len(texts),
            machine=case.machine,
            epoch=case.epoch,
            sequence=case.sequence,
            reason=case.reason,
            detail=case.detail,
            payload=text,
            replayed=int(case.replayed),
        )


def bare(fact: Quarantined) -> Quarantined:
    """What two quarantined parts have in common when they are of the same thing, heard twice."""
    return msgspec.structs.replace(fact, received=0, detail="")


def timed(facts: Iterable[Quarantined], at: int, step: int = 1) -> list[Quarantined]:
    """Each fact at a millisecond of its own, from ``at``: the store's key has nothing else for them."""
    return [msgspec.structs.replace(fact, received=at + n * step) for n, fact in enumerate(facts)]


class Lane(Struct, frozen=True):
    """The milliseconds that one writer may take: ``offset``, ``offset`` + ``step`` and so on."""

    step: int
    offset: int

    def after(self, at: int) -> int:
        """The first that is not before ``at``."""
        return at + (self.offset - at) % self.step


def lane(name: str) -> Lane:
    """Every millisecond where there is no ``name``: nobody else writes."""
    if not name:
        return Lane(1, 0)
    return Lane(LANES, int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % LANES)


def payloads(rows: Sequence[Quarantined]) -> str:
    """The payload text of a case from all its parts, in any order."""
    return "".join(row.payload for row in sorted(rows, key=lambda row: row.part))
