"""Counter steps: every read is classified, not only a falling one (DESIGN 9, domain reference 2.3).

A step is believed when the machine could have made it. What it could have made follows from the profile's
``max_per_hour``; a minute of slack is granted because devices refresh some registers only now and then, and
nonsense (a zero read of a counter at 81,250) is off by far more than a minute.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from edge_agent.profile import Counter
from edge_agent.sample import Sample

_HOUR_MS: Final = 3_600_000
_SLACK_MS: Final = 60_000


class Kind(StrEnum):
    NORMAL = "normal"
    WRAPPED = "wrapped"
    """What the machine could have done, and one odd zero would show as well, near the top of a counter or
    after a night of silence; the next read decides."""
    RESTARTED = "restarted"
    DOUBTFUL = "doubtful"
    """Nothing that the machine could have done; the next read decides between transient and unexplained."""
    UNSURE = "unsure"
    """What the machine could have done, and a torn read would show as well; the next read decides."""


class Step(Struct, frozen=True):
    kind: Kind
    delta: int
    """Raw units; 0 when doubtful, the whole step when unsure or wrapped."""


_DOUBTFUL: Final = Step(Kind.DOUBTFUL, 0)
_OPEN: Final = frozenset({Kind.DOUBTFUL, Kind.UNSURE, Kind.WRAPPED})


def feasible(counter: Counter, elapsed_ms: int) -> int:
    """The largest step that this machine can make in ``elapsed_ms``, with a tenth of tolerance."""
    return counter.max_per_hour * (elapsed_ms + _SLACK_MS) * 11 // (10 * _HOUR_MS) + 1


def sure(counter: Counter, elapsed_ms: int) -> int:
    """The largest step that is believed at once.

    Of a whole part and a fraction, one may have been carried into while the other was still the old one: such
    a read is a unit too high, and only the slack lets it pass. Who is slow to refresh is asked once more.
    """
    limit = feasible(counter, elapsed_ms)
    if counter.fraction is None:
        return limit
    made = counter.max_per_hour * elapsed_ms * 11 // (10 * _HOUR_MS) + 1
    return min(limit, max(made, counter.counts - 1))


def classify(counter: Counter, before: int, after: int, *, elapsed_ms: int, up_ms: int | None) -> Step:
    """The step of one counter between two reads of one controller, ``elapsed_ms`` apart.

    ``up_ms`` is how long the controller has been up when it seems to have restarted in between, else None. A
    count that it cannot have reached since has not begun anew: uptimes come round too.
    """
    if up_ms is not None and not counter.retained and after <= feasible(counter, min(up_ms, elapsed_ms)):
        return Step(Kind.RESTARTED, after)
    limit = feasible(counter, elapsed_ms)
    if before <= after <= before + limit:
        step = after - before
        return Step(Kind.NORMAL if step <= sure(counter, elapsed_ms) else Kind.UNSURE, step)
    wrapped = after + counter.modulus - before
    return Step(Kind.WRAPPED, wrapped) if after < before and wrapped <= limit else _DOUBTFUL


def steps(counters: tuple[Counter, ...], before: Sample, after: Sample) -> dict[str, Step]:
    """The step of every counter between two samples of one machine.

    Not every controller counts its boots; one whose uptime fell has restarted all the same.
    """
    restarted = after.boot_count != before.boot_count or after.uptime_s < before.uptime_s
    up_ms = after.uptime_s * 1000 if restarted else None
    elapsed_ms = after.at - before.at
    return {
        counter.name: classify(
            counter,
            before.readings[counter.name],
            after.readings[counter.name],
            elapsed_ms=elapsed_ms,
            up_ms=up_ms,
        )
        for counter in counters
    }


def doubtful(taken: Mapping[str, Step]) -> bool:
    """Whether the next read has to decide."""
    return any(step.kind in _OPEN for step in taken.values())


def valueless(taken: Mapping[str, Step]) -> bool:
    """Whether one of the steps stands for nobody knows what, even once the next read has confirmed it."""
    return any(step.kind is Kind.DOUBTFUL for step in taken.values())


def rebased(first: Mapping[str, Step], second: Mapping[str, Step]) -> dict[str, Step]:
    """Steps over an odd read that the next one confirmed.

    ``first`` leads to the odd read, ``second`` from it to the next. A doubtful jump has no value, since
    nobody knows what it stands for; what was counted before and after it has. An unsure one is sure now, and
    so is a wrap.
    """
    return {
        name: Step(
            Kind.DOUBTFUL if step.kind is Kind.DOUBTFUL else second[name].kind,
            step.delta + second[name].delta,
        )
        for name, step in first.items()
    }
