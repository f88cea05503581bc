"""Faults on the wire, byte by byte, on plain sockets: no value is taken that was not asked for."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge_agent.block import Block, Table
from edge_agent.endpoint_link import EndpointLink
from edge_agent.link import (
    EXCEPTIONS,
    DesyncError,
    LinkError,
    LinkLostError,
    RefusedError,
    SilentError,
)
from tests.edge_agent.wired import hurry, inside, tcp_link

pytestmark = pytest.mark.usefixtures("either")

PROMPT_S = 0.5
WORDS = [0x1234, 0x5678]
ANSWER_BYTES = 9 + 2 * len(WORDS)


@asynccontextmanager
async def link_to(hub: Any) -> AsyncIterator[EndpointLink]:
    link = tcp_link(hub.port, timeout_s=10.0, backoff_s=(0, 0))
    try:
        yield link
    finally:
        link.close()


async def read(link: EndpointLink, address: int = 0, unit: int = 1) -> list[int]:
    return list(await link.read(Block(Table.HOLDING, address, len(WORDS)), unit))


@pytest.mark.parametrize("code", range(1, 12))
async def test_each_exception_is_told_by_its_number_and_the_link_stays(
    hub: Any, maps: Any, code: int
) -> None:
    hub.words[0:2] = WORDS
    hub.faults.append(lambda request, _: maps.refusal(request, code))
    async with link_to(hub) as link:
        with pytest.raises(RefusedError) as refused:
            await read(link)
        assert refused.value.code == code
        assert EXCEPTIONS.get(code, "no standard meaning") in str(refused.value)
        assert await read(link) == WORDS
    assert hub.connections == 1


@pytest.mark.parametrize("length", range(ANSWER_BYTES))
async def test_a_peer_that_hangs_up_after_any_byte_is_lost_at_once(hub: Any, length: int) -> None:
    def cut(_: bytes, answer: bytes) -> None:
        hub._open[-1].sendall(answer[:length])

    hub.words[0:2] = WORDS
    hub.faults.append(cut)
    async with link_to(hub) as link:
        began = time.monotonic()
        with pytest.raises(LinkLostError):
            await read(link)
        assert time.monotonic() - began < PROMPT_S
        assert await read(link) == WORDS
    assert hub.connections == 2


@pytest.mark.parametrize("length", range(1, ANSWER_BYTES))
async def test_an_answer_that_stops_after_any_byte_is_silence(hub: Any, length: int) -> None:
    """Its rest comes together with the question after it, on the old connection: nobody listens there."""
    rest: list[Callable[[], None]] = []

    def stop(_: bytes, answer: bytes) -> bytes:
        connection = hub._open[-1]
        rest.append(lambda: connection.sendall(answer[length:]))
        return answer[:length]

    def finish(_: bytes, answer: bytes) -> bytes:
        with contextlib.suppress(OSError):  # the connection is closed, as it should be
            rest[0]()
        return answer

    hub.words[0:2], hub.words[50:52] = [1, 1], WORDS
    async with link_to(hub) as link:
        await read(link)
        hub.faults.extend([stop, finish])
        hurry(link)
        with pytest.raises(SilentError):
            await read(link)
        assert await read(link, 50) == WORDS
    assert hub.connections == 2


async def test_a_drip_slower_than_the_time_limit_is_silence_in_time(hub: Any) -> None:
    """The limit is for the whole answer: a byte now and then does not prolong it."""

    def drip(_: bytes, answer: bytes) -> bytes:
        for byte in answer[:-1]:
            try:
                hub._open[-1].sendall(bytes([byte]))
            except OSError:
                return b""
            time.sleep(0.5)
        return answer[-1:]

    async with link_to(hub) as link:
        await read(link)
        hub.faults.append(drip)
        hurry(link)
        began = time.monotonic()
        with pytest.raises(SilentError):
            await read(link)
        assert time.monotonic() - began < 0.5 * ANSWER_BYTES / 2
        assert await read(link) == [0, 0]


GARBAGE: dict[str, bytes] = {
    "one byte": b"\0",
    "half a head": b"\0\1\0\0\0",
    "a whole frame of nobody": b"\x7f\x01\0\0\0\5\1\3\2\xde\xad",
    "what the next answer might look like": b"\0\2\0\0\0\7\1\3\4\xde\xad\xbe\xef",
    "a kilobyte": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_what_comes_unasked_between_two_questions_answers_none(hub: Any, garbage: bytes) -> None:
    hub.words[0:2] = WORDS
    async with link_to(hub) as link:
        assert await read(link) == WORDS
        hurry(link)
        hub._open[-1].sendall(garbage)
        await asyncio.sleep(0.02)
        answers = await _answers(link, 3)
    assert WORDS in answers
    assert [answer for answer in answers if answer not in (WORDS, None)] == []


async def _answers(link: EndpointLink, count: int) -> list[list[int] | None]:
    """None where the link said that it knows nothing."""
    answers: list[list[int] | None] = []
    for _ in range(count):
        try:
            answers.append(await read(link))
        except LinkError:
            answers.append(None)
    return answers


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_what_is_pipelined_behind_an_answer_is_not_the_next_one(hub: Any, garbage: bytes) -> None:
    hub.words[0:2] = WORDS
    async with link_to(hub) as link:
        await read(link)
        hub.faults.append(lambda _, answer: answer + garbage)
        hurry(link)
        answers = await _answers(link, 3)
    assert answers[-1] == WORDS
    assert [answer for answer in answers if answer not in (WORDS, None)] == []


class Gateway:
    """A box before a serial line: it hands out what the line said late, on whatever connection there is."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.late: list[bytes] = []
        self.requests: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while request := connection.recv(12):
            self.requests.append(request)
            value = int.from_bytes(request[8:10], "big")  # every register holds its own address
            words = b"".join(n.to_bytes(2, "big") for n in range(value, value + len(WORDS)))
            answer = request[:4] + b"\0\7" + request[6:8] + b"\4" + words
            if len(self.requests) == 2:
                self.late.append(answer)
                continue
            for late in self.late:
                connection.sendall(late)
                time.sleep(0.03)  # alone in its packet
            self.late.clear()
            connection.sendall(answer)


@pytest.fixture
def box() -> Any:
    gateway = Gateway()
    yield gateway
    gateway.listener.close()


async def test_an_answer_to_a_former_request_is_known_for_one_after_a_new_connection_too(box: Any) -> None:
    """Both questions have the same unit, function and length: only the transaction tells them apart."""
    async with link_to(box) as link:
        await read(link)
        hurry(link)
        with pytest.raises(SilentError):
            await read(link, 10)
        with pytest.raises(DesyncError):
            await read(link, 20)
        assert await read(link, 30) == [30, 31]
    numbers = [request[:2] for request in box.requests]
    assert len(set(numbers)) == len(numbers), "no connection begins its count again"


async def test_the_count_of_transactions_goes_round(hub: Any, either: str) -> None:
    async with link_to(hub) as link:
        inside(link)._transaction = {"pymodbus": 64_998, "ours": 65_533}[either]
        for _ in range(4):
            await read(link)
        link.close()
        await read(link)
    numbers = [int.from_bytes(request[:2], "big") for request in hub.requests]
    assert len(set(numbers)) == 5
    assert numbers[0] > 60_000
    assert all(0 < number <= 0xFFFF for number in numbers)


async def test_two_processes_do_not_begin_at_the_same_transaction(hub: Any) -> None:
    """An agent that restarts meets the answers that its forerunner did not wait for."""
    for drawn in (0.25, 0.75):
        link = tcp_link(hub.port, random=lambda drawn=drawn: drawn)  # type: ignore[misc]
        await read(link)
        link.close()
    assert hub.requests[0][:2] != hub.requests[1][:2]
