"""The four records of a machine, as they travel in a batch and rest in the store (WIRE, "Records").

A record is an immutable fact named machine + epoch + sequence. Fields may be added with a default;
they are never renamed or re-typed. An unknown field is an error here, because dropping one would break
the digest chain.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from contract.names import Count, Label, Ms, Name, OrderId, QuantityName
from contract.states import Party, State

Duration = Annotated[int, Meta(ge=1, le=2**53)]


class MeterReason(StrEnum):
    """Why an epoch was opened."""

    FIRST = "first"
    STATE_LOST = "state_lost"
    CLOCK_BACK = "clock_back"
    RESTORED = "restored"
    REPLACED = "replaced"
    RENAMED = "renamed"
    CONFLICT = "conflict"


class Quality(StrEnum):
    """How an interval is known, best first; the worst of its parts wins."""

    ACTUAL = "actual"
    RECOVERED = "recovered"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class Method(StrEnum):
    POLLED = "polled"
    COUNTERS = "counters"
    NONE = "none"


class Clock(StrEnum):
    SYNCED = "synced"
    FREE = "free"
    STEPPED = "stepped"


class Reason(StrEnum):
    """The first cause of a gap or of a doubt."""

    NONE = "none"
    SILENT = "silent"
    REFUSED = "refused"
    LINK = "link"
    STALE = "stale"
    RESTART = "restart"
    IDENTITY = "identity"
    CLOCK_STEP = "clock_step"
    COUNTER_UNEXPLAINED = "counter_unexplained"
    TRANSIENT = "transient"
    INVALID = "invalid"


class Cause(StrEnum):
    """What made a transition."""

    STATE = "state"
    ATTRIBUTION = "attribution"
    GAP = "gap"
    MIDNIGHT = "midnight"
    EPOCH_START = "epoch_start"
    EPOCH_END = "epoch_end"


class LossReason(StrEnum):
    OUTBOX_FULL = "outbox_full"
    CORRUPT = "corrupt"


class _Common(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    site: Name
    area: Name
    machine: Name
    kind: Name
    epoch: Name
    """A life of a meter. Changes only when its totals or its time line had to start again."""
    gateway: Name
    sequence: Count
    """Counts all records of the epoch, from 0."""
    digest: str = ""
    """The link of the chain; empty until the record is sealed into its first batch."""


class Meter(_Common, frozen=True, kw_only=True, tag="meter", omit_defaults=True):
    """Opens an epoch: why, and what the device's counters said.

    The fields at its end came later. At their default they are written nowhere, so that a record which was
    sealed and stored before they existed is the same bytes still.
    """

    at: Ms
    reason: MeterReason
    previous_epoch: Name
    previous_end: Ms | None
    profile: Label
    profile_digest: Label
    stop_table: Label
    agent: Label
    timezone: Label
    serial: Count
    boot_count: Count
    uptime_s: Count
    readings: dict[QuantityName, Count]
    """Raw register values, in the device's own units."""
    previous_machine: Name = "none"
    """What the machine was called in the epoch before it, where that was another name."""
    previous_serial: Count = 0
    """Of the machine that was metered before, where this one took its place or its name."""
    previous_readings: dict[QuantityName, Count] = {}
    """The last raw readings of the epoch before it, likewise: the other half of the witness."""


class Interval(_Common, frozen=True, kw_only=True, tag="interval"):
    """A stretch ``[start, start + duration_ms)`` of one machine for one tenant and order."""

    tenant: Name
    start: Ms
    duration_ms: Duration
    span_start: Ms
    """Where the quantities' span begins: before ``start`` only for the last part of a gap that was cut."""
    sequence_first: Count
    """Below ``sequence`` when records were merged before they were ever offered."""
    run_ms: Ms
    setup_ms: Ms
    test_ms: Ms
    stop_tenant_ms: Ms
    stop_host_ms: Ms
    stop_utility_ms: Ms
    stop_unknown_ms: Ms
    fault_ms: Ms
    idle_ms: Ms
    maint_ms: Ms
    off_ms: Ms
    unknown_ms: Ms
    unplaced_run_ms: Ms
    """Run time that the device counted in a gap and that did not fit into its last part."""
    unplaced_stop_ms: Ms
    quantities: dict[QuantityName, Count]
    totals: dict[QuantityName, Count]
    """Running totals at the end of the interval; they start at 0 in each epoch."""
    measured: Annotated[str, Meta(min_length=1, max_length=1024)]
    """The quantities that the machine really counts, sorted and comma-joined."""
    order_id: OrderId
    lease_id: Label
    tenant_before: Name
    tenant_after: Name
    order_before: OrderId
    order_after: OrderId
    poll_ms: Ms
    polls_missed: Count
    quality: Quality
    method: Method
    reason: Reason
    clock: Clock

    @property
    def end(self) -> int:
        return self.start + self.duration_ms


class Transition(_Common, frozen=True, kw_only=True, tag="transition"):
    """The state that begins at ``at``, and the whole span that ends there."""

    at: Ms
    cause: Cause
    state: State
    party: Party
    stop_code: Count
    vendor_code: Count
    tenant: Name
    order_id: OrderId
    lease_id: Label
    stop_table: Label
    span_start: Ms
    span_ms: Ms
    span_since: Ms
    """When the unbroken state began, whatever cut it into spans: a grace is given once per stop."""
    span_state: State
    span_party: Party
    span_stop_code: Count
    span_tenant: Name
    span_order_id: OrderId
    span_lease_id: Label


class Loss(_Common, frozen=True, kw_only=True, tag="loss"):
    """Records that are gone for good: the last resort, and never silent."""

    sequence_first: Count
    start: Ms
    end: Ms
    records: Count
    reason: LossReason


Record = Meter | Interval | Transition | Loss
