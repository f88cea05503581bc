"""The adapter to pymodbus: a link that reads registers over Modbus TCP and trusts only what it asked for.

It can only read: no other function code can be asked for. It logs nothing; each error says what the caller
does next.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusIOException

from edge_agent.block import Block, Key, Table, keys_of
from edge_agent.cancel import cancellations, heed


class LinkError(Exception):
    """Nothing is known about the machine."""


class LinkLostError(LinkError):
    """There is no connection, or it broke during the request. The link comes back by itself."""


class SilentError(LinkError):
    """Connected, and no answer in time. Back off this unit; its neighbours are not concerned."""


class DesyncError(LinkError):
    """An answer to another question: late, cut or garbled. The connection was thrown away."""


class RefusedError(LinkError):
    """The machine answered with a Modbus exception. The link is fine."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code} ({EXCEPTIONS.get(code, 'of no standard meaning')})")
        self.code = code


EXCEPTIONS: Final = {
    1: "function not supported",
    2: "no such register",
    3: "too many registers",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity",
    10: "gateway path unavailable",
    11: "no device behind the gateway answered",
}
"""Modbus Application Protocol 1.1b3, 7."""

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
    return _misfit(2 * int.from_bytes(request[10:12], "big"), answer)


def _misfit(wanted: int, answer: bytes) -> str:
    """Whether the lengths are right for ``wanted`` bytes of registers, or for an exception."""
    length, refused = 6 + int.from_bytes(answer[4:6], "big"), answer[7] > 0x80
    right = length == _HEADER + (0 if refused else wanted) and len(answer) <= length
    if right and (refused or answer[8] == wanted):
        return ""
    return f"{len(answer)} bytes of a frame of {length} for {wanted} bytes of registers"


class ModbusLink:
    """One connection to one endpoint, for all units behind it; one request at a time, in order of arrival.

    ``timeout_s`` limits connecting and each request. After an attempt that failed, or a connection that
    ended before it gave an answer, the next attempt waits ``backoff_s`` (first, longest), doubling, less up
    to half of it at random; until then a read fails at once. Silence does not count: it may be one unit's.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout_s: float = 1.0,
        backoff_s: tuple[float, float] = (0.5, 30.0),
        random: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Its errors come back as exceptions; its own log would repeat them with dumps, once a poll.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._first_s, self._longest_s = backoff_s
        self._random, self._monotonic = random, monotonic
        self._client: AsyncModbusTcpClient | None = None
        self._turn = asyncio.Lock()
        self._request = b""
        self._transaction = int(random() * _TRANSACTIONS)
        """Of the latest request. It goes on over connections and does not begin at the same number twice: a
        gateway before a serial line may hand out on a new connection what was asked on the old one."""
        self._delay_s, self._not_before = self._first_s, monotonic()

    async def read(self, table: Table, address: int, count: int, unit: int) -> list[int]:
        """``count`` (1 to 125) registers from the zero-based ``address``. Raises a LinkError.

        A cancelled read throws its connection away.
        """
        cancelled = cancellations()
        async with self._turn:
            client = self._client or await self._connect()
            ask = client.read_holding_registers if table is Table.HOLDING else client.read_input_registers
            asked = self._monotonic()
            try:
                answer = await ask(address, count=count, device_id=unit)
                heed(cancelled)
            except ModbusIOException:
                self.close()
                self._forgive()
                raise SilentError(f"no answer within {self._timeout_s:g} s") from None
            except ConnectionException as error:
                self.close()
                raise LinkLostError(error.string) from None
            except BaseException:
                self.close()
                raise
            finally:
                self._request, self._transaction = b"", client.ctx.next_tid
            self._forgive()
            if self._monotonic() - asked > self._timeout_s:
                # The agent was stopped meanwhile: the answer came in time, and lay unread.
                raise SilentError("the answer lay unread for too long to say what is true now")
            if answer.isError():
                raise RefusedError(answer.exception_code)
            return list(answer.registers)

    async def read_blocks(self, blocks: Iterable[Block], unit: int) -> dict[Key, int]:
        """The words of a read plan. Raises a LinkError: there is no half a read."""
        words: dict[Key, int] = {}
        for block in blocks:
            values = await self.read(block.table, block.address, block.count, unit)
            words.update(zip(keys_of(block), values, strict=True))
        return words

    def close(self) -> None:
        """Drop the connection. A request under way fails with LinkLostError; the next one connects again."""
        client, self._client = self._client, None
        if client is not None:
            self._fail(client, LinkLostError("closed"))
            client.close()

    async def _connect(self) -> AsyncModbusTcpClient:
        wait_s = self._not_before - self._monotonic()
        if wait_s > 0:
            raise LinkLostError(f"not connected, next attempt in {wait_s:.1f} s")
        self._back_off()
        client = self._client = self._new_client()
        try:
            connected = await client.connect()
        except BaseException:
            self.close()
            raise
        # A peer that hung up meanwhile has taken the client away again.
        if not connected or self._client is not client:
            self._client = None
            client.close()
            raise LinkLostError(f"no connection to {self._host}:{self._port}")
        client.ctx.next_tid = self._transaction  # pymodbus begins at 0 with each connection
        return client

    def _back_off(self) -> None:
        """Taken back by the first answer: a peer that accepts and hangs up is no better than none."""
        self._not_before = self._monotonic() + self._delay_s * (1 - self._random() / 2)
        self._delay_s = min(2 * self._delay_s, self._longest_s)

    def _forgive(self) -> None:
        self._delay_s, self._not_before = self._first_s, self._monotonic()

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
