"""The digest chain: within an epoch each record seals the one before it (DESIGN 4, "Chain")."""

import hashlib
from typing import Final

import msgspec

from contract.records import Record

GENESIS: Final = "0" * 64
"""Stands before the first record of an epoch."""

ADDED_LATER: Final[dict[str, object]] = {}
"""Fields added after the first version, with their default: left out of the canonical form when at it, so
that records sealed before the field existed keep their digest."""

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(record: Record) -> bytes:
    """The record as JSON with sorted keys and no spaces, without its digest."""
    fields = msgspec.to_builtins(record)
    fields.pop("digest", None)
    for name, default in ADDED_LATER.items():
        if name in fields and fields[name] == default:
            del fields[name]
    return _encoder.encode(fields)


def link(previous: str, body: bytes) -> str:
    """Digest of a record whose canonical form is ``body``, after the record whose digest is ``previous``."""
    return hashlib.sha256(previous.encode("ascii") + body).hexdigest()


def seal(record: Record, previous: str) -> Record:
    return msgspec.structs.replace(record, digest=link(previous, canonical(record)))


def is_linked(record: Record, previous: str) -> bool:
    return record.digest == link(previous, canonical(record))
