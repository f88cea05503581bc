"""The link: what it says of every way in which a peer can fail, and that it can only read."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge_agent.block import Block, Table
from edge_agent.endpoint_link import EndpointLink
from edge_agent.link import DesyncError, LinkLostError, RefusedError, SilentError, read_blocks
from tests.edge_agent.wired import MADE, inside, tcp_link

pytestmark = pytest.mark.usefixtures("either")
PROMPT_S = 0.5
"""Far below the time limit of a patient link: what comes sooner was not waited for."""


@asynccontextmanager
async def link_to(hub: Any, *, timeout_s: float = 5.0, **more: Any) -> AsyncIterator[EndpointLink]:
    link = tcp_link(hub.port, timeout_s=timeout_s, **more)
    try:
        yield link
    finally:
        link.close()


def public(made: type) -> set[str]:
    return {name for name in vars(made) if not name.startswith("_")}


async def served(hub: Any, count: int) -> None:
    """Until the peer has seen so many requests."""
    while len(hub.requests) < count:  # noqa: ASYNC110  the peer is a thread, it sets no asyncio event
        await asyncio.sleep(0)


async def test_it_reads_both_tables(hub: Any) -> None:
    hub.words[10:13] = [1, 0xFFFF, 3]
    async with link_to(hub) as link:
        assert [*await link.read(Block(Table.HOLDING, 10, 3), 1)] == [1, 0xFFFF, 3]
        assert [*await link.read(Block(Table.INPUT, 11, 1), 7)] == [0xFFFF]
    assert [(request[6], request[7]) for request in hub.requests] == [(1, 3), (7, 4)]


async def test_one_connection_serves_all_reads(hub: Any) -> None:
    async with link_to(hub) as link:
        for _ in range(5):
            await link.read(Block(Table.HOLDING, 0, 125), 1)
    assert hub.connections == 1


async def test_concurrent_reads_take_turns_in_order(hub: Any) -> None:
    hub.words = list(range(400))
    async with link_to(hub) as link:
        answers = await asyncio.gather(*(link.read(Block(Table.HOLDING, n, 1), n) for n in range(1, 21)))
    assert [[*answer] for answer in answers] == [[n] for n in range(1, 21)]
    assert [request[6] for request in hub.requests] == list(range(1, 21))
    assert hub.connections == 1


async def test_blocks_become_words_by_table_and_address(hub: Any) -> None:
    hub.words = list(range(400))
    blocks = (Block(Table.HOLDING, 2, 2), Block(Table.INPUT, 9, 1))
    async with link_to(hub) as link:
        words = await read_blocks(link, blocks, 1)
    assert words == {(Table.HOLDING, 2): 2, (Table.HOLDING, 3): 3, (Table.INPUT, 9): 9}


async def test_nothing_but_reads_ever_leaves_whatever_happens(hub: Any) -> None:
    """On the wire, with every public method used and every fault met."""
    hub.faults.extend([hub.late, lambda _q, _a: None, lambda _q, a: a[:7] + b"\x10" + a[8:]])
    hub.released.set()
    async with link_to(hub, timeout_s=0.2, backoff_s=(0, 0)) as link:
        for table in (Table.HOLDING, Table.INPUT, Table.HOLDING, Table.INPUT):
            try:
                await read_blocks(link, [Block(table, 0, 5)], 1)
            except (LinkLostError, DesyncError):
                link.close()
    assert len(hub.requests) == 4
    assert hub.functions <= {3, 4}
    assert all(len(request) == 12 for request in hub.requests)
    assert public(EndpointLink) == {"read", "close", "state"}
    for transport in MADE.values():
        assert public(transport) == {"connected", "connect", "ask", "close"}


@pytest.mark.parametrize(
    ("code", "says"), [(2, "no such register"), (6, "busy"), (99, "no standard meaning")]
)
async def test_a_refusal_keeps_the_link(hub: Any, maps: Any, code: int, says: str) -> None:
    hub.faults.append(lambda request, _: maps.refusal(request, code))
    async with link_to(hub) as link:
        with pytest.raises(RefusedError, match=says) as refused:
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        assert refused.value.code == code
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 1)] == [0]
    assert hub.connections == 1


FOREIGN: dict[str, Callable[[bytes, bytes], bytes]] = {
    "another transaction": lambda _, a: bytes([a[0] ^ 1]) + a[1:],
    "transaction 0, which pymodbus takes for any": lambda _, a: b"\0\0" + a[2:],
    "another protocol": lambda _, a: a[:3] + b"\1" + a[4:],
    "another unit": lambda _, a: a[:6] + bytes([a[6] + 1]) + a[7:],
    "another function": lambda _, a: a[:7] + b"\4" + a[8:],
    "a function nobody knows": lambda _, a: a[:7] + b"\x55" + a[8:],
    "a refusal to write": lambda _, a: a[:4] + b"\0\3" + a[6:7] + b"\x90\2",
    "a word too few": lambda q, a: q[:4] + b"\0\5" + a[6:8] + b"\2" + a[9:11],
    "a word too many": lambda q, a: q[:4] + b"\0\x09" + a[6:8] + b"\6" + a[9:13] + b"\0\0",
    "a byte count that lies": lambda _, a: a[:8] + b"\x60" + a[9:],
    "an odd byte count": lambda _, a: a[:8] + b"\3" + a[9:],
    "the answer twice": lambda _, a: a + a,
    "noise": lambda _q, _a: bytes(range(40)),
}


@pytest.mark.parametrize("fault", FOREIGN.values(), ids=FOREIGN)
async def test_an_answer_that_was_not_asked_for_drops_the_connection_at_once(
    hub: Any, fault: Callable[[bytes, bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    hub.faults.append(fault)
    async with link_to(hub, backoff_s=(0, 0)) as link:
        began = time.monotonic()
        with pytest.raises(DesyncError):
            await link.read(Block(Table.HOLDING, 0, 2), 1)
        assert time.monotonic() - began < PROMPT_S
        hub.words[0:2] = [5, 6]
        assert [*await link.read(Block(Table.HOLDING, 0, 2), 1)] == [5, 6]
    assert hub.connections == 2
    assert caplog.records == []


async def test_an_answer_in_pieces_is_an_answer(hub: Any) -> None:
    def dribble(_: bytes, answer: bytes) -> bytes:
        connection = hub._open[-1]
        for byte in answer[:-1]:
            connection.sendall(bytes([byte]))
            time.sleep(0.001)
        return answer[-1:]

    hub.faults.append(dribble)
    hub.words[0] = 77
    async with link_to(hub) as link:
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 1)] == [77]


async def test_a_late_answer_never_answers_the_next_question(hub: Any) -> None:
    hub.words[0], hub.words[50] = 111, 222
    hub.faults.append(hub.late)
    async with link_to(hub, timeout_s=0.05) as link:
        with pytest.raises(SilentError, match=r"0\.05 s"):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        hub.released.set()
        assert [*await link.read(Block(Table.HOLDING, 50, 1), 1)] == [222]
    assert hub.connections == 2


async def test_a_peer_that_hangs_up_is_seen_at_once(hub: Any) -> None:
    hub.faults.append(lambda _q, _a: None)
    async with link_to(hub) as link:
        began = time.monotonic()
        with pytest.raises(LinkLostError, match="closed"):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        assert time.monotonic() - began < PROMPT_S


async def test_a_peer_that_hung_up_between_reads_is_called_again(hub: Any) -> None:
    async with link_to(hub) as link:
        await link.read(Block(Table.HOLDING, 0, 1), 1)
        hub.hang_up()
        lost = 0
        while hub.connections < 2:
            try:
                await link.read(Block(Table.HOLDING, 0, 1), 1)
            except LinkLostError:
                lost += 1
        assert lost <= 1


async def test_closing_fails_the_read_under_way(hub: Any) -> None:
    hub.faults.append(hub.late)
    async with link_to(hub) as link:
        reading = asyncio.create_task(link.read(Block(Table.HOLDING, 0, 1), 1))
        await served(hub, 1)
        link.close()
        with pytest.raises(LinkLostError):
            await reading


async def test_a_cancelled_read_throws_its_connection_away(hub: Any) -> None:
    hub.words[0], hub.words[50] = 111, 222
    hub.faults.append(hub.late)
    async with link_to(hub, backoff_s=(0, 0)) as link:
        reading = asyncio.create_task(link.read(Block(Table.HOLDING, 0, 1), 1))
        await served(hub, 1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        hub.released.set()
        assert [*await link.read(Block(Table.HOLDING, 50, 1), 1)] == [222]
    assert hub.connections == 2


async def test_a_cancelled_wait_for_its_turn_disturbs_nobody(hub: Any) -> None:
    hub.faults.append(hub.late)
    async with link_to(hub) as link:
        first = asyncio.create_task(link.read(Block(Table.HOLDING, 0, 1), 1))
        await served(hub, 1)
        second = asyncio.create_task(link.read(Block(Table.HOLDING, 0, 1), 2))
        await asyncio.sleep(0)
        second.cancel()
        hub.released.set()
        assert [*await first] == [0]
        with pytest.raises(asyncio.CancelledError):
            await second
    assert hub.connections == 1


async def test_a_cancellation_that_comes_with_the_answer_is_not_swallowed(hub: Any, either: str) -> None:
    """Python 3.11's wait_for would return the answer and forget that it was told to stop."""
    async with link_to(hub) as link:
        await link.read(Block(Table.HOLDING, 0, 1), 1)
        reading = asyncio.create_task(link.read(Block(Table.HOLDING, 0, 1), 1))
        hearer, hears = {
            "pymodbus": lambda: (inside(link)._client.ctx, "callback_data"),
            "ours": lambda: (inside(link)._connection, "buffer_updated"),
        }[either]()
        received = getattr(hearer, hears)

        def receive_and_cancel(*heard: Any) -> Any:
            used = received(*heard)
            reading.cancel()
            return used

        setattr(hearer, hears, receive_and_cancel)
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_reading_within_a_cancelled_task_goes_on(hub: Any) -> None:
    """A last read while a task winds up: the earlier cancellation is not its own."""
    async with link_to(hub) as link:

        async def wind_up() -> list[int]:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return [*await link.read(Block(Table.HOLDING, 0, 1), 1)]
            return []

        task = asyncio.create_task(wind_up())
        await asyncio.sleep(0)
        task.cancel()
        assert await task == [0]


@pytest.mark.parametrize("either", ["pymodbus"], indirect=True)
async def test_a_peer_that_hangs_up_while_it_accepts_is_lost_at_once(hub: Any, either: str) -> None:
    """The connection stands and is gone before anything was asked."""
    async with link_to(hub, backoff_s=(0, 0)) as link:
        made = inside(link)._new_client

        def made_and_lost() -> Any:
            client = made()
            connect = client.connect

            async def connect_and_lose() -> bool:
                await connect()
                gone = client.ctx.transport
                gone.close()
                while client.ctx.transport:  # noqa: ASYNC110  the library sets no event
                    await asyncio.sleep(0)
                client.ctx.transport = gone  # as pymodbus does when connect() goes on after the loss
                return True

            client.connect = connect_and_lose  # type: ignore[method-assign]
            return client

        inside(link)._new_client = made_and_lost  # type: ignore[method-assign]
        with pytest.raises(LinkLostError):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        inside(link)._new_client = made  # type: ignore[method-assign]
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 1)] == [0]


@pytest.mark.parametrize("either", ["ours"], indirect=True)
async def test_a_peer_that_hung_up_when_the_connection_was_made_is_lost_at_once(
    hub: Any, either: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stands and is gone before anything was asked."""
    create = asyncio.get_running_loop().create_connection

    async def create_and_lose(*wanted: Any) -> Any:
        transport, connection = await create(*wanted)
        transport.close()
        while connection.is_open:  # noqa: ASYNC110  the protocol sets no event
            await asyncio.sleep(0)
        return transport, connection

    async with link_to(hub, backoff_s=(0, 0)) as link:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "create_connection", create_and_lose)
            with pytest.raises(LinkLostError, match="closed it at once"):
                await link.read(Block(Table.HOLDING, 0, 1), 1)
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 1)] == [0]


async def test_nothing_is_logged_and_nothing_is_left_behind(
    hub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.faults.extend([hub.late, lambda _q, _a: None, FOREIGN["noise"]])
    async with link_to(hub, timeout_s=0.05, backoff_s=(0, 0)) as link:
        for error in (SilentError, LinkLostError, DesyncError):
            with pytest.raises(error):
                await link.read(Block(Table.HOLDING, 0, 1), 1)
            hub.released.set()
    del link
    gc.collect()  # a future whose exception nobody fetched would log now
    await asyncio.sleep(0)
    assert [
        record for record in caplog.records if record.name != "asyncio" or record.levelno > logging.DEBUG
    ] == []
