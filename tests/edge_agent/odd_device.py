"""A Modbus TCP device with manners of its own, over plain sockets: what scan, probe and profile are tried on.

It knows nothing of pymodbus, nor of what the agent makes of its answers.
"""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

TABLES: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
Unit = Mapping[str, Mapping[int, int]]
"""Address to value by table; a table that is not there is an unknown function."""


class OddDevice:
    """``units``: what is behind which unit id; others are silent, or answered as ``elsewhere`` says."""

    def __init__(self, units: Mapping[int, Unit], *, limit: int = 125, too_many: int = 3) -> None:
        self.units = dict(units)
        self.limit, self.too_many = limit, too_many
        self.elsewhere: int | None = None
        """The exception for unit ids that are not there; None for silence."""
        self.shy = False
        """Silent, instead of exception 2, where it has no address."""
        self.deaf = False
        """Every unit id means the first unit."""
        self.busy = 0
        """So many requests get exception 6 first."""
        self.requests: list[tuple[int, int, int, int]] = []
        """Unit, function, address, count."""
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def close(self) -> None:
        for opened in (self._listener, *self._open):
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while len(request := connection.recv(260)) == 12:  # one whole request: nobody may send the next
                answer = self._answer(request)
                if answer is not None:
                    head = request[:4] + struct.pack(">HB", len(answer) + 1, request[6])
                    connection.sendall(head + answer)
        except OSError:
            pass  # the other side is gone
        finally:
            connection.close()

    def _answer(self, request: bytes) -> bytes | None:
        unit, function, address, count = struct.unpack(">BBHH", request[6:])
        self.requests.append((unit, function, address, count))
        if self.busy:
            self.busy -= 1
            return bytes([function | 0x80, 6])
        there = next(iter(self.units.values())) if self.deaf else self.units.get(unit)
        if there is None:
            return None if self.elsewhere is None else bytes([function | 0x80, self.elsewhere])
        table = there.get(TABLES[function])
        if table is None:
            return bytes([function | 0x80, 1])
        if count > self.limit:
            return bytes([function | 0x80, self.too_many])
        if any(at not in table for at in range(address, address + count)):
            return None if self.shy else bytes([function | 0x80, 2])
        return self._values(function, [table[at] for at in range(address, address + count)])

    def _values(self, function: int, values: list[int]) -> bytes:
        if function > 2:
            return struct.pack(f">BB{len(values)}H", function, 2 * len(values), *values)
        packed = bytearray((len(values) + 7) // 8)
        for at, value in enumerate(values):
            packed[at // 8] |= value << at % 8
        return bytes([function, len(packed), *packed])


@contextmanager
def odd_device(units: Mapping[int, Unit], *, limit: int = 125, too_many: int = 3) -> Iterator[OddDevice]:
    device = OddDevice(units, limit=limit, too_many=too_many)
    try:
        yield device
    finally:
        device.close()
