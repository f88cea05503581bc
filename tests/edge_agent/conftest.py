"""Machines for the agent to read: a small Modbus TCP server over plain sockets, and one on libmodbus.

Neither knows pymodbus, so a misunderstanding of it cannot cancel out.
"""

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.edge_agent.peer.authority import Authority
from tests.edge_agent.peer.machine import Machine as ModbusMachine
from tests.edge_agent.wired import either as either  # noqa: PLC0414  a fixture for all of these tests

PATIENCE_S = 10.0
"""How long a peer waits for the test before it gives up."""


class Hub:
    """A Modbus TCP server with faults. Every request takes the first of ``faults``, if there is one.

    A fault is a callable (request, right answer) -> bytes to send, or None to hang up. All units have the
    same ``words``, in both tables; units in ``silent`` never answer.
    """

    def __init__(self) -> None:
        self.words = [0] * 400
        self.requests: list[bytes] = []
        self.connections = 0
        self.faults: deque[Callable[[bytes, bytes], bytes | None]] = deque()
        self.silent: set[int] = set()
        self.released = threading.Event()
        """What ``late`` waits for."""
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        for opened in (self._listener, *self._open):
            opened.close()

    def hang_up(self) -> None:
        """Close every connection now."""
        for connection in self._open:
            connection.shutdown(socket.SHUT_RDWR)

    @property
    def functions(self) -> set[int]:
        return {request[7] for request in self.requests}

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
            while request := _frame(connection):
                self.requests.append(request)
                if request[6] in self.silent:
                    continue
                fault = self.faults.popleft() if self.faults else _as_it_is
                sent = fault(request, self._answer(request))
                if sent is None:
                    break
                connection.sendall(sent)
        except OSError:
            pass  # the other side is gone, as some tests want it
        finally:
            connection.close()

    def _answer(self, request: bytes) -> bytes:
        address, count = struct.unpack(">HH", request[8:12])
        if address + count > len(self.words):
            return refusal(request, 2)
        words = struct.pack(f">{count}H", *self.words[address : address + count])
        return frame(request, bytes([request[7], len(words)]) + words)

    def late(self, _: bytes, answer: bytes) -> bytes:
        """A fault: the answer comes when the test says so."""
        self.released.wait(PATIENCE_S)
        return answer


def _as_it_is(_: bytes, answer: bytes) -> bytes:
    return answer


def frame(request: bytes, body: bytes) -> bytes:
    return request[:4] + struct.pack(">HB", len(body) + 1, request[6]) + body


def refusal(request: bytes, code: int) -> bytes:
    return frame(request, bytes([request[7] | 0x80, code]))


def _frame(connection: socket.socket) -> bytes:
    """One whole request, or nothing when the client has gone."""
    head = _exactly(connection, 6)
    return head and head + _exactly(connection, int.from_bytes(head[4:6], "big"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            return b""
        data += more
    return data


@pytest.fixture
def hub() -> Iterator[Hub]:
    served = Hub()
    yield served
    served.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Has issued ``server`` for 127.0.0.1 and ``agent``."""
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.issue("server", "IP:127.0.0.1", "DNS:press-4.plant")
    made.issue("agent")
    return made


@pytest.fixture
def machine_of(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], ModbusMachine]]:
    """``machine_of(kind)``: a machine reached over that kind of connection; its ``url`` says where."""
    made: list[ModbusMachine] = []

    def make(kind: str) -> ModbusMachine:
        issued: Authority | None = request.getfixturevalue("authority") if kind == "tls" else None
        machine = ModbusMachine(kind, tmp_path, issued.demanding("server") if issued else None)
        if issued:
            files = issued.directory
            machine.url += f"?ca={files}/ca.pem&cert={files}/agent.pem&key={files}/agent.key"
        made.append(machine)
        return machine

    yield make
    for machine in made:
        machine.close()


@pytest.fixture(scope="session")
def libmodbus_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server of ``peer/serve.c``, compiled."""
    source = Path(__file__).parent / "peer" / "serve.c"
    program = tmp_path_factory.mktemp("peer") / "serve"
    compiler = shutil.which("gcc") or shutil.which("cc")
    made = compiler and subprocess.run(
        [compiler, "-Wall", "-Werror", "-o", str(program), str(source), "-lmodbus"],
        check=False,
        capture_output=True,
        text=True,
    )
    if made and made.returncode == 0:
        return program
    why = made.stderr if made else "there is no C compiler"
    if os.environ.get("CI"):
        pytest.fail(f"libmodbus peer: {why}")
    pytest.skip(f"libmodbus peer: {why}")


@pytest.fixture
def libmodbus(libmodbus_server: Path) -> Iterator[Callable[..., int]]:
    """``libmodbus({address: word})`` serves these words in all tables and returns the port; with a device as
    second argument it serves there, over RTU.
    """
    running: list[subprocess.Popen[str]] = []

    def serve(words: Mapping[int, int], *device: str) -> int:
        child = subprocess.Popen(
            [str(libmodbus_server), *device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(child)
        assert child.stdin
        assert child.stdout
        for address, word in words.items():
            child.stdin.write(f"{address} {word}\n")
        child.stdin.write(".\n")
        child.stdin.flush()
        return int(child.stdout.readline())

    yield serve
    for child in running:
        child.kill()
        child.communicate()


# --- the maps of the domain reference (3.6), laid out by hand ---

STATUS = {
    "power": 0,
    "ready": 1,
    "running": 2,
    "setup": 3,
    "maint": 4,
    "manual": 5,
    "stopped": 6,
    "fault": 7,
    "e_stop": 8,
    "guard_open": 9,
    "slow": 10,
    "order_active": 11,
    "target_reached": 12,
    "test": 13,
    "data_valid": 15,
}


def status_word(*names: str) -> int:
    return sum(1 << STATUS[name] for name in names)


class MapWriter:
    """Lays values out as the machine does: ``put`` a 16-bit word, ``put2`` a 32-bit value."""

    def __init__(self, *, low_first: bool) -> None:
        self.words: dict[int, int] = dict.fromkeys(range(56), 0)
        self._low_first = low_first

    def put(self, address: int, value: int) -> None:
        self.words[address] = value

    def put2(self, address: int, value: int) -> None:
        pair = (value >> 16, value & 0xFFFF)
        self.words[address], self.words[address + 1] = pair[::-1] if self._low_first else pair


def _header(words: MapWriter, status: int, changes: Mapping[str, int]) -> None:
    given = {"serial": 240101, "boots": 7, "uptime": 86_461, "vendor": 3, "stop": 10, "order": 4711} | changes
    words.put2(2, given["serial"])
    words.put2(4, given["boots"])
    words.put2(6, given["uptime"])
    words.put(8, given["uptime"] & 0xFFFF)
    words.put(9, status)
    words.put(12, given["vendor"])
    words.put(13, given["stop"])
    words.put2(16, given["order"])


def knit_words(*bits: str, **changes: int) -> dict[int, int]:
    """Map A. ``bits`` are status bits beside power and data_valid."""
    words = MapWriter(low_first=False)
    words.put(0, 0x4B4E)
    _header(words, status_word("power", "data_valid", *bits), changes)
    for address, value in (
        (20, 1_000_000),
        (22, 70_001),
        (26, 81_250),
        (28, 130),
        (32, 58_500_000),
        (52, 777),
    ):
        words.put2(address, value)
    return words.words


def weld_words(*bits: str, weld_bits: int = 0, **changes: int) -> dict[int, int]:
    """Map B."""
    words = MapWriter(low_first=True)
    words.put(0, 0x5744)
    _header(words, status_word("power", "data_valid", *bits), changes)
    for address, value in ((20, 500_000), (22, 3_000_001), (26, 70_000), (28, 69_000), (30, 600), (32, 400)):
        words.put2(address, value)
    for address, value in ((34, 280_000), (38, 1_234_567), (48, 650_000), (50, 90_000), (52, 123_456)):
        words.put2(address, value)
    words.put(37, weld_bits)
    return words.words


@pytest.fixture
def maps() -> Any:
    """``maps.knit(...)`` and ``maps.weld(...)`` give address to word; ``maps.refusal`` a Modbus exception."""

    class Maps:
        knit = staticmethod(knit_words)
        weld = staticmethod(weld_words)
        status = staticmethod(status_word)
        frame = staticmethod(frame)
        refusal = staticmethod(refusal)

    return Maps


REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def configs() -> Path:
    return REPOSITORY / "configs"
