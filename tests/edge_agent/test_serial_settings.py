"""Speed, parity, stop bits and data bits of an endpoint reach the serial port.

The port is a pseudo terminal. What the agent asks of the kernel is seen at the system call; what the kernel
then says of the line is read at its other end. A pseudo terminal has speed and stop bits, but no parity and
always eight bits, and the C library calls what a line did not take an invalid argument: so much is kept back.
"""

import os
import pty
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge_agent.config import load
from edge_agent.links import link_to
from edge_agent.modbus import PymodbusTransport
from tests.edge_agent.wired import inside

CFLAG, ISPEED, OSPEED = 2, 4, 5
"""Places in what termios gives and takes."""


class Line(NamedTuple):
    scheme: str
    query: str
    baud: int
    parity: str
    stop_bits: int
    data_bits: int


LINES = [
    Line("rtu", "baud=2400&parity=N", 2_400, "N", 1, 8),
    Line("rtu", "baud=9600&parity=N", 9_600, "N", 1, 8),
    Line("rtu", "baud=9600&parity=N&stop=2", 9_600, "N", 2, 8),
    Line("rtu", "baud=19200&parity=E", 19_200, "E", 1, 8),
    Line("rtu", "baud=38400&parity=O", 38_400, "O", 1, 8),
    Line("rtu", "baud=57600&parity=E&stop=2", 57_600, "E", 2, 8),
    Line("rtu", "baud=115200&parity=N", 115_200, "N", 1, 8),
    Line("ascii", "baud=9600&parity=E&bits=7", 9_600, "E", 1, 7),
    Line("ascii", "baud=9600&parity=O&bits=7&stop=2", 9_600, "O", 2, 7),
    Line("ascii", "baud=4800&parity=N&bits=8", 4_800, "N", 1, 8),
]
SITE = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[outbox]
path = "outbox.db"

[[endpoint]]
name = "bus"
url = "{scheme}://{port}?{query}"

[[machine]]
name = "knit-01"
endpoint = "bus"
profile = "knit-flat"
"""


@pytest.fixture
def cable() -> Iterator[tuple[str, int]]:
    """A serial port by its path, and the other end of its line."""
    other, port = pty.openpty()
    yield os.ttyname(port), other
    os.close(other)
    os.close(port)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """Every setting that is asked of the kernel; it gets what a pseudo terminal can have of it."""
    found: list[list[Any]] = []
    really = termios.tcsetattr

    def seen(port: int, when: int, settings: list[Any]) -> None:
        found.append(list(settings))
        held = settings[CFLAG] & ~(termios.PARENB | termios.CSIZE) | termios.CS8
        really(port, when, [*settings[:CFLAG], held, *settings[CFLAG + 1 :]])

    monkeypatch.setattr(termios, "tcsetattr", seen)
    return found


def parity_of(flags: int) -> str:
    return "N" if not flags & termios.PARENB else "O" if flags & termios.PARODD else "E"


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.scheme}: {line.query}")
async def test_what_stands_in_the_site_s_file_is_what_the_line_is_set_to(
    line: Line, cable: tuple[str, int], asked: list[list[Any]], tmp_path: Path
) -> None:
    port, other = cable
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(scheme=line.scheme, port=port, query=line.query), "utf-8")
    (endpoint,) = load(file).endpoints
    link = link_to(endpoint)
    transport = inside(link)
    assert isinstance(transport, PymodbusTransport)
    await transport.connect()
    try:
        speed = getattr(termios, f"B{line.baud}")
        last = asked[-1]
        assert (last[ISPEED], last[OSPEED]) == (speed, speed)
        assert parity_of(last[CFLAG]) == line.parity
        assert 1 + bool(last[CFLAG] & termios.CSTOPB) == line.stop_bits
        assert last[CFLAG] & termios.CSIZE == {7: termios.CS7, 8: termios.CS8}[line.data_bits]
        kept = termios.tcgetattr(other)
        assert (kept[ISPEED], kept[OSPEED]) == (speed, speed)
        assert 1 + bool(kept[CFLAG] & termios.CSTOPB) == line.stop_bits
    finally:
        link.close()


async def test_another_endpoint_on_the_same_port_sets_it_anew(cable: tuple[str, int], tmp_path: Path) -> None:
    """A port keeps what the last program set: nothing of that may be left to chance."""
    port, other = cable
    both = {"baud=9600&parity=N&stop=2": (termios.B9600, 2), "baud=19200&parity=N": (termios.B19200, 1)}
    for query, settings in both.items():
        file = tmp_path / "site.toml"
        file.write_text(SITE.format(scheme="rtu", port=port, query=query), "utf-8")
        link = link_to(load(file).endpoints[0])
        await inside(link).connect()
        kept = termios.tcgetattr(other)
        link.close()
        assert (kept[OSPEED], 1 + bool(kept[CFLAG] & termios.CSTOPB)) == settings
