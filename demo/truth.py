"""The judge: what is stored against what the machines say that they did (law 4 of DESIGN 7).

The simulators' ledgers know nothing of samples, intervals or stores. Pieces must be equal: by machine always,
by order and tenant outside of what is disputed. Whatever else a machine counts (courses, picks, litres, Wh)
must be equal by machine, where the instants of its samples are known. Time must be equal within the distance
of the two samples around each transition, since nobody can know better when it happened.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from contract.names import DISPUTED, NONE
from contract.records import Interval, Method
from contract.states import TIME_FIELDS, Party, State, time_field
from simulators.ledger import Account, Span

PIECES: Final = ("produced", "scrap", "rework")
TIME: Final = "time_ms"
RECOVERED: Final = "recovered_run_ms"
_DEVICE_MS: Final = 1000
"""A machine's own run counter counts whole seconds."""

Key = tuple[str, str, str]
"""By what (machine, order, tenant), whose, and what was counted."""


class Difference(Struct, frozen=True, kw_only=True):
    """Stored and told differ by more than they may."""

    key: Key
    stored: int
    told: int
    tolerance: int

    def __str__(self) -> str:
        by, name, what = self.key
        told = f"stored {self.stored:,}, ledger {self.told:,}, may differ by {self.tolerance:,}"
        return f"{by} {name}: {what}: {told}"


class Watch(Struct, frozen=True, kw_only=True):
    """A stretch that was watched throughout, without any fault."""

    start: int
    end: int
    poll_ms: int


class Verdict(Struct, frozen=True, kw_only=True):
    machines: int
    orders: int
    tenants: int
    duration_ms: int
    """Machine time compared."""
    pieces: Mapping[str, int]
    """Stored, of all machines: produced, scrap, rework."""
    worst_ms: int
    """The largest difference of one machine's time in one state."""
    unknown_ms: int
    disputed: int
    """Intervals that wait for a person to split them."""
    differences: tuple[Difference, ...]

    @property
    def true(self) -> bool:
        return not self.differences and self.machines > 0


def compare(
    stored: Iterable[Interval],
    accounts: Mapping[str, Account],
    *,
    unknown_allowed_ms: int = 0,
    slack_ms: int = 0,
    watch: Watch | None = None,
) -> Verdict:
    """Compares over the very time that is stored. A machine that stored nothing is a difference.

    With ``watch``, so is time of the shift that is not stored, a sample that was missed, and any quantity
    that is not equal to the last unit. Without it time runs on while a machine is being read, what never
    rests (Wh, litres) is not the same a moment later, and only pieces are compared.

    ``accounts`` span each machine's stored time, from first start to last end (``stored_time``).
    ``unknown_allowed_ms``, by machine, is for rehearsals with faults. ``slack_ms`` is added to the distance
    of two samples where plant time runs on while a machine is being read.
    """
    own = by_machine(stored)
    usage, told, tolerance = Counter[Key](), Counter[Key](), Counter[Key]()
    silent = accounts.keys() - own.keys()
    for machine, account in accounts.items():
        if machine in silent:
            continue
        intervals = own[machine]
        usage.update(_stored(machine, intervals))
        told.update(_told(machine, account, intervals))
        if watch is not None:
            usage.update(_all_stored(machine, intervals))
            told.update({("machine", machine, what): moved for what, moved in _all_counted(account)})
        tolerance.update(_tolerance(machine, account, intervals, slack_ms))
        tolerance["machine", machine, "unknown_ms"] += unknown_allowed_ms
        tolerance["machine", machine, RECOVERED] += _DEVICE_MS * len(intervals)
    keys = sorted(usage.keys() | told.keys())
    compared = [
        Difference(key=key, stored=usage[key], told=told[key], tolerance=tolerance[key]) for key in keys
    ]
    missing = [
        Difference(key=("machine", machine, "intervals"), stored=0, told=1, tolerance=0)
        for machine in sorted(silent)
    ]
    missing += [gap for machine in sorted(own) for gap in _uncovered(machine, own[machine], watch)]
    wrong = [each for each in compared if abs(each.stored - each.told) > each.tolerance]
    return _verdict(own, compared, (*missing, *wrong))


def _uncovered(machine: str, intervals: Sequence[Interval], watch: Watch | None) -> Iterator[Difference]:
    """Time that nobody answers for: intervals tile, and where a whole shift was watched they cover it."""

    def told(what: str, stored: int, due: int, within: int) -> Iterator[Difference]:
        if abs(stored - due) > within:
            yield Difference(key=("machine", machine, what), stored=stored, told=due, tolerance=within)

    for before, after in pairwise(intervals):
        if before.epoch == after.epoch:
            yield from told("next start", after.start, before.end, 0)
    if watch is not None:
        yield from told("first start", intervals[0].start, watch.start, 2 * watch.poll_ms)
        yield from told("last end", intervals[-1].end, watch.end, 2 * watch.poll_ms)
        yield from told("polls missed", sum(interval.polls_missed for interval in intervals), 0, 0)
        yield from told("poll period", max(interval.poll_ms for interval in intervals), watch.poll_ms, 0)


def by_machine(stored: Iterable[Interval]) -> dict[str, list[Interval]]:
    """In the order of time."""
    own: dict[str, list[Interval]] = defaultdict(list)
    for interval in sorted(stored, key=lambda interval: interval.start):
        own[interval.machine].append(interval)
    return own


def stored_time(intervals: Sequence[Interval]) -> tuple[int, int]:
    """From the first start to the last end."""
    return intervals[0].start, intervals[-1].end


def _stored(machine: str, intervals: Sequence[Interval]) -> Counter[Key]:
    found = Counter[Key]()
    for interval in intervals:
        for what in PIECES:
            found["machine", machine, what] += interval.quantities[what]
            if not _is_disputed(interval):
                found["order", interval.order_id, what] += interval.quantities[what]
                found["tenant", interval.tenant, what] += interval.quantities[what]
        if interval.method is Method.POLLED:
            for field in TIME_FIELDS:
                found["machine", machine, field] += getattr(interval, field)
            found["order", interval.order_id, TIME] += interval.duration_ms
            found["tenant", interval.tenant, TIME] += interval.duration_ms
        else:
            found["machine", machine, RECOVERED] += interval.run_ms + interval.unplaced_run_ms
            found["machine", machine, "unknown_ms"] += interval.unknown_ms
    return found


def _all_stored(machine: str, intervals: Sequence[Interval]) -> Counter[Key]:
    """Quantities beside pieces; what a machine does not measure is 0 and says nothing."""
    found = Counter[Key]()
    for interval in intervals:
        for what in interval.measured.split(","):
            if what not in (*PIECES, NONE):
                found["machine", machine, what] += interval.quantities[what]
    return found


def _all_counted(account: Account) -> Iterator[tuple[str, int]]:
    return ((what, moved) for what, moved in account.counted.items() if what not in PIECES)


def _told(machine: str, account: Account, intervals: Sequence[Interval]) -> Counter[Key]:
    found = Counter[Key]()
    starts = [interval.start for interval in intervals]
    for event in account.events:
        found["machine", machine, event.counter] += event.n
        # A counter that moved at `at` is first seen by a sample at or after it: (start, end].
        place = bisect_left(starts, event.at) - 1
        if not _is_disputed(intervals[place]):
            found["order", event.order, event.counter] += event.n
            found["tenant", event.tenant, event.counter] += event.n
    for span, interval, ms in _overlaps(account.spans, intervals):
        if interval.method is Method.POLLED:
            found["machine", machine, _field(span)] += ms
            found["order", span.order, TIME] += ms
            found["tenant", span.tenant, TIME] += ms
        elif span.state == "run" and interval.method is Method.COUNTERS:
            found["machine", machine, RECOVERED] += ms
    return found


def _tolerance(machine: str, account: Account, intervals: Sequence[Interval], slack_ms: int) -> Counter[Key]:
    """Each transition may be seen as late as the next sample, and so may its neighbours' time be off."""
    found = Counter[Key]()
    starts = [interval.start for interval in intervals]
    for before, after in pairwise(account.spans):
        interval = intervals[max(0, bisect_left(starts, after.start) - 1)]
        distance = interval.poll_ms * (1 + interval.polls_missed) + slack_ms
        for key in {("machine", machine, _field(before)), ("machine", machine, _field(after))}:
            found[key] += distance
        for by, one, other in (
            ("order", before.order, after.order),
            ("tenant", before.tenant, after.tenant),
        ):
            if one != other:
                found[by, one, TIME] += distance
                found[by, other, TIME] += distance
    return found


def _overlaps(spans: Sequence[Span], intervals: Sequence[Interval]) -> Iterator[tuple[Span, Interval, int]]:
    """Every pair that shares time, and how much. Both are in the order of time."""
    place = 0
    for span in spans:
        while place and intervals[place].start > span.start:
            place -= 1
        while place < len(intervals) and intervals[place].start < span.end:
            shared = min(span.end, intervals[place].end) - max(span.start, intervals[place].start)
            if shared > 0:
                yield span, intervals[place], shared
            if intervals[place].end >= span.end:
                break
            place += 1
        place = min(place, len(intervals) - 1)


def _field(span: Span) -> str:
    return time_field(State(span.state), Party(span.party))


def _is_disputed(interval: Interval) -> bool:
    return DISPUTED in {interval.tenant, interval.order_id}


def _verdict(
    own: Mapping[str, Sequence[Interval]], compared: Sequence[Difference], wrong: tuple[Difference, ...]
) -> Verdict:
    def total(what: str) -> int:
        return sum(each.stored for each in compared if each.key[0] == "machine" and each.key[2] == what)

    def names(by: str) -> set[str]:
        return {each.key[1] for each in compared if each.key[0] == by} - {"none"}

    times = [each for each in compared if each.key[0] == "machine" and each.key[2] in TIME_FIELDS]
    return Verdict(
        machines=len(own),
        orders=len(names("order")),
        tenants=len(names("tenant")),
        duration_ms=sum(interval.duration_ms for intervals in own.values() for interval in intervals),
        pieces={what: total(what) for what in PIECES},
        worst_ms=max((abs(each.stored - each.told) for each in times), default=0),
        unknown_ms=total("unknown_ms"),
        disputed=sum(_is_disputed(i) for intervals in own.values() for i in intervals),
        differences=wrong,
    )
