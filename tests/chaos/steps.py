"""Stored instants put right where an agent's clock was wrong, as the schedule knows it was. Pure.

A clock that jumps ahead makes the line jump within a gap; whatever follows in that epoch is so much too late.
When it is put right the epoch ends, and what the machine counted between the two is nobody's: a finding.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from msgspec.structs import replace

from contract.clock import ClockPair
from contract.records import Interval, Meter, Method, Record
from contract.states import TIME_FIELDS
from tests.chaos import layout
from tests.chaos.schedule import Kind
from tests.chaos.site import Outage

STEP_MS: Final = 5_000
"""A smaller difference is worked off (DESIGN 8)."""
COUNTERS: Final = {
    "knit": {"produced": "pieces", "scrap": "pieces_ng"},
    "weld": {"produced": "parts", "scrap": "parts_ng", "rework": "parts_rework"},
}
"""The counter in a meter's readings that a quantity comes from, one to one."""

Life = tuple[str, str]


def jumps(outages: Iterable[Outage]) -> list[Outage]:
    """Those that no line can work off."""
    return [o for o in outages if o.fault.kind is Kind.STEP and o.fault.by_ms > STEP_MS]


def straight(usage: Iterable[Interval], outages: Iterable[Outage], clock: ClockPair) -> list[Interval]:
    """The usage as it would be on a clock that was never wrong. The parts of a gap are one interval."""
    lives: dict[Life, list[Interval]] = defaultdict(list)
    for interval in sorted(usage, key=lambda interval: interval.sequence):
        lives[interval.machine, interval.epoch].append(interval)
    steps = jumps(outages)
    found: list[Interval] = []
    for (machine, _), own in lives.items():
        at = [step for step in steps if step.fault.target == layout.PLACE[machine].gateway]
        found += _straight(list(_whole(own)) if at else own, at, clock)
    return found


def _straight(own: Sequence[Interval], steps: Sequence[Outage], clock: ClockPair) -> Iterator[Interval]:
    wrong_by = 0
    for interval in own:
        jump = 0 if wrong_by else _jump(interval, steps, clock)
        yield replace(
            interval,
            start=interval.start - wrong_by,
            span_start=interval.span_start - wrong_by,
            duration_ms=interval.duration_ms - jump,
            unknown_ms=max(0, interval.unknown_ms - jump),
        )
        wrong_by += jump


def _jump(gap: Interval, steps: Sequence[Outage], clock: ClockPair) -> int:
    """By how much the line jumped within ``gap``."""
    if gap.method is Method.POLLED:
        return 0
    for step in steps:
        began, ended = clock.plant(step.began), clock.plant(step.ended)
        if gap.start <= ended and gap.end >= began + step.fault.by_ms:
            return step.fault.by_ms
    return 0


def _whole(own: Iterable[Interval]) -> Iterator[Interval]:
    """Each gap in one piece, though midnight or a clock step cut it: the last part says where it began."""
    for polled, group in groupby(own, key=lambda interval: interval.method is Method.POLLED):
        parts = list(group)
        while parts:
            gap = 1 if polled else _parts_of_first(parts)
            yield parts[0] if gap == 1 else _joined(parts[:gap])
            parts = parts[gap:]


def _parts_of_first(parts: Sequence[Interval]) -> int:
    return 1 + max(n for n, part in enumerate(parts) if part.span_start == parts[0].start or n == 0)


def _joined(parts: Sequence[Interval]) -> Interval:
    first, last = parts[0], parts[-1]
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in TIME_FIELDS}
    return replace(last, start=first.start, duration_ms=last.end - first.start, **sums)


def uncounted(records: Iterable[Record]) -> Counter[tuple[str, str]]:
    """What machines counted between two epochs, by machine and quantity: from their own readings."""
    known = list(records)
    meters = {(m.machine, m.epoch): m for m in known if isinstance(m, Meter)}
    last: dict[Life, Interval] = {}
    for interval in sorted((i for i in known if isinstance(i, Interval)), key=lambda i: i.sequence):
        last[interval.machine, interval.epoch] = interval
    found = Counter[tuple[str, str]]()
    for meter in meters.values():
        before = meters.get((meter.machine, meter.previous_epoch))
        if before is None:
            continue
        ended = last.get((before.machine, before.epoch))
        for quantity, counter in COUNTERS[meter.kind].items():
            counted = ended.totals[quantity] if ended else 0
            found[meter.machine, quantity] += meter.readings[counter] - before.readings[counter] - counted
    return found
