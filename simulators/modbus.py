"""Serves machines over Modbus TCP with pymodbus. What they answer is computed when it is asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.device import RefusedError, answer
from simulators.records import Address
from simulators.script import Script


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
    port = group[0].machine.port
    server = ModbusTcpServer(_stand_in(), address=(host, port))
    server.context = _Units(group, now_ms)  # type: ignore[assignment]  # all that pymodbus asks of it
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


class _Units:
    """What pymodbus asks for its answers: every unit of one port, each read at its own instant."""

    def __init__(self, group: Iterable[Script], now_ms: Callable[[], int]) -> None:
        self._scripts = {script.machine.unit: script for script in group}
        self._now_ms = now_ms

    async def async_getValues(  # noqa: N802  pymodbus's name
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | ExcCodes:
        script = self._scripts.get(device_id)
        if script is None:
            return ExcCodes.GATEWAY_NO_RESPONSE
        try:
            return answer(script.image(self._now_ms()), func_code, address, count, script.type.most_registers)
        except RefusedError as refused:
            return ExcCodes(refused.code)

    async def async_setValues(  # noqa: N802  likewise
        self, device_id: int, *_: object
    ) -> ExcCodes:
        """Nobody writes to these machines."""
        known = device_id in self._scripts
        return ExcCodes.ILLEGAL_FUNCTION if known else ExcCodes.GATEWAY_NO_RESPONSE


def _stand_in() -> SimDevice:
    """A server wants registers of its own to begin with; nobody is ever shown them."""
    return SimDevice(id=0, simdata=[SimData(0, count=1, values=0, datatype=DataType.REGISTERS)])
