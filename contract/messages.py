"""Everything else that crosses MQTT (WIRE, "Topics"). Unknown fields are ignored here, unlike in records."""

import hashlib
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from contract.names import Count, Decimal, Hex64, Label, Ms, Name, OrderId, QuantityName, Text
from contract.records import Clock, Record
from contract.states import Party, State

BATCH_LIMIT: Final = 64 * 1024
"""Most bytes of a batch's payload."""


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    KEPT = "kept"


class ExceptionReason(StrEnum):
    """Why a record was not accepted."""

    INVALID = "invalid"
    CONFLICT = "conflict"
    RETENTION = "retention"
    TYPE = "type"
    FUTURE = "future"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    STORE = "store"


class Batch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The envelope. Its records stay raw, so that one bad record cannot fail its neighbours."""

    site: Name
    gateway: Name
    session: Label
    sealed: Ms
    records: list[msgspec.Raw]
    signatures: list[msgspec.Raw] = []
    """Of chain heads. Raw as well; a collector of an earlier version ignores them."""


class RecordException(Struct, frozen=True, kw_only=True):
    machine: str
    epoch: str
    sequence: int
    outcome: Outcome
    reason: str
    """One of ExceptionReason, or one that a newer collector has."""
    detail: str


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a batch. It ends the batch: what it does not list was accepted."""

    batch: Hex64
    collector: Label
    at: Ms
    records: Count
    accepted: Count
    unreadable: str | None
    retry_after_ms: Ms
    exceptions: list[RecordException]
    signatures: Count = 0
    """How many of the batch's signatures rest in the store: all of them or none. A gateway sends them again
    until they do, also to a collector that knows nothing of them."""


class MachineState(Struct, frozen=True, kw_only=True):
    """What a machine is doing now."""

    machine: Name
    area: Name
    kind: Name
    epoch: Name
    session: Label
    at: Ms
    since: Ms
    state: State
    party: Party
    stop_code: Count
    vendor_code: Count
    tenant: Name
    order_id: OrderId
    lease_id: Label
    totals: dict[QuantityName, Count]
    provisional: bool
    """Polls are being missed: the next good sample or the end of the hold decides."""
    clock: Clock


class StatusReason(StrEnum):
    START = "start"
    STOP = "stop"
    LOST = "lost"


class GatewayStatus(Struct, frozen=True, kw_only=True):
    """Birth, death and last will of an agent."""

    gateway: Name
    session: Label
    agent: Label
    reason: StatusReason
    online: bool
    since: Ms
    at: Ms | None
    machines: Count
    machines_digest: Hex64
    outbox_records: Count
    outbox_oldest: Ms | None
    clock: Clock


class Lease(Struct, frozen=True, kw_only=True):
    """Who holds a machine, from when. Tenant and order both null end the lease."""

    id: Label
    machine: Name
    by: Text
    tenant: Name | None
    order_id: OrderId | None
    effective: Ms = msgspec.field(name="from")
    issued: Ms


class Order(Struct, frozen=True, kw_only=True):
    """An order announced: whose it is and what is wanted."""

    id: Label
    order_id: OrderId
    tenant: Name
    article: Text
    by: Text
    wanted: Count
    due: Ms | None
    closed: bool
    issued: Ms


class Witness(Struct, frozen=True, kw_only=True):
    """Somebody saw that a machine's panel and its registers agree."""

    id: Label
    machine: Name
    by: Text
    gateway: Name
    at: Ms
    """When the registers were read."""
    profile: Label
    profile_digest: Hex64
    serial: Count
    """0 where the machine gives none."""
    readings: dict[QuantityName, Count]
    """Raw value of each counter."""
    panel: dict[QuantityName, Decimal]
    """What the panel said, by what it was compared with."""
    issued: Ms


Message = Batch | Receipt | MachineState | GatewayStatus | Lease | Order | Witness

_encoder = msgspec.json.Encoder()
_record_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(message: Message | Record) -> bytes:
    return _encoder.encode(message)


def decode_record(raw: msgspec.Raw | bytes) -> Record:
    """One record of a batch. Raises msgspec.DecodeError (ValidationError with the path of the field)."""
    return _record_decoder.decode(raw)


def batch_id(payload: bytes) -> str:
    """A batch is named by its bytes as sent, so that no late receipt can release something else."""
    return hashlib.sha256(payload).hexdigest()
