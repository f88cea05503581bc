"""Finds in rows of usage what plainly goes on. Pure.

Of thirteen million intervals a month nearly all say what the one before of their machine says, begin where
it ended, and have totals that rose by what they counted. Such are looked at just so far as to know that; then
they are added up column by column. Whatever is otherwise in any way is taken as a record of its own, by the
long way: the short way decides nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, Protocol

from billing.course import LABELS, UNCHANGED, Course, Layout, Limited
from billing.feasible import Limits
from billing.spell import Spell
from contract.names import NONE
from contract.records import Interval
from contract.series import USAGE
from contract.stored import Facts, Shape, Stored

_MACHINE: Final = 1 + USAGE.tags.index("machine")
MANY: Final = 128_000
"""So many rows wait to be gone through: the more of a machine lie together, the better. At most 200 MB."""
_MOST_LAYOUTS: Final = 256
"""A site has a few. Where it has more, something is odd in each row, and they are no gain."""
_unchanged: Final = attrgetter(*UNCHANGED)
_labels: Final = attrgetter(*LABELS)


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
        many: int = MANY,
    ) -> None:
        """``read``: a row as a record, or None when it cannot be read. ``many``: rows wait at most."""
        self._facts, self._read, self._fold = facts, read, fold
        self._limits, self._many = Limited(limits), many
        self._courses: dict[str, Course] = {}
        self._layouts: dict[tuple[object, ...], Layout] = {}
        self._waiting: dict[str, list[Stored]] = defaultdict(list)
        self._count = 0
        self._reach: dict[str, int] = {}

    def rows(self, page: Sequence[Stored]) -> None:
        """They are gone through machine by machine, when there are some of each."""
        waiting, machine = self._waiting, _MACHINE
        for stored in page:
            waiting[stored[machine]].append(stored)
        self._count += len(page)
        if self._count >= self._many:
            self.settle()

    def settle(self) -> None:
        """After each day: nothing waits."""
        for machine, rows in self._waiting.items():
            while rows:
                if spell := self._taken(machine, rows):
                    self._fold.spell(spell)
                    del rows[: len(spell.starts)]
                else:
                    self._look(rows.pop(0))
        self._waiting.clear()
        self._count = 0

    def _taken(self, machine: str, rows: Sequence[Stored]) -> Spell | None:
        """Tries twice as many rows of a machine as went on the last time, so that little is tried in vain."""
        course = self._courses.get(machine)
        if course is None:
            return None
        reach = self._reach.get(machine, len(rows))
        tried = rows[:reach]
        spell = course.take(tried)
        taken = len(spell.starts) if spell else 0
        self._reach[machine] = max(reach, 2 * taken) if taken == len(tried) else 2 * max(1, taken)
        return spell

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
            self._courses[interval.machine] = Course(interval, until, seen, layout, self._limits)

    def _layout(self, shape: Shape, interval: Interval) -> Layout:
        nones = (text == NONE for text in shape.texts(interval))
        key = (shape, *_labels(interval), *_unchanged(interval), *nones)
        if key not in self._layouts:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[key] = Layout(shape, interval)
        return self._layouts[key]
