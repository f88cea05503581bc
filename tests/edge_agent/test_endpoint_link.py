"""The manners of a link: pauses, connections that are given back, one connection only, no storm."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from edge_agent.block import Block, Table
from edge_agent.breaker import Breakers, Patience
from edge_agent.endpoint_link import EndpointLink, Manners
from edge_agent.gate import Gate
from edge_agent.link import DesyncError, LinkError, LinkLostError, RestingError, SilentError
from tests.edge_agent.wired import linked

HERE = Block(Table.HOLDING, 0, 2)


class Line:
    """A transport that notes what happens on it."""

    def __init__(self, *faults: LinkError | None) -> None:
        self.faults = list(faults)
        self.events: list[str] = []
        self.limits: list[float | None] = []
        self.connected = False
        self.reached = True
        self.calling = asyncio.Event()
        self.calling.set()

    async def connect(self) -> None:
        self.events.append("connect")
        await self.calling.wait()
        if not self.reached:
            raise LinkLostError("no connection")
        self.connected = True

    async def ask(self, block: Block, unit: int, limit_s: float | None = None) -> Sequence[int]:
        assert self.connected
        self.limits.append(limit_s)
        self.events.append(f"ask {unit}")
        await asyncio.sleep(0)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return [unit] * block.count

    def close(self) -> None:
        if self.connected:
            self.events.append("close")
        self.connected = False


def link_on(
    line: Line, *, gate: Gate | None = None, breakers: Breakers | None = None, **manners: Any
) -> EndpointLink:
    return EndpointLink(line, Manners(**{"backoff_s": (0, 0)} | manners), gate=gate, breakers=breakers)


async def test_a_connection_is_kept() -> None:
    line = Line()
    link = link_on(line)
    for unit in (1, 2, 3):
        await link.read(HERE, unit)
        await asyncio.sleep(0.1)
    assert line.events == ["connect", "ask 1", "ask 2", "ask 3"]


async def test_a_connection_that_is_not_kept_is_given_back_after_the_poll_and_not_within_it() -> None:
    line = Line()
    link = link_on(line, keep_open=False)
    for _ in range(2):
        await link.read(HERE, 1)
        await link.read(HERE, 2)
        await asyncio.sleep(0.2)
    assert line.events == ["connect", "ask 1", "ask 2", "close"] * 2


async def test_a_connection_is_not_given_back_under_a_question() -> None:
    """Asked by another machine just when the first one's time is over."""
    line = Line()
    link = link_on(line, keep_open=False, pause_s=0.1)
    await link.read(HERE, 1)
    assert list(await link.read(HERE, 2)) == [2, 2]
    assert line.events == ["connect", "ask 1", "ask 2"]


async def test_there_is_a_pause_after_connecting_and_between_an_answer_and_the_next_question() -> None:
    line = Line()
    link = link_on(line, pause_s=0.02, connect_pause_s=0.05)
    clock = asyncio.get_running_loop().time
    began = clock()
    await link.read(HERE, 1)
    assert clock() - began >= 0.05
    for _ in range(3):
        await link.read(HERE, 1)
    assert clock() - began >= 0.05 + 3 * 0.02


@pytest.mark.parametrize("error", [SilentError(), DesyncError()])
async def test_a_doubtful_connection_is_thrown_away_and_a_serial_port_is_kept(error: LinkError) -> None:
    for throw_away, events in (
        (True, ["connect", "ask 1", "close", "connect", "ask 1"]),
        (False, ["connect", "ask 1", "ask 1"]),
    ):
        line = Line(error)
        link = link_on(line, throw_away=throw_away)
        with pytest.raises(type(error)):
            await link.read(HERE, 1)
        await link.read(HERE, 1)
        assert line.events == events


async def test_a_lost_connection_is_closed_on_our_side_too() -> None:
    line = Line(LinkLostError())
    with pytest.raises(LinkLostError):
        await link_on(line, throw_away=False).read(HERE, 1)
    assert line.events == ["connect", "ask 1", "close"]


async def test_who_rests_does_not_even_wait_for_its_turn() -> None:
    line = Line(SilentError())
    link = link_on(line, breakers=Breakers(Patience()))
    with pytest.raises(SilentError):
        await link.read(HERE, 1)
    async with link._turn:
        with pytest.raises(RestingError):
            await link.read(HERE, 1)


async def test_a_unit_that_was_silent_is_looked_at_briefly_by_what_answers_take_on_this_link() -> None:
    """Its neighbours wait with it. One look in four is as long as the first."""
    now = 0.0

    class Slow(Line):
        async def ask(self, block: Block, unit: int, limit_s: float | None = None) -> Sequence[int]:
            nonlocal now
            now += 0.05
            return await super().ask(block, unit, limit_s)

    line = Slow(None, *[SilentError()] * 5)
    breakers = Breakers(Patience(first_ms=0, longest_ms=0, limit_ms=100_000))
    link = EndpointLink(line, Manners(stale_s=60), breakers=breakers, monotonic=lambda: now)
    await link.read(HERE, 1)
    for _ in range(5):
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
    await link.read(HERE, 1)
    await link.read(HERE, 1)
    brief = pytest.approx(0.2)
    assert line.limits == [None, None, brief, brief, brief, None, brief, None]


async def test_where_nobody_ever_answered_every_look_takes_the_whole_time_limit() -> None:
    line = Line(*[SilentError()] * 5)
    link = link_on(line, breakers=Breakers(Patience(first_ms=0, longest_ms=0)))
    for _ in range(5):
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
    assert line.limits == [None] * 5


async def test_of_many_who_wait_for_a_silent_unit_one_asks() -> None:
    line = Line(*[SilentError()] * 5)
    link = link_on(line, breakers=Breakers(Patience()))
    found = await asyncio.gather(*(link.read(HERE, 1) for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in found] == [SilentError] + [RestingError] * 4
    assert line.events.count("ask 1") == 1


async def test_only_so_many_are_called_at_once_and_the_others_do_not_wait() -> None:
    gate = Gate(2)
    lines = [Line() for _ in range(4)]
    for line in lines:
        line.calling.clear()
    links = [link_on(line, gate=gate) for line in lines]
    reading = [asyncio.create_task(link.read(HERE, 1)) for link in links]
    _, waiting = await asyncio.wait(reading[2:], timeout=5)
    assert not waiting
    assert [line.events for line in lines] == [["connect"], ["connect"], [], []]
    for task in reading[2:]:
        with pytest.raises(LinkLostError, match="too many others"):
            task.result()
    lines[0].reached = False
    for line in lines:
        line.calling.set()
    await asyncio.wait(reading)
    assert isinstance(reading[0].exception(), LinkLostError)
    assert list(await links[2].read(HERE, 1)) == [1, 1], "who failed has left the gate too"
    assert list(await links[3].read(HERE, 1)) == [1, 1]


async def test_a_call_that_was_cancelled_has_left_the_gate() -> None:
    gate, line = Gate(1), Line()
    line.calling.clear()
    reading = asyncio.create_task(link_on(line, gate=gate).read(HERE, 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    assert list(await link_on(Line(), gate=gate).read(HERE, 1)) == [1, 1]


async def test_many_behind_one_dead_switch_do_not_call_in_step() -> None:
    """Two hundred endpoints that fell at one instant, over two minutes of their own time."""
    now = 0.0
    calls: list[float] = []

    class Dead(Line):
        async def connect(self) -> None:
            calls.append(now)
            raise LinkLostError("no connection")

    manners = Manners(backoff_s=(0.5, 15.0))
    links = [EndpointLink(Dead(), manners, gate=Gate(1000), monotonic=lambda: now) for _ in range(200)]
    while now < 120:
        for link in links:
            with pytest.raises(LinkLostError):
                await link.read(HERE, 1)
        now += 1.0
    late = [call for call in calls if call >= 60]
    most = max(late.count(second) for second in set(late))
    assert most <= 3 * len(links) / 15, "spread over the 7.5 to 15 s between two calls"
    assert len(late) >= 60 / 15 * len(links)


async def test_a_device_that_takes_one_connection_never_sees_two() -> None:
    """After silence, a wrong answer, a cancelled read: the old one is closed before a new one is opened."""
    open_now: set[asyncio.StreamWriter] = set()
    seen: list[int] = []
    faults = ["silence", "", "garbage", "", "silence"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)  # what ended before this one began is known by now
        open_now.add(writer)
        seen.append(len(open_now))
        while request := await reader.read(12):
            fault = faults.pop(0) if faults else ""
            if fault != "silence":
                unit = request[6] + 1 if fault == "garbage" else request[6]
                writer.write(request[:4] + bytes([0, 7, unit, 3, 4, 0, 1, 0, 2]))
        writer.close()
        await writer.wait_closed()
        open_now.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with linked(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=0.3) as link:
        for expected in (SilentError, None, DesyncError, None):
            if expected is None:
                assert list(await link.read(HERE, 1)) == [1, 2]
            else:
                with pytest.raises(expected):
                    await link.read(HERE, 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await link.read(HERE, 1)
        assert list(await link.read(HERE, 1)) == [1, 2]
    while open_now:  # noqa: ASYNC110  the peer sets no event
        await asyncio.sleep(0.01)
    server.close()
    await server.wait_closed()
    assert seen == [1, 1, 1, 1]
