"""A gateway's signature over the head of a chain: what is signed, and how it travels. Pure.

A record seals all before it in its epoch, so whoever signs the digest of one signs the whole chain up to it.
Nothing is computed here that needs a key: who signs is at the gateway, who verifies is where bills are made.
"""

from typing import Final

import msgspec
from msgspec import Struct

from contract.names import Count, Hex64, Hex128, Ms, Name

SIGNED: Final = b"gongfang/v1 chain head\n"
"""Stands before what is signed, so that no signature can be taken for one of something else."""


class Signature(Struct, frozen=True, kw_only=True):
    """``gateway`` says: record ``sequence`` of this life has this digest."""

    site: Name
    machine: Name
    epoch: Name
    gateway: Name
    sequence: Count
    """The record at the head of the chain."""
    digest: Hex64
    """Its digest, which seals every record before it."""
    until: Ms
    """Where the record ends, UTC ms: the end of a local day or of the epoch, or the last that was seen."""
    signed: Ms
    """When it was signed, by the gateway's clock, UTC ms."""
    key: Hex64
    """Fingerprint of the key: SHA-256 of the 32 bytes of its public half."""
    signature: Hex128
    """Ed25519 (RFC 8032) over ``signed_bytes``."""


_encoder = msgspec.json.Encoder(order="sorted")


def signed_bytes(head: Signature) -> bytes:
    """What is signed: SIGNED, then the fields without ``signature`` as JSON, sorted keys, no spaces."""
    fields = msgspec.to_builtins(head)
    del fields["signature"]
    return SIGNED + _encoder.encode(fields)


def encode_signature(head: Signature) -> bytes:
    return _encoder.encode(head)


def decode_signature(raw: msgspec.Raw | bytes) -> Signature:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(raw, type=Signature)
