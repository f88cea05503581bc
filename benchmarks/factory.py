"""A factory to be measured: a broker, machines, a receiver and one agent, each a process of its own."""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from simulators.crowd_server import address_of

SITE, GATEWAY = "bench", "gw1"
_PATIENCE_S: Final = 120.0
_ENDPOINTS_A_SERVER: Final = {"ours": 5_000, "libmodbus": 480}
"""By make. Each takes two descriptors of its server, and libmodbus bears no more than 1,024."""


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be measured."""

    machines: int
    units: int
    """Machines behind one endpoint."""
    profile: str
    """A profile's name, or the path of its file."""
    make: str = "ours"
    """Who made the machines' server: ours (simulators.crowd_server) or libmodbus (peer/crowd.c)."""
    period_ms: int
    grid_ms: int
    seconds: float
    settle_s: float
    """How long the agent runs before the measurement begins."""
    boundary_s: float
    """When in the measurement a boundary of the grid comes."""


class Child:
    """A process, and what it has used so far."""

    def __init__(self, name: str, arguments: Sequence[str], directory: Path, **environment: str) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments, stdout=log, stderr=log, cwd=directory, env={**os.environ, **environment}
            )
        self.pid = self._process.pid

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status_kb(self, field: str) -> int:
        """VmRSS: resident now; VmHWM: at most so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        return 0

    def written_bytes(self) -> int:
        """What it made the disk write, pages that were dropped before not counted."""
        for line in Path(f"/proc/{self.pid}/io").read_text("ascii").splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        return 0

    def says(self, text: str) -> None:
        """Returns when ``text`` stands in its log. Raises TimeoutError."""
        deadline = time.monotonic() + _PATIENCE_S
        while text not in self.log.read_text("utf-8", "replace"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} did not say {text!r}: {self.log.read_text('utf-8')[-2000:]}")
            time.sleep(0.02)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> tuple[float, int]:
        """How long it took to end after SIGTERM, in s, and its exit code."""
        began = time.monotonic()
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return time.monotonic() - began, code


class Factory(Struct, frozen=True, kw_only=True):
    directory: Path
    broker: Child
    servers: tuple[Child, ...]
    receiver: Child
    broker_port: int
    machines_port: int
    boundary_ms: int
    """When a boundary of the grid comes, UTC ms."""
    ahead_ms: int
    """Plant time, which puts it there, less real time."""

    @property
    def notes(self) -> list[Path]:
        return [self.directory / f"{server.name}.notes" for server in self.servers]

    @property
    def seen(self) -> Path:
        return self.directory / "receiver.json"


@contextmanager
def open_factory(plan: Plan, directory: Path) -> Iterator[Factory]:
    """Everything but the agent."""
    with contextlib.ExitStack() as stack:

        def child(name: str, *arguments: str) -> Child:
            started = Child(name, arguments, directory)
            stack.callback(started.stop)
            return started

        port = _free_port()
        (directory / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_queued_messages 100000\n"
        )
        broker = child("mosquitto", _program("mosquitto"), "-c", str(directory / "mosquitto.conf"))
        _answers(port)
        servers, machines_port = [], _free_port()
        each = _ENDPOINTS_A_SERVER[plan.make] * plan.units
        serve = (
            [sys.executable, "-m", "simulators.crowd_server"]
            if plan.make == "ours"
            else [compiled_crowd(directory)]
        )
        for number, first in enumerate(range(0, plan.machines, each)):
            name = f"machines-{number}"
            servers.append(
                child(
                    *(
                        name,
                        *serve,
                        "--machines",
                        str(min(each, plan.machines - first)),
                        "--first",
                        str(first),
                    ),
                    *("--units", str(plan.units), "--port", str(machines_port), "--notes", f"{name}.notes"),
                )
            )
        receiver = child(
            *("receiver", sys.executable, "-m", "benchmarks.receiver"),
            *(str(port), SITE, GATEWAY, str(directory / "receiver.json")),
        )
        for server in servers:
            server.says("serve on port")
        boundary_ms, ahead_ms = write_site(plan, directory / "site.toml", broker=port, machines=machines_port)
        yield Factory(
            directory=directory,
            broker=broker,
            servers=tuple(servers),
            receiver=receiver,
            broker_port=port,
            machines_port=machines_port,
            boundary_ms=boundary_ms,
            ahead_ms=ahead_ms,
        )


def write_site(plan: Plan, path: Path, *, broker: int, machines: int) -> tuple[int, int]:
    """When a boundary of the grid comes (UTC ms), and by how much plant time is ahead of real time."""
    endpoints = -(-plan.machines // plan.units)
    real_ms = time.time_ns() // 1_000_000
    boundary_ms = int((plan.settle_s + plan.boundary_s) * 1000)
    plant_ms = (real_ms // plan.grid_ms + 1) * plan.grid_ms - boundary_ms
    text = [
        f'site = "{SITE}"\ngateway = "{GATEWAY}"\narea = "hall"\n[clock]\nreal_ms = {real_ms}',
        f"plant_ms = {plant_ms}\n[poll]\nperiod_ms = {plan.period_ms}\ngrid_ms = {plan.grid_ms}",
        f'[broker]\nport = {broker}\n[outbox]\npath = "outbox.db"',
    ]
    text += [
        f'[[endpoint]]\nname = "e{number:05}"\nhost = "{address_of(number)}"\nport = {machines}'
        for number in range(endpoints)
    ]
    text += [
        f'[[machine]]\nname = "m{number:05}"\nendpoint = "e{number // plan.units:05}"\n'
        f'unit = {number % plan.units + 1}\nprofile = "{plan.profile}"'
        for number in range(plan.machines)
    ]
    path.write_text("\n".join(text))
    return real_ms + boundary_ms, plant_ms - real_ms


class Commits:
    """Counts another process's commits by looking often enough (it commits at most a few times a second)."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._version = self._look()
        self.count = 0

    def _look(self) -> int:
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version

    def look(self) -> None:
        now = self._look()
        self.count += now != self._version
        self._version = now

    def close(self) -> None:
        self._db.close()


def compiled_crowd(directory: Path) -> str:
    """Raises CalledProcessError: ``scripts/peers libmodbus-dev gcc`` installs what it takes."""
    made = directory / "crowd"
    source = Path(__file__).parent / "peer" / "crowd.c"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(made), str(source), "-lmodbus"], check=True)
    return str(made)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: scripts/peers {name}")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("the broker does not answer")
