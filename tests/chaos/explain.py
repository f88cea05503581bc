"""Which gaps the faults explain: from the outages as they were, never from a fudge factor. Pure.

All in real ms here; the judge maps to plant time.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from contract.clock import ClockPair
from contract.records import Interval, Method
from tests.chaos import layout
from tests.chaos.child import RESTART_S, Fall
from tests.chaos.schedule import DELAY_MS, Kind
from tests.chaos.site import Outage

Span = tuple[int, int]

POLL: Final = layout.POLL_MS // layout.SCALE
START_UP: Final = 4_000
"""A process of Python until it has read its first machine, on a machine that others use too."""
LINGER: Final = 1_000
"""Checkpoints wait for each other so long before they are committed."""
CHECKPOINT: Final = layout.CHECKPOINT_MS // layout.SCALE + LINGER + 500
"""Age of the last checkpoint on the disk, its commit included."""
_NEIGHBOURS: Final = max(len(endpoint.machines) for endpoint in layout.ENDPOINTS)
LINK_BACK: Final = layout.BACKOFF_MS[1] + _NEIGHBOURS * layout.TIMEOUT_MS + 4 * POLL
"""Back-off cap; each unit of the endpoint may cost the others one time-out; polls until all were read, and
those left out after silence."""
PROCESS: Final = frozenset({Kind.KILL, Kind.RESTART, Kind.PAUSE, Kind.FULL})


def explained(machine: str, outages: Iterable[Outage], falls: Iterable[Fall]) -> list[Span]:
    """When a machine may go unread, real UTC ms; merged and in order."""
    found = [span for outage in outages for span in _of(machine, outage)]
    endpoint = layout.PLACE[machine]
    found += [
        (fall.at_ms - CHECKPOINT - 2 * POLL, fall.at_ms + round(RESTART_S * 1000) + START_UP + LINK_BACK)
        for fall in falls
        if fall.name == endpoint.gateway
    ]
    return merged(found)


def _of(machine: str, outage: Outage) -> Iterator[Span]:
    endpoint, fault = layout.PLACE[machine], outage.fault
    began, ended = outage.began, outage.ended
    if fault.target == endpoint.gateway and fault.kind in PROCESS:
        yield began - CHECKPOINT - 2 * POLL, ended + round(RESTART_S * 1000) + START_UP + LINK_BACK
    elif fault.target == endpoint.gateway:  # its clock: the gap of the jump, and the one before a new epoch
        yield began - 2 * POLL, began + 4 * POLL
        yield ended - 2 * POLL, ended + 4 * POLL
    elif fault.target == "plant":
        yield began - 2 * POLL, ended + START_UP + LINK_BACK
    elif fault.target == f"{endpoint.gateway}>{endpoint.name}":
        yield began - 2 * POLL, ended + LINK_BACK + 2 * DELAY_MS


def merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def gaps(intervals: Iterable[Interval]) -> list[Span]:
    """Plant ms; what was not seen, whether or not counters recovered it."""
    return merged((i.start, i.end) for i in intervals if i.method is not Method.POLLED)


def outside(spans: Sequence[Span], of: Sequence[Span]) -> list[Span]:
    """The parts of ``spans`` that lie outside of ``of``; both merged and in order."""
    found: list[Span] = []
    for start, end in spans:
        at = start
        for low, high in of:
            if high <= at or low >= end:
                continue
            if low > at:
                found.append((at, low))
            at = max(at, high)
        if at < end:
            found.append((at, end))
    return found


def in_plant(spans: Iterable[Span], clock: ClockPair) -> list[Span]:
    return [(clock.plant(start), clock.plant(end)) for start, end in spans]


def length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
