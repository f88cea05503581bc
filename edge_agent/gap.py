"""What is known of a gap when it ends: its length, what the machine's own counters say, and no more.

The grid does not cut a gap, since nothing is known of its inside. Local midnight does, so that a day's rows
are a day, and so does a clock that is set forward, so that no more than the jump is flagged. Everything that
was counted goes to the last part; device counters of run time recover its split.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contract.records import Cause, Method, Quality, Reason
from contract.states import TIME_FIELDS
from edge_agent.attribution import Attribution, Leases, attribute, changes, differs, in_force
from edge_agent.counters import Kind, Step
from edge_agent.cuts import midnights, next_midnight
from edge_agent.profile import DeviceTime, Profile
from edge_agent.sample import Sample
from edge_agent.state import Dispute, Gap, Part, posture
from edge_agent.turn import Turn


class Recovered(Struct, frozen=True, kw_only=True):
    """What the machine's own counters say of a gap."""

    quality: Quality = Quality.UNKNOWN
    method: Method = Method.NONE
    run_ms: int = 0
    stop_ms: int = 0


NOTHING: Final = Recovered()


def end_gap(turn: Turn, sample: Sample, leases: Leases, owner: Attribution, steps: dict[str, Step]) -> None:
    """A good sample ends the gap of ``turn``."""
    held = turn.meter.settled.order_id
    known = {turn.attribution.order_id: turn.meter.known_tenant}
    inside = [
        attribute(in_force(leases, at), held, known) for at in changes(leases, turn.cursor, sample.at - 1)
    ]
    # A lease that takes effect with the sample is the next interval's, not the gap's.
    next_lease = changes(leases, sample.at - 1, sample.at)
    last = attribute(in_force(leases, sample.at - 1), sample.order_id, known) if next_lease else owner
    dispute = _dispute(turn.attribution, inside, last, register=held is not None)
    turn.count(steps)
    _write_parts(turn, sample.at, _recover(turn.scheme.profile, steps), dispute)
    turn.attribution = owner
    turn.vendor_code = sample.vendor_code
    turn.turn(sample.at, Cause.GAP, posture(sample, owner))


def abandon(turn: Turn, at: int) -> None:
    """The epoch ends inside the gap: nothing will ever be known of it."""
    _write_parts(turn, at, NOTHING, None)


def _dispute(
    before: Attribution, inside: list[Attribution], after: Attribution, *, register: bool
) -> Dispute | None:
    """Tenant or order that changed while nobody looked is ``disputed``, for a person to split.

    Leases that came and went inside the gap count too: each is somebody's claim on it. Where the order stands
    in a ``register``, only that knows the orders on the way, and it was not read.
    """
    tenants, orders = differs([before, *inside, after])
    if register:
        _, orders = differs([before, after])
    if not tenants and not orders:
        return None
    return Dispute(before=before, after=after, tenant=tenants, order=orders)


def _recover(profile: Profile, steps: dict[str, Step]) -> Recovered:
    explained = [step for step in steps.values() if step.kind is not Kind.DOUBTFUL]
    run, stop = _device_ms(profile.run_time, steps), _device_ms(profile.stop_time, steps)
    whole = run is not None and len(explained) == len(steps)
    return Recovered(
        quality=Quality.RECOVERED if whole else Quality.UNKNOWN,
        method=Method.COUNTERS if explained else Method.NONE,
        run_ms=run or 0,
        stop_ms=stop or 0,
    )


def _device_ms(counted: DeviceTime | None, steps: dict[str, Step]) -> int | None:
    if counted is None or steps[counted.counter].kind is Kind.DOUBTFUL:
        return None
    return steps[counted.counter].delta * counted.unit_ms


def _write_parts(turn: Turn, until: int, recovered: Recovered, dispute: Dispute | None) -> None:
    """Parts up to each midnight and step, of which nothing is known; the last has all that was counted."""
    if turn.gap is None:
        return
    gap, turn.gap = turn.gap, None
    timezone = turn.meter.identity.timezone
    counted, turn.raw = turn.raw, turn.meter.raw
    start, turn.vendor_code = gap.start, 0
    at_midnight = set(midnights(gap.start, until - 1, timezone))
    for edge in sorted(at_midnight | {step for step in gap.steps if gap.start < step < until}):
        turn.write_part(_part(gap, (start, edge), NOTHING, dispute))
        if edge in at_midnight:
            turn.turn(edge, Cause.MIDNIGHT, turn.span.posture)
            turn.announce()
        start = edge
    turn.raw = counted
    last = _part(gap, (start, until), recovered, dispute)
    turn.write_part(replace(last, span_start=gap.start, missed=turn.meter.missed))
    turn.cursor = until
    turn.midnight = next_midnight(until, timezone)


def _part(gap: Gap, stretch: tuple[int, int], recovered: Recovered, dispute: Dispute | None) -> Part:
    """Recovered time is capped at the part's length; what does not fit is told, never squeezed in."""
    start, end = stretch
    run = min(recovered.run_ms, end - start)
    stop = min(recovered.stop_ms, end - start - run)
    known = {"run_ms": run, "stop_unknown_ms": stop, "unknown_ms": end - start - run - stop}
    stepped = gap.reason is Reason.CLOCK_STEP or any(step <= start for step in gap.steps)
    return Part(
        start=start,
        end=end,
        span_start=start,
        times=dict.fromkeys(TIME_FIELDS, 0) | known,
        quality=recovered.quality,
        method=recovered.method,
        reason=Reason.CLOCK_STEP if stepped else gap.reason,
        stepped=stepped,
        unplaced_run_ms=recovered.run_ms - run,
        unplaced_stop_ms=recovered.stop_ms - stop,
        dispute=dispute,
    )
