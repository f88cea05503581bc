"""Faults on the wire of every kind of connection, byte by byte: no value is taken that was not asked for.

Each transport that serves a kind is tried on it: Modbus TCP is ours, and pymodbus speaks it too; the others
are pymodbus's.
"""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from edge_agent.block import Block, Table
from edge_agent.link import DesyncError, LinkError, LinkLostError, SilentError
from edge_agent.modbus import PymodbusTransport
from edge_agent.tcp import TcpTransport
from tests.edge_agent.peer.machine import KINDS, SERIAL, WITHOUT_TRANSACTION, Exchange, Fault, Machine
from tests.edge_agent.wired import chosen, inside, linked

MachineOf = Callable[[str], Machine]
BY_PYMODBUS = "tcp by pymodbus"
SERVED = (*KINDS, BY_PYMODBUS)
every_kind = pytest.mark.parametrize("kind", SERVED)
HERE = Block(Table.HOLDING, 10, 3)
THERE = Block(Table.HOLDING, 200, 3)
"""As long as the other: on a line without transaction ids, their answers look alike."""
PROMPT_S = 5.0
"""Far below the time limit of a patient link: what comes sooner was not waited for."""


@pytest.fixture
def machine_of(machine_of: MachineOf, monkeypatch: pytest.MonkeyPatch) -> MachineOf:
    """Also chooses who reads it."""

    def made(kind: str) -> Machine:
        spoken, _, by = kind.partition(" by ")
        monkeypatch.setitem(chosen, "tcp", by or "ours")
        return machine_of(spoken)

    return made


@every_kind
async def test_each_kind_is_read_by_the_transport_that_serves_it(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)
    async with linked(machine.url) as link:
        assert type(inside(link)) is (TcpTransport if kind == "tcp" else PymodbusTransport)
        assert list(await link.read(HERE, 1)) == words(HERE)


def words(block: Block) -> list[int]:
    return list(range(1000 + block.address, 1000 + block.end))


def sends(change: Callable[[Exchange], bytes]) -> Fault:
    return lambda exchange: exchange.send(change(exchange))


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


GARBAGE = b"\xde\xad\xbe\xef" * 256
FOREIGN: dict[str, Fault] = {
    "another unit": sends(lambda e: e.wrap(e.pdu, unit=e.request.unit + 1)),
    "another function": sends(lambda e: e.wrap(b"\4" + e.pdu[1:])),
    "a refusal to write": sends(lambda e: e.wrap(b"\x90\2")),
    "a word too few": sends(lambda e: e.wrap(b"\3\4" + e.pdu[2:6])),
    "a word too many": sends(lambda e: e.wrap(b"\3\x08" + e.pdu[2:] + b"\0\0")),
    "an odd length": sends(lambda e: e.wrap(b"\3\5" + e.pdu[2:7])),
    "a length that lies": sends(lambda e: e.wrap(b"\3\x60" + e.pdu[2:])),
    "garbage before it": sends(lambda e: b"\xde\xad\xbe\xef" + e.right),
    "garbage behind it": sends(lambda e: e.right + b"\xde\xad\xbe\xef"),
    "a kilobyte before it": sends(lambda e: GARBAGE + e.right),
    "a kilobyte behind it": sends(lambda e: e.right + GARBAGE),
    "the answer twice": sends(lambda e: e.right + e.right),
    "a whole page of zeros": sends(lambda _: bytes(4096)),
}
CHECKED: dict[str, Fault] = {
    "a wrong checksum": sends(lambda e: e.right[:-3] + flipped(e.right[-3:], 0)),
    "a wrong value under a right checksum's eyes": sends(lambda e: flipped(e.right, 7)),
}
NUMBERED: dict[str, Fault] = {
    "another transaction": sends(lambda e: flipped(e.right, 1)),
    "transaction 0": sends(lambda e: b"\0\0" + e.right[2:]),
    "another protocol": sends(lambda e: flipped(e.right, 3)),
}
CASES = [
    pytest.param(kind, fault, id=f"{kind}: {name}")
    for kind in SERVED
    for name, fault in (FOREIGN | (CHECKED if kind in WITHOUT_TRANSACTION else NUMBERED)).items()
]


@pytest.mark.parametrize(("kind", "fault"), CASES)
async def test_what_was_not_asked_for_is_told_at_once_and_the_next_answer_is_right(
    machine_of: MachineOf, kind: str, fault: Fault
) -> None:
    machine = machine_of(kind)
    machine.faults.append(fault)
    async with linked(machine.url, timeout_s=30) as link:
        began = time.monotonic()
        with pytest.raises(DesyncError):
            await link.read(HERE, 1)
        assert time.monotonic() - began < PROMPT_S
        assert list(await link.read(THERE, 1)) == words(THERE)
        assert list(await link.read(HERE, 1)) == words(HERE)


@every_kind
async def test_silence_is_told_when_the_time_is_over(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)
    machine.silent = {7}
    async with linked(machine.url, timeout_s=0.2) as link:
        await link.read(HERE, 1)
        began = time.monotonic()
        with pytest.raises(SilentError, match=r"0\.2 s"):
            await link.read(HERE, 7)
        assert time.monotonic() - began >= 0.2
        assert list(await link.read(THERE, 1)) == words(THERE)


@every_kind
async def test_a_shorter_limit_holds_for_one_question(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)
    machine.silent = {7}
    async with linked(machine.url, timeout_s=20) as link:
        await link.read(HERE, 1)
        began = time.monotonic()
        with pytest.raises(SilentError, match=r"0\.1 s"):
            await inside(link).ask(HERE, 7, 0.1)
        assert 0.1 <= time.monotonic() - began < PROMPT_S
        inside(link).close()

        def slow(exchange: Exchange) -> None:
            time.sleep(0.3)
            exchange.send(exchange.right)

        machine.faults.append(slow)
        assert list(await link.read(THERE, 1)) == words(THERE)


@every_kind
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
async def test_an_answer_that_stops_midway_is_silence_and_its_rest_answers_nothing(
    machine_of: MachineOf, kind: str, part: float
) -> None:
    machine = machine_of(kind)
    rest: list[Callable[[], None]] = []

    def stop(exchange: Exchange) -> None:
        at = max(1, int(part * len(exchange.right)))
        exchange.send(exchange.right[:at])
        rest.append(lambda: exchange.send(exchange.right[at:]))

    async with linked(machine.url, timeout_s=0.2) as link:
        await link.read(HERE, 1)
        machine.faults.append(stop)
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
        rest[0]()
        assert list(await within(link.read, THERE)) == words(THERE)


@every_kind
async def test_a_peer_that_hangs_up_midway_is_lost_at_once(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)

    def cut(exchange: Exchange) -> None:
        exchange.send(exchange.right[:5])
        machine.hang_up()

    machine.faults.append(cut)
    async with linked(machine.url, timeout_s=30) as link:
        began = time.monotonic()
        with pytest.raises(LinkLostError):
            await link.read(HERE, 1)
        assert time.monotonic() - began < PROMPT_S
        assert list(await link.read(THERE, 1)) == words(THERE)


@every_kind
async def test_a_drip_slower_than_the_time_limit_is_silence_in_time(machine_of: MachineOf, kind: str) -> None:
    """The limit is for the whole answer: a byte now and then does not prolong it."""
    machine = machine_of(kind)

    def drip(exchange: Exchange) -> None:
        for byte in exchange.right:
            exchange.send(bytes([byte]))
            time.sleep(0.1)

    async with linked(machine.url, timeout_s=0.3) as link:
        await link.read(HERE, 1)
        machine.faults.append(drip)
        began = time.monotonic()
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
        assert time.monotonic() - began < 1.0


@every_kind
async def test_a_late_answer_never_answers_the_next_question(machine_of: MachineOf, kind: str) -> None:
    """Whenever it comes: here, together with the next question's own."""
    machine = machine_of(kind)
    late: list[bytes] = []

    def hold(exchange: Exchange) -> None:
        late.append(exchange.right)

    def hand_out(exchange: Exchange) -> None:
        exchange.send(late.pop())
        time.sleep(0.02)  # alone in its packet
        exchange.send(exchange.right)

    async with linked(machine.url, timeout_s=0.1) as link:
        await link.read(HERE, 1)
        machine.faults.extend([hold, hand_out])
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
        for _ in range(3):
            try:
                assert list(await link.read(THERE, 1)) == words(THERE)
            except LinkError:
                continue
        assert list(await within(link.read, THERE)) == words(THERE)
    assert not late


@pytest.mark.parametrize("kind", WITHOUT_TRANSACTION)
async def test_a_late_answer_that_comes_while_the_line_settles_costs_the_neighbours_nothing(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)

    def late(exchange: Exchange) -> None:
        threading.Timer(0.45, exchange.send, [exchange.right]).start()

    def slow(exchange: Exchange) -> None:
        time.sleep(0.25)
        exchange.send(exchange.right)

    async with linked(machine.url, timeout_s=0.4, settle_s=0.5) as link:
        await link.read(HERE, 1)
        machine.faults.extend([late, slow])
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
        assert list(await link.read(HERE, 2)) == words(HERE)
        assert [frame.unit for frame in machine.requests] == [1, 1, 2]


@pytest.mark.parametrize("kind", sorted(SERIAL))
async def test_an_adapter_that_hears_what_it_sends(machine_of: MachineOf, kind: str) -> None:
    """In one piece with the answer, and in single bytes."""
    machine = machine_of(kind)

    def drip(exchange: Exchange) -> None:
        for byte in exchange.request.raw + exchange.right:
            exchange.send(bytes([byte]))

    async with linked(f"{machine.url}&echo=1", timeout_s=5) as link:
        for fault in (sends(lambda e: e.request.raw + e.right), drip):
            machine.faults.append(fault)
            assert list(await link.read(HERE, 1)) == words(HERE)
        machine.faults.append(sends(lambda e: flipped(e.request.raw, 3) + e.right))
        with pytest.raises(DesyncError, match="somebody else speaks"):
            await link.read(HERE, 1)
        machine.faults.extend([sends(lambda e: e.request.raw + e.right)] * 2)
        assert list(await link.read(THERE, 1)) == words(THERE)


@pytest.mark.parametrize("kind", WITHOUT_TRANSACTION)
@pytest.mark.parametrize("between_s", [0.0, 0.05])
async def test_of_a_single_register_two_answers_are_noticed_though_there_is_no_shorter_question(
    machine_of: MachineOf, kind: str, between_s: float
) -> None:
    machine = machine_of(kind)
    one, other = Block(Table.HOLDING, 10, 1), Block(Table.HOLDING, 200, 1)
    late: list[bytes] = []

    def hand_out(exchange: Exchange) -> None:
        exchange.send(late.pop())
        time.sleep(between_s)
        exchange.send(exchange.right)

    async with linked(machine.url, timeout_s=0.2) as link:
        await link.read(one, 1)
        machine.faults.extend([lambda exchange: late.append(exchange.right), hand_out])
        with pytest.raises(SilentError):
            await link.read(one, 1)
        with pytest.raises(DesyncError):
            await link.read(other, 1)
        assert list(await link.read(other, 1)) == words(other)


@pytest.mark.parametrize("kind", WITHOUT_TRANSACTION)
async def test_a_machine_that_does_not_answer_for_a_part_is_read_again_too(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)

    def only_whole(exchange: Exchange) -> None:
        if exchange.request.span == (HERE.address, HERE.count):
            exchange.send(exchange.right)

    async with linked(machine.url, timeout_s=0.1) as link:
        await link.read(HERE, 1)
        machine.faults.extend([lambda _: None, *[only_whole] * 10])
        assert list(await within(link.read, HERE, attempts=4)) == words(HERE)


@every_kind
async def test_an_answer_that_comes_while_nobody_asks_answers_nothing(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)
    late: list[Callable[[], None]] = []
    async with linked(machine.url, timeout_s=0.1) as link:
        await link.read(HERE, 1)
        machine.faults.append(lambda exchange: late.append(lambda: exchange.send(exchange.right)))
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
        late[0]()
        await asyncio.sleep(0.05)
        assert list(await within(link.read, THERE)) == words(THERE)


@every_kind
async def test_what_came_while_the_agent_was_busy_with_something_else_answers_nothing(
    machine_of: MachineOf, kind: str
) -> None:
    """It lies in a buffer and would be read right after the question was sent."""
    machine = machine_of(kind)
    answers: list[bytes] = []

    def keep(exchange: Exchange) -> None:
        answers.append(exchange.right)
        exchange.send(exchange.right)

    machine.faults.append(keep)
    async with linked(machine.url, timeout_s=2) as link:
        await link.read(HERE, 1)
        machine.send(answers[0])
        time.sleep(0.05)  # noqa: ASYNC251  busy
        assert list(await within(link.read, THERE)) == words(THERE)


@pytest.mark.parametrize("kind", ["tcp", BY_PYMODBUS, "tls"])
async def test_who_speaks_unasked_where_questions_have_numbers_is_hung_up_on(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)
    async with linked(machine.url, timeout_s=2) as link:
        await link.read(HERE, 1)
        machine.send(b"\0\1\0\0\0\6\1\3\4\0\1\0\2")
        await asyncio.sleep(0.05)
        assert not inside(link).connected
        assert list(await link.read(THERE, 1)) == words(THERE)
    assert machine.connections == 2


@every_kind
async def test_a_second_answer_is_not_the_next_questions(machine_of: MachineOf, kind: str) -> None:
    """It comes while nobody asks, and another one together with the next question's own."""
    machine = machine_of(kind)
    first: list[bytes] = []

    def twice(exchange: Exchange) -> None:
        exchange.send(exchange.right)
        time.sleep(0.05)
        exchange.send(exchange.right)
        first.append(exchange.right)

    async with linked(machine.url, timeout_s=1) as link:
        machine.faults.extend([twice, lambda exchange: exchange.send(first[0])])
        assert list(await link.read(HERE, 1)) == words(HERE)
        await asyncio.sleep(0.2)
        with pytest.raises(LinkError):
            await link.read(THERE, 1)
        assert list(await within(link.read, THERE)) == words(THERE)


@every_kind
async def test_a_cancelled_question_leaves_nothing_behind_that_answers_the_next(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)
    machine.faults.append(machine.late)
    async with linked(machine.url, timeout_s=1) as link:
        reading = asyncio.create_task(_read(link.read, HERE))
        while not machine.requests:  # noqa: ASYNC110  the peer is a thread, it sets no asyncio event
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        machine.released.set()
        # Its answer meets the next connection, that one's meets the next: each is turned away, none is taken.
        assert list(await within(link.read, THERE, attempts=20)) == words(THERE)


@every_kind
async def test_closing_fails_the_read_under_way(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)
    machine.faults.append(machine.late)
    async with linked(machine.url, timeout_s=30) as link:
        reading = asyncio.create_task(_read(link.read, HERE))
        while not machine.requests:  # noqa: ASYNC110  likewise
            await asyncio.sleep(0)
        link.close()
        with pytest.raises(LinkLostError, match="closed"):
            await reading
        assert not inside(link).connected


Read = Callable[[Block, int], object]


async def _read(read: "Read", block: Block) -> object:
    return await read(block, 1)  # type: ignore[misc]


async def within(read: "Read", block: Block, attempts: int = 3) -> list[int]:
    """The first answer: a fault may cost a read, never make one wrong."""
    errors = []
    for _ in range(attempts):
        try:
            return list(await read(block, 1))  # type: ignore[misc, call-overload]
        except LinkError as error:
            errors.append(error)
    raise AssertionError(f"no answer: {errors}")
