"""One connection to the broker: what arrives is taken into work within bounds, and answered.

Back-pressure: a gateway has few batches under way and sends each again until it hears a receipt, so the work
that waits here is bounded by dropping what comes on top, unread and counted. Nothing is lost by that.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import aiomqtt
from msgspec import Struct

from collector import ledger, mqtt
from collector.backoff import waits
from collector.condition import Condition
from collector.hearing import Hearing
from collector.ingest import Ingest
from collector.restore import missing
from collector.room import Backlog, Room
from contract import topics
from store.protocol import Store, StoreAwayError

log = logging.getLogger(__name__)

ANNOUNCED_BYTES: Final = 64 * 1024 * 1024
"""Of announcements that wait while the store is away, or is slower than a broker that says all it retains at
once: leases of some 80,000 machines."""
_AROUND: Final = 512
"""Bytes that an announcement takes beside its payload."""
HEARD_MOST: Final = 100_000
"""So many lease and order topics are remembered until the broker was given back what it forgot."""
OF_ONE_GATEWAY: Final = 4
"""One gateway may fill a quarter of the waiting room, so that others find a place."""


class Bounds(Struct, frozen=True, kw_only=True):
    at_once: int
    waiting: int
    restore_after_s: float
    """How long after subscribing a topic may stay silent before it counts as empty."""


class Announced(Struct, frozen=True):
    """A lease, an order or a witness, as it was heard."""

    arrival: mqtt.Arrival
    heard: int
    """UTC ms. The store may have it much later."""


class Session:
    """``now`` is the plant's clock, UTC ms."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        store: Store,
        counts: Counter[str],
        bounds: Bounds,
        now: Callable[[], int],
        shared: str = "",
    ) -> None:
        self._ingest, self._store, self._counts, self._now = ingest, store, counts, now
        self.bounds, self._shared = bounds, shared
        self._client: aiomqtt.Client | None = None
        self.attempts = 0
        """To connect."""
        self.under_way = 0
        """Batches being judged and written."""
        self.done = 0
        """Batches that were."""
        self._busy = Condition(log, "batches are dropped unread", "there is room for batches again")
        self.room = self._new_room()
        self._waiting = asyncio.Semaphore(0)
        self._heard: set[str] = set()
        self._is_restored = False
        self.announced: Backlog[Announced] = Backlog(ANNOUNCED_BYTES)
        self._announced = asyncio.Semaphore(0)

    @property
    def is_connected(self) -> bool:
        return self._client is not None

    @property
    def is_dropping(self) -> bool:
        """Batches, unread, for want of room."""
        return self._busy.is_bad()

    @property
    def arrivals(self) -> int:
        """Messages of the broker that nobody looked at yet."""
        return len(self._client.messages) if self._client else 0

    @property
    def remembered(self) -> int:
        """Lease and order topics, until the broker was given back what it forgot."""
        return len(self._heard)

    def _new_room(self) -> Room[topics.Topic, mqtt.Arrival]:
        return Room(self.bounds.waiting, max(1, self.bounds.waiting // OF_ONE_GATEWAY))

    async def open(self, client: aiomqtt.Client) -> None:
        self.room, self._waiting = self._new_room(), asyncio.Semaphore(0)
        self._heard, self._is_restored = set(), False
        await mqtt.subscribe(client, self._shared)

    async def serve(self, client: aiomqtt.Client) -> None:
        """Until the connection is lost. Raises BrokerAwayError."""
        self._client = client
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._restore(client), name="restore")
                for number in range(self.bounds.at_once):
                    group.create_task(self._work(client), name=f"batches {number}")
                async for arrival in mqtt.arrivals(client):
                    self._admit(arrival)
        except* mqtt.BrokerAwayError as lost:
            error = lost.exceptions[0]
        else:
            return
        finally:
            self._client = None
        raise error

    def _admit(self, arrival: mqtt.Arrival | None) -> None:
        if arrival is None:
            self._counts["foreign"] += 1
        elif arrival.topic.kind == "batch":
            self._admit_batch(arrival)
        else:
            self._admit_announcement(arrival)

    def _admit_batch(self, arrival: mqtt.Arrival) -> None:
        if not self.room.enter(arrival.topic, arrival):
            self._counts["dropped"] += 1
            self._busy.bad(f"{len(self.room)} wait; gateways send theirs again")
            return
        self._waiting.release()

    def _admit_announcement(self, arrival: mqtt.Arrival) -> None:
        if arrival.payload and not self._is_restored and len(self._heard) < HEARD_MOST:
            self._heard.add(mqtt.topic_of(arrival))
        if not self.announced.enter(Announced(arrival, self._now()), len(arrival.payload) + _AROUND):
            self._counts["announcements_dropped"] += 1
            log.warning("a %s of %s is not kept as a fact", arrival.topic.kind, arrival.topic.name)
            return
        self._announced.release()

    async def next_announced(self) -> Announced:
        """In their order."""
        await self._announced.acquire()
        return self.announced.leave()

    async def _work(self, client: aiomqtt.Client) -> None:
        while True:
            await self._waiting.acquire()
            arrival = self.room.leave()
            self.under_way += 1
            try:
                receipt = await self._ingest.take(arrival.topic, arrival.payload)
            finally:
                self.under_way -= 1
            self.done += 1
            if receipt is not None:
                await mqtt.answer(client, arrival.topic, receipt)
            if not self.room:
                self._busy.well()

    async def _restore(self, client: aiomqtt.Client) -> None:
        """Gives back to the broker the leases and orders that it forgot (DESIGN 4, "Attribution")."""
        await asyncio.sleep(self.bounds.restore_after_s)
        for topic, payload in await self._forgotten():
            if topic not in self._heard:
                await client.publish(topic, payload, qos=1, retain=True)
                self._counts["restored"] += 1
        self._heard, self._is_restored = set(), True

    async def _forgotten(self) -> list[tuple[str, bytes]]:
        """What the broker did not say, asked of the store until it answers."""
        for pause in waits(random.random):
            try:
                leases, orders = await ledger.leases(self._store), await ledger.orders(self._store)
            except StoreAwayError:
                await asyncio.sleep(pause)
                continue
            # Where not everything heard is remembered, nobody knows what is missing.
            return list(missing(leases, orders, self._heard)) if len(self._heard) < HEARD_MOST else []
        raise AssertionError("waiting has no end")


async def keep_hearing(hearing: Hearing, announced: Callable[[], Awaitable[Announced]]) -> None:
    """One after the other, in their order; the store is asked again until it has each."""
    while True:
        one = await announced()
        for pause in waits(random.random):
            if await hearing.hear(one.arrival.topic, one.arrival.payload, one.heard):
                break
            await asyncio.sleep(pause)
