"""Facts that rest in the store beside the records (WIRE, "Facts in the store"). Append-only.

They are flat, as a store row is: text that is absent is ``none``, an instant that is absent is -1, a truth is
0 or 1, so that every number in the store is an integer.
"""

import base64
from enum import StrEnum
from typing import Final

from msgspec import Struct

from contract.messages import Lease, Order, Witness
from contract.names import NONE, Name, OrderId, is_order, is_tenant
from contract.signature import Signature

ABSENT: Final = -1
"""An instant that is not known or not set."""
PART_BYTES: Final = 32 * 1024
"""Quarantined payloads are cut into parts of at most this: InfluxDB limits a string to 64 KiB."""


class LeaseFact(Struct, frozen=True, kw_only=True):
    site: str
    machine: str
    issued: int
    id: str
    tenant: Name
    order_id: OrderId
    by: str
    effective: int
    """From when the lease holds, UTC ms; an agent cuts at the later of this and when it heard."""
    heard: int
    """When a collector first heard it, UTC ms."""

    @property
    def ends(self) -> bool:
        """Whether this message ends a lease instead of giving one."""
        return self.tenant == NONE and self.order_id == NONE


class OrderFact(Struct, frozen=True, kw_only=True):
    site: str
    issued: int
    id: str
    order_id: OrderId
    tenant: Name
    article: str
    by: str
    wanted: int
    due: int
    closed: int
    heard: int


class WitnessFact(Struct, frozen=True, kw_only=True):
    """Somebody saw that a machine's panel and its registers agree."""

    site: str
    machine: str
    issued: int
    id: str
    by: str
    gateway: str
    at: int
    """When the registers were read, UTC ms."""
    profile: str
    profile_digest: str
    serial: int
    readings: dict[str, int]
    panel: str
    """What the panel said: ``pieces=812 run_h=25.3``, by name."""
    heard: int


class Target(StrEnum):
    """What a correction corrects."""

    USAGE = "usage"
    STATE = "state"
    LEASE = "lease"


class CorrectedField(StrEnum):
    TENANT = "tenant"
    ORDER_ID = "order_id"
    PARTY = "party"


class Correction(Struct, frozen=True, kw_only=True):
    """A person's decision about a record or a stretch of time. The latest issued wins."""

    site: str
    machine: str
    issued: int
    id: str
    by: str
    why: str
    target: Target
    epoch: str
    sequence: int
    """The record corrected, or -1: then everything of the machine in ``[start, end)``."""
    start: int
    end: int
    field: CorrectedField
    old: str
    new: str
    supersedes: str

    def __post_init__(self) -> None:
        """Raises ValueError: whose it was must be a name, wherever it comes from."""
        is_fit = {CorrectedField.TENANT: is_tenant, CorrectedField.ORDER_ID: is_order}.get(self.field)
        if is_fit is not None and not is_fit(self.new):
            raise ValueError(f"new {self.field} {self.new!r} is no name")


class QualityResult(Struct, frozen=True, kw_only=True):
    """A late inspection result: scrap and rework found after the machine had counted the pieces good."""

    site: str
    machine: str
    issued: int
    id: str
    order_id: OrderId
    tenant: Name
    by: str
    cause: str
    produced_at: int
    scrap: int
    rework: int


class BatchFact(Struct, frozen=True, kw_only=True):
    """What became of a batch; the one fact that a repeated delivery may write again."""

    site: str
    gateway: str
    sealed: int
    id: str
    records: int
    accepted: int
    rejected: int
    kept: int
    collector: str


class Quarantined(Struct, frozen=True, kw_only=True):
    """One part of something that could not be accepted, with the reason."""

    site: str
    gateway: str
    received: int
    batch: str
    part: int
    parts: int
    machine: str
    epoch: str
    sequence: int
    """-1 when not even the name could be read."""
    reason: str
    detail: str
    payload: str
    replayed: int


Fact = LeaseFact | OrderFact | WitnessFact | Correction | QualityResult | Signature | BatchFact | Quarantined


def lease_fact(site: str, lease: Lease, heard: int) -> LeaseFact:
    return LeaseFact(
        site=site,
        machine=lease.machine,
        issued=lease.issued,
        id=lease.id,
        tenant=lease.tenant or NONE,
        order_id=lease.order_id or NONE,
        by=lease.by,
        effective=lease.effective,
        heard=heard,
    )


def order_fact(site: str, order: Order, heard: int) -> OrderFact:
    return OrderFact(
        site=site,
        issued=order.issued,
        id=order.id,
        order_id=order.order_id,
        tenant=order.tenant,
        article=order.article,
        by=order.by,
        wanted=order.wanted,
        due=ABSENT if order.due is None else order.due,
        closed=int(order.closed),
        heard=heard,
    )


def witness_fact(site: str, witness: Witness, heard: int) -> WitnessFact:
    return WitnessFact(
        site=site,
        machine=witness.machine,
        issued=witness.issued,
        id=witness.id,
        by=witness.by,
        gateway=witness.gateway,
        at=witness.at,
        profile=witness.profile,
        profile_digest=witness.profile_digest,
        serial=witness.serial,
        readings=witness.readings,
        panel=" ".join(f"{name}={value}" for name, value in sorted(witness.panel.items())) or NONE,
        heard=heard,
    )


_BASE64: Final = "base64:"


def payload_text(payload: bytes) -> str:
    """A payload as text that every store keeps: itself where it is printable UTF-8, else base64."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable() and not text.startswith(_BASE64):
        return text
    return _BASE64 + base64.b64encode(payload).decode("ascii")


def payload_bytes(text: str) -> bytes:
    """The payload that ``payload_text`` made into ``text``."""
    if text.startswith(_BASE64):
        return base64.b64decode(text.removeprefix(_BASE64))
    return text.encode("utf-8")


def payload_parts(text: str) -> list[str]:
    """``text`` cut so that no part has more than PART_BYTES bytes of UTF-8, never inside a character."""
    parts, data = [], text.encode("utf-8")
    while len(data) > PART_BYTES:
        cut = PART_BYTES
        while data[cut] & 0xC0 == 0x80:  # a UTF-8 continuation byte
            cut -= 1
        parts.append(data[:cut].decode("utf-8"))
        data = data[cut:]
    return [*parts, data.decode("utf-8")]
