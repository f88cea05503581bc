"""One record of a batch, read on its own: nothing in it can fail its neighbours."""

import re
from types import MappingProxyType
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from collector.verdict import Verdict, kept, rejected
from contract.messages import ExceptionReason, decode_record
from contract.names import HEX64, INT64_MAX, NONE, is_name
from contract.records import Record

NO_SEQUENCE: Final = -1

_hex64 = re.compile(HEX64)

FIELDS: Final = MappingProxyType(
    {kind.__struct_config__.tag: frozenset(kind.__struct_fields__) | {"type"} for kind in get_args(Record)}
)
"""What each type of record may hold."""


class Entry(Struct, frozen=True, kw_only=True):
    raw: bytes
    machine: str
    """``none`` when it cannot be read, so that an exception always has a name; likewise epoch."""
    epoch: str
    sequence: int
    """-1 when it cannot be read."""
    digest: str
    """Empty when it is none."""
    record: Record | None = None
    verdict: Verdict | None = None
    """None while nothing speaks against it."""

    @property
    def name(self) -> tuple[str, str, int]:
        return self.machine, self.epoch, self.sequence


def _value(fields: dict[str, msgspec.Raw], key: str, kind: Any, absent: Any) -> Any:  # noqa: ANN401  a JSON value
    try:
        return msgspec.json.decode(fields[key], type=kind)
    except (KeyError, ValueError, RecursionError):
        return absent


def _fields(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return {}


def _decode(raw: msgspec.Raw, fields: dict[str, msgspec.Raw]) -> Record | Verdict:
    tag = _value(fields, "type", str, None)
    if tag is None:
        return rejected(ExceptionReason.INVALID, "is not an object with a type")
    if tag not in FIELDS:
        return kept(ExceptionReason.UNKNOWN_TYPE, f"type {tag!r} is newer than this collector")
    if unknown := sorted(fields.keys() - FIELDS[tag]):
        return kept(ExceptionReason.UNKNOWN_FIELD, f"{', '.join(unknown)}: newer than this collector")
    try:
        record = decode_record(raw)
    except (ValueError, RecursionError) as error:
        return rejected(ExceptionReason.INVALID, str(error))
    if not _hex64.match(record.digest):
        return rejected(ExceptionReason.INVALID, "digest is not 64 lowercase hexadecimal digits")
    return record


def read_entry(raw: msgspec.Raw) -> Entry:
    """Never raises: what cannot be read has a verdict instead of a record."""
    fields = _fields(raw)
    machine, epoch = (_value(fields, key, str, NONE) for key in ("machine", "epoch"))
    sequence = _value(fields, "sequence", int, NO_SEQUENCE)
    digest = _value(fields, "digest", str, "")
    decoded = _decode(raw, fields)
    return Entry(
        raw=bytes(raw),
        machine=machine if is_name(machine) else NONE,
        epoch=epoch if is_name(epoch) else NONE,
        sequence=sequence if 0 <= sequence <= INT64_MAX else NO_SEQUENCE,
        digest=digest if _hex64.match(digest) else "",
        record=None if isinstance(decoded, Verdict) else decoded,
        verdict=decoded if isinstance(decoded, Verdict) else None,
    )
