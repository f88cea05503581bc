"""One event's work on a meter: time is spent, intervals are closed, spans are turned, records are written.

Mutable and short-lived: made from a frozen MeterState, it lives for one event and ends as the next state.
Everything that numbers a record is here.
"""

from typing import Any, Final

from msgspec.structs import replace

from contract.names import DISPUTED, NONE
from contract.records import Cause, Clock, Interval, Method, Quality, Reason, Record, Transition
from contract.states import TIME_FIELDS, Party, State, time_field
from edge_agent.attribution import Attribution
from edge_agent.counters import Kind, Step
from edge_agent.cuts import next_midnight
from edge_agent.quantities import Told, between
from edge_agent.sample import Sample
from edge_agent.scheme import Scheme
from edge_agent.state import MeterState, Opening, OpenInterval, Part, Posture, Span

_STRONGEST: Final = (
    Cause.EPOCH_START,
    Cause.EPOCH_END,
    Cause.GAP,
    Cause.MIDNIGHT,
    Cause.STATE,
    Cause.ATTRIBUTION,
)
"""Two causes at one instant are one transition, named after the stronger."""


class Turn:
    def __init__(self, scheme: Scheme, meter: MeterState, told: Told | None = None) -> None:
        """``told``: what the counters amounted to, where ``scheme`` is no longer the one that counted."""
        self.scheme = scheme
        self.told = told
        self.meter = meter
        self.records: list[Record] = []
        self.cursor = meter.settled.at
        self.sequence = meter.sequence
        self.attribution = meter.attribution
        self.raw = meter.raw
        self.open = meter.open
        self.times = dict(meter.open.times)
        self.span = meter.span
        self.pending = meter.pending
        self.gap = meter.gap
        self.midnight = meter.midnight
        self.vendor_code = meter.settled.vendor_code

    # --- time -----------------------------------------------------------------------------------------

    def spend(self, until: int) -> None:
        """The time up to ``until`` passed in the present state."""
        if until > self.cursor:
            self.announce()
            posture = self.span.posture
            self.times[time_field(posture.state, posture.party)] += until - self.cursor
            self.cursor = until

    def reach(self, at: int, owner: Attribution, posture: Posture) -> None:
        """``at`` is a boundary or a sample: whatever must be cut there is cut."""
        self.spend(at)
        midnight = at == self.midnight
        if midnight or at % self.scheme.grid_ms == 0 or owner != self.attribution:
            self.close(at)
        self.attribution = owner
        if midnight or posture != self.span.posture:
            self.turn(at, self._cause(posture, midnight=midnight), posture)
        if midnight:
            self.midnight = next_midnight(at, self.meter.identity.timezone)

    def _cause(self, posture: Posture, *, midnight: bool) -> Cause:
        if midnight:
            return Cause.MIDNIGHT
        now, then = posture, self.span.posture
        same = (now.state, now.party, now.stop_code) == (then.state, then.party, then.stop_code)
        return Cause.ATTRIBUTION if same else Cause.STATE

    # --- counting -------------------------------------------------------------------------------------

    def count(self, steps: dict[str, Step]) -> None:
        self.raw = {name: total + steps[name].delta for name, total in self.raw.items()}

    def doubt(self, steps: dict[str, Step]) -> None:
        """Marks the open interval where a counter's step is not plainly counted."""
        kinds = {step.kind for step in steps.values()}
        if Kind.DOUBTFUL in kinds:
            self.open = replace(self.open, quality=Quality.UNKNOWN, reason=Reason.COUNTER_UNEXPLAINED)
        elif Kind.RESTARTED in kinds and self.open.quality is Quality.ACTUAL:
            self.open = replace(self.open, quality=Quality.RECOVERED, reason=Reason.RESTART)

    # --- records --------------------------------------------------------------------------------------

    def close(self, at: int) -> None:
        """Ends the open interval at ``at``; one of no length leaves no record."""
        if at <= self.open.start:
            return
        seen = self.open
        part = Part(
            start=seen.start,
            end=at,
            times=self.times,
            quality=seen.quality,
            method=Method.POLLED,
            reason=seen.reason,
            missed=seen.missed,
            span_start=seen.start,
        )
        self.write_part(part)

    def write_part(self, part: Part) -> None:
        """The quantities since the part before go into this one; the next begins at its end."""
        told = self.told or Told.of(self.scheme.profile, self.raw)
        after = told.totals
        owner, dispute = self.attribution, part.dispute
        times: dict[str, Any] = part.times  # named fields for the type checker, a table for us
        self._write(
            Interval(
                **self.meter.identity.tags(),
                epoch=self.meter.epoch,
                sequence=self.sequence,
                sequence_first=self.sequence,
                tenant=DISPUTED if dispute and dispute.tenant else owner.tenant,
                order_id=DISPUTED if dispute and dispute.order else owner.order_id,
                lease_id=owner.lease_id,
                tenant_before=dispute.before.tenant if dispute else NONE,
                tenant_after=dispute.after.tenant if dispute else NONE,
                order_before=dispute.before.order_id if dispute else NONE,
                order_after=dispute.after.order_id if dispute else NONE,
                start=part.start,
                duration_ms=part.end - part.start,
                span_start=part.span_start,
                **times,
                unplaced_run_ms=part.unplaced_run_ms,
                unplaced_stop_ms=part.unplaced_stop_ms,
                quantities=between(self.open.totals, after),
                totals=after,
                measured=told.measured,
                poll_ms=self.scheme.poll_ms,
                polls_missed=part.missed,
                quality=part.quality,
                method=part.method,
                reason=part.reason,
                clock=Clock.STEPPED if part.stepped else Clock.SYNCED,
            )
        )
        self.open = OpenInterval(start=part.end, totals=after)
        self.times = dict.fromkeys(TIME_FIELDS, 0)

    def turn(self, at: int, cause: Cause, posture: Posture) -> None:
        """Another span begins at ``at``. Written when it has lasted, or never (see ``Opening``)."""
        if self.pending is not None:  # the span before had no length: one transition for both causes
            closed = self.pending.closed
            cause = min(cause, self.pending.cause, key=_STRONGEST.index)
        else:
            closed = self.span
        unbroken = closed is not None and closed.posture.state is posture.state
        since = closed.since if closed is not None and unbroken else at
        self.span = Span(start=at, since=since, posture=posture)
        self.pending = Opening(at=at, cause=cause, vendor_code=self.vendor_code, closed=closed)

    def announce(self) -> None:
        """The pending transition has lasted: it is a fact."""
        if self.pending is None:
            return
        opening, self.pending = self.pending, None
        new, closed = self.span.posture, opening.closed
        self._write(
            Transition(
                **self.meter.identity.tags(),
                epoch=self.meter.epoch,
                sequence=self.sequence,
                at=opening.at,
                cause=opening.cause,
                state=new.state,
                party=new.party,
                stop_code=new.stop_code,
                vendor_code=opening.vendor_code,
                tenant=new.tenant,
                order_id=new.order_id,
                lease_id=new.lease_id,
                stop_table=self.meter.identity.stop_table,
                **_closing(opening.at, closed),
            )
        )

    def _write(self, record: Record) -> None:
        self.records.append(record)
        self.sequence += 1

    # --- the next state -------------------------------------------------------------------------------

    def settled(self, sample: Sample, known_tenant: str) -> MeterState:
        """The state after a good sample."""
        return replace(
            self.state(),
            settled=sample,
            known_tenant=known_tenant,
            suspect=None,
            missed=0,
            missed_reason=Reason.NONE,
        )

    def state(self) -> MeterState:
        return replace(
            self.meter,
            sequence=self.sequence,
            attribution=self.attribution,
            raw=self.raw,
            open=replace(self.open, times=self.times),
            span=self.span,
            pending=self.pending,
            gap=self.gap,
            midnight=self.midnight,
        )


def _closing(at: int, closed: Span | None) -> dict[str, Any]:
    """The span that a transition at ``at`` closes; the first of an epoch closes none."""
    if closed is None:
        nothing = {"span_tenant": NONE, "span_order_id": NONE, "span_lease_id": NONE}
        span: dict[str, Any] = {"span_start": at, "span_ms": 0, "span_since": at, "span_stop_code": 0}
        return span | nothing | {"span_state": State.NONE, "span_party": Party.NONE}
    posture = closed.posture
    return {
        "span_start": closed.start,
        "span_ms": at - closed.start,
        "span_since": closed.since,
        "span_state": posture.state,
        "span_party": posture.party,
        "span_stop_code": posture.stop_code,
        "span_tenant": posture.tenant,
        "span_order_id": posture.order_id,
        "span_lease_id": posture.lease_id,
    }
