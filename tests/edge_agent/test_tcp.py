"""Our own transport where it has no like: what it sends at one stroke, what it bounds, how it waits."""

import asyncio
import time
from typing import Any

import pytest

from edge_agent.address import Address, Scheme
from edge_agent.alarm import time_limits
from edge_agent.block import Block, Table
from edge_agent.link import LinkLostError, RefusedError, SilentError
from edge_agent.mbap import LONGEST
from edge_agent.tcp import TcpTransport

HERE = Block(Table.HOLDING, 0, 2)


def transport_to(port: int, **more: Any) -> TcpTransport:
    return TcpTransport(Address(scheme=Scheme.TCP, host="127.0.0.1", port=port), **more)


async def test_a_request_leaves_whole_and_its_transaction_is_never_zero(hub: Any) -> None:
    transport = transport_to(hub.port, random=lambda: 0.0)
    await transport.connect()
    for _ in range(3):
        await transport.ask(HERE, 9)
    transport._transaction = 0xFFFE
    for _ in range(3):
        await transport.ask(HERE, 9)
    transport.close()
    numbers = (1, 2, 3, 0xFFFF, 1, 2)
    assert hub.requests == [n.to_bytes(2, "big") + b"\0\0\0\6\x09\3\0\0\0\2" for n in numbers]


async def test_a_flood_takes_no_memory_and_ends_the_connection(hub: Any) -> None:
    flood = b"\0\1\0\0\0\7\1\3\4" + bytes(4_000_000)
    hub.faults.append(lambda _q, a: a[:-1] + flood)
    transport = transport_to(hub.port)
    await transport.connect()
    connection = transport._connection
    with pytest.raises(Exception, match="of a frame of"):
        await transport.ask(HERE, 1)
    assert connection is not None
    assert (len(connection._buffer), transport.connected) == (LONGEST + 1, False)
    transport.close()


async def test_one_alarm_calls_the_time_limits_of_many(hub: Any) -> None:
    hub.silent = {5}
    alarm = time_limits()
    transports = [transport_to(hub.port, timeout_s=0.1 + n / 20, alarm=alarm) for n in range(5)]

    async def silence(transport: TcpTransport) -> float:
        await transport.connect()
        assert list(await transport.ask(HERE, 1)) == [0, 0]
        began = time.monotonic()
        with pytest.raises(SilentError):
            await transport.ask(HERE, 5)
        transport.close()
        return time.monotonic() - began

    waited = await asyncio.gather(*map(silence, transports))
    assert all(took >= 0.1 + n / 20 - 0.001 for n, took in enumerate(waited))
    assert waited == sorted(waited)


async def test_an_answer_that_is_not_the_awaited_length_is_a_refusal_only_if_it_says_so(
    hub: Any, maps: Any
) -> None:
    hub.faults.append(lambda request, _: maps.refusal(request, 6))
    transport = transport_to(hub.port)
    await transport.connect()
    with pytest.raises(RefusedError, match="busy"):
        await transport.ask(HERE, 1)
    assert transport.connected
    transport.close()


async def test_what_was_closed_neither_asks_nor_is_connected(hub: Any) -> None:
    transport = transport_to(hub.port)
    transport.close()
    await transport.connect()
    transport.close()
    transport.close()
    assert not transport.connected
    with pytest.raises(LinkLostError):
        await transport.ask(HERE, 1)
