"""The verdict on a run: stored usage against the machines' ledgers, and every gap against the faults. Pure.

Nothing here is tolerant for comfort. What may differ: time by the distance of two samples around a transition
(and what a delayed wire adds to it); a piece that was counted while a read was on its way, beside a gap that
is disputed; unknown time by the outages as they were.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contract.clock import ClockPair
from contract.messages import Lease
from contract.names import DISPUTED, NONE
from contract.records import Interval, Method, Reason
from contract.states import TIME_FIELDS, Party, State, time_field
from demo.truth import PIECES, RECOVERED, TIME, Difference, Verdict, by_machine, compare
from simulators.ledger import Account
from tests.chaos import explain, layout
from tests.chaos.child import Fall
from tests.chaos.explain import Span
from tests.chaos.site import Outage
from tests.chaos.steps import uncounted
from tests.chaos.walk import Stored, complaints

READ_MS: Final = layout.TIMEOUT_MS + 100
"""Real time between what a machine said and the instant that its sample got: the limit of a read."""
SLACK_MS: Final = layout.SCALE * READ_MS
_UNBOUNDED: Final = 2**53
_SUSPENSE_MS: Final = 5_000
_DEVICE_MS: Final = 1_000
"""A machine's own run counter counts whole seconds."""


class Announced(Struct, frozen=True, kw_only=True):
    """What the office says."""

    leases: tuple[Lease, ...]
    orders: Mapping[str, str]
    """The tenant of each order."""
    said: Mapping[str, int] = {}
    """When each lease was said, plant ms."""

    def in_force(self, machine: str, at: int) -> Lease | None:
        known = [lease for lease in self.leases if lease.machine == machine and lease.effective <= at]
        return max(known, key=lambda lease: lease.effective, default=None)


def attributed(interval: Interval, announced: Announced) -> Interval:
    """As a bill would take it (DESIGN 4): what was heard late waits for a person, or goes by its order."""
    lease = announced.in_force(interval.machine, interval.start)
    due = lease.id if lease and lease.tenant else NONE
    if DISPUTED in {interval.tenant, interval.order_id}:
        return interval
    if interval.lease_id != due and interval.duration_ms > _SUSPENSE_MS:
        return replace(interval, tenant=DISPUTED)
    if interval.tenant == NONE:
        return replace(interval, tenant=announced.orders.get(interval.order_id, NONE))
    return interval


class Judgement(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    faults: tuple[str, ...]
    """What is wrong; empty when all is well."""
    gap_ms: int
    """Machine time in gaps, plant time."""
    allowed_ms: int
    """Machine time that the faults would explain as gaps."""
    epochs: int
    late: int
    """Intervals that were metered before the agent could hear whose they are."""
    late_ms: int
    worst_ms: int
    """The largest difference of one machine's time in one state, outside of gaps."""


def judge(
    stored: Stored,
    lived: Sequence[Interval],
    accounts: Mapping[str, Account],
    announced: Announced,
    *,
    clock: ClockPair,
    outages: Sequence[Outage],
    falls: Sequence[Fall],
    stalls: Sequence[Span],
) -> Judgement:
    """``lived``: the stored usage on a clock that was never wrong.

    ``stalls``: when the whole machine stood still for others, real ms.
    """
    usage = [attributed(interval, announced) for interval in lived]
    verdict = compare(usage, accounts, unknown_allowed_ms=_UNBOUNDED, slack_ms=SLACK_MS)
    near = _near_disputes(usage, accounts)
    between = uncounted(stored.records)
    late = [one for one, other in zip(usage, lived, strict=True) if one != other]
    waits_ms = sum(interval.duration_ms for interval in late if interval.tenant == DISPUTED)
    wrong = [
        str(each)
        for each in verdict.differences
        if each.key[2] != RECOVERED
        and not _is_near(each, near)
        and not _is_between(each, between)
        and not _waits(each, waits_ms)
    ]
    wrong += _unheard((i for i in late if i.tenant == DISPUTED), announced, clock, outages)
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
        late=len(late),
        late_ms=waits_ms,
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


def _unheard(
    late: Iterable[Interval], announced: Announced, clock: ClockPair, outages: Sequence[Outage]
) -> Iterator[str]:
    """Leases that an agent did not follow, though nothing stood between it and the office."""
    for interval in late:
        gateway = layout.PLACE[interval.machine].gateway
        between = {gateway, f"{gateway}>broker", "broker"}
        lease = announced.in_force(interval.machine, interval.start)
        said = announced.said.get(lease.id, 0) if lease else 0
        since, until = (_real(at, clock) for at in (said, interval.end))
        if not any(o.fault.target in between and o.began <= until and o.ended >= since for o in outages):
            told = f"metered for {interval.lease_id} at {interval.start}, not for what was said"
            yield f"{interval.machine}: {told}"


def _real(plant_ms: int, clock: ClockPair) -> int:
    return clock.real_ms + (plant_ms - clock.plant_ms) // clock.scale


def _reason(intervals: Sequence[Interval], at: int) -> Reason:
    return next(i.reason for i in intervals if i.end > at)


def _is_near(difference: Difference, near: Counter[tuple[str, str, str]]) -> bool:
    """Whether pieces of an order or tenant differ by no more than were counted beside a disputed gap."""
    off = abs(difference.stored - difference.told)
    return difference.key[2] in PIECES and off <= near[difference.key]


def _is_between(difference: Difference, between: Mapping[tuple[str, str], int]) -> bool:
    """Whether exactly these pieces of a machine were counted between two epochs: told, and a finding.

    Whose they are nobody knows, so orders and tenants may lack at most all of them.
    """
    by, name, quantity = difference.key
    lacking = difference.told - difference.stored
    if by == "machine":
        return quantity in PIECES and lacking == between.get((name, quantity), 0)
    return 0 <= lacking <= sum(n for (_, counted), n in between.items() if counted == quantity)


def _waits(difference: Difference, waits_ms: int) -> bool:
    """Whether a tenant's time differs by no more than waits for a person, on top of what it may."""
    off = abs(difference.stored - difference.told) - difference.tolerance
    return difference.key[0] == "tenant" and difference.key[2] == TIME and off <= waits_ms


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
