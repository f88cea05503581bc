"""Intervals that plainly go on from the one before them, taken together. Pure.

Of thirteen million intervals a month nearly all say what the one before of their machine says, begin where
it ended, and have totals that rose by what they counted. Such are looked at just so far as to know that; then
they are added up column by column. Whatever is otherwise in any way is taken as a record of its own, by the
long way: the short way decides nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import add, attrgetter, itemgetter, sub
from typing import Final, Protocol

import msgspec
from msgspec.structs import astuple

from billing.feasible import Limits
from contract.names import NONE
from contract.records import Interval
from contract.series import TOTAL, USAGE
from contract.states import TIME_FIELDS
from contract.stored import Facts, Seen, Shape, Stored

_MANY: Final = 96_000
"""So many rows wait to be gone through: the more of a machine lie together, the better. 150 MB."""
_HOUR_MS: Final = 3_600_000
_LABELS: Final = ("quality", "method", "clock", "reason", "measured")
_UNCHANGED: Final = ("poll_ms", "unplaced_run_ms", "unplaced_stop_ms", "polls_missed")
"""What is the same all through a spell, and in nearly all of them."""
_HEAD: Final = ("duration_ms", "span_start", "sequence_first", "sequence", "digest")
_TIMES: Final = len(_HEAD)
_COUNTS: Final = _TIMES + len(TIME_FIELDS)
_RUN: Final = TIME_FIELDS.index("run_ms")
_MACHINE: Final = 1 + USAGE.tags.index("machine")

_unchanged: Final = attrgetter(*_UNCHANGED)
_labels: Final = attrgetter(*_LABELS)

Columns = Sequence[tuple[int, ...]]
"""A column for each field, with a number of each interval."""


class Spell:
    """What follows an interval in the same way: as it, but for time, sequence, digest and numbers."""

    def __init__(  # noqa: PLR0917  its columns
        self,
        last: Interval,
        starts: tuple[int, ...],
        sequences: tuple[int, ...],
        digests: tuple[str, ...],
        times: Columns,
        counts: Columns,
    ) -> None:
        """``last``: the last interval of it; ``times`` and ``counts``: by TIME_FIELDS and its quantities."""
        self.meter, self.last, self.end = (last.machine, last.epoch), last, last.end
        self.names = tuple(last.quantities)
        self.starts, self.sequences, self.digests = starts, sequences, digests
        self._times, self._counts = times, counts
        self.summed_times = list(map(sum, times))
        """In the order of TIME_FIELDS."""
        self.summed_counts = dict(zip(self.names, map(sum, counts), strict=True))

    @property
    def times(self) -> Iterator[tuple[int, ...]]:
        """Of each interval."""
        return zip(*self._times, strict=True)

    def alike(self) -> Iterator[tuple[tuple[int, ...], int]]:
        """Times, and how many intervals one after the other have them."""
        rows = list(self.times)
        if rows.count(rows[0]) == len(rows):
            yield rows[0], len(rows)
            return
        at = 0
        for place, times in enumerate(rows):
            if times != rows[at]:
                yield rows[at], place - at
                at = place
        yield rows[at], len(rows) - at

    @property
    def ends(self) -> list[int]:
        """Each interval ends where the next one starts."""
        return [*self.starts[1:], self.end]

    def column(self, measure: str) -> Sequence[int]:
        """A time field or a quantity, of each interval."""
        if measure in TIME_FIELDS:
            return self._times[TIME_FIELDS.index(measure)]
        if measure in self.names:
            return self._counts[self.names.index(measure)]
        return [0] * len(self.starts)


class _Layout:
    """How rows of one shape that say the same are decoded, and where in them stands what is looked at.

    What is the same for all of them the decoder holds against the text; what is the same for one machine
    alone is ``own``.
    """

    def __init__(self, shape: Shape, interval: Interval) -> None:
        names = shape.names
        looked_at = dict.fromkeys((*_LABELS, *_UNCHANGED, *shape.text_names))
        only = {name: _plain(getattr(interval, name)) for name in (*_LABELS, *_UNCHANGED)}
        only |= {name: NONE for name in shape.text_names if getattr(interval, name) == NONE}
        self.decode = shape.decoder(only)
        self.own = tuple(name for name in looked_at if name not in only)
        wanted = (*_HEAD, *TIME_FIELDS, *names, *(name + TOTAL for name in names), *self.own)
        self.pick = itemgetter(*map(shape.columns.index, wanted))
        self.totals = _COUNTS + len(names)
        self.is_own = self.totals + len(names)


class _Course:
    """Says of rows of one machine whether they plainly go on."""

    __slots__ = ("_end", "_feasible", "_frozen", "_last", "_layout", "_own", "_tags", "_totals", "_until")

    def __init__(
        self, interval: Interval, until: int, seen: Seen, layout: _Layout, limits: "_Limited"
    ) -> None:
        names = seen.shape.names
        self._end, self._until, self._tags = interval.end, until, seen.tags
        self._totals = tuple(interval.totals.values())
        self._layout, self._last = layout, interval
        self._own = tuple(getattr(interval, name) for name in layout.own)
        self._feasible = [(names.index(name), most) for name, most in limits.feasible(interval)]
        moving = limits.frozen(interval)
        self._frozen = [place for place, name in enumerate(names) if name in moving]

    def take(self, rows: Sequence[Stored]) -> Spell | None:
        """As many of them as plainly go on; None when not one does."""
        spell = self._spell(rows)
        if spell is None and len(rows) > 1:
            # Half as many, and so on: nearly always all of them go on.
            return self.take(rows[: len(rows) // 2])
        return spell

    def _spell(self, rows: Sequence[Stored]) -> Spell | None:
        """All of them, or None."""
        layout = self._layout
        starts = tuple([stored[0] for stored in rows])
        if starts[0] != self._end or [stored[1:-1] for stored in rows].count(self._tags) != len(rows):
            return None
        try:
            told = [layout.pick(astuple(layout.decode(stored[-1]))) for stored in rows]
        except msgspec.DecodeError:
            return None
        columns = list(zip(*told, strict=True))
        durations, span_starts, firsts, sequences, digests = columns[:_TIMES]
        times, counts = columns[_TIMES:_COUNTS], columns[_COUNTS : layout.totals]
        totals = columns[layout.totals : layout.is_own]
        ends = tuple(map(add, starts, durations))
        if (
            ends[-1] > self._until
            or starts[1:] != ends[:-1]
            or span_starts != starts
            or firsts != sequences
            or not all(map(_is_throughout, self._own, columns[layout.is_own :]))
            or _sums(times) != durations
            or not all(map(_are_steps, self._totals, totals, counts))
            or (self._frozen and self._stands(times[_RUN], counts))
            or any(_is_beyond(counts[place], durations, most) for place, most in self._feasible)
        ):
            return None
        names = tuple(self._last.quantities)
        self._totals, self._end = tuple(column[-1] for column in totals), ends[-1]
        self._last = msgspec.structs.replace(
            self._last,
            start=starts[-1],
            span_start=starts[-1],
            duration_ms=durations[-1],
            sequence_first=firsts[-1],
            sequence=sequences[-1],
            digest=digests[-1],
            quantities={name: column[-1] for name, column in zip(names, counts, strict=True)},
            totals=dict(zip(names, self._totals, strict=True)),
            **{name: column[-1] for name, column in zip(TIME_FIELDS, times, strict=True)},
        )
        return Spell(self._last, starts, sequences, digests, times, counts)

    def _stands(self, run: Sequence[int], counts: Columns) -> bool:
        """Whether it ran in one of them and counted nothing."""
        moved = zip(*(counts[place] for place in self._frozen), strict=True)
        return any(ran and not any(each) for ran, each in zip(run, moved, strict=True))


def _sums(columns: Columns) -> tuple[int, ...]:
    """Of each row. Nearly all times of a row are zero."""
    first, *more = [column for column in columns if any(column)] or columns[:1]
    for column in more:
        first = tuple(map(add, first, column))
    return first


def _plain(value: str | int) -> str | int:
    return str(value) if isinstance(value, str) else value


def _is_throughout(own: str, column: tuple[str, ...]) -> bool:
    return column.count(own) == len(column)


def _are_steps(before: int, totals: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    """Whether each total rose by what was counted."""
    return tuple(map(sub, totals, (before, *totals[:-1]))) == counts


def _is_beyond(counts: Iterable[int], durations: Iterable[int], most: int) -> bool:
    """Whether more was counted than ``most`` an hour, in any of them."""
    pairs = zip(counts, durations, strict=True)
    return any((count - 1) * _HOUR_MS > most * duration for count, duration in pairs)


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
        self._layouts: dict[tuple[object, ...], _Layout] = {}
        self._waiting: dict[str, list[Stored]] = defaultdict(list)
        self._count = 0

    def rows(self, page: Iterable[Stored]) -> None:
        """They are gone through machine by machine, when there are some of each."""
        waiting = self._waiting
        for stored in page:
            waiting[stored[_MACHINE]].append(stored)
            self._count += 1
        if self._count >= _MANY:
            self.settle()

    def settle(self) -> None:
        """After each day: nothing waits."""
        for machine, rows in self._waiting.items():
            while rows:
                course = self._courses.get(machine)
                if course is not None and (spell := course.take(rows)):
                    self._fold.spell(spell)
                    del rows[: len(spell.starts)]
                else:
                    self._look(rows.pop(0))
        self._waiting.clear()
        self._count = 0

    def _look(self, stored: Stored) -> None:
        """By the long way; what follows may go on from here."""
        self._courses.pop(stored[_MACHINE], None)
        interval = self._read(stored)
        if interval is None:
            return
        until = self._fold.interval(interval)
        seen = self._facts.seen(interval.machine)
        if until > interval.end and seen is not None:
            layout = self._layout(seen.shape, interval)
            self._courses[interval.machine] = _Course(interval, until, seen, layout, self._limits)

    def _layout(self, shape: Shape, interval: Interval) -> _Layout:
        nones = (text == NONE for text in shape.texts(interval))
        key = (shape, *_labels(interval), *_unchanged(interval), *nones)
        if key not in self._layouts:
            self._layouts[key] = _Layout(shape, interval)
        return self._layouts[key]
