"""The state of a meter, frozen: all that a checkpoint has to hold for the totals to go on."""

from typing import Final

from msgspec import Struct, field

from contract.names import NONE
from contract.records import Cause, Method, Quality, Reason
from contract.states import TIME_FIELDS, Party, State
from edge_agent.attribution import Attribution
from edge_agent.sample import Sample
from edge_agent.scheme import Identity


class Posture(Struct, frozen=True, kw_only=True, gc=False):
    """What a transition is about: when any of it changes, a span ends and another begins."""

    state: State
    party: Party
    stop_code: int
    tenant: str
    order_id: str
    lease_id: str

    def owned_by(self, owner: Attribution) -> "Posture":
        return Posture(
            state=self.state,
            party=self.party,
            stop_code=self.stop_code,
            tenant=owner.tenant,
            order_id=owner.order_id,
            lease_id=owner.lease_id,
        )

    @property
    def unknown(self) -> "Posture":
        """The same owner, seen by nobody."""
        return Posture(
            state=State.UNKNOWN,
            party=Party.NONE,
            stop_code=0,
            tenant=self.tenant,
            order_id=self.order_id,
            lease_id=self.lease_id,
        )


def posture(sample: Sample, owner: Attribution) -> Posture:
    return Posture(
        state=sample.state,
        party=sample.party,
        stop_code=sample.stop_code,
        tenant=owner.tenant,
        order_id=owner.order_id,
        lease_id=owner.lease_id,
    )


class Span(Struct, frozen=True, kw_only=True, gc=False):
    """An unbroken stretch of one posture."""

    start: int
    since: int
    """When the unbroken state began, whatever cut it into spans."""
    posture: Posture


class Opening(Struct, frozen=True, kw_only=True, gc=False):
    """A transition not yet written: if the next good sample does not come, it never lasted."""

    at: int
    cause: Cause
    vendor_code: int
    closed: Span | None
    """The span before it; None for the first of an epoch."""


class OpenInterval(Struct, frozen=True, kw_only=True, gc=False):
    """The interval in progress."""

    start: int
    totals: dict[str, int]
    """At its start."""
    times: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TIME_FIELDS, 0))
    missed: int = 0
    quality: Quality = Quality.ACTUAL
    reason: Reason = Reason.NONE


class Dispute(Struct, frozen=True, kw_only=True):
    """A gap during which whose work it was has changed."""

    before: Attribution
    after: Attribution
    tenant: bool
    order: bool


class Part(Struct, frozen=True, kw_only=True):
    """What an interval record says of its stretch of time, before it is numbered."""

    start: int
    end: int
    times: dict[str, int]
    quality: Quality
    method: Method
    reason: Reason
    missed: int = 0
    span_start: int
    unplaced_run_ms: int = 0
    unplaced_stop_ms: int = 0
    dispute: Dispute | None = None
    stepped: bool = False
    """The clock was set forward in it."""


class Gap(Struct, frozen=True, kw_only=True, gc=False):
    start: int
    reason: Reason
    steps: tuple[int, ...] = ()
    """Instants at which the clock was set forward meanwhile: the time from the first on is flagged."""


class Previous(Struct, frozen=True, kw_only=True):
    """The epoch before one that opens; nothing where there was none."""

    epoch: str = NONE
    end: int | None = None
    machine: str = NONE
    """Its name then."""
    serial: int = 0
    readings: dict[str, int] = {}
    """Raw, the last that were good."""


NO_PREVIOUS: Final = Previous()


class MeterState(Struct, frozen=True, kw_only=True, gc=False):
    identity: Identity
    epoch: str
    sequence: int
    """Of the next record."""
    settled: Sample
    """The last good sample; nothing after it is known."""
    attribution: Attribution
    known_tenant: str = NONE
    """Announced tenant of the order at the settled sample, whoever holds the lease."""
    raw: dict[str, int]
    """Raw units counted since the epoch began."""
    open: OpenInterval
    span: Span
    pending: Opening | None
    gap: Gap | None = None
    suspect: Sample | None = None
    """An odd read, waiting for the next one to confirm it."""
    missed: int = 0
    missed_reason: Reason = Reason.NONE
    midnight: int
    """The next local midnight."""
