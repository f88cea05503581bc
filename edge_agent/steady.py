"""The poll at which nothing happens, which is nearly every one: time and counts go on, and nothing is cut.

``steadily`` comes to the same meter as the long way (``meter.py``) at a fraction of its cost, or declines. It
decides nothing of its own: whatever is not plainly more of the same is left to the long way.
"""

from msgspec.structs import replace

from contract.records import Reason
from contract.states import time_field
from edge_agent.attribution import Attribution, Leases
from edge_agent.counters import sure
from edge_agent.sample import Sample
from edge_agent.scheme import Scheme
from edge_agent.state import MeterState


def steadily(
    scheme: Scheme,
    meter: MeterState,
    sample: Sample,
    leases: Leases,
    *,
    owner: Attribution,
    known_tenant: str,
) -> MeterState | None:
    """The meter after ``sample`` in the state, and for the owner, of the sample before it; None if it is not.

    ``owner`` and ``known_tenant`` are those at the sample.
    """
    before, posture = meter.settled, meter.span.posture  # whose owner is the meter's
    elapsed_ms = sample.at - before.at
    is_more_of_the_same = (
        meter.gap is None
        and meter.pending is None
        and 0 < elapsed_ms <= scheme.hold_ms
        and before.at // scheme.grid_ms == sample.at // scheme.grid_ms
        and sample.at < meter.midnight
        and not any(before.at < held.effective <= sample.at for held in leases)
        and owner == meter.attribution
        and posture.state is sample.state
        and posture.party is sample.party
        and posture.stop_code == sample.stop_code
        and sample.boot_count == before.boot_count
        and sample.uptime_s >= before.uptime_s
    )
    raw = _counted(scheme, meter, sample, elapsed_ms) if is_more_of_the_same else None
    if raw is None:
        return None
    times = dict(meter.open.times)
    times[time_field(posture.state, posture.party)] += elapsed_ms
    return replace(
        meter,
        settled=sample,
        raw=raw,
        open=replace(meter.open, times=times, missed=meter.open.missed + meter.missed),
        known_tenant=known_tenant,
        suspect=None,
        missed=0,
        missed_reason=Reason.NONE,
    )


def _counted(scheme: Scheme, meter: MeterState, sample: Sample, elapsed_ms: int) -> dict[str, int] | None:
    """The raw counts after it; None unless every counter has plainly gone on."""
    raw, before, after = dict(meter.raw), meter.settled.readings, sample.readings
    for counter in scheme.profile.counters:
        step = after[counter.name] - before[counter.name]
        if step:
            if not 0 < step <= sure(counter, elapsed_ms):
                return None
            raw[counter.name] += step
    return raw
