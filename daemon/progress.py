"""Whether the parts of a process get on with their work. Pure.

A part has a mark that changes whenever it has done something. A timer would say that a process lives; a mark
says that it works.
"""

from collections.abc import Hashable, Mapping

from msgspec import Struct


class Mark(Struct, frozen=True):
    of: Hashable
    """Another one after each piece of work."""
    patience_s: float
    """So long a piece may take, and the waiting for the next."""


class Progress:
    """Looks at the marks now and then, and remembers since when each has been the same."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[Hashable, float]] = {}

    def stuck(self, marks: Mapping[str, Mark], now: float) -> tuple[str, ...]:
        """The parts whose mark has not changed for longer than their patience, by name.

        ``now`` is monotonic seconds. A part that is not among ``marks`` has nothing to do, and begins anew.
        """
        before, self._since = self._since, {}
        for name, mark in marks.items():
            seen = before.get(name)
            self._since[name] = seen if seen and seen[0] == mark.of else (mark.of, now)
        return tuple(name for name, mark in marks.items() if now - self._since[name][1] > mark.patience_s)
