"""The meter: samples in, records out, and nothing in between but a frozen state (DESIGN 1, 4, 9).

A sample settles the time since the sample before it: that time belongs to the state that was seen, if the
next good sample came within the hold; else all of it is a gap. Nothing later than the last settled sample is
ever closed. A counter's step between two samples is booked whole in the interval of the earlier one.

Each public function takes the meter and one event and returns the meter after it, with the records that the
event closed, in sequence order and not yet sealed.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contract import records
from contract.names import NONE
from contract.records import Cause, MeterReason, Reason, Record
from edge_agent import counters
from edge_agent.attribution import Attribution, Leases, attribute, changes, in_force
from edge_agent.counters import Step
from edge_agent.cuts import grid, next_midnight
from edge_agent.gap import abandon, end_gap
from edge_agent.quantities import Told, totals
from edge_agent.sample import Sample
from edge_agent.scheme import Scheme
from edge_agent.state import NO_PREVIOUS, Gap, MeterState, Opening, OpenInterval, Previous, Span, posture
from edge_agent.steady import steadily
from edge_agent.turn import Turn

Announced = Mapping[str, str]
"""The tenant of each announced order."""


class Turned(Struct, frozen=True, gc=False):
    """What an event made of a meter."""

    meter: MeterState
    records: tuple[Record, ...] = ()


_SUCCESSIONS: Final = frozenset({MeterReason.REPLACED, MeterReason.RENAMED})
"""Then both meters are witnessed: what the one said last, and the other first."""


def begin(
    scheme: Scheme,
    sample: Sample,
    leases: Leases,
    announced: Announced,
    *,
    epoch: str,
    reason: MeterReason,
    previous: Previous = NO_PREVIOUS,
) -> Turned:
    """Opens an epoch at its first good sample. Totals start at 0; the readings are written down."""
    attribution = attribute(in_force(leases, sample.at), sample.order_id, announced)
    identity = scheme.identity
    opened = records.Meter(
        **identity.tags(),
        epoch=epoch,
        sequence=0,
        at=sample.at,
        reason=reason,
        previous_epoch=previous.epoch,
        previous_end=previous.end,
        profile=identity.profile,
        profile_digest=identity.profile_digest,
        stop_table=identity.stop_table,
        agent=identity.agent,
        timezone=identity.timezone,
        serial=sample.serial,
        boot_count=sample.boot_count,
        uptime_s=sample.uptime_s,
        readings=sample.readings,
        previous_machine=NONE if previous.machine == identity.machine else previous.machine,
        previous_serial=previous.serial if reason in _SUCCESSIONS else 0,
        previous_readings=previous.readings if reason in _SUCCESSIONS else {},
    )
    raw = dict.fromkeys(sample.readings, 0)
    seen = posture(sample, attribution)
    meter = MeterState(
        identity=identity,
        epoch=epoch,
        sequence=1,
        settled=sample,
        attribution=attribution,
        known_tenant=announced.get(attribution.order_id, NONE),
        raw=raw,
        open=OpenInterval(start=sample.at, totals=totals(scheme.profile, raw)),
        span=Span(start=sample.at, since=sample.at, posture=seen),
        pending=Opening(at=sample.at, cause=Cause.EPOCH_START, vendor_code=sample.vendor_code, closed=None),
        midnight=next_midnight(sample.at, identity.timezone),
    )
    return Turned(meter, (opened,))


def observe(
    scheme: Scheme, meter: MeterState, sample: Sample, leases: Leases, announced: Announced
) -> Turned:
    """A good read. Settles the time since the last one, or ends the gap."""
    if sample.at <= meter.settled.at:
        return Turned(meter)
    owner = attribute(in_force(leases, sample.at), sample.order_id, announced)
    known = announced.get(owner.order_id, NONE)
    steady = steadily(scheme, meter, sample, leases, owner=owner, known_tenant=known)
    return at_length(scheme, meter, sample, leases, announced) if steady is None else Turned(steady)


def at_length(
    scheme: Scheme, meter: MeterState, sample: Sample, leases: Leases, announced: Announced
) -> Turned:
    """What ``observe`` does where something may have happened."""
    every = scheme.profile.counters
    steps = counters.steps(every, meter.settled, sample)
    if not counters.doubtful(steps):
        return _believe(scheme, meter, sample, steps, leases=leases, announced=announced)
    if meter.suspect is None:
        return _doubt(scheme, meter, sample)
    # One odd read is not believed. When the next read goes on from it the jump is real.
    onward = counters.steps(every, meter.suspect, sample)
    if counters.doubtful(onward):
        return _doubt(scheme, meter, sample)
    first = counters.steps(every, meter.settled, meter.suspect)
    if counters.valueless(first):
        return _believe(
            scheme, meter, sample, counters.rebased(first, onward), leases=leases, announced=announced
        )
    before = _believe(scheme, _undoubted(meter), meter.suspect, first, leases=leases, announced=announced)
    after = observe(scheme, before.meter, sample, leases, announced)
    return Turned(after.meter, (*before.records, *after.records))


def _doubt(scheme: Scheme, meter: MeterState, sample: Sample) -> Turned:
    doubted = miss(scheme, meter, sample.at, Reason.TRANSIENT)
    return Turned(replace(doubted.meter, suspect=sample), doubted.records)


def _undoubted(meter: MeterState) -> MeterState:
    """The odd read was a wrap, or another true count: it is as good as any, and no poll was missed."""
    missed = meter.missed - 1
    return replace(
        meter, suspect=None, missed=missed, missed_reason=meter.missed_reason if missed else Reason.NONE
    )


def _believe(
    scheme: Scheme,
    meter: MeterState,
    sample: Sample,
    steps: dict[str, Step],
    *,
    leases: Leases,
    announced: Announced,
) -> Turned:
    late = sample.at - meter.settled.at > scheme.hold_ms
    opened = open_gap(scheme, meter, meter.missed_reason) if late else Turned(meter)
    turn = Turn(scheme, opened.meter)
    owner = attribute(in_force(leases, sample.at), sample.order_id, announced)
    if turn.gap is None:
        # An announcement is not applied before it was heard: the order at hand keeps its tenant till now.
        known = {**announced, opened.meter.attribution.order_id: opened.meter.known_tenant}
        _settle(turn, sample, leases, owner, steps, known=known)
    else:
        end_gap(turn, sample, leases, owner, steps)
    tenant = announced.get(owner.order_id, NONE)
    return Turned(turn.settled(sample, tenant), (*opened.records, *turn.records))


def _settle(
    turn: Turn,
    sample: Sample,
    leases: Leases,
    owner: Attribution,
    steps: dict[str, Step],
    *,
    known: Announced,
) -> None:
    """The time up to ``sample`` passed in the state seen before it; boundaries on the way cut it."""
    before = turn.meter.settled
    turn.count(steps)
    turn.doubt(steps)
    turn.open = replace(turn.open, missed=turn.open.missed + turn.meter.missed)
    for at in _boundaries(turn, sample.at, leases):
        there = attribute(in_force(leases, at), before.order_id, known)
        turn.reach(at, there, turn.span.posture.owned_by(there))
    turn.vendor_code = sample.vendor_code
    turn.reach(sample.at, owner, posture(sample, owner))


def _boundaries(turn: Turn, until: int, leases: Leases) -> list[int]:
    """Instants strictly between the two samples at which something may have to be cut."""
    after, last = turn.cursor, until - 1
    found = {*grid(after, last, turn.scheme.grid_ms), *changes(leases, after, last)}
    if turn.midnight <= last:
        found.add(turn.midnight)
    return sorted(found)


def miss(scheme: Scheme, meter: MeterState, at: int, reason: Reason, polls: int = 1) -> Turned:
    """So many polls that gave no sample. The first miss of a hold names the gap that may come of it."""
    first = meter.missed_reason if meter.missed else reason
    missed = replace(meter, missed=meter.missed + polls, missed_reason=first)
    if meter.gap is None and at - meter.settled.at > scheme.hold_ms:
        return open_gap(scheme, missed, first)
    return Turned(missed)


def open_gap(scheme: Scheme, meter: MeterState, reason: Reason) -> Turned:
    """The hold is over, or the agent is away: everything since the last settled sample is a gap."""
    if meter.gap is not None:
        return Turned(meter)
    turn = Turn(scheme, meter)
    turn.close(turn.cursor)
    turn.vendor_code = 0
    turn.turn(turn.cursor, Cause.GAP, turn.span.posture.unknown)
    turn.announce()
    turn.gap = Gap(start=turn.cursor, reason=Reason.SILENT if reason is Reason.NONE else reason)
    return Turned(turn.state(), tuple(turn.records))


def step_forward(scheme: Scheme, meter: MeterState, at: int) -> Turned:
    """The clock was set forward at ``at``, the meter's instant before the jump: the jump is a gap of its own.

    One that opens later would begin at the last settled sample; in an open one the jump is cut off, since
    what was silent before is not the clock's doing.
    """
    if meter.gap is None:
        return open_gap(scheme, meter, Reason.CLOCK_STEP)
    at = max(at, meter.gap.start)
    return Turned(replace(meter, gap=replace(meter.gap, steps=(*meter.gap.steps, at))))


def finish(scheme: Scheme, meter: MeterState, at: int, told: Told | None = None) -> Turned:
    """Ends the epoch: at the last settled sample, or, when a gap is open, at ``at``.

    In its own words: ``told`` is what was counted, where ``scheme`` is no longer the one that counted.
    """
    turn = Turn(scheme, meter, told)
    turn.vendor_code = 0
    if turn.gap is None:
        turn.close(turn.cursor)
    else:
        abandon(turn, ends_at(meter, at))
    turn.turn(turn.cursor, Cause.EPOCH_END, turn.span.posture.unknown)
    turn.announce()
    return Turned(turn.state(), tuple(turn.records))


def ends_at(meter: MeterState, at: int) -> int:
    """Where an epoch ends that is ended at ``at``: nothing after the last settled sample is claimed."""
    return meter.settled.at if meter.gap is None else max(at, meter.gap.start + 1)
