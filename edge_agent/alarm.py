"""Wakes many at their time with one timer of the event loop: the wheel, turned."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from edge_agent.wheel import Wheel

Waiting = asyncio.Future[Any]


class Alarm:
    """Gives None to futures that are still open when their time has come, at most a tick late.

    ``now_ms`` is the clock by which they are due; it runs ``scale`` times as fast as the event loop's.
    """

    def __init__(self, now_ms: Callable[[], int], *, tick_ms: int, scale: int = 1) -> None:
        self.now_ms, self._scale = now_ms, scale
        self._wheel: Wheel[Waiting] = Wheel(tick_ms)
        self._timer: asyncio.TimerHandle | None = None

    async def until(self, due_ms: int) -> None:
        waiting: Waiting = asyncio.get_running_loop().create_future()
        self.ring(due_ms, waiting)
        await waiting

    def ring(self, due_ms: int, waiting: Waiting) -> None:
        """Whoever no longer waits need not say so."""
        if self._wheel.add(due_ms, waiting):
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._wheel.next
        if due is None:
            self._timer = None
        else:
            left_s = max(0, due - self.now_ms()) / self._scale / 1000
            self._timer = asyncio.get_running_loop().call_later(left_s, self._turn)

    def _turn(self) -> None:
        """The timer may be early by this clock: then nothing is due yet, and it is set again."""
        for waiting in self._wheel.due(self.now_ms()):
            if not waiting.done():
                waiting.set_result(None)
        self._arm()


def time_limits() -> Alarm:
    """For what should have happened by then: coarse, since it hardly ever has to call."""
    return Alarm(lambda: time.monotonic_ns() // 1_000_000, tick_ms=10)
