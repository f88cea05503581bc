"""The shortest poller that one can write with pymodbus and aiomqtt: what the libraries alone cost.

    python -m benchmarks.bare_poller MACHINES PORT PERIOD_MS BROKER_PORT

A task a machine, 54 registers a period in a slot of its own, and a message whenever the status word changes.
"""

import asyncio
import sys

import aiomqtt
from pymodbus.client import AsyncModbusTcpClient

from simulators.crowd_server import address_of

_REGISTERS, _STATUS = 54, 9


async def poll(number: int, machines: int, port: int, period_s: float, broker: aiomqtt.Client) -> None:
    """One machine, for ever."""
    client = AsyncModbusTcpClient(address_of(number), port=port, timeout=1)
    clock = asyncio.get_running_loop().time
    slot, before = clock() + 5 + number * period_s / machines, -1
    await client.connect()
    while True:
        await asyncio.sleep(slot - clock())
        answer = await client.read_holding_registers(0, count=_REGISTERS, device_id=1)
        if not answer.isError() and answer.registers[_STATUS] != before:
            before = answer.registers[_STATUS]
            await broker.publish(f"bare/m{number:05}", str(before), qos=1)
        slot += period_s * max(1, -(-(clock() - slot) // period_s))


async def run(machines: int, port: int, period_ms: int, broker_port: int) -> None:
    async with aiomqtt.Client("127.0.0.1", broker_port) as broker, asyncio.TaskGroup() as group:
        for number in range(machines):
            group.create_task(poll(number, machines, port, period_ms / 1000, broker))


if __name__ == "__main__":
    asyncio.run(run(*map(int, sys.argv[1:5])))
