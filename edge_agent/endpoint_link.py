"""The link to one endpoint: one connection, one request at a time, and no haste to connect again."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

from edge_agent.block import Block
from edge_agent.link import LinkLostError, RefusedError, SilentError, Transport


class EndpointLink:
    """Takes turns, in order of arrival, on one connection that it makes when it is needed.

    After an attempt to connect that failed, or a connection that ended before it gave an answer, the next
    attempt waits ``backoff_s`` (first, longest), doubling, less up to half of it at random; until then a read
    fails at once. Silence does not count: it may be one unit's. An answer that was taken more than
    ``timeout_s`` after its question is silence too.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float = 1.0,
        backoff_s: tuple[float, float] = (0.5, 30.0),
        random: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport, self._timeout_s = transport, timeout_s
        self._first_s, self._longest_s = backoff_s
        self._random, self._monotonic = random, monotonic
        self._turn = asyncio.Lock()
        self._delay_s, self._not_before = self._first_s, monotonic()

    async def read(self, block: Block, unit: int) -> Sequence[int]:
        """Raises a LinkError. A cancelled read throws its connection away."""
        async with self._turn:
            if not self._transport.connected:
                await self._connect()
            return await self._ask(block, unit)

    def close(self) -> None:
        self._transport.close()

    async def _ask(self, block: Block, unit: int) -> Sequence[int]:
        asked = self._monotonic()
        try:
            values = await self._transport.ask(block, unit)
        except RefusedError:
            self._forgive()
            raise
        except SilentError:
            self._forgive()
            self._transport.close()
            raise
        except BaseException:
            self._transport.close()
            raise
        self._forgive()
        if self._monotonic() - asked > self._timeout_s:
            # The agent was stopped meanwhile: the answer came in time, and lay unread.
            raise SilentError("the answer lay unread for too long to say what is true now")
        return values

    async def _connect(self) -> None:
        wait_s = self._not_before - self._monotonic()
        if wait_s > 0:
            raise LinkLostError(f"not connected, next attempt in {wait_s:.1f} s")
        self._back_off()
        try:
            await self._transport.connect()
        except BaseException:
            self._transport.close()
            raise

    def _back_off(self) -> None:
        """Taken back by the first answer: a peer that accepts and hangs up is no better than none."""
        self._not_before = self._monotonic() + self._delay_s * (1 - self._random() / 2)
        self._delay_s = min(2 * self._delay_s, self._longest_s)

    def _forgive(self) -> None:
        self._delay_s, self._not_before = self._first_s, self._monotonic()
