"""A bad line: answers that come at once, late, never, twice or in pieces. Whatever is read is right.

Every register tells its own address and its unit, so that an answer to anything else shows. Late answers come
in the order of their questions, on whatever connection there is then, as a gateway hands them out.
"""

import queue
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edge_agent.block import Block, Table
from edge_agent.link import LinkError
from tests.edge_agent.peer.machine import WITHOUT_TRANSACTION, Exchange, Machine
from tests.edge_agent.wired import linked

MachineOf = Callable[[str], Machine]
LIMIT_S = 0.03
BLOCKS = (
    Block(Table.HOLDING, 10, 3),
    Block(Table.HOLDING, 200, 3),
    Block(Table.HOLDING, 300, 4),
    Block(Table.HOLDING, 7, 1),
    Block(Table.HOLDING, 90, 1),
    Block(Table.INPUT, 10, 3),
)
UNITS = (1, 2)


def right(block: Block, unit: int) -> list[int]:
    return [
        (address + 1000 * unit) ^ (block.table is Table.INPUT) for address in range(block.address, block.end)
    ]


class BadLine:
    """Sends what it is given in the order in which it was given, each after a delay."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self._machine, self._chance = machine, random.Random(seed)
        self._waiting: queue.Queue[tuple[float, bytes] | None] = queue.Queue()
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    def answer(self, exchange: Exchange) -> None:
        address, count = exchange.request.span
        table = Table.HOLDING if exchange.request.function == 3 else Table.INPUT
        words = right(Block(table, address, count), exchange.request.unit)
        data = struct.pack(f">{count}H", *words)
        frame = exchange.wrap(bytes([exchange.request.function, len(data)]) + data)
        fate = self._chance.choices(
            ("at once", "late", "lost", "twice", "cut", "noise"), (60, 20, 8, 5, 4, 3)
        )[0]
        delay = self._chance.uniform(0.5, 3.0) * LIMIT_S if fate == "late" else 0.0
        if fate == "cut":
            frame = frame[: self._chance.randrange(1, len(frame))]
        elif fate == "noise":
            frame = self._chance.randbytes(self._chance.randrange(1, 12))
        elif fate == "twice":
            frame += frame
        if fate != "lost":
            self._waiting.put((delay, frame))

    def close(self) -> None:
        self._waiting.put(None)
        self._carrier.join()

    def _carry(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            time.sleep(waiting[0])
            self._machine.send(waiting[1])


@pytest.fixture
def bad_line(machine_of: MachineOf) -> Iterator[Callable[[str, int], Machine]]:
    lines: list[BadLine] = []

    def make(kind: str, seed: int) -> Machine:
        machine = machine_of(kind)
        lines.append(BadLine(machine, seed))
        machine.usual = lines[-1].answer
        return machine

    yield make
    for line in lines:
        line.close()


@pytest.mark.parametrize("kind", WITHOUT_TRANSACTION)
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_read_over_a_bad_line_is_right(
    bad_line: Callable[[str, int], Machine], kind: str, seed: int
) -> None:
    machine, chance, good = bad_line(kind, seed), random.Random(seed), 0
    async with linked(machine.url, timeout_s=LIMIT_S, settle_s=LIMIT_S / 4) as link:
        for _ in range(60):
            block, unit = chance.choice(BLOCKS), chance.choice(UNITS)
            try:
                words = list(await link.read(block, unit))
            except LinkError:
                continue
            assert words == right(block, unit)
            good += 1
    assert good >= 10
