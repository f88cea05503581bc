"""The signatures of a batch: read one by one, and kept as they came.

A collector has no keys and believes nothing: whether a signature is good is found where bills are made. It
rests in the store, or in the quarantine with the reason, before the receipt counts it.
"""

from typing import Final

from msgspec import Struct

from collector.isolate import Quarantine
from collector.quarantine import Case
from collector.verdict import brief
from contract.messages import Batch, Outcome
from contract.names import NONE
from contract.series import row_of
from contract.signature import Signature, decode_signature
from store.protocol import Store

REASON: Final = "signature"
"""Of a case: it is of no record."""


class Read(Struct, frozen=True):
    """A signature as it came; without ``head`` it says nothing that could be kept, for the reason ``why``."""

    raw: bytes
    head: Signature | None
    why: str = ""


def read_signatures(batch: Batch) -> list[Read]:
    return [_read(batch, bytes(raw)) for raw in batch.signatures]


def _read(batch: Batch, raw: bytes) -> Read:
    try:
        head = decode_signature(raw)
    except (ValueError, RecursionError) as error:
        return Read(raw, None, brief(str(error)))
    if (head.site, head.gateway) != (batch.site, batch.gateway):
        why = f"is of {head.site}/{head.gateway}, its batch of {batch.site}/{batch.gateway}"
        return Read(raw, None, why)
    return Read(raw, head)


async def keep_signatures(store: Store, quarantine: Quarantine, batch: Batch, name: str) -> int:
    """How many of the batch's signatures rest now: all of them, or none. ``name`` is the id of the batch."""
    read = read_signatures(batch)
    good = [one for one in read if one.head]
    rows = [row_of(one.head) for one in good if one.head]
    written = await store.write(rows) if rows else []
    if any(one.outcome is Outcome.KEPT for one in written):
        return 0
    cases = [_case(batch, name, one, one.why) for one in read if not one.head]
    cases += [
        _case(batch, name, one, f"{became.reason}: {became.detail}")
        for one, became in zip(good, written, strict=True)
        if became.outcome is Outcome.REJECTED
    ]
    return len(read) if not cases or await quarantine.put(cases) else 0


def _case(batch: Batch, name: str, one: Read, why: str) -> Case:
    return Case(
        site=batch.site,
        gateway=batch.gateway,
        batch=name,
        machine=one.head.machine if one.head else NONE,
        epoch=one.head.epoch if one.head else NONE,
        reason=REASON,
        detail=why,
        payload=one.raw,
    )
