"""The link to one endpoint: one connection, one request at a time, and manners."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from edge_agent.block import Block
from edge_agent.breaker import Breakers
from edge_agent.clock import elapsed_s
from edge_agent.gate import Gate
from edge_agent.link import LinkError, LinkLostError, LinkState, RefusedError, SilentError, Transport

_IDLE_S: Final = 0.05
"""A connection that is not kept is given back when nobody has asked for so long: all the blocks of a machine
are read over one."""


_BRIEF, _BRIEF_S = 4, 0.1
"""A brief look at a unit that was silent takes so many times the longest that answers took on this link, and
so many seconds at least."""
_FADING: Final = 0.999
"""An answer that took long is no measure any more after some thousands of others."""


class Manners(Struct, frozen=True, kw_only=True):
    """Real time."""

    stale_s: float = 1.0
    """An answer that was taken so long after its question was asked is silence."""
    backoff_s: tuple[float, float] = (0.5, 30.0)
    """First and longest wait between attempts to connect."""
    pause_s: float = 0.0
    """Between an answer and the next question."""
    connect_pause_s: float = 0.0
    """Between connecting and the first question."""
    keep_open: bool = True
    throw_away: bool = True
    """A connection with a question that had no answer. A serial port has nothing to throw away."""


class EndpointLink:
    """Takes turns, in order of arrival, on one connection that it makes when it is needed.

    After an attempt to connect that failed, or a connection that ended before it gave an answer, the next
    attempt waits, doubling, less up to half of it at random; until then a read fails at once. Silence does
    not count there, it may be one unit's: ``breakers`` has the patience with each, by ``now_ms``.
    """

    def __init__(
        self,
        transport: Transport,
        manners: Manners,
        *,
        breakers: Breakers | None = None,
        gate: Gate | None = None,
        now_ms: Callable[[], int] | None = None,
        random: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = elapsed_s,
    ) -> None:
        self._transport, self._manners = transport, manners
        self._breakers = breakers
        self._gate = gate or Gate(1)
        self._random, self._monotonic = random, monotonic
        self._now_ms = now_ms or (lambda: int(monotonic() * 1000))
        self._turn = asyncio.Lock()
        self._delay_s, self._not_before = manners.backoff_s[0], monotonic()
        self._next_at = 0.0
        """When the next question may be asked; 0 when there was nothing to wait for."""
        self._idle: asyncio.TimerHandle | None = None
        self._longest_s = 0.0
        """That an answer took lately; 0 when there was none."""

    async def read(self, block: Block, unit: int) -> Sequence[int]:
        """Raises a LinkError. A cancelled read throws its connection away."""
        self._check(block, unit)
        async with self._turn:
            self._check(block, unit)  # somebody else may have asked it meanwhile
            if not self._transport.connected:
                await self._connect()
            if self._next_at and (wait_s := self._next_at - self._monotonic()) > 0:
                await asyncio.sleep(wait_s)
            asked = self._now_ms()
            try:
                values = await self._ask(block, unit)
            except LinkError as error:
                if self._breakers:
                    self._breakers.failed(block, unit, error, asked, self._now_ms())
                raise
            finally:
                self._done()
        if self._breakers:
            self._breakers.answered(block, unit)
        return values

    @property
    def state(self) -> LinkState:
        silent, refused = self._breakers.open if self._breakers else (0, 0)
        return LinkState(connected=self._transport.connected, silent=silent, refused=refused)

    def close(self) -> None:
        self._transport.close()

    def _check(self, block: Block, unit: int) -> None:
        if self._breakers and self._breakers.troubled:
            self._breakers.check(block, unit, self._now_ms())

    async def _ask(self, block: Block, unit: int) -> Sequence[int]:
        asked = self._monotonic()
        try:
            values = await self._transport.ask(block, unit, self._limit_s(unit))
        except RefusedError:
            self._forgive()
            raise
        except LinkError as error:
            if isinstance(error, SilentError):
                self._forgive()
            if self._manners.throw_away or isinstance(error, LinkLostError):
                self._transport.close()
            raise
        except BaseException:
            self._transport.close()
            raise
        self._forgive()
        took_s = self._monotonic() - asked
        if took_s > self._manners.stale_s:
            # The agent was stopped, or asleep: the answer came in time, and lay unread.
            raise SilentError("the answer lay unread for too long to say what is true now")
        self._longest_s = max(took_s, self._longest_s * _FADING)
        return values

    def _limit_s(self, unit: int) -> float | None:
        """None: the whole time limit."""
        if not self._longest_s or not self._breakers or not self._breakers.may_be_brief(unit):
            return None
        return max(_BRIEF_S, _BRIEF * self._longest_s)

    def _done(self) -> None:
        pause_s = self._manners.pause_s
        self._next_at = self._monotonic() + pause_s if pause_s else 0.0
        if not self._manners.keep_open:
            if self._idle is not None:
                self._idle.cancel()
            self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self._give_back)

    def _give_back(self) -> None:
        if not self._turn.locked():
            self._transport.close()

    async def _connect(self) -> None:
        wait_s = self._not_before - self._monotonic()
        if wait_s > 0:
            raise LinkLostError(f"not connected, next attempt in {wait_s:.1f} s")
        if not self._gate.enter():
            raise LinkLostError("not connected, and too many others are being called")
        self._back_off()
        try:
            await self._transport.connect()
        except BaseException:
            self._transport.close()
            raise
        finally:
            self._gate.leave()
        self._next_at = self._monotonic() + self._manners.connect_pause_s

    def _back_off(self) -> None:
        """Taken back by the first answer: a peer that accepts and hangs up is no better than none."""
        self._not_before = self._monotonic() + self._delay_s * (1 - self._random() / 2)
        self._delay_s = min(2 * self._delay_s, self._manners.backoff_s[1])

    def _forgive(self) -> None:
        self._delay_s, self._not_before = self._manners.backoff_s[0], self._monotonic()
