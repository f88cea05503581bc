"""The agent's side of the broker: connect, say who is there, send, listen; and again when it was lost."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Final

from contract import topics
from contract.messages import StatusReason, encode
from edge_agent.batches import Batches
from edge_agent.board import Board
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.mqtt import Address, Arrival, Broker, BrokerLostError, connected
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError
from edge_agent.presence import Presence
from edge_agent.window import Window

_BACKOFF_S: Final = (0.2, 30.0)
_STATUS_S: Final = 60.0


class HandOver:
    """``hear`` is given whatever arrives: receipts, leases, orders; ``hear_again`` is called every minute."""

    def __init__(
        self,
        address: Address,
        site: str,
        presence: Presence,
        *,
        commit: GroupCommit,
        conditions: Conditions,
        batches: Batches,
        window: Window,
        board: Board,
        hear: Callable[[Arrival], Awaitable[None]],
        hear_again: Callable[[], Awaitable[None]],
        plant_ms: Callable[[], int],
    ) -> None:
        self._address, self._site, self._presence = address, site, presence
        self._commit, self._conditions = commit, conditions
        self._batches, self._window, self._board = batches, window, board
        self._hear, self._hear_again = hear, hear_again
        self._plant_ms = plant_ms
        self.is_connected = False
        self._broker: Broker | None = None
        self._news = asyncio.Event()
        self._is_moving = self._has_newcomers = False

    def follow(
        self, presence: Presence, address: Address, *, has_newcomers: bool, is_elsewhere: bool
    ) -> None:
        """Another configuration: says who is here now, and hears the leases of machines that are new.

        ``is_elsewhere``: the broker is another one, or is reached in another way.
        """
        self._presence, self._address = presence, address
        self._is_moving = is_elsewhere
        self._has_newcomers |= has_newcomers
        self._news.set()

    @property
    def arrivals(self) -> int:
        """Messages of the broker that nobody looked at yet."""
        return self._broker.waiting if self._broker else 0

    async def run(self) -> None:
        """For ever. A lost broker costs delay, never data. When cancelled it says goodbye, if it can."""
        tries = 0
        while True:
            before = asyncio.get_running_loop().time()
            try:
                await self._connection()
            except* BrokerLostError as lost:
                self._conditions.wrong("broker", "lost", f"{self._address}: {lost.exceptions[0]}")
            if asyncio.get_running_loop().time() - before > _BACKOFF_S[1]:
                tries = 0
            longest = min(_BACKOFF_S[0] * 2**tries, _BACKOFF_S[1])
            tries = min(tries + 1, 16)
            await asyncio.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311  jitter, not a secret

    async def _connection(self) -> None:
        """One connection, until it is lost (BrokerLostError) or the agent stops (cancelled)."""
        since, self._is_moving = self._plant_ms(), False
        site, name = self._site, self._presence.gateway
        will = self._presence.status(StatusReason.LOST, since=since, at=None)
        wanted = (
            topics.receipt(site, name),
            topics.status(site, name),
            topics.lease(site, "+"),
            topics.order(site, "+"),
        )
        async with connected(
            self._address, will=(topics.status(site, name), encode(will)), subscriptions=wanted
        ) as broker:
            self._conditions.good("broker", "connected", str(self._address))
            self.is_connected, self._broker = True, broker
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(broker), name="listen")
                    tasks.create_task(self._batches.send(broker), name="batches")
                    tasks.create_task(self._window.send(broker), name="window")
                    tasks.create_task(self._board.send(broker), name="board")
                    tasks.create_task(self._tell_status(broker, since), name="status")
                    tasks.create_task(self._follow(broker, since), name="news")
            except asyncio.CancelledError:
                with contextlib.suppress(BrokerLostError):
                    await self._say(broker, StatusReason.STOP, since)
                raise
            finally:
                self.is_connected, self._broker = False, None

    async def _listen(self, broker: Broker) -> None:
        async for arrival in broker.arrivals():
            await self._hear(arrival)

    async def _tell_status(self, broker: Broker, since: int) -> None:
        while True:
            await self._say(broker, StatusReason.START, since)
            await asyncio.sleep(_STATUS_S)
            await self._hear_again()
            with contextlib.suppress(OutboxAwayError):  # a full disk: there is time until the next round
                await self._commit.call(Outbox.trim, self._plant_ms())

    async def _follow(self, broker: Broker, since: int) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._is_moving:
                raise BrokerLostError("the configuration names another one, or another way to it")
            await self._say(broker, StatusReason.START, since)
            if self._has_newcomers:  # those who were here have heard theirs; a plant has thousands
                self._has_newcomers = False
                await broker.ask_again(topics.lease(self._site, "+"))

    async def _say(self, broker: Broker, reason: StatusReason, since: int) -> None:
        depth = await self._commit.call(Outbox.depth)
        if depth.over_limit:
            self._conditions.wrong("outbox", "over its limit", f"{depth.bytes} bytes wait for a receipt")
        else:
            self._conditions.well("outbox")
        relief = self._commit.relief
        if relief.lost:
            self._conditions.wrong("outbox", "lost records", f"{relief.lost}, named in loss records")
        status = self._presence.status(reason, since=since, at=self._plant_ms(), depth=depth)
        topic = topics.status(self._site, self._presence.gateway)
        await broker.publish(topic, encode(status), retain=True)
