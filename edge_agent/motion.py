"""What moves while one watches, and how: a counter shows itself by counting. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from math import gcd
from typing import Final

from msgspec import Struct

from edge_agent.block import Table
from edge_agent.readings import Reading, likely, readings, value_of
from edge_agent.register import RegisterType, WordOrder

_MINUTE_MS: Final = 60_000
_SHIFTED: Final = 256
"""Steps that are all multiples of this were made by another byte or word than the lowest: a wrong order."""
_STRIDE: Final = 4096
"""A number that goes further than this between two looks is a part of something, not a count."""


class Look(Struct, frozen=True):
    """What was read at one instant."""

    at_ms: int
    """Monotonic."""
    words: Mapping[int, int]


class Kind(StrEnum):
    UP = "counts up"
    DOWN = "counts down"
    BOTH = "moves both ways"


class Way(Struct, frozen=True, kw_only=True):
    """One reading of words that moved."""

    reading: Reading
    """As it was last."""
    least: float
    most: float

    @property
    def order(self) -> WordOrder | None:
        """None of a single word."""
        register = self.reading.register
        return register.word_order if register.count > 1 else None


class Motion(Struct, frozen=True, kw_only=True):
    """Readings that moved by the same steps, because the same words did."""

    kind: Kind
    steps: tuple[float, ...]
    """Between looks, those where it did not rest."""
    moved: frozenset[int]
    """The addresses of the words that moved in them."""
    per_minute: float
    ways: tuple[Way, ...]
    """How it may be read, the likeliest first: a narrow type has a part of a wide number."""

    @property
    def whole(self) -> bool:
        return all(isinstance(step, int) for step in self.steps)


def motions(
    table: Table, looks: Sequence[Look], *, order: WordOrder | None = None, everything: bool = False
) -> list[Motion]:
    """Of two looks or more at the same addresses; counters first, then by address."""
    last = looks[-1].words
    moved = {at for at, word in last.items() if any(look.words[at] != word for look in looks)}
    known = readings(table, last) if everything else likely(table, last, order=order, empty_high=True)
    alike: dict[tuple[tuple[float, ...], frozenset[int]], list[Way]] = {}
    for reading in known:
        register = reading.register
        words = moved.intersection(range(register.address, register.end))
        values = [value for look in looks if isinstance(value := value_of(register, look.words), int | float)]
        steps = tuple(after - before for before, after in pairwise(values) if after != before)
        if len(values) < len(looks) or not steps or not words:
            continue
        if everything or not _is_part(steps, values, register.type):
            way = Way(reading=reading, least=min(values), most=max(values))
            alike.setdefault((steps, frozenset(words)), []).append(way)
    elapsed_ms = max(1, looks[-1].at_ms - looks[0].at_ms)
    orders = Counter(order for ways in alike.values() for order in {way.order for way in ways})
    found = [
        _motion(steps, words, _ranked(ways, orders), elapsed_ms) for (steps, words), ways in alike.items()
    ]
    told = found if everything else _told_best(found)
    return sorted(told, key=lambda motion: (motion.kind is not Kind.UP, min(motion.moved)))


def _ranked(ways: list[Way], orders: Mapping[WordOrder | None, int]) -> tuple[Way, ...]:
    """In the word order that explains most of what moves; then with the most digits."""

    def rank(way: Way) -> tuple[bool, int, float]:
        return way.order is None, -orders[way.order], -abs(way.most)

    return tuple(sorted(ways, key=rank))


def _motion(
    steps: tuple[float, ...], moved: frozenset[int], ways: tuple[Way, ...], elapsed_ms: int
) -> Motion:
    up, down = all(step > 0 for step in steps), all(step < 0 for step in steps)
    return Motion(
        kind=Kind.UP if up else Kind.DOWN if down else Kind.BOTH,
        steps=steps,
        moved=moved,
        per_minute=sum(steps) * _MINUTE_MS / elapsed_ms,
        ways=ways,
    )


def _is_part(steps: tuple[float, ...], values: Sequence[float], type_: RegisterType) -> bool:
    """Whether so moves what is only a part of a number, or several numbers taken for one."""
    if type_.digits:
        plain = [int(str(value), 16) for value in values]
        steps = tuple(after - before for before, after in pairwise(plain) if after != before)
    whole = [step for step in steps if isinstance(step, int)]
    furthest = max(map(abs, steps))
    if len(whole) < len(steps):
        return furthest > max(map(abs, values)) / 2
    return gcd(*whole) % _SHIFTED == 0 or furthest > _STRIDE


def _is_of_a_float(motion: Motion, rising: Sequence[Motion]) -> bool:
    """Whether it is one word of a float that rises: it moves less often, or too far for a count."""
    return motion.whole and any(
        motion.moved <= other.moved
        and (len(motion.steps) < len(other.steps) or max(map(abs, motion.steps)) > _SHIFTED)
        for other in rising
        if not other.whole
    )


def _told_best(found: list[Motion]) -> list[Motion]:
    """Without readings of words that count in another reading, or are a part of a number that moves whole."""
    rising = [motion for motion in found if motion.kind is Kind.UP]
    up = [motion for motion in rising if motion.whole and not _is_of_a_float(motion, rising)]
    counting = [motion for motion in up if not any(motion.moved < other.moved for other in up)]
    taken = frozenset().union(*(motion.moved for motion in counting))
    others = [m for m in found if taken.isdisjoint(m.moved) and not _is_of_a_float(m, rising)]
    floats = [motion for motion in others if not motion.whole]

    def is_covered(motion: Motion) -> bool:
        return any(
            motion.moved < other.moved or (motion.whole and motion.moved <= other.moved) for other in floats
        )

    return counting + [motion for motion in others if not is_covered(motion)]
