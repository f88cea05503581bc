"""Only function codes 1 to 4 are ever sent: over every kind of connection, by every command, come what may.

Every byte that reaches the machine is looked at, not what the code says that it sends.
"""

import argparse
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from edge_agent.arguments import parser
from edge_agent.block import Block, Table
from edge_agent.link import FUNCTIONS, LinkError
from tests.edge_agent.peer.machine import KINDS, Fault, Machine, hang_up
from tests.edge_agent.wired import linked

MachineOf = Callable[[str], Machine]
FAULTS: list[Fault] = [
    lambda exchange: exchange.send(exchange.right),
    lambda exchange: exchange.send(exchange.wrap(bytes([exchange.request.function | 0x80, 2]))),
    lambda exchange: exchange.send(exchange.wrap(b"\x10\0\0\0\1")),
    lambda exchange: exchange.send(exchange.right * 2),
    lambda exchange: exchange.send(exchange.right[:4]),
    lambda _: None,
    hang_up,
]


def only_reads(machine: Machine) -> None:
    """Each request is a read, and nothing came that is not one of them."""
    assert machine.requests
    assert {frame.function for frame in machine.requests} <= {1, 2, 3, 4}
    assert {len(frame.pdu) for frame in machine.requests} == {5}, "function, address and count"
    assert b"".join(frame.raw for frame in machine.requests) == bytes(machine.raw)


@pytest.mark.parametrize("kind", KINDS)
async def test_over_every_kind_of_connection_whatever_the_machine_does(
    machine_of: MachineOf, kind: str
) -> None:
    machine = machine_of(kind)
    tables = cycle(Table)
    async with linked(machine.url, timeout_s=0.05, settle_s=0.0) as link:
        for fault in FAULTS * 3:
            machine.faults.append(fault)
            for unit in (1, 7):
                try:
                    await link.read(Block(next(tables), 5, 12), unit)
                except LinkError:
                    continue
        machine.faults.clear()
    only_reads(machine)
    assert {frame.function for frame in machine.requests} == {1, 2, 3, 4}


SITE = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[poll]
period_ms = 100

[broker]
host = "127.0.0.1"
port = 1

[outbox]
path = "outbox.db"

[[endpoint]]
name = "bus"
url = "{url}"
timeout_ms = 500

[[machine]]
name = "m-01"
endpoint = "bus"
unit = 1
profile = "knit-flat"
"""

ASKING = {
    "run": ["run", "--config", "site.toml"],
    "probe": ["probe", "--config", "site.toml"],
    "probe of an address": ["probe", "{url}", "--watch", "1", "--every-ms", "100", "--table", "input"],
    "witness": ["witness", "--config", "site.toml", "--machine", "m-01", "--by", "w", "--panel", "pieces=1"],
    "scan": ["scan", "{url}", "--units", "1-2", "--addresses", "0-300", "--pause-ms", "0"],
}
SILENT = {"check", "key", "profile", "resend", "status"}
"""They have no link."""


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize("kind", ["tcp", "rtu"])
def test_by_every_command_that_asks_machines(
    machine_of: MachineOf, tmp_path: Path, kind: str, command: str
) -> None:
    machine = machine_of(kind)
    (tmp_path / "site.toml").write_text(SITE.format(url=machine.url))
    arguments = [part.format(url=machine.url) for part in ASKING[command]]
    child = subprocess.Popen(
        [sys.executable, "-m", "edge_agent", *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        enough = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < enough:
            if command == "run" and len(machine.requests) >= 10:
                child.send_signal(signal.SIGTERM)
                break
            time.sleep(0.02)
        child.wait(60)
    finally:
        child.kill()
        child.wait()
    only_reads(machine)


def test_every_command_was_looked_at() -> None:
    (commands,) = (
        action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    asking = {arguments[0] for arguments in ASKING.values()}
    assert set(commands) == asking | SILENT, "does the new one ask machines?"


def test_there_are_four_functions_and_no_name_of_another_in_the_source() -> None:
    assert sorted(FUNCTIONS.values()) == [1, 2, 3, 4]
    assert set(FUNCTIONS) == set(Table)
    writing = re.compile(r"\b(write_(coil|register)s?|mask_write|readwrite|diag_\w+|report_device)\b")
    source = Path(__file__).parents[2] / "edge_agent"
    found = [
        f"{path}: {hit.group()}" for path in source.glob("*.py") for hit in writing.finditer(path.read_text())
    ]
    assert found == []
