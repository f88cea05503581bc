"""Gauges from the broker to where they rest for a while: beside custody, on a connection of its own.

Nothing here may cost a record: what cannot be written soon is dropped, counted and told once.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Final

from collector import mqtt
from collector.backoff import waits
from collector.condition import Condition
from contract.gauges import Point, decode
from store.gauge_store import GaugesLostError, GaugeStore

log = logging.getLogger(__name__)

WAITING: Final = 20_000
"""Points that wait to be written; of more, the oldest go."""
AT_ONCE: Final = 5_000
_PAUSE_S: Final = 1.0
"""Between two writes: one of hundreds of points costs little more than one of a single point."""
_CLOCK_MS: Final = 86_400_000
"""What says to be of another day is of a machine whose clock was never set."""


class GaugeFeed:
    """``counts`` has ``gauges`` (messages), ``gauges_refused``, ``gauges_dropped`` and ``gauges_lost``."""

    def __init__(self, store: GaugeStore, now: Callable[[], int], counts: Counter[str], shared: str) -> None:
        self._store, self._now, self._counts, self._shared = store, now, counts, shared
        self._waiting: deque[Point] = deque()
        self._came = asyncio.Event()
        self._away = Condition(log, "gauges are not heard: the broker is away", "gauges are heard again")
        self._losing = Condition(log, "gauges are lost", "gauges are stored again")
        self._refusing = Condition(log, "shows what is no gauge", "shows gauges again")

    @property
    def waiting(self) -> int:
        """Points that wait to be written."""
        return len(self._waiting)

    async def run(self, address: Callable[[], mqtt.Address]) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(address), name="gauges heard")
            tasks.create_task(self._write(), name="gauges written")

    async def _listen(self, address: Callable[[], mqtt.Address]) -> None:
        pauses = waits(random.random)
        while True:
            try:
                async with mqtt.connected(address()) as client:
                    await mqtt.subscribe_gauges(client, self._shared)
                    pauses = waits(random.random)
                    self._away.well()
                    async for arrival in mqtt.arrivals(client):
                        if arrival is not None:
                            self.hear(arrival)
            except mqtt.BrokerAwayError as error:
                self._away.bad(str(error))
            await asyncio.sleep(next(pauses))

    def hear(self, arrival: mqtt.Arrival) -> None:
        """Takes a message into work, or refuses it."""
        self._counts["gauges"] += 1
        point = decode(arrival.topic.site, arrival.topic.name, arrival.payload)
        if isinstance(point, Point) and abs(point.shown.at - self._now()) > _CLOCK_MS:
            point = "is not of today"
        if isinstance(point, str):
            self._counts["gauges_refused"] += 1
            self._refusing.bad(point, arrival.topic.name)
            return
        self._refusing.well(arrival.topic.name)
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self._counts["gauges_dropped"] += 1
        self._waiting.append(point)
        self._came.set()

    async def _write(self) -> None:
        pauses = waits(random.random)
        while True:
            await self._came.wait()
            self._came.clear()
            points = list(self._take())
            try:
                await self._store.write(points)
            except GaugesLostError as error:
                self._counts["gauges_lost"] += len(points)
                self._losing.bad(str(error))
                await asyncio.sleep(next(pauses))
            else:
                self._losing.well()
                pauses = waits(random.random)
                await asyncio.sleep(_PAUSE_S)
            if self._waiting:
                self._came.set()

    def _take(self) -> Iterator[Point]:
        for _ in range(min(AT_ONCE, len(self._waiting))):
            yield self._waiting.popleft()
