"""Whether rows of one machine plainly go on from the one before them. Pure."""

from collections.abc import Iterable, Sequence
from operator import add, itemgetter, sub
from typing import Final

import msgspec
from msgspec.structs import astuple

from billing.feasible import Limits
from billing.spell import Columns, Spell
from contract.names import NONE
from contract.records import Interval
from contract.series import TOTAL
from contract.states import TIME_FIELDS
from contract.stored import Seen, Shape, Stored

_HOUR_MS: Final = 3_600_000
LABELS: Final = ("quality", "method", "clock", "reason", "measured")
UNCHANGED: Final = ("poll_ms", "unplaced_run_ms", "unplaced_stop_ms")
"""What is the same all through a spell, and in nearly all of them."""
_HEAD: Final = ("duration_ms", "span_start", "sequence_first", "sequence", "digest", "polls_missed")
_TIMES: Final = len(_HEAD)
_COUNTS: Final = _TIMES + len(TIME_FIELDS)
_RUN: Final = TIME_FIELDS.index("run_ms")


class Layout:
    """How rows of one shape that say the same are decoded, and where in them stands what is looked at.

    What is the same for all of them the decoder holds against the text; what is the same for one machine
    alone is ``own``.
    """

    def __init__(self, shape: Shape, interval: Interval) -> None:
        names = shape.names
        looked_at = dict.fromkeys((*LABELS, *UNCHANGED, *shape.text_names))
        only = {name: _plain(getattr(interval, name)) for name in (*LABELS, *UNCHANGED)}
        only |= {name: NONE for name in shape.text_names if getattr(interval, name) == NONE}
        self.decode = shape.decoder(only)
        self.own = tuple(name for name in looked_at if name not in only)
        wanted = (*_HEAD, *TIME_FIELDS, *names, *(name + TOTAL for name in names), *self.own)
        self.pick = itemgetter(*map(shape.columns.index, wanted))
        self.totals = _COUNTS + len(names)
        self.is_own = self.totals + len(names)


class Course:
    """Says of rows of one machine whether they plainly go on."""

    __slots__ = ("_end", "_feasible", "_frozen", "_last", "_layout", "_own", "_tags", "_totals", "_until")

    def __init__(self, interval: Interval, until: int, seen: Seen, layout: Layout, limits: "Limited") -> None:
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
        durations, span_starts, firsts, sequences, digests, missed = columns[:_TIMES]
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
            polls_missed=missed[-1],
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


class Limited:
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
