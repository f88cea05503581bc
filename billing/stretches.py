"""Half-open stretches of time, UTC ms: what of one lies outside others, and its days. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_DAY_MS: Final = 86_400_000


class Stretch(NamedTuple):
    start: int
    end: int


def without(whole: Stretch, known: Iterable[Stretch]) -> Iterator[Stretch]:
    """The parts of ``whole`` in none of ``known``, in rising time."""
    at = whole.start
    for each in sorted(known):
        if each.end <= at:
            continue
        if each.start >= whole.end:
            break
        if each.start > at:
            yield Stretch(at, each.start)
        at = max(at, each.end)
    if at < whole.end:
        yield Stretch(at, whole.end)


def cut(whole: Stretch, *, dense: bool) -> Iterator[Stretch]:
    """By the day of UTC where rows are dense, else whole."""
    at = whole.start
    while dense and (midnight := (at // _DAY_MS + 1) * _DAY_MS) < whole.end:
        yield Stretch(at, midnight)
        at = midnight
    yield Stretch(at, whole.end)
