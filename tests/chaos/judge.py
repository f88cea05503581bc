"""The verdict on a run: stored usage against the machines' ledgers, and every gap against the faults. Pure.

Nothing here is tolerant for comfort. What may differ: time by the distance of two samples around a transition
(and what a delayed wire adds to it); a piece that was counted while a read was on its way, beside a gap that
is disputed; unknown time by the outages as they were.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from contract.clock import ClockPair
from contract.names import DISPUTED
from contract.records import Interval, Method, Reason
from contract.states import TIME_FIELDS, Party, State, time_field
from demo.truth import PIECES, RECOVERED, Difference, Verdict, by_machine, compare
from simulators.ledger import Account
from tests.chaos import explain, layout
from tests.chaos.child import Fall
from tests.chaos.explain import Span
from tests.chaos.schedule import DELAY_MS
from tests.chaos.site import Outage
from tests.chaos.walk import Stored, complaints

READ_MS: Final = 250
"""Real time that a read may take on a busy machine; plant time runs on meanwhile."""
SLACK_MS: Final = layout.SCALE * (READ_MS + DELAY_MS)
_UNBOUNDED: Final = 2**53
_DEVICE_MS: Final = 1_000
"""A machine's own run counter counts whole seconds."""


class Judgement(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    faults: tuple[str, ...]
    """What is wrong; empty when all is well."""
    gap_ms: int
    """Machine time in gaps, plant time."""
    allowed_ms: int
    """Machine time that the faults would explain as gaps."""
    epochs: int
    worst_ms: int
    """The largest difference of one machine's time in one state, outside of gaps."""


def judge(
    stored: Stored,
    accounts: Mapping[str, Account],
    *,
    clock: ClockPair,
    outages: Sequence[Outage],
    falls: Sequence[Fall],
    stalls: Sequence[Span],
) -> Judgement:
    """``stalls``: when the whole machine stood still for others, real ms."""
    usage = stored.usage
    verdict = compare(usage, accounts, unknown_allowed_ms=_UNBOUNDED, slack_ms=SLACK_MS)
    near = _near_disputes(usage, accounts)
    wrong = [
        str(each) for each in verdict.differences if each.key[2] != RECOVERED and not _is_near(each, near)
    ]
    gap_ms = allowed_ms = 0
    for machine, intervals in by_machine(usage).items():
        wrong += _recovered(machine, intervals, accounts[machine])
        spans = explain.merged([*explain.explained(machine, outages, falls), *stalls])
        allowed = explain.in_plant(spans, clock)
        gaps = explain.gaps(intervals)
        gap_ms += explain.length(gaps)
        allowed_ms += explain.length(allowed)
        wrong += [
            f"{machine}: a gap of {(end - start) / 1000:.1f} s (plant) at {start} that no fault explains"
            f" (real {_real(start, clock)}, {_reason(intervals, start)})"
            for start, end in explain.outside(gaps, allowed)
        ]
    epochs = len({(record.machine, record.epoch) for record in stored.records})
    return Judgement(
        verdict=verdict,
        faults=(*wrong, *complaints(stored)),
        gap_ms=gap_ms,
        allowed_ms=allowed_ms,
        epochs=epochs,
        worst_ms=max((_worst(own, accounts[name]) for name, own in by_machine(usage).items()), default=0),
    )


def _worst(intervals: Sequence[Interval], account: Account) -> int:
    errors = Counter[str]()
    for interval in intervals:
        if interval.method is Method.POLLED:
            errors.update({name: getattr(interval, name) for name in TIME_FIELDS})
            errors.subtract(_lived(account, interval.start, interval.end))
    return max(map(abs, errors.values()), default=0)


def _lived(account: Account, start: int, end: int) -> Counter[str]:
    """A machine's time by state within ``[start, end)``."""
    found = Counter[str]()
    for span in account.spans:
        shared = min(span.end, end) - max(span.start, start)
        if shared > 0:
            found[time_field(State(span.state), Party(span.party))] += shared
    return found


def _recovered(machine: str, intervals: Sequence[Interval], account: Account) -> Iterator[str]:
    """The run time that the machine's counters gave back, gap by gap: a gap that midnight cut is one gap."""
    for interval in intervals:
        if interval.method is Method.COUNTERS:
            ran = _lived(account, interval.span_start, interval.end)["run_ms"]
            told = interval.run_ms + interval.unplaced_run_ms
            if abs(told - ran) > 2 * SLACK_MS + _DEVICE_MS:
                yield f"{machine}: {told} ms of running recovered at {interval.start}, where it ran {ran} ms"


def _real(plant_ms: int, clock: ClockPair) -> int:
    return clock.real_ms + (plant_ms - clock.plant_ms) // clock.scale


def _reason(intervals: Sequence[Interval], at: int) -> Reason:
    return next(i.reason for i in intervals if i.end > at)


def _is_near(difference: Difference, near: Counter[tuple[str, str, str]]) -> bool:
    """Whether pieces of an order or tenant differ by no more than were counted beside a disputed gap."""
    off = abs(difference.stored - difference.told)
    return difference.key[2] in PIECES and off <= near[difference.key]


def _near_disputes(
    usage: Sequence[Interval], accounts: Mapping[str, Account]
) -> Counter[tuple[str, str, str]]:
    """Pieces that moved within SLACK_MS before an edge of a disputed interval: a read was on its way."""
    found = Counter[tuple[str, str, str]]()
    for machine, intervals in by_machine(usage).items():
        edges = sorted(
            edge
            for interval in intervals
            if DISPUTED in {interval.tenant, interval.order_id}
            for edge in (interval.start, interval.end)
        )
        for event in accounts[machine].events:
            after = bisect_left(edges, event.at)
            if after < len(edges) and edges[after] - event.at <= SLACK_MS:
                found["order", event.order, event.counter] += event.n
                found["tenant", event.tenant, event.counter] += event.n
    return found
