"""A machine for the agent to read, over every kind of connection, that misbehaves when it is told to.

It knows neither our code nor pymodbus, so a misunderstanding cannot cancel out.
"""

import contextlib
import os
import pty
import select
import socket
import ssl
import struct
import threading
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tests.edge_agent.peer.speech import Ascii, Frame, Mbap, Rtu, Speech

SPEECHES: dict[str, Speech] = {
    "tcp": Mbap(),
    "tls": Mbap(),
    "rtu+tcp": Rtu(),
    "ascii+tcp": Ascii(),
    "rtu": Rtu(),
    "ascii": Ascii(),
}
KINDS = tuple(SPEECHES)
SERIAL = {"rtu", "ascii"}
WITHOUT_TRANSACTION = ("rtu+tcp", "ascii+tcp", "rtu", "ascii")

PATIENCE_S = 10.0
"""How long a peer waits for the test before it gives up."""


class Exchange:
    """One request, what would be the right answer, and what a fault may do about it."""

    def __init__(self, machine: "Machine", request: Frame) -> None:
        self.machine, self.request = machine, request
        self.pdu = machine.answer(request)

    @property
    def right(self) -> bytes:
        return self.wrap(self.pdu)

    def wrap(self, pdu: bytes, unit: int | None = None) -> bytes:
        return self.machine.speech.wrap(self.request.raw, self.request.unit if unit is None else unit, pdu)

    def send(self, data: bytes) -> None:
        self.machine.send(data)


Fault = Callable[[Exchange], None]


def hang_up(exchange: Exchange) -> None:
    exchange.machine.hang_up()


class Machine:
    """Every request takes the first of ``faults``, if there is one; units in ``silent`` never answer.

    All four tables have the value of ``words`` (for bits: whether it is odd).
    """

    def __init__(self, kind: str, directory: Path, tls: ssl.SSLContext | None = None) -> None:
        self.kind, self.speech, self._tls = kind, SPEECHES[kind], tls
        self.words = list(range(1000, 1400))
        self.requests: list[Frame] = []
        self.raw = bytearray()
        """Every byte that came."""
        self.connections = 0
        self.faults: deque[Fault] = deque()
        self.usual: Fault = _as_it_is
        """What becomes of the others."""
        self.silent: set[int] = set()
        self.released = threading.Event()
        """What ``late`` waits for."""
        self._turn = threading.Lock()
        """Over whichever connection it was asked, it answers one question after the other, as a line does."""
        self._line: socket.socket | _Terminal | None = None
        self._closed = False
        if kind in SERIAL:
            self._path = directory / f"tty-{kind}"
            self._plug_in()
            self.url = f"{kind}://{self._path}?baud=115200&parity=N&bits=8"
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
            self.url = f"{kind}://127.0.0.1:{self.port}"
            threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._closed = True
        self.released.set()
        if self.kind not in SERIAL:
            self._listener.close()
        if self._line is not None:
            self._line.close()

    def hang_up(self) -> None:
        """A connection is closed; a serial port is pulled out and put in again."""
        line, self._line = self._line, None
        if isinstance(line, _Terminal):
            self._plug_in()
            line.close()
        elif line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def send(self, data: bytes) -> None:
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError):  # the other side is gone, as some tests want it
                line.sendall(data)

    def answer(self, request: Frame) -> bytes:
        """The PDU."""
        (address, count), function = request.span, request.function
        if address + count > len(self.words):
            return bytes([function | 0x80, 2])
        words = self.words[address : address + count]
        if function in (1, 2):
            packed = sum((word & 1) << n for n, word in enumerate(words))
            data = packed.to_bytes((count + 7) // 8, "little")
        else:
            data = struct.pack(f">{count}H", *words)
        return bytes([function, len(data)]) + data

    def late(self, exchange: Exchange) -> None:
        """A fault: the answer comes when the test says so."""
        self.released.wait(PATIENCE_S)
        exchange.send(exchange.right)

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
                line = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
            except OSError:  # ssl's errors too: whoever came has no good certificate
                if self._closed:
                    return
                continue
            self._line = line
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _plug_in(self) -> None:
        self._line = _Terminal(self._path)
        threading.Thread(target=self._serve, args=(self._line,), daemon=True).start()

    def _serve(self, line: "socket.socket | _Terminal") -> None:
        self.connections += 1
        heard = b""
        with contextlib.suppress(OSError):
            while more := line.recv(4096):
                self.raw += more
                heard += more
                while frame := self.speech.take(heard):
                    heard = heard[len(frame.raw) :]
                    self.requests.append(frame)
                    if frame.unit not in self.silent:
                        with self._turn:
                            fault = self.faults.popleft() if self.faults else self.usual
                            fault(Exchange(self, frame))
        line.close()


def _as_it_is(exchange: Exchange) -> None:
    exchange.send(exchange.right)


class _Terminal:
    """The machine's end of a pseudo terminal, with as much of a socket's ways as is needed here."""

    def __init__(self, path: Path) -> None:
        self._ours, self._theirs = pty.openpty()
        for end in (self._ours, self._theirs):
            tty.setraw(end)
        self._wake = os.pipe()
        self._gone = False
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._theirs))

    def recv(self, count: int) -> bytes:
        readable, _, _ = select.select([self._ours, self._wake[0]], [], [])
        if self._wake[0] in readable:
            for end in (self._ours, self._theirs, *self._wake):
                os.close(end)
            return b""
        return os.read(self._ours, count)

    def sendall(self, data: bytes) -> None:
        if not self._gone:
            os.write(self._ours, data)

    def close(self) -> None:
        """Done by the thread that reads: nobody else may have been given the numbers meanwhile."""
        if not self._gone:
            self._gone = True
            os.write(self._wake[1], b"!")
