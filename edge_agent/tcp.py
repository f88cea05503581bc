"""Modbus TCP on a bare connection: with thousands of machines, a library's layers are most of a poll's cost.

It can only read, as there is no other function code (``link.FUNCTIONS``), and takes nothing for an answer but
the bytes that are one. Whatever else comes, asked for or not, ends the connection. It logs nothing.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, cast

from edge_agent.address import Address, Framing
from edge_agent.alarm import Alarm, time_limits
from edge_agent.block import Block, Table
from edge_agent.connecting import told, unreached
from edge_agent.framing import judge
from edge_agent.link import (
    DesyncError,
    LinkError,
    LinkLostError,
    NoConnectionError,
    RefusedError,
    SilentError,
    Unreached,
)
from edge_agent.mbap import LONGEST, Form, form, refusal

_TRANSACTIONS: Final = 0xFFFF
"""Of 1 to this: some peers hold 0 for no transaction at all."""
_NO_FORM: Final = form(Block(Table.HOLDING, 0, 1), 0)


class TcpTransport:
    """``timeout_s`` limits connecting and each request. One ``alarm`` may watch over all transports."""

    def __init__(
        self,
        address: Address,
        *,
        timeout_s: float = 1.0,
        alarm: Alarm | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._timeout_ms, self._alarm = round(timeout_s * 1000), alarm or time_limits()
        self._connection: _Connection | None = None
        self._transaction = int(random() * _TRANSACTIONS)
        """Of the latest request. It goes on over connections and does not begin at the same number twice: a
        gateway before a serial line may hand out on a new connection what was asked on the old one."""

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._connection.is_open

    async def connect(self) -> None:
        where = self._address.host, self._address.port
        try:
            async with asyncio.timeout(self._timeout_s):
                _, made = await asyncio.get_running_loop().create_connection(_Connection, *where)
        except TimeoutError:
            why = f"no answer within {self._timeout_s:g} s"
            raise NoConnectionError(self._address, why, Unreached.NOBODY) from None
        except OSError as error:
            raise NoConnectionError(self._address, told(error), unreached(error)) from None
        if not made.is_open:
            raise NoConnectionError(self._address, "the peer closed it at once", Unreached.HUNG_UP)
        self._connection = made

    async def ask(self, block: Block, unit: int, limit_s: float | None = None) -> Sequence[int]:
        if self._connection is None:
            raise LinkLostError("closed")
        self._transaction = transaction = self._transaction % _TRANSACTIONS + 1
        asked = form(block, unit)
        coming = self._connection.ask(transaction.to_bytes(2, "big"), asked)
        limit_ms = self._timeout_ms if limit_s is None else min(round(limit_s * 1000), self._timeout_ms)
        self._alarm.ring(self._alarm.now_ms() + limit_ms, coming)
        answer = await coming
        if answer is None:
            raise SilentError(f"no answer within {limit_ms / 1000:g} s")
        if code := refusal(answer):
            raise RefusedError(code)
        return asked.values(answer)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end(LinkLostError("closed"))


class _Connection(asyncio.BufferedProtocol):
    """One question at a time. Who asked gets the whole answer, or None if the alarm called before it came."""

    def __init__(self) -> None:
        self.is_open = False
        self._coming: asyncio.Future[bytes | None] | None = None
        self._transaction, self._form = b"", _NO_FORM
        self._buffer = memoryview(bytearray(LONGEST + 1))
        """One byte more than any answer has, so that one that is too long shows. Asyncio's own buffer would
        be a quarter of a megabyte, got and given back for each answer."""
        self._heard = 0
        """So many bytes of it have come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop, self.is_open = asyncio.get_running_loop(), True

    def ask(self, transaction: bytes, asked: Form) -> "asyncio.Future[bytes | None]":
        self._transaction, self._form, self._heard = transaction, asked, 0
        self._coming = coming = self._loop.create_future()
        self._transport.write(transaction + asked.request)
        return coming

    def get_buffer(self, _: int) -> memoryview:
        return self._buffer[self._heard :]

    def buffer_updated(self, count: int) -> None:
        coming, asked = self._coming, self._form
        if coming is None or coming.done():
            self.end(DesyncError("an answer that nobody waits for"))
            return
        self._heard += count
        answer = bytes(self._buffer[: self._heard])
        if len(answer) == asked.size and answer[:2] == self._transaction and answer.startswith(asked.head, 2):
            coming.set_result(answer)
        else:
            self._judge(answer, coming)

    def _judge(self, heard: bytes, coming: "asyncio.Future[bytes | None]") -> None:
        """It is not the whole answer at one stroke: a part of it, a refusal, or no answer."""
        verdict = judge(Framing.MBAP, self._transaction + self._form.request, self._form.question, heard)
        if verdict.flaw:
            self.end(DesyncError(verdict.flaw))
        elif verdict.whole:
            coming.set_result(verdict.whole)

    def connection_lost(self, error: Exception | None) -> None:
        why = f": {told(error)}" if isinstance(error, OSError) else ""
        self.end(LinkLostError(f"the peer closed the connection{why}"))

    def end(self, error: LinkError) -> None:
        """Now, and whoever waits is told why."""
        if self.is_open:
            self.is_open = False
            self._transport.abort()
        if self._coming is not None and not self._coming.done():
            self._coming.set_exception(error)
