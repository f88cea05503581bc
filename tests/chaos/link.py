"""A wire between two processes that can be cut, reset, swallowed or slowed: a TCP proxy of the harness."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

from tests.chaos.schedule import DELAY_MS, Kind

_CHUNK: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: the peer gets a reset instead of an end."""


class Link:
    """From a loopback port to ``upstream`` on ``host``. Faults are of one kind at a time."""

    def __init__(self, port: int, upstream: int, host: str = "127.0.0.1") -> None:
        self.port, self._upstream, self._host = port, upstream, host
        self._fault: Kind | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def close(self) -> None:
        """No more listening, and every connection is reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset()

    async def fail(self, kind: Kind) -> None:
        self._fault = kind
        if kind is Kind.REFUSE:
            await self.close()
        elif kind is Kind.RESET:
            self._reset()
        elif kind is Kind.HOLE:
            self._flowing.clear()

    async def heal(self) -> None:
        self._fault = None
        self._flowing.set()
        if self._server is None:
            await self.listen()

    def _reset(self) -> None:
        for writer in self._writers:
            _abort(writer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault in {Kind.RESET, Kind.REFUSE}:
            _abort(writer)
            writer.close()
            return
        try:
            there, upstream = await asyncio.open_connection(self._host, self._upstream)
        except OSError:
            _abort(writer)
            writer.close()
            return
        self._writers |= {writer, upstream}
        try:
            await asyncio.gather(self._pump(reader, upstream), self._pump(there, writer))
        finally:
            for one in (writer, upstream):
                self._writers.discard(one)
                _abort(one)
                one.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flowing.wait()
                if self._fault is Kind.DELAY:
                    await asyncio.sleep(DELAY_MS / 1000)
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


def _abort(writer: asyncio.StreamWriter) -> None:
    wire: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if wire is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
