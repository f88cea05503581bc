"""A machine that cannot be reached is told apart from units that are silent, with what to do next."""

import contextlib
import errno
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.__main__ import main
from edge_agent.address import parse
from edge_agent.connecting import told, unreached
from edge_agent.link import (
    DesyncError,
    LinkError,
    LinkLostError,
    NoConnectionError,
    RefusedError,
    SilentError,
    Unreached,
)
from edge_agent.next_step import next_step

TCP = "tcp://192.0.2.20:502"
LINE = "rtu:///dev/ttyUSB0?baud=9600&parity=N"
BYTES = "rtu+tcp://192.0.2.20:4001"
NO = {each: NoConnectionError(TCP, "x", each) for each in Unreached}

STEPS: list[tuple[LinkError, str, str]] = [
    (NO[Unreached.REFUSED], TCP, "nothing takes port 502"),
    (NO[Unreached.NOBODY], TCP, "`ping 192.0.2.20`"),
    (NO[Unreached.NO_WAY], TCP, "`ip route get 192.0.2.20`"),
    (NO[Unreached.NO_NAME], TCP, "write the address in numbers"),
    (NO[Unreached.HUNG_UP], TCP, "allow one connection"),
    (NO[Unreached.HUNG_UP], TCP, "another Modbus: rtu+tcp:// or tls://"),
    (NO[Unreached.HUNG_UP], BYTES, "another Modbus: tcp:// or ascii+tcp://"),
    (NO[Unreached.HUNG_UP], BYTES.replace("rtu", "ascii"), "another Modbus: tcp:// or rtu+tcp://"),
    (NO[Unreached.CERTIFICATES], "tls://192.0.2.20", "docs/endpoints.md"),
    (NO[Unreached.NO_PORT], LINE, "/dev/serial/by-id/"),
    (NO[Unreached.NOT_ALLOWED], LINE, "adduser $USER dialout"),
    (NO[Unreached.TAKEN], LINE, "fuser /dev/ttyUSB0"),
    (NO[Unreached.OTHERWISE], LINE, ""),
    (LinkLostError("the peer closed the connection"), TCP, "allow one connection"),
    (SilentError("no answer within 1 s"), TCP, "the connection stands, and there is no answer"),
    (SilentError("no answer within 1 s"), LINE, "parity and stop bits as at the machine"),
    (SilentError("no answer within 1 s"), BYTES, "or is it tcp:// or ascii+tcp://"),
    (RefusedError(2), TCP, ""),
    (DesyncError("late"), TCP, ""),
]
CAUSES: list[tuple[BaseException, Unreached]] = [
    (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Unreached.REFUSED),
    (OSError(errno.EHOSTUNREACH, "x"), Unreached.NO_WAY),
    (OSError(errno.ENETUNREACH, "x"), Unreached.NO_WAY),
    (TimeoutError(errno.ETIMEDOUT, "x"), Unreached.NOBODY),
    (ConnectionResetError(errno.ECONNRESET, "x"), Unreached.HUNG_UP),
    (socket.gaierror(socket.EAI_NONAME, "x"), Unreached.NO_NAME),
    (ssl.SSLError(1, "x"), Unreached.CERTIFICATES),
    (ssl.SSLCertVerificationError(1, "x"), Unreached.CERTIFICATES),
    (FileNotFoundError(errno.ENOENT, "x"), Unreached.NO_PORT),
    (PermissionError(errno.EACCES, "x"), Unreached.NOT_ALLOWED),
    (OSError(errno.EBUSY, "x"), Unreached.TAKEN),
    (BlockingIOError(errno.EAGAIN, "x"), Unreached.TAKEN),
    (OSError("x"), Unreached.OTHERWISE),
    (ValueError("x"), Unreached.OTHERWISE),
]


@pytest.mark.parametrize("case", STEPS, ids=lambda case: f"{type(case[0]).__name__} {case[2][:30]}")
def test_each_trouble_has_its_next_step(case: tuple[LinkError, str, str]) -> None:
    error, url, says = case
    step = next_step(error, parse(url))
    assert says in step
    assert bool(step) == bool(says)
    assert "{" not in step


@pytest.mark.parametrize("case", CAUSES, ids=lambda case: f"{type(case[0]).__name__} {case[1]}")
def test_what_the_system_says_is_sorted(case: tuple[BaseException, Unreached]) -> None:
    assert unreached(case[0]) is case[1]


def test_the_system_s_words_are_told_without_numbers() -> None:
    assert told(FileNotFoundError(errno.ENOENT, "[Errno 2] could not open port")) == os.strerror(errno.ENOENT)
    assert told(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"
    assert told(OSError("cut")) == "cut"


@contextlib.contextmanager
def listening(*, answers: bool) -> Iterator[int]:
    """A port: it hangs up on whoever comes, or never takes anybody in."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        if answers:
            threading.Thread(target=hang_up, args=(server,), daemon=True).start()
            yield port
            server.shutdown(socket.SHUT_RDWR)
            return
        with contextlib.ExitStack() as crowd:
            for _ in range(4):  # until the kernel has no room for more
                waiting = crowd.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
            yield port


def hang_up(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


@pytest.fixture(params=["scan", "probe"])
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    def said(url: str) -> str:
        more = ("--units", "1-3") if request.param == "scan" else ()
        assert main([request.param, url, "--timeout-ms", "300", *more]) == 1
        both = capsys.readouterr()
        assert "no unit answers" not in both.out
        return both.out + both.err

    return said


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp", "tls"])
def test_a_port_that_refuses_is_no_silent_unit(
    say: Callable[[str], str], scheme: str, free_port: Callable[[], int]
) -> None:
    port = free_port()
    said = say(f"{scheme}://127.0.0.1:{port}")
    assert "no connection" in said
    assert "Connection refused" in said
    assert f"nothing takes port {port}" in said


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])
def test_nobody_at_the_address_is_no_silent_unit(say: Callable[[str], str], scheme: str) -> None:
    with listening(answers=False) as port:
        said = say(f"{scheme}://127.0.0.1:{port}")
    assert "no answer within 0.3 s" in said
    assert "`ping 127.0.0.1`" in said


@pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])
def test_a_peer_that_hangs_up_is_no_silent_unit(say: Callable[[str], str], scheme: str) -> None:
    with listening(answers=True) as port:
        said = say(f"{scheme}://127.0.0.1:{port}")
    assert "many gateways allow one connection" in said


def test_a_serial_port_that_is_not_there_is_no_silent_unit(say: Callable[[str], str], tmp_path: Path) -> None:
    said = say(f"rtu://{tmp_path}/ttyUSB9?baud=9600&parity=N")
    assert "No such file or directory" in said
    assert "ls /dev/serial/by-id/" in said


def test_nothing_is_written_where_nothing_was_found(
    tmp_path: Path, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    dump = tmp_path / "dump.json"
    assert main(["scan", f"tcp://127.0.0.1:{free_port()}", "--out", str(dump)]) == 1
    assert f"nothing to write to {dump}" in capsys.readouterr().out
    assert not dump.exists()
