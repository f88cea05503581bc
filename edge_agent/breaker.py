"""When to ask again what did not answer, and what was refused. Pure; all times in ms of one clock.

Silence, or an answer to something else, costs the neighbours on a line time. So a unit from which nothing
else comes a few times in a row is left alone, for longer and longer, and then asked once; its first answer
takes that back. While others answer, retries of all that do not may take only a share of the line's time, and
the one that waited longest is next. A refusal comes at once and costs nobody anything; a block that was
refused as such is asked again later, and its unit's other blocks go on.
"""

from typing import Final

from msgspec import Struct

from edge_agent.block import Block
from edge_agent.link import DesyncError, LinkError, RefusedError, RestingError, is_silence


class Patience(Struct, frozen=True, kw_only=True):
    free: int = 3
    """So many failures in a row of a unit that had answered are no reason yet: an answer that gets lost must
    not make a gap."""
    first_ms: int = 2_000
    """Then it is left alone for so long, doubling."""
    longest_ms: int = 30_000
    limit_ms: int = 1_000
    """What a silence costs."""


class Breaker(Struct, frozen=True):
    """One unit, or one block that was refused."""

    failures: int = 0
    """In a row."""
    not_before: int = 0


_LASTING: Final = frozenset({1, 2, 3})
"""No such function, no such register, too many registers: it will be the same next time. Others, such as
busy, are over soon."""
_WHOLE_EVERY: Final = 4
"""Of the looks at a silent unit one in so many takes a whole time limit: it may have become slower."""
_SHARE: Final = 10
"""Of the line's time one part is for asking units that were silent."""

_GONE_MS: Final = 60_000
"""Nobody polls a unit any more that has not wanted to be asked for so long."""


def failed(breaker: Breaker, asked: int, patience: Patience) -> Breaker:
    """Once more."""
    failures = breaker.failures + 1
    doubled = min(failures - patience.free - 1, 16)
    rest = 0 if doubled < 0 else min(patience.first_ms << doubled, patience.longest_ms)
    return Breaker(failures, asked + rest)


class Breakers:
    """Of one endpoint: its units, their refused blocks, and the time that silence may cost."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._alive: set[int] = set()
        """Units whose latest answer was one."""
        self._silent: dict[int, Breaker] = {}
        self._refused: dict[tuple[int, Block], tuple[Breaker, int]] = {}
        """With the exception's number."""
        self._most = (patience.free + 1) * patience.limit_ms
        self._left, self._left_at = self._most, 0
        """Time for asking units that were silent, and when that was counted."""
        self._queue: dict[int, int] = {}
        """Who waits for some of it, first come first served, and when each last wanted to be asked."""

    @property
    def open(self) -> tuple[int, int]:
        """How many units are left alone because they were silent, and how many blocks were refused."""
        return len(self._silent), len(self._refused)

    @property
    def troubled(self) -> bool:
        """Whether ``check`` has anything to look at."""
        return bool(self._silent or self._refused)

    def check(self, block: Block, unit: int, now: int) -> None:
        """Raises RestingError or RefusedError when it is not to be asked now."""
        silent = self._silent.get(unit)
        if silent is not None:
            wait = silent.not_before - now
            if wait <= 0 and self._alive:  # where nobody answers, nobody loses by it
                wait = self._until_its_turn(unit, now)
            if wait > 0:
                raise RestingError(f"silent, left alone for {wait / 1000:.1f} s more")
        refused = self._refused.get((unit, block))
        if refused is not None and refused[0].not_before > now:
            raise RefusedError(refused[1])

    def may_be_brief(self, unit: int) -> bool:
        """Whether a short look is enough: it was silent for a whole time limit, and is again now and then."""
        silent = self._silent.get(unit)
        return silent is not None and silent.failures % _WHOLE_EVERY != 0

    def answered(self, block: Block, unit: int) -> None:
        self._alive.add(unit)
        if self._silent and unit in self._silent:
            del self._silent[unit]
            self._queue.pop(unit, None)
        if self._refused:
            self._refused.pop((unit, block), None)

    def failed(self, block: Block, unit: int, error: LinkError, asked: int, now: int) -> None:
        """``asked`` when it was asked, ``now`` that the error is known. A lost link is no unit's fault."""
        if is_silence(error) or isinstance(error, DesyncError):
            self._fell_silent(unit, asked, now)
        elif isinstance(error, RefusedError):
            self._alive.add(unit)
            self._silent.pop(unit, None)
            self._queue.pop(unit, None)
            if error.code in _LASTING:
                breaker, _ = self._refused.get((unit, block), (Breaker(), 0))
                self._refused[unit, block] = failed(breaker, asked, self._patience), error.code

    def _fell_silent(self, unit: int, asked: int, now: int) -> None:
        known = self._silent.get(unit)
        if known is not None:
            self._earn(now)
            self._left -= now - asked
        elif unit in self._alive:
            known = Breaker()
        else:  # never heard: there is no sample to hold, and nothing to be lost by patience
            known = Breaker(self._patience.free)
        self._alive.discard(unit)
        self._queue.pop(unit, None)
        self._silent[unit] = failed(known, asked, self._patience)

    def _until_its_turn(self, unit: int, now: int) -> int:
        self._earn(now)
        self._queue[unit] = now
        while self._queue[first := next(iter(self._queue))] < now - _GONE_MS:
            del self._queue[first]
        if self._left <= 0:
            return _SHARE * (1 - self._left)
        return 0 if unit == first else 1

    def _earn(self, now: int) -> None:
        earned, rest = divmod(max(0, now - self._left_at), _SHARE)
        self._left = min(self._left + earned, self._most)
        self._left_at = now - rest
