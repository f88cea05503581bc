"""Serves a crowd over Modbus TCP from one thread and one epoll: some ten microseconds a request.

    python -m simulators.crowd_server --machines 4500 --port 1502

Endpoint 0 listens at 127.1.0.1, the next at 127.1.0.2 and so on, like so many boxes with an address each; its
machines are units 1, 2, 3 ... behind it. Every request is noted with its instant, and on SIGTERM the notes go
into a file (``--notes``): so somebody else than the poller says whether it was on time.
"""

import argparse
import contextlib
import resource
import select
import signal
import socket
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from simulators.crowd import REGISTERS, Member

FIRST_ADDRESS: Final = IPv4Address("127.1.0.1")
FIRST_SERIAL: Final = 250_001
_REQUEST: Final = 12
"""Bytes of a read request: transaction 2, protocol 2, length 2, unit, function, address 2, count 2."""
_EVENTS: Final = 256


def address_of(endpoint: int) -> str:
    return str(FIRST_ADDRESS + endpoint)


class Notes:
    """When which machine was asked: kept in memory, 12 bytes a request."""

    def __init__(self) -> None:
        self.machines, self.instants = array("I"), array("Q")

    def write(self, path: Path) -> None:
        """How many (8 bytes), then the machine of each (4), then the instant of each (8; boot time, us)."""
        with path.open("wb") as file:
            file.write(len(self.machines).to_bytes(8, sys.byteorder))
            self.machines.tofile(file)
            self.instants.tofile(file)


class Box:
    """One endpoint: its machines by unit id, and the number of the first."""

    def __init__(self, first: int, members: Sequence[Member]) -> None:
        self.first, self.members = first, members

    def answer(self, request: bytes, now_s: int) -> bytes:
        """To one whole frame. Modbus exceptions 1 to 3 as the standard has them, 11 for a unit not there."""
        unit, function = request[6], request[7]
        address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
        if not 1 <= unit <= len(self.members):
            return _refusal(request, 11)
        if function not in (3, 4) or len(request) != _REQUEST:
            return _refusal(request, 1)
        if not 1 <= count <= 125:
            return _refusal(request, 3)
        if address + count > REGISTERS:
            return _refusal(request, 2)
        frame = self.members[unit - 1].show(now_s)
        head = request[:4] + (2 * count + 3).to_bytes(2, "big") + request[6:8] + bytes((2 * count,))
        return head + frame[2 * address : 2 * (address + count)]


def _refusal(request: bytes, code: int) -> bytes:
    return request[:4] + b"\0\3" + bytes((request[6], request[7] | 0x80, code))


class Server:
    def __init__(self, boxes: Sequence[Box], port: int, first: int = 0) -> None:
        """``port`` 0 takes a free one; ``first`` is the number of the first endpoint.

        Raises OSError when an address cannot be had.
        """
        self._epoll = select.epoll()
        self._listening: dict[int, tuple[socket.socket, Box]] = {}
        self._talking: dict[int, tuple[socket.socket, Box]] = {}
        self._rest: dict[int, bytes] = {}
        """What came of a frame that is not whole yet."""
        self.notes = Notes()
        self.port = port
        for endpoint, box in enumerate(boxes, first):
            self._listen(address_of(endpoint), box)

    def _listen(self, address: str, box: Box) -> None:
        listener = socket.create_server((address, self.port), backlog=16)
        self.port = listener.getsockname()[1]
        listener.setblocking(False)
        self._listening[listener.fileno()] = listener, box
        self._epoll.register(listener, select.EPOLLIN)

    def serve(self, told: Sequence[int]) -> None:
        """Until a signal has put something into ``told``."""
        while not told:
            for number, _ in self._epoll.poll(0.5, _EVENTS):
                talk = self._talking.get(number)
                if talk is None:
                    self._accept(*self._listening[number])
                else:
                    self._hear(number, *talk)

    def _accept(self, listener: socket.socket, box: Box) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._talking[connection.fileno()] = connection, box
            self._epoll.register(connection, select.EPOLLIN)

    def _hear(self, number: int, connection: socket.socket, box: Box) -> None:
        try:
            data = connection.recv(4096)
            if not data:
                raise ConnectionResetError
            if number in self._rest:
                data = self._rest.pop(number) + data
            for request in self._frames(number, data):
                self._note(box, request)
                connection.send(box.answer(request, int(time.time())))
        except BlockingIOError:
            return
        except OSError:
            self._hang_up(number, connection)

    def _frames(self, number: int, data: bytes) -> Iterator[bytes]:
        """The whole frames in ``data``; what is left waits for more."""
        while len(data) >= _REQUEST:
            length = 6 + int.from_bytes(data[4:6], "big")
            if length > 260:
                raise ConnectionResetError
            if len(data) < length:
                break
            yield data[:length]
            data = data[length:]
        if data:
            self._rest[number] = data

    def _note(self, box: Box, request: bytes) -> None:
        self.notes.machines.append(box.first + request[6] - 1)
        self.notes.instants.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)

    def _hang_up(self, number: int, connection: socket.socket) -> None:
        self._rest.pop(number, None)
        del self._talking[number]
        connection.close()


def boxes_of(machines: int, units: int, first: int = 0) -> list[Box]:
    """``units`` machines behind each endpoint; the first of all has the number ``first``."""
    members = [Member(number, FIRST_SERIAL + number) for number in range(first, first + machines)]
    return [Box(first + at, members[at : at + units]) for at in range(0, machines, units)]


def main() -> int:
    given = _parser().parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: told.append(received))
    try:
        server = Server(
            boxes_of(given.machines, given.units, given.first), given.port, given.first // given.units
        )
    except OSError as error:
        told_why = f"{error}; each endpoint takes two descriptors, and this process has {hard}"
        sys.stderr.write(f"{told_why}\n")
        return 1
    sys.stdout.write(f"{given.machines} machines serve on port {server.port}\n")
    sys.stdout.flush()
    server.serve(told)
    if given.notes:
        server.notes.write(given.notes)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.crowd_server",
        description="Thousands of flat-knitting machines (register map A) for a poller to be measured with.",
        epilog=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--machines", type=int, default=100, metavar="N", help="default 100")
    parser.add_argument("--units", type=int, default=1, metavar="N", help="machines behind an endpoint (1)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first machine (0)")
    parser.add_argument("--port", type=int, default=0, help="of every endpoint (default: a free one)")
    parser.add_argument("--notes", type=Path, metavar="FILE", help="where to write when which was asked")
    return parser


if __name__ == "__main__":
    sys.exit(main())
