"""The wires of the harness do to a connection what they say."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.link import Link
from tests.chaos.peers import MissingError, answers, free_port
from tests.chaos.schedule import DELAY_MS, Kind

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1000):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def wired() -> AsyncIterator[Link]:
    """A link to a server that echoes."""
    server = await asyncio.start_server(_echo, "127.0.0.1", free_port())
    link = Link(free_port(), server.sockets[0].getsockname()[1])
    await link.listen()
    yield link
    await link.close()
    server.close()
    await over()


_OPEN: set[asyncio.StreamWriter] = set()


async def connect(link: Link) -> Ends:
    ends = await asyncio.open_connection("127.0.0.1", link.port)
    _OPEN.add(ends[1])
    return ends


async def over() -> None:
    """Waits until no connection is left: a later Python complains of each one that a loop's end cuts off."""
    while _OPEN:
        writer = _OPEN.pop()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  servers do not tell when they are done
            await asyncio.sleep(0.01)


async def says(ends: Ends, word: bytes) -> bytes:
    ends[1].write(word)
    return await asyncio.wait_for(ends[0].read(100), 5)


async def greeted(link: Link) -> bytes:
    reader, _ = await connect(link)
    return await asyncio.wait_for(reader.readexactly(1), 5)


async def test_a_whole_wire_carries_both_ways() -> None:
    async with wired() as link:
        ends = await connect(link)
        assert await says(ends, b"hello") == b"hello"
        assert await says(ends, b"again") == b"again"


async def test_a_refusing_wire_breaks_what_stands_and_lets_nobody_in_until_it_is_healed() -> None:
    async with wired() as link:
        ends = await connect(link)
        assert await says(ends, b"hello") == b"hello"
        await link.fail(Kind.REFUSE)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ends[0].readexactly(1), 5)
        with pytest.raises(ConnectionRefusedError):
            await connect(link)
        await link.heal()
        assert await says(await connect(link), b"back") == b"back"


async def test_a_resetting_wire_resets_old_and_new_connections() -> None:
    async with wired() as link:
        old = await connect(link)
        assert await says(old, b"hello") == b"hello"
        await link.fail(Kind.RESET)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(old[0].readexactly(1), 5)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await greeted(link)
        await link.heal()
        assert await says(await connect(link), b"back") == b"back"


async def test_what_fell_into_a_hole_arrives_when_it_is_over() -> None:
    async with wired() as link:
        ends = await connect(link)
        await link.fail(Kind.HOLE)
        ends[1].write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ends[0].read(100), 0.2)
        await link.heal()
        assert await asyncio.wait_for(ends[0].read(100), 5) == b"late"


async def test_a_slow_wire_takes_its_time_each_way() -> None:
    async with wired() as link:
        ends = await connect(link)
        await link.fail(Kind.DELAY)
        before = asyncio.get_running_loop().time()
        assert await says(ends, b"hello") == b"hello"
        assert asyncio.get_running_loop().time() - before >= 2 * DELAY_MS / 1000


async def test_a_server_that_is_away_is_a_reset() -> None:
    link = Link(free_port(), free_port())
    await link.listen()
    ends = await connect(link)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(ends[0].readexactly(1), 5)
    await link.close()
    await over()


async def test_a_port_that_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.peers.READY_S", 0.1)
    with pytest.raises(MissingError, match="nothing listens"):
        await answers(free_port())
