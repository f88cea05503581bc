"""The one place where the agent reads clocks and waits for them."""

import time
from pathlib import Path
from typing import Final, Protocol

from contract.clock import ClockPair
from edge_agent.alarm import Alarm

_TICK_MS: Final = 10
"""Plant time. Machines whose slots lie so close together are woken together: what they have in common is read
from memory once, and many answers are taken at one look."""


class Clock(Protocol):
    """Plant time. All values in ms."""

    def wall_ms(self) -> int:
        """UTC, as the machine's clock has it: it may step."""

    def mono_ms(self) -> int:
        """Since some start, never back, running on through suspend."""

    async def sleep_until(self, mono_ms: int) -> None:
        """Returns when ``mono_ms()`` has reached ``mono_ms``."""


class SystemClock:
    """The operating system's clocks, mapped to plant time by a pair and a scale (DESIGN 8)."""

    def __init__(self, pair: ClockPair, offset: Path | None = None) -> None:
        """``offset`` names a file with the ms by which the wall clock is wrong: rehearsals step it there."""
        self._pair, self._offset = pair, offset
        self._alarm = Alarm(self.mono_ms, tick_ms=_TICK_MS, scale=pair.scale)

    def wall_ms(self) -> int:
        return self._pair.plant(time.time_ns() // 1_000_000) + self._wrong_by()

    def _wrong_by(self) -> int:
        if self._offset is None:
            return 0
        try:
            return int(self._offset.read_text("ascii"))
        except (OSError, ValueError):  # being written just now, or not there: right
            return 0

    def mono_ms(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * self._pair.scale // 1_000_000

    async def sleep_until(self, mono_ms: int) -> None:
        if mono_ms > self.mono_ms():
            await self._alarm.until(mono_ms)


def elapsed_s() -> float:
    """Real seconds since some start, running on through suspend: what was asked before it is old after."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def real_ms() -> int:
    """Real UTC ms, whatever the plant's clock says: for back-off and retention."""
    return time.time_ns() // 1_000_000
