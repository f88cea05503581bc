"""Intervals that plainly go on from the one before them, taken together. Pure.

Of thirteen million intervals a month nearly all say what the one before of their machine says, begin where
it ended, and have totals that rose by what they counted. Such are looked at just so far as to know that; then
they are added up column by column. Whatever is otherwise in any way is taken as a record of its own, by the
long way: the short way decides nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter, sub
from typing import Final, Protocol

import msgspec
from msgspec.structs import astuple

from billing.feasible import Limits
from contract.records import Interval
from contract.series import TOTAL, USAGE
from contract.states import TIME_FIELDS
from contract.stored import Facts, Seen, Shape, Stored

_MACHINE: Final = 1 + USAGE.tags.index("machine")
_MOST: Final = 32
"""So many intervals of a machine wait to be added up at once."""
_HOUR_MS: Final = 3_600_000
_UNCHANGED: Final = ("quality", "method", "clock", "poll_ms", "unplaced_run_ms", "unplaced_stop_ms")
"""Beside the texts: what is the same all through a spell."""
_unchanged: Final = attrgetter(*_UNCHANGED)
_HEAD: Final = ("duration_ms", "span_start", "sequence", "digest")
_TIMES: Final = len(_HEAD)
_RUN: Final = TIME_FIELDS.index("run_ms")

_Row = tuple[int, int, str, tuple[int, ...], tuple[int, ...]]
"""Start, sequence, digest, times in the order of TIME_FIELDS, and counts."""


class Spell:
    """What follows an interval in the same way: as it, but for time, sequence, digest and numbers."""

    def __init__(self, last: Interval, names: tuple[str, ...], rows: Sequence[_Row], end: int) -> None:
        """``last``: the last interval of it; ``names``: of its quantities."""
        self.meter = (last.machine, last.epoch)
        self.last, self.names, self.end = last, names, end
        self.starts: tuple[int, ...]
        self.times: tuple[tuple[int, ...], ...]
        self._counts: tuple[tuple[int, ...], ...]
        self.starts, self.sequences, self.digests, self.times, self._counts = zip(*rows, strict=True)
        self.summed_times = list(map(sum, zip(*self.times, strict=True)))
        """In the order of TIME_FIELDS."""
        summed = map(sum, zip(*self._counts, strict=True))
        self.summed_counts = dict(zip(names, summed, strict=True))

    @property
    def ends(self) -> list[int]:
        """Each interval ends where the next one starts."""
        return [*self.starts[1:], self.end]

    def column(self, measure: str) -> Sequence[int]:
        """A time field or a quantity, of each interval."""
        if measure in TIME_FIELDS:
            place = TIME_FIELDS.index(measure)
            return [times[place] for times in self.times]
        if measure in self.names:
            place = self.names.index(measure)
            return [counts[place] for counts in self._counts]
        return [0] * len(self.starts)


class _Layout:
    """Where in a row of one shape stands what is looked at: picked once, then told apart by place."""

    def __init__(self, shape: Shape) -> None:
        at, names = shape.columns.index, shape.names
        same = (*shape.text_names, *_UNCHANGED)
        totals = (name + TOTAL for name in names)
        self.pick = itemgetter(*map(at, (*_HEAD, *TIME_FIELDS, *names, *totals, *same)))
        self.counts = len(_HEAD) + len(TIME_FIELDS)
        self.totals = self.counts + len(names)
        self.same = self.totals + len(names)


class _Course:
    """Says of rows of one machine whether they plainly go on."""

    __slots__ = (
        "_decode",
        "_end",
        "_feasible",
        "_frozen",
        "_layout",
        "_names",
        "_same",
        "_tags",
        "_totals",
        "_until",
        "newest",
        "rows",
    )

    def __init__(
        self, interval: Interval, until: int, seen: Seen, layout: _Layout, limits: "_Limited"
    ) -> None:
        shape = seen.shape
        self._end, self._until, self._tags = interval.end, until, seen.tags
        self._totals = tuple(interval.totals.values())
        self._decode, self._layout = shape.decode, layout
        self._same = (*seen.texts, *_unchanged(interval))
        self._feasible = [(shape.names.index(name), most) for name, most in limits.feasible(interval)]
        moving = limits.frozen(interval)
        self._frozen = [place for place, name in enumerate(shape.names) if name in moving]
        self._names = shape.names
        self.rows: list[_Row] = []
        self.newest: Stored = ()

    def goes_on(self, stored: Stored) -> bool:
        """Whether it does; then it is taken."""
        start = stored[0]
        if start != self._end or stored[1:-1] != self._tags:
            return False
        try:
            flat = self._decode(stored[-1])
        except msgspec.DecodeError:
            return False
        layout = self._layout
        told = layout.pick(astuple(flat))
        duration, span_start, sequence, digest = told[:_TIMES]
        times, counts = told[_TIMES : layout.counts], told[layout.counts : layout.totals]
        totals = told[layout.totals : layout.same]
        if (
            start + duration > self._until
            or span_start != start
            or sum(times) != duration
            or told[layout.same :] != self._same
            or tuple(map(sub, totals, self._totals)) != counts
            or (self._frozen and times[_RUN] and not any(counts[place] for place in self._frozen))
        ):
            return False
        for place, most in self._feasible:
            if (counts[place] - 1) * _HOUR_MS > most * duration:
                return False
        self.rows.append((start, sequence, digest, times, counts))
        self._end, self._totals, self.newest = start + duration, totals, stored
        return True

    def taken(self, last: Interval) -> Spell:
        """The spell so far; another one begins behind it."""
        rows, self.rows = self.rows, []
        return Spell(last, self._names, rows, self._end)


class _Limited:
    """What of the limits concerns a machine."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def feasible(self, interval: Interval) -> Iterable[tuple[str, int]]:
        """Quantities, and the most that can be counted in an hour."""
        for (kind, name), most in self._limits.feasible.items():
            if kind == interval.kind and name in interval.quantities:
                yield name, most

    def frozen(self, interval: Interval) -> frozenset[str]:
        """Of which one at least must be counted while it runs; none where it counts none of them."""
        found = self._limits.frozen.get(interval.kind)
        measured = interval.measured.split(",")
        return found.quantities if found and not found.quantities.isdisjoint(measured) else frozenset()


class Folding(Protocol):
    def interval(self, interval: Interval) -> int:
        """Until when (UTC ms) what plainly goes on from it would be booked as it was."""

    def spell(self, spell: Spell) -> None:
        """What went on from the interval before of its machine."""


class Spelling:
    """Takes stored rows of usage in rising time, and gives intervals and spells, of each machine in order."""

    def __init__(
        self,
        facts: Facts,
        read: Callable[[Stored], Interval | None],
        fold: Folding,
        limits: Limits,
    ) -> None:
        """``read``: a row as a record, or None when it cannot be read."""
        self._facts, self._read, self._fold = facts, read, fold
        self._limits = _Limited(limits)
        self._courses: dict[str, _Course] = {}
        self._layouts: dict[Shape, _Layout] = {}

    def rows(self, page: Iterable[Stored]) -> None:
        courses = self._courses
        for stored in page:
            course = courses.get(stored[_MACHINE])
            if course is None or not course.goes_on(stored):
                self._look(stored)
            elif len(course.rows) >= _MOST:
                self._settle(course)

    def settle(self) -> None:
        """After each day: nothing waits."""
        for course in self._courses.values():
            self._settle(course)

    def _settle(self, course: _Course) -> None:
        if course.rows:
            last = self._read(course.newest)
            if last is not None:
                self._fold.spell(course.taken(last))

    def _look(self, stored: Stored) -> None:
        """By the long way; what follows may go on from here."""
        if course := self._courses.pop(stored[_MACHINE], None):
            self._settle(course)
        interval = self._read(stored)
        if interval is None:
            return
        until = self._fold.interval(interval)
        seen = self._facts.seen(interval.machine)
        if until > interval.end and seen is not None:
            layout = self._layouts.get(seen.shape)
            if layout is None:
                layout = self._layouts[seen.shape] = _Layout(seen.shape)
            self._courses[interval.machine] = _Course(interval, until, seen, layout, self._limits)
