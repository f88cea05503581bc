"""One connection to the broker: what arrives is taken into work within bounds, and answered.

Back-pressure: a gateway has few batches under way and sends each again until it hears a receipt, so the work
that waits here is bounded by dropping what comes on top, unread and counted. Nothing is lost by that.
"""

import asyncio
import logging
import random
from collections import Counter
from typing import Final

import aiomqtt
from msgspec import Struct

from collector import mqtt
from collector.backoff import waits
from collector.condition import Condition
from collector.hearing import Hearing
from collector.ingest import Ingest
from collector.restore import missing
from contract import topics
from contract.facts import LeaseFact, OrderFact
from contract.series import LEASE, ORDER, fact_of
from store.admission import TIME_LIMIT
from store.protocol import Store, StoreAwayError

log = logging.getLogger(__name__)

ANNOUNCED_WAITING: Final = 1000
"""Lease and order messages that wait while the store is away; the broker retains the latest of each topic."""
OF_ONE_GATEWAY: Final = 4
"""One gateway may fill a quarter of the waiting room, so that others find a place."""


class Bounds(Struct, frozen=True, kw_only=True):
    at_once: int
    waiting: int
    restore_after_s: float
    """How long after subscribing a topic may stay silent before it counts as empty."""


class Session:
    def __init__(
        self, *, ingest: Ingest, store: Store, counts: Counter[str], bounds: Bounds, shared: str = ""
    ) -> None:
        self._ingest, self._store, self._counts = ingest, store, counts
        self._bounds, self._shared = bounds, shared
        self._busy = Condition(log, "batches are dropped unread", "there is room for batches again")
        self._batches: asyncio.Queue[mqtt.Arrival] = asyncio.Queue(bounds.waiting)
        self._waiting: Counter[topics.Topic] = Counter()
        self._heard: set[str] = set()
        self.announced: asyncio.Queue[mqtt.Arrival] = asyncio.Queue(ANNOUNCED_WAITING)

    async def open(self, client: aiomqtt.Client) -> None:
        self._batches, self._waiting, self._heard = asyncio.Queue(self._bounds.waiting), Counter(), set()
        await mqtt.subscribe(client, self._shared)

    async def serve(self, client: aiomqtt.Client) -> None:
        """Until the connection is lost. Raises BrokerAwayError."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._restore(client), name="restore")
                for number in range(self._bounds.at_once):
                    group.create_task(self._work(client), name=f"batches {number}")
                async for arrival in mqtt.arrivals(client):
                    self._admit(arrival)
        except* mqtt.BrokerAwayError as lost:
            error = lost.exceptions[0]
        else:
            return
        raise error

    def _admit(self, arrival: mqtt.Arrival | None) -> None:
        if arrival is None:
            self._counts["foreign"] += 1
        elif arrival.topic.kind == "batch":
            self._admit_batch(arrival)
        else:
            self._admit_announcement(arrival)

    def _admit_batch(self, arrival: mqtt.Arrival) -> None:
        share = max(1, self._bounds.waiting // OF_ONE_GATEWAY)
        if self._batches.full() or self._waiting[arrival.topic] >= share:
            self._counts["dropped"] += 1
            self._busy.bad(f"{self._batches.qsize()} wait; gateways send theirs again")
            return
        self._waiting[arrival.topic] += 1
        self._batches.put_nowait(arrival)

    def _admit_announcement(self, arrival: mqtt.Arrival) -> None:
        if arrival.payload:
            self._heard.add(mqtt.topic_of(arrival))
        if self.announced.full():
            self._counts["announcements_dropped"] += 1
            log.warning("a %s of %s is not kept as a fact", arrival.topic.kind, arrival.topic.name)
            return
        self.announced.put_nowait(arrival)

    async def _work(self, client: aiomqtt.Client) -> None:
        while True:
            arrival = await self._batches.get()
            self._waiting[arrival.topic] -= 1
            receipt = await self._ingest.take(arrival.topic, arrival.payload)
            if receipt is not None:
                await mqtt.answer(client, arrival.topic, receipt)
            if self._batches.empty():
                self._busy.well()

    async def _restore(self, client: aiomqtt.Client) -> None:
        """Gives back to the broker the leases and orders that it forgot (DESIGN 4, "Attribution")."""
        await asyncio.sleep(self._bounds.restore_after_s)
        try:
            leases = [fact_of(row) async for row in self._store.read(LEASE, 0, TIME_LIMIT)]
            orders = [fact_of(row) async for row in self._store.read(ORDER, 0, TIME_LIMIT)]
        except StoreAwayError:
            return
        forgotten = missing(
            [fact for fact in leases if isinstance(fact, LeaseFact)],
            [fact for fact in orders if isinstance(fact, OrderFact)],
            self._heard,
        )
        for topic, payload in forgotten:
            if topic not in self._heard:
                await client.publish(topic, payload, qos=1, retain=True)
                self._counts["restored"] += 1


async def keep_hearing(hearing: Hearing, announced: asyncio.Queue[mqtt.Arrival]) -> None:
    """One after the other, in their order; the store is asked again until it has each."""
    while True:
        arrival = await announced.get()
        for pause in waits(random.random):
            if await hearing.hear(arrival.topic, arrival.payload):
                break
            await asyncio.sleep(pause)
