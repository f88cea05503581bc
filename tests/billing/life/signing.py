"""A gateway's key, and what it signs: as an agent does at the end of each local day."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from contract.records import Interval, Record
from contract.signature import Signature, signed_bytes
from tests.billing.life.conftest import DAY_MS, FIRST

KEYS: Final = {name: Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)) for n, name in enumerate("abc")}


def raw(name: str) -> bytes:
    return KEYS[name].public_key().public_bytes_raw()


def trusted(*names: str, gateway: str = "gw-1", more: str = "") -> str:
    """A file of trusted keys."""
    tables = [
        f'[[key]]\ngateway = "{gateway}"\npublic = "{base64.b64encode(raw(name)).decode()}"\n{more}\n'
        for name in names
    ]
    return "\n".join(tables)


def sign(record: Record, until: int, key: str = "a", gateway: str = "gw-1") -> Signature:
    head = Signature(
        site=record.site,
        machine=record.machine,
        epoch=record.epoch,
        gateway=gateway,
        sequence=record.sequence,
        digest=record.digest,
        until=until,
        signed=until + 300_000,
        key=hashlib.sha256(raw(key)).hexdigest(),
        signature="",
    )
    return replace(head, signature=KEYS[key].sign(signed_bytes(head)).hex())


def days_signed(records: Iterable[Record], key: str = "a") -> list[Signature]:
    """One over the last record of each day."""
    last: dict[int, Record] = {}
    for record in records:
        if isinstance(record, Interval):
            last[(record.start - FIRST) // DAY_MS] = record
    return [sign(record, FIRST + (day + 1) * DAY_MS, key) for day, record in sorted(last.items())]
