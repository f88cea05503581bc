"""Serves a recording over Modbus TCP from plain sockets, as the device answered and no better."""

import asyncio
import contextlib
import signal
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from simulators.replay import BITS, Recording, answer, recording

_HEAD: Final = 6
"""Bytes before the length counts: transaction 2, protocol 2, length 2."""
_REQUEST: Final = 6
"""Bytes of a read request after them: unit, function, address 2, count 2."""


def load(paths: Sequence[Path]) -> Recording:
    """Raises DumpError, and OSError when a file cannot be read."""
    return recording([(str(path), path.read_bytes()) for path in paths])


async def serve(
    recorded: Recording, address: tuple[str, int], speed: float, ready: Callable[[int], None]
) -> None:
    """Until SIGTERM or SIGINT. ``ready`` is called with the port. Raises OSError if it cannot be had."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    began = loop.time()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(_HEAD)
                body = await reader.readexactly(int.from_bytes(head[4:6], "big"))
                at_ms = int((loop.time() - began) * 1000 * speed)
                writer.write(framed(head, body, recorded, at_ms))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, *address)
    ready(server.sockets[0].getsockname()[1])
    await told.wait()
    server.close()


def framed(head: bytes, body: bytes, recorded: Recording, at_ms: int) -> bytes:
    """The whole answer to a whole request."""
    unit, function = body[0], body[1] if len(body) > 1 else 0
    told: list[int] | int = 1
    if len(body) == _REQUEST:
        told = answer(recorded, (unit, function, *struct.unpack(">HH", body[2:])), at_ms)
    values = bytes([function | 0x80, told]) if isinstance(told, int) else _values(function, told)
    return head[:4] + struct.pack(">HB", len(values) + 1, unit) + values


def _values(function: int, words: list[int]) -> bytes:
    if function in BITS:
        packed = bytearray((len(words) + 7) // 8)
        for place, bit in enumerate(words):
            packed[place // 8] |= (bit & 1) << place % 8
        return bytes([function, len(packed)]) + packed
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
