"""What will go wrong, when and for how long: drawn from a seed before anything starts. Pure."""

import random
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    KILL = "kill"
    """SIGKILL, away for a while, started again. A broker comes back empty."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT after a while."""
    RESTART = "restart"
    """SIGTERM, and started again as soon as it has ended."""
    REFUSE = "refuse"
    """Nothing listens; connections that stand are reset."""
    RESET = "reset"
    """Connections are accepted and reset at once, those that stand too."""
    HOLE = "hole"
    """Whatever is sent arrives when the fault is over."""
    DELAY = "delay"
    """Whatever is sent arrives DELAY_MS later."""
    LOCK = "lock"
    """Another process writes to the SQLite store and does not end."""
    STEP = "step"
    """An agent's wall clock is wrong by so much, and is put right."""
    FULL = "full"
    """No space is left on the disk of an agent's outbox."""


DELAY_MS: Final = 120
"""Real time, each way."""
STEPS_MS: Final = (-3_000, 3_000, 120_000, 600_000, 1_500_000)
"""Plant time. The small ones are worked off, the large ones are jumps; putting those right is a jump back."""


class Fault(Struct, frozen=True, kw_only=True):
    at_s: float
    """Real seconds after the shift's start."""
    for_s: float
    kind: Kind
    target: str
    """A process, a link (`client>server`), or the gateway whose disk or clock is meant."""
    by_ms: int = 0
    """By how much a clock is wrong, plant time."""

    def __str__(self) -> str:
        by = f" by {self.by_ms:+,} ms" if self.by_ms else ""
        return f"{self.at_s:8.2f} s  {self.kind:<8} {self.target:<14} for {self.for_s:5.2f} s{by}"


class Choice(Struct, frozen=True, kw_only=True):
    """Something that may go wrong, how long it may last (seconds), and how often it is drawn."""

    kind: Kind
    targets: tuple[str, ...]
    shortest: float
    longest: float
    weight: int = 1
    by_ms: tuple[int, ...] = (0,)


_TRIES: Final = 1000


def draw(seed: int, *, seconds: float, faults: int, choices: Sequence[Choice]) -> tuple[Fault, ...]:
    """``faults`` of them within ``seconds``, spread evenly with jitter; two never meet on one target."""
    dice = random.Random(seed)
    longest = min(max(choice.longest for choice in choices), seconds / 4)
    step = (seconds - longest) / faults
    drawn: list[Fault] = []
    for number in range(faults):
        at = (number + dice.random()) * step
        drawn.append(_one(dice, at, longest, choices, drawn))
    return tuple(drawn)


def _one(
    dice: random.Random, at: float, longest: float, choices: Sequence[Choice], before: Sequence[Fault]
) -> Fault:
    for _ in range(_TRIES):
        [choice] = dice.choices(choices, [choice.weight for choice in choices])
        target = dice.choice(choice.targets)
        lasts = min(longest, dice.uniform(choice.shortest, choice.longest))
        by_ms = dice.choice(choice.by_ms)
        fault = Fault(at_s=round(at, 2), for_s=round(lasts, 2), kind=choice.kind, target=target, by_ms=by_ms)
        if not any(_meet(fault, other) for other in before):
            return fault
    raise ValueError("so many faults find no place; ask for fewer, or for more seconds")


_REST_S: Final = 4.0
"""A target that was hit is left alone for so long: it must be able to start."""


def _meet(one: Fault, other: Fault) -> bool:
    return one.target == other.target and one.at_s < other.at_s + other.for_s + _REST_S


def choices(
    *,
    gateways: Iterable[str],
    collectors: Iterable[str],
    links: Iterable[str],
    store: str,
    may_fill: bool,
    longest_step_ms: int = max(STEPS_MS),
) -> tuple[Choice, ...]:
    """Everything that can go wrong at such a site. ``store`` is influx, influx2 (not ours to kill) or sqlite.

    Records of a clock that was ahead by so much are kept until plant time has come so far: a short run cannot
    wait for long.
    """
    steps = tuple(by for by in STEPS_MS if by <= longest_step_ms)
    agents, takers, wires = tuple(gateways), tuple(collectors), tuple(links)
    of_stores = {
        "influx": (
            Choice(kind=Kind.KILL, targets=("store",), shortest=1, longest=10, weight=4),
            Choice(kind=Kind.PAUSE, targets=("store",), shortest=1, longest=9, weight=3),
        ),
        "sqlite": (Choice(kind=Kind.LOCK, targets=("store",), shortest=2, longest=14, weight=5),),
    }
    full = (Choice(kind=Kind.FULL, targets=agents, shortest=2, longest=8, weight=4),) if may_fill else ()
    return (
        Choice(kind=Kind.KILL, targets=agents, shortest=0.3, longest=6, weight=10),
        Choice(kind=Kind.PAUSE, targets=agents, shortest=0.5, longest=8, weight=7),
        Choice(kind=Kind.RESTART, targets=agents, shortest=0.1, longest=2, weight=4),
        Choice(kind=Kind.STEP, targets=agents, shortest=2, longest=15, weight=6, by_ms=steps),
        Choice(kind=Kind.KILL, targets=takers, shortest=0.3, longest=8, weight=10),
        Choice(kind=Kind.PAUSE, targets=takers, shortest=0.5, longest=12, weight=8),
        Choice(kind=Kind.RESTART, targets=takers, shortest=0.1, longest=2, weight=4),
        Choice(kind=Kind.KILL, targets=("plant",), shortest=0.3, longest=3, weight=2),
        Choice(kind=Kind.PAUSE, targets=("plant",), shortest=0.5, longest=4, weight=3),
        Choice(kind=Kind.KILL, targets=("broker",), shortest=0.3, longest=6, weight=5),
        Choice(kind=Kind.PAUSE, targets=("broker",), shortest=1, longest=8, weight=3),
        Choice(kind=Kind.REFUSE, targets=wires, shortest=0.5, longest=8, weight=9),
        Choice(kind=Kind.RESET, targets=wires, shortest=0.2, longest=5, weight=9),
        Choice(kind=Kind.HOLE, targets=wires, shortest=0.5, longest=8, weight=9),
        Choice(kind=Kind.DELAY, targets=wires, shortest=2, longest=12, weight=7),
        *of_stores.get(store, ()),
        *full,
    )
