"""The keys of gateways that are trusted here, and what is wrong with a signature. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from billing.period import local
from contract.signature import Signature, signed_bytes


class Key(Struct, frozen=True, kw_only=True):
    gateway: str
    public: bytes
    valid_from: date | None = None
    """The first local day that it may sign."""
    valid_to: date | None = None
    """The last one."""

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.public).hexdigest()


class Trusted(Struct, frozen=True, kw_only=True):
    """With no keys nothing is verified: a site need not have any."""

    keys: Mapping[str, Key] = {}
    """By fingerprint."""
    is_required: bool = False
    """A day that no signature covers is a finding."""

    @property
    def is_asked(self) -> bool:
        return bool(self.keys) or self.is_required

    def flaw(self, head: Signature, zone: ZoneInfo) -> str:
        """Why ``head`` binds nothing; empty when it does."""
        key = self.keys.get(head.key)
        if key is None:
            return f"is signed with a key that is not trusted here, {head.key[:16]}…"
        if key.gateway != head.gateway:
            return f"says {head.gateway}, and its key is that of {key.gateway}"
        day = local(max(0, head.until - 1), zone).date()
        if key.valid_from and day < key.valid_from:
            return f"is of {day}, and its key is trusted from {key.valid_from} on"
        if key.valid_to and day > key.valid_to:
            return f"is of {day}, and its key was trusted up to {key.valid_to}"
        return (
            "" if _is_signed(head, key) else "is no signature over what it says: one of the two was changed"
        )


def _is_signed(head: Signature, key: Key) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(key.public)
        public.verify(bytes.fromhex(head.signature), signed_bytes(head))
    except (InvalidSignature, ValueError):
        return False
    return True
