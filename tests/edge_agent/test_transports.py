"""Every kind of connection reads the same from the same machine, and asks for nothing but values."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from edge_agent.block import Block, Table
from edge_agent.link import LinkLostError, RefusedError
from tests.edge_agent.peer.machine import KINDS, Machine, hang_up
from tests.edge_agent.wired import linked

MachineOf = Callable[[str], Machine]
pytestmark = pytest.mark.parametrize("kind", KINDS)


async def test_all_four_tables_are_read(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)
    async with linked(machine.url) as link:
        assert list(await link.read(Block(Table.HOLDING, 10, 3), 1)) == [1010, 1011, 1012]
        assert list(await link.read(Block(Table.INPUT, 0, 125), 7)) == list(range(1000, 1125))
        assert list(await link.read(Block(Table.COIL, 1, 10), 1)) == [1, 0] * 5
        assert list(await link.read(Block(Table.DISCRETE, 0, 9), 247)) == [0, 1] * 4 + [0]
    assert [(frame.unit, frame.function, *frame.span) for frame in machine.requests] == [
        (1, 3, 10, 3),
        (7, 4, 0, 125),
        (1, 1, 1, 10),
        (247, 2, 0, 9),
    ]
    assert machine.connections == 1


@pytest.mark.parametrize("code", range(1, 12))
async def test_each_exception_is_told_by_its_number_and_the_connection_stays(
    machine_of: MachineOf, kind: str, code: int
) -> None:
    machine = machine_of(kind)
    machine.faults.append(lambda exchange: exchange.send(exchange.wrap(bytes([0x83, code]))))
    async with linked(machine.url) as link:
        with pytest.raises(RefusedError) as refused:
            await link.read(Block(Table.HOLDING, 0, 2), 1)
        assert refused.value.code == code
        assert list(await link.read(Block(Table.HOLDING, 0, 2), 1)) == [1000, 1001]
    assert machine.connections == 1


async def test_a_peer_that_hangs_up_or_is_pulled_out_is_lost_at_once_and_found_again(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)
    machine.faults.append(hang_up)
    async with linked(machine.url, timeout_s=30) as link:
        async with asyncio.timeout(5):
            with pytest.raises(LinkLostError, match="closed"):
                await link.read(Block(Table.HOLDING, 0, 2), 1)
        assert list(await link.read(Block(Table.HOLDING, 5, 2), 1)) == [1005, 1006]
    assert machine.connections == 2


async def test_an_answer_in_single_bytes_is_an_answer(machine_of: MachineOf, kind: str) -> None:
    machine = machine_of(kind)

    def drip(exchange: object) -> None:
        for byte in exchange.right:  # type: ignore[attr-defined]
            machine.send(bytes([byte]))

    machine.faults.append(drip)
    async with linked(machine.url) as link:
        assert list(await link.read(Block(Table.HOLDING, 5, 40), 1)) == list(range(1005, 1045))


async def test_nothing_is_logged(machine_of: MachineOf, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    machine = machine_of(kind)
    machine.faults.append(hang_up)
    async with linked(machine.url) as link:
        with pytest.raises(LinkLostError):
            await link.read(Block(Table.HOLDING, 0, 2), 1)
        await link.read(Block(Table.HOLDING, 0, 2), 1)
    said = [record for record in caplog.records if record.name != "asyncio" or record.levelno > logging.DEBUG]
    assert said == []
