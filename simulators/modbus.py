"""Serves machines over Modbus TCP with pymodbus. Registers are computed when they are read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby
from typing import Final

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.records import Address
from simulators.script import REGISTERS, Script

READS: Final = (3, 4)
"""Holding registers, and the same again as input registers."""


@asynccontextmanager
async def serve(
    scripts: Mapping[str, Script], now_ms: Callable[[], int], host: str = "127.0.0.1"
) -> AsyncIterator[dict[str, Address]]:
    """One server per port group while the context lasts; yields where each machine answers.

    Raises OSError if a port cannot be had.
    """
    async with AsyncExitStack() as stack:
        found: dict[str, Address] = {}
        for group in _groups(scripts.values()):
            port = await stack.enter_async_context(_serve_group(group, now_ms, host))
            found |= {script.machine.name: (host, port, script.machine.unit) for script in group}
        yield found


def _groups(scripts: Iterable[Script]) -> list[list[Script]]:
    ordered = sorted(scripts, key=lambda script: script.machine.group)
    return [list(group) for _, group in groupby(ordered, key=lambda script: script.machine.group)]


@asynccontextmanager
async def _serve_group(group: list[Script], now_ms: Callable[[], int], host: str) -> AsyncIterator[int]:
    devices = [*(_device(script, now_ms) for script in group), _nobody()]
    port = group[0].machine.port
    server = ModbusTcpServer(devices, address=(host, port))
    try:
        await server.serve_forever(background=True)
    except RuntimeError:
        raise OSError(f"cannot listen on {host}:{port}; is the port taken?") from None
    try:
        yield _bound_port(server)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


def _bound_port(server: ModbusTcpServer) -> int:
    listening = server.transport
    if not isinstance(listening, asyncio.Server):
        raise TypeError("pymodbus keeps its listening socket elsewhere in this version")
    port: int = listening.sockets[0].getsockname()[1]
    return port


def _device(script: Script, now_ms: Callable[[], int]) -> SimDevice:
    async def read(
        function: int,
        _start: int,
        _address: int,
        _count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if function not in READS or written is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        registers[:] = script.registers(now_ms())
        return None

    return SimDevice(id=script.machine.unit, simdata=_block(), action=read)


def _nobody() -> SimDevice:
    """Unit ids without a machine: pymodbus would answer exception 4 and log a traceback for each request."""

    async def refuse(*_: object) -> ExcCodes:
        return ExcCodes.GATEWAY_NO_RESPONSE

    return SimDevice(id=0, simdata=_block(), action=refuse)


def _block() -> list[SimData]:
    return [SimData(0, count=REGISTERS, values=0, datatype=DataType.REGISTERS)]
