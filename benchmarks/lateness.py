"""From the instants at which machines were asked to how late that was. Pure.

Every machine is asked once a period, in a slot of its own. Nobody tells us where the slot lies: it is where
the machine was asked at the earliest in the whole measurement. So a poller cannot flatter itself, and a
delay that never changes is no lateness.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

ON_TIME_MS: Final = 100.0


class Punctuality(Struct, frozen=True, kw_only=True):
    """Of the slots of all machines in a window."""

    slots: int
    asked: int
    """Slots in which the machine was asked at all."""
    on_time: float
    """Share of the slots in which it was asked less than ON_TIME_MS late."""
    p50: float
    """This and the following: ms, of the slots in which it was asked."""
    p95: float
    p99: float
    p999: float
    worst: float


def start_of_slot(instants: Sequence[float], period: float) -> float:
    """Where in the period the slot begins: behind the longest stretch of it without a request."""
    within = sorted(instant % period for instant in instants)
    ends = [*within[1:], within[0] + period]
    _, start = max((end - begin, end) for begin, end in zip(within, ends, strict=True))
    return start % period


def lateness(instants: Sequence[float], period: float) -> dict[int, float]:
    """How late the first request of each slot was, by the slot's number. Instants and period in ms."""
    start, late = start_of_slot(instants, period), dict[int, float]()
    for instant in instants:
        slot, after = divmod(instant - start + 1e-6, period)
        late.setdefault(int(slot), after)
    return late


def by_machine(notes: Iterable[tuple[int, int]]) -> dict[int, list[float]]:
    """Machine and instant (us) of each request, to the instants (ms) of each machine."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for machine, instant in notes:
        found[machine].append(instant / 1000)
    return found


def within(instants: Iterable[float], window: tuple[float, float]) -> list[float]:
    """Those of the measurement: a start, with its storm of connections, would hide where the slots lie."""
    return [instant for instant in instants if window[0] <= instant < window[1]]


def punctuality(
    asked: Mapping[int, Sequence[float]], machines: int, period: float, window: tuple[float, float]
) -> Punctuality:
    """Of the slots that begin in ``window`` (ms); those of a machine that was never asked are all missed."""
    slots_each = (window[1] - window[0]) / period
    late: list[float] = []
    for instants in filter(None, asked.values()):
        start = start_of_slot(instants, period)
        late += [
            after
            for slot, after in lateness(instants, period).items()
            if window[0] <= slot * period + start < window[1]
        ]
    late.sort()
    slots = max(len(late), round(slots_each * machines))
    return Punctuality(
        slots=slots,
        asked=len(late),
        on_time=bisect_left(late, ON_TIME_MS) / slots,
        p50=_quantile(late, 0.5),
        p95=_quantile(late, 0.95),
        p99=_quantile(late, 0.99),
        p999=_quantile(late, 0.999),
        worst=late[-1] if late else 0.0,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
