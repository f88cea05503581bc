"""A driven clock: plant time passes only when everybody has done what was due (DESIGN 8).

Each worker (a poller, the announcer, the rehearsal itself) sleeps until its next instant. When all of them
sleep, the earliest is woken and plant time becomes its instant. So a slow machine slows the plant down, and
never makes a gap; and a shift takes as long as its reads do.
"""

import asyncio
import heapq
from itertools import count


class DrivenClock:
    """``workers``: how many tasks sleep on this clock. ``start_ms``: the plant's UTC at the beginning."""

    def __init__(self, start_ms: int, workers: int) -> None:
        self._start_ms, self._workers = start_ms, workers
        self._now = 0
        self._asleep: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def wall_ms(self) -> int:
        return self._start_ms + self._now

    def mono_ms(self) -> int:
        return self._now

    async def sleep_until(self, mono_ms: int) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._asleep, (mono_ms, next(self._order), woken))
        self._advance()
        await woken

    def leave(self) -> None:
        """A worker has gone: nobody waits for it any more."""
        self._workers -= 1
        self._advance()

    def _advance(self) -> None:
        while self._asleep and self._asleep[0][2].cancelled():
            heapq.heappop(self._asleep)
        if len(self._asleep) >= self._workers > 0:
            due, _, woken = heapq.heappop(self._asleep)
            self._now = max(self._now, due)
            woken.set_result(None)
