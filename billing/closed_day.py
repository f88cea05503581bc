"""What a closing of a day leaves: on which figures it rests, and how far each chain was walked. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from billing.period import Period


class ClosedDay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    period: Period
    timezone: str
    figures: str
    """Digest of everything that the figures were made from."""
    heads: Mapping[str, str]
    """By machine and epoch: sequence, digest and instant of the last record up to the end of the day."""


def bytes_of(day: ClosedDay) -> bytes:
    return msgspec.json.encode(day, order="sorted") + b"\n"


def digest_of(data: bytes) -> str:
    """By which the entry of the ledger binds it."""
    return hashlib.sha256(data).hexdigest()


read: Final = msgspec.json.Decoder(ClosedDay).decode
"""Raises msgspec.DecodeError."""
