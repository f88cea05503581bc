"""The adapter to pymodbus: reads registers over Modbus TCP and trusts only what it asked for.

It can only read: no other function code can be asked for. It logs nothing; each error says what the caller
does next.
"""

import logging
import random
from collections.abc import Callable, Sequence
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusIOException

from edge_agent.block import Block
from edge_agent.cancel import cancellations, heed
from edge_agent.link import FUNCTIONS, DesyncError, LinkError, LinkLostError, RefusedError, SilentError

_TRANSACTIONS: Final = 65_000
"""pymodbus counts them up to this and begins again at 1."""
_HEADER: Final = 9
"""Bytes of an answer up to its byte count or exception code: transaction 2, protocol 2, length 2, unit,
function."""


def flaw(request: bytes, answer: bytes) -> str:
    """Why ``answer``, as far as it has come, cannot be the one to ``request``; empty when it can.

    Both are Modbus TCP frames. Stricter than pymodbus, which takes transaction id 0 and any function code
    for an answer, and lets a frame that it cannot decode fall into the event loop's log.
    """
    if len(answer) < _HEADER:
        return ""
    if answer[:4] != request[:4]:
        return "an answer to another request"
    if answer[6] != request[6]:
        return f"unit {answer[6]} answered for unit {request[6]}"
    if answer[7] & 0x7F != request[7]:
        return f"function {answer[7]} answered for function {request[7]}"
    count = int.from_bytes(request[10:12], "big")
    return _misfit(2 * count if request[7] > 2 else (count + 7) // 8, answer)


def _misfit(wanted: int, answer: bytes) -> str:
    """Whether the lengths are right for ``wanted`` bytes of values, or for an exception."""
    length, refused = 6 + int.from_bytes(answer[4:6], "big"), answer[7] > 0x80
    right = length == _HEADER + (0 if refused else wanted) and len(answer) <= length
    if right and (refused or answer[8] == wanted):
        return ""
    return f"{len(answer)} bytes of a frame of {length} for {wanted} bytes of values"


class PymodbusTransport:
    """A connection that pymodbus makes and keeps. ``timeout_s`` limits connecting and each request."""

    def __init__(
        self, host: str, port: int, *, timeout_s: float = 1.0, random: Callable[[], float] = random.random
    ) -> None:
        # Its errors come back as exceptions; its own log would repeat them with dumps, once a poll.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._client: AsyncModbusTcpClient | None = None
        self._request = b""
        self._transaction = int(random() * _TRANSACTIONS)
        """Of the latest request. It goes on over connections and does not begin at the same number twice: a
        gateway before a serial line may hand out on a new connection what was asked on the old one."""

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def connect(self) -> None:
        client = self._client = self._new_client()
        connected = await client.connect()
        # A peer that hung up meanwhile has taken the client away again.
        if not connected or self._client is not client:
            self._client = None
            client.close()
            raise LinkLostError(f"no connection to {self._host}:{self._port}")
        client.ctx.next_tid = self._transaction  # pymodbus begins at 0 with each connection

    async def ask(self, block: Block, unit: int) -> Sequence[int]:
        client, cancelled = self._client, cancellations()
        assert client is not None  # noqa: S101  asked of a transport that is connected
        ask = {
            1: client.read_coils,
            2: client.read_discrete_inputs,
            3: client.read_holding_registers,
            4: client.read_input_registers,
        }[FUNCTIONS[block.table]]
        try:
            answer = await ask(block.address, count=block.count, device_id=unit)
            heed(cancelled)
        except ModbusIOException:
            raise SilentError(f"no answer within {self._timeout_s:g} s") from None
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

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._fail(client, LinkLostError("closed"))
            client.close()

    def _new_client(self) -> AsyncModbusTcpClient:
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=lambda sending, data: self._traced(client, sending, data),
            trace_connect=lambda up: None if up else self._lost(client),
        )
        return client

    def _traced(self, client: AsyncModbusTcpClient, sending: bool, data: bytes) -> bytes:  # noqa: FBT001  pymodbus calls it so
        if sending:
            self._request = data
        elif self._request and (wrong := flaw(self._request, data)):
            self._fail(client, DesyncError(wrong))
            return b""
        return data

    def _lost(self, client: AsyncModbusTcpClient) -> None:
        self._fail(client, LinkLostError("the peer closed the connection"))
        if self._client is client:
            self._client = None

    def _fail(self, client: AsyncModbusTcpClient, error: LinkError) -> None:
        """End the request under way now: pymodbus itself would wait out its time limit."""
        pending = client.ctx.response_future
        if self._request and not pending.done():
            pending.set_exception(error)
