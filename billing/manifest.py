"""What an evidence pack holds, and the digest over all of it. Pure.

Canonical JSON throughout: sorted keys, no spaces, one object per line.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from billing.period import Period

FORMAT: Final = 2
_SINCE: Final = {"texts": 2, "starts": 2}
"""Fields that came later, by the format: a manifest of before has none of them, and keeps its bytes."""


class Kind(StrEnum):
    STATEMENT = "statement"
    ADJUSTMENT = "adjustment"


class Kept(Struct, frozen=True, kw_only=True):
    """A file of a pack."""

    digest: str
    """SHA-256 of its bytes."""
    content: str
    """SHA-256 of what it holds, before compression: another library may compress otherwise."""
    rows: int = 0


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int = FORMAT
    kind: Kind
    site: str
    timezone: str
    period: Period
    name: str
    """Of the period."""
    revision: int
    now: int
    """The instant of the run, UTC ms: facts that came later are not in it."""
    by: str
    override: str = ""
    open: tuple[str, ...] = ()
    """What was open when it was frozen, one line each."""
    software: str
    config: str
    """The name of the configuration among ``configuration.json``."""
    booked: tuple[str, ...] = ()
    """Digests of the packs that an adjustment is against."""
    heads: Mapping[str, str] = {}
    """By machine and epoch: sequence, digest and instant of the last record of the chain in the period."""
    starts: Mapping[str, str] = {}
    """Likewise, of the runs before: from where the chains were walked on; others from their first record."""
    texts: Mapping[str, str] = {}
    """SHA-256 of each text in ``configuration.json``, so that a changed one can be named."""
    files: Mapping[str, Kept] = {}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self)).hexdigest()


def canonical(what: object) -> bytes:
    """As one line, with its end."""
    if isinstance(what, Manifest):
        fields = msgspec.to_builtins(what)
        what = {name: value for name, value in fields.items() if _SINCE.get(name, 1) <= what.format}
    return msgspec.json.encode(what, order="sorted") + b"\n"


def digests_of(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def read_manifest(data: bytes) -> Manifest:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Manifest)
