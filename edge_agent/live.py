"""What a machine is doing now, for whoever looks: the retained state message (WIRE, "state")."""

from contract.messages import MachineState
from contract.names import NONE
from contract.records import Clock
from contract.states import Party, State
from edge_agent.quantities import totals
from edge_agent.scheme import Scheme
from edge_agent.state import MeterState


def now_showing(
    scheme: Scheme, meter: MeterState | None, session: str, at: int, clock: Clock = Clock.SYNCED
) -> MachineState:
    """The state as last seen. ``provisional`` while polls are missed and the hold is not over."""
    if meter is None:
        return _never_seen(scheme, session, at, clock)
    posture, in_gap = meter.span.posture, meter.gap is not None
    return MachineState(
        machine=scheme.identity.machine,
        area=scheme.identity.area,
        kind=scheme.identity.kind,
        epoch=meter.epoch,
        session=session,
        at=at,
        since=meter.span.since,
        state=posture.state,
        party=posture.party,
        stop_code=posture.stop_code,
        vendor_code=0 if in_gap else meter.settled.vendor_code,
        tenant=posture.tenant,
        order_id=posture.order_id,
        lease_id=posture.lease_id,
        totals=totals(scheme.profile, meter.raw),
        provisional=meter.missed > 0 and not in_gap,
        clock=clock,
    )


def _never_seen(scheme: Scheme, session: str, at: int, clock: Clock) -> MachineState:
    return MachineState(
        machine=scheme.identity.machine,
        area=scheme.identity.area,
        kind=scheme.identity.kind,
        epoch=NONE,
        session=session,
        at=at,
        since=at,
        state=State.UNKNOWN,
        party=Party.NONE,
        stop_code=0,
        vendor_code=0,
        tenant=NONE,
        order_id=NONE,
        lease_id=NONE,
        totals=totals(scheme.profile, dict.fromkeys((c.name for c in scheme.profile.counters), 0)),
        provisional=False,
        clock=clock,
    )


def is_as(shown: MachineState, meter: MeterState | None) -> bool:
    """Whether a person would see nothing new: all is as it was shown, but for the instant and the totals."""
    if meter is None:
        return shown.epoch == NONE
    posture, in_gap = meter.span.posture, meter.gap is not None
    return (
        shown.epoch == meter.epoch
        and shown.state is posture.state
        and shown.party is posture.party
        and shown.stop_code == posture.stop_code
        and shown.vendor_code == (0 if in_gap else meter.settled.vendor_code)
        and shown.provisional == (meter.missed > 0 and not in_gap)
        and shown.tenant == posture.tenant
        and shown.order_id == posture.order_id
        and shown.lease_id == posture.lease_id
    )
