"""The adapter to pymodbus: reads over every kind of Modbus connection and trusts only what it asked for.

pymodbus opens the line, wraps the question and takes the answer apart. What comes in between is heard here
first: pymodbus gets nothing but the one whole frame that is the answer (``framing.py``), since it searches a
stream in ways that do not suit a meter. Nothing but reads can be asked for. It logs nothing; each error says
what the caller does next.
"""

import asyncio
import logging
import random
import termios
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ConnectionException, ModbusIOException

from edge_agent.address import Address, Framing
from edge_agent.block import Block
from edge_agent.cancel import cancellations, heed
from edge_agent.connecting import told, unreached
from edge_agent.doubt import Doubts
from edge_agent.framing import STRAY, Question, judge, question
from edge_agent.link import (
    FUNCTIONS,
    NOBODY,
    DesyncError,
    LinkError,
    LinkLostError,
    NoConnectionError,
    RefusedError,
    SilentError,
    Unreached,
)
from edge_agent.modbus_client import client_for

_TRANSACTIONS: Final = 65_000
"""pymodbus counts them up to this and begins again at 1."""


_TURNS: Final = 2
"""Of the event loop: in the first it looks what has come and runs whoever waited; then it is heard."""


class PymodbusTransport:
    """A connection that pymodbus makes and keeps. ``timeout_s`` limits connecting and each request.

    Where frames carry no transaction id, a question without its answer is followed by ``settle_s`` of
    listening, and by a proof that no answer is owed before the like of it is asked again (``doubt.py``).
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout_s: float = 1.0,
        settle_s: float = 0.25,
        random: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Its errors come back as exceptions; its own log would repeat them with dumps, once a poll.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
        self._address, self._timeout_s, self._settle_s = address, timeout_s, settle_s
        self._monotonic = monotonic
        self._framing = address.scheme.framing
        self._doubts = None if self._framing is Framing.MBAP else Doubts()
        self._client: ModbusBaseClient | None = None
        self._asked: Question | None = None
        """The latest question."""
        self._request = b""
        """Its frame, until its answer or a flaw was heard."""
        self._heard = b""
        """All that came since it was sent."""
        self._echo = b""
        """Of it, what the adapter is still to repeat of the request itself."""
        self._why = ""
        """What kept the latest attempt to connect from succeeding."""
        self._unreached = Unreached.NOBODY
        self._transaction = int(random() * _TRANSACTIONS)
        """Of the latest request. It goes on over connections and does not begin at the same number twice: a
        gateway before a serial line may hand out on a new connection what was asked on the old one."""

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def connect(self) -> None:
        cancelled, self._why = cancellations(), f"no answer within {self._timeout_s:g} s"
        self._unreached = Unreached.NOBODY
        try:
            client = self._client = self._new_client()
            connected = await client.connect()
            heed(cancelled)
        except (OSError, ValueError, termios.error) as error:  # some of pyserial's come through pymodbus
            why = told(error) if isinstance(error, OSError) else str(error)
            raise NoConnectionError(self._address, why, unreached(error)) from None
        # A peer that hung up meanwhile has taken the client away again.
        if not connected or self._client is not client:
            if connected:
                self._why, self._unreached = "the peer closed it at once", Unreached.HUNG_UP
            self._client = None
            _drop(client)
            raise NoConnectionError(self._address, self._why, self._unreached)
        client.ctx.next_tid = self._transaction  # pymodbus begins at 0 with each connection

    async def ask(self, block: Block, unit: int, limit_s: float | None = None) -> Sequence[int]:
        if limit_s is None or self._client is None:
            return await self._ask(block, unit)
        limits = self._client.ctx.comm_params
        patient_s, limits.timeout_connect = limits.timeout_connect, min(limit_s, limits.timeout_connect)
        try:
            return await self._ask(block, unit)
        finally:
            limits.timeout_connect = patient_s

    async def _ask(self, block: Block, unit: int) -> Sequence[int]:
        if self._doubts:
            # What came before the question and was not read yet is heard now, while nobody asks.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._doubts.is_owed(question(block, unit), self._monotonic()):
                await self._prove(self._doubts, block, unit)
        return await self._exchange(block, unit)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._fail(client, LinkLostError("closed"))
            _drop(client)

    async def _prove(self, doubts: Doubts, block: Block, unit: int) -> None:
        """That no answer is owed which would fit the question. Raises a LinkError when it cannot be.

        By the answer to one of another length; or else it is asked, and for a whole time limit nothing may
        come behind the answer, which would be a late one followed by its own.
        """
        fence = doubts.fence(block, unit, self._monotonic())
        try:
            await self._exchange(fence or block, unit)
        except RefusedError as error:
            if error.code in NOBODY:  # the gateway says so, not the unit
                raise
        if fence is None:
            await asyncio.sleep(self._timeout_s)
            if len(self._heard) > STRAY:
                raise DesyncError("two answers to one question")
        doubts.settled(unit)

    async def _exchange(self, block: Block, unit: int) -> Sequence[int]:
        """One question and its answer."""
        client, asked = self._client, question(block, unit)
        if client is None:
            raise LinkLostError("closed")
        self._asked, self._heard = asked, b""
        try:
            answer = await self._answer(client, block, unit)
        except RefusedError as error:
            if error.code not in NOBODY:
                self._settled(block, unit)
            raise
        except BaseException as error:
            await self._unsettled(asked, wait=isinstance(error, (SilentError, DesyncError)))
            raise
        self._settled(block, unit)
        return answer

    async def _answer(self, client: ModbusBaseClient, block: Block, unit: int) -> Sequence[int]:
        reads = client.read_coils, client.read_discrete_inputs
        ask = (*reads, client.read_holding_registers, client.read_input_registers)[FUNCTIONS[block.table] - 1]
        cancelled = cancellations()
        try:
            answer = await ask(block.address, count=block.count, device_id=unit)
            heed(cancelled)
        except ModbusIOException:
            limit_s = client.ctx.comm_params.timeout_connect
            raise SilentError(f"no answer within {limit_s:g} s") from None
        except ConnectionException as error:
            raise LinkLostError(error.string) from None
        finally:
            self._request, self._transaction = b"", client.ctx.next_tid
        if answer.isError():
            raise RefusedError(answer.exception_code)
        values: Sequence[int] = (
            list(map(int, answer.bits[: block.count])) if block.table.bits else answer.registers
        )
        return values

    def _settled(self, block: Block, unit: int) -> None:
        if self._doubts:
            self._doubts.answered(block, unit)

    async def _unsettled(self, asked: Question, *, wait: bool) -> None:
        """A late answer may come where no transaction id tells that it is late."""
        if self._doubts:
            self._doubts.unanswered(asked, self._monotonic())
            if wait:
                await asyncio.sleep(self._settle_s)

    def _new_client(self) -> ModbusBaseClient:
        client = client_for(self._address, self._timeout_s)
        create = client.ctx.call_create

        async def telling() -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
            try:
                made: tuple[asyncio.Transport, asyncio.BaseProtocol] = await create()
            except OSError as error:
                self._why, self._unreached = told(error), unreached(error)
                raise
            return made

        client.ctx.call_create = telling
        client.ctx.trace_packet = self._sent
        client.ctx.data_received = partial(self._hear, client)  # type: ignore[method-assign]
        client.ctx.callback_disconnected = partial(self._lost, client)  # type: ignore[method-assign]
        return client

    def _sent(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001  pymodbus calls it so
        if sending:
            self._request = data
            self._echo = data if self._address.line and self._address.line.echo else b""
        return data

    def _hear(self, client: ModbusBaseClient, data: bytes) -> None:
        if self._echo:
            data = self._without_echo(client, data)
        self._heard += data
        if not self._request or self._asked is None:
            self._unasked(client)
            return
        verdict = judge(self._framing, self._request, self._asked, self._heard)
        if verdict.flaw:
            self._fail(client, DesyncError(verdict.flaw))
        elif verdict.whole:
            self._request = self._heard = b""
            client.ctx.callback_data(verdict.whole)

    def _without_echo(self, client: ModbusBaseClient, data: bytes) -> bytes:
        repeated, self._echo = self._echo[: len(data)], self._echo[len(data) :]
        if data[: len(repeated)] != repeated:
            self._echo = b""
            self._fail(client, DesyncError("the line does not say what was sent: somebody else speaks on it"))
        return data[len(repeated) :]

    def _unasked(self, client: ModbusBaseClient) -> None:
        """With transaction ids, whoever speaks unasked is out of step; without, it may be an answer."""
        if self._doubts is None:
            self._lost(client, None)
            _drop(client)
        elif len(self._heard) > STRAY and self._asked is not None:
            self._heard = self._heard[-STRAY - 1 :]  # somebody may babble on for hours
            self._doubts.unanswered(self._asked, self._monotonic())

    def _lost(self, client: ModbusBaseClient, error: Exception | None) -> None:
        why = f": {error}" if error else ""
        self._fail(client, LinkLostError(f"the peer closed the connection{why}"))
        if self._client is client:
            self._client = None

    def _fail(self, client: ModbusBaseClient, error: LinkError) -> None:
        """End the request under way now: pymodbus itself would wait out its time limit."""
        pending = client.ctx.response_future
        if self._request and not pending.done():
            pending.set_exception(error)
        self._request = b""


def _drop(client: ModbusBaseClient) -> None:
    """Now: a TLS peer that does not say goodbye would keep its connection, and some take only one."""
    transport: Any = client.ctx.transport
    client.close()
    if transport:
        transport.abort()
