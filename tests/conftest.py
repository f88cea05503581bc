"""Real peers for the tests: Mosquitto and InfluxDB as child processes on loopback ports the kernel chose.

The fixtures are synchronous, so they serve sync and async tests and outlive every event loop. Each pytest
worker has peers of its own. A peer that is not installed skips its tests; where CI is set it fails them.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest

START_S = 20.0
"""How long a peer may take until it answers, on a busy machine."""


def unused_port() -> int:
    """A loopback port that was free a moment ago. Another process may take it: `Peer.start` then fails."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _missing(peer: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{peer} is not installed")
    pytest.skip(f"{peer} is not installed")


def _program(name: str) -> str:
    """Debian puts daemons into /usr/sbin, which is not on every PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or _missing(name)


@dataclass(kw_only=True)
class Peer:
    """A child process that listens on ``port``; ``start`` after ``stop`` or ``kill`` uses the same port."""

    argv: list[str]
    directory: Path
    port: int
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Returns when the port accepts connections. Does nothing when the peer runs."""
        if self.runs:
            return
        with self.log.open("ab") as log:
            self.process = process = subprocess.Popen(self.argv, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + START_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > end:
                self.kill()
                pytest.fail(f"{self.argv[0]} did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 0.5):
            return True
        return False

    def stop(self) -> None:
        """As an administrator would: the peer may finish and save."""
        if self.process is not None and self.runs:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.kill()

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Mosquitto(Peer):
    """Keeps sessions and retained messages over ``stop`` and ``start``; forgets them by ``kill``."""

    def kill(self) -> None:
        super().kill()
        if self.process is not None and self.process.returncode != 0:
            (self.directory / "mosquitto.db").unlink(missing_ok=True)


class Influxd(Peer):
    """InfluxDB 1.x without authentication. Keeps its data whatever happens."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def query(self, text: str, database: str = "") -> bytes:
        """The answer to InfluxQL that may change something, as JSON."""
        form = urllib.parse.urlencode({"q": text, "db": database, "epoch": "ms"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", form, timeout=START_S) as answer:
            body: bytes = answer.read()
            return body

    def write(self, database: str, lines: str) -> None:
        """Line protocol with times in milliseconds."""
        url = f"{self.url}/write?db={database}&precision=ms"
        urllib.request.urlopen(url, lines.encode(), timeout=START_S).close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Call it for a port; each call gives another."""
    return unused_port


MOSQUITTO_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
user {user}
max_queued_messages 100000
persistence true
persistence_location {directory}/
log_dest file {directory}/mosquitto.log
"""


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """`.host`, `.port`, `.stop()`, `.start()`, `.kill()`. A test that stops it starts it again."""
    program = _program("mosquitto")
    directory, port = tmp_path_factory.mktemp("mosquitto"), unused_port()
    conf = directory / "mosquitto.conf"
    conf.write_text(MOSQUITTO_CONF.format(port=port, user=getpass.getuser(), directory=directory))
    peer = Mosquitto(argv=[program, "-c", str(conf)], directory=directory, port=port)
    peer.start()
    yield peer
    peer.stop()


INFLUX_CONF = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{directory}/meta"
[data]
dir = "{directory}/data"
wal-dir = "{directory}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
"""


@pytest.fixture(scope="session")
def start_influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Influxd]]:
    """Starts an InfluxDB 1.x; settings such as ``INFLUXDB_DATA_MAX_VALUES_PER_TAG="3"`` by keyword."""
    peers: list[Influxd] = []

    def start(**settings: str) -> Influxd:
        program = _program("influxd")
        directory, port = tmp_path_factory.mktemp("influxd"), unused_port()
        conf = directory / "influxdb.conf"
        conf.write_text(INFLUX_CONF.format(port=port, rpc=unused_port(), directory=directory))
        argv = [program, "run", "-config", str(conf)]
        argv = ["/usr/bin/env", *(f"{key}={value}" for key, value in settings.items()), *argv]
        peers.append(Influxd(argv=argv, directory=directory, port=port))
        peers[-1].start()
        return peers[-1]

    yield start
    for peer in peers:
        peer.stop()


@pytest.fixture(scope="session")
def influx(start_influxd: Callable[..., Influxd]) -> Influxd:
    """InfluxDB 1.x: `.url`, `.query(text, database)`, and what Mosquitto has."""
    return start_influxd()


@pytest.fixture
def influx_database(influx: Influxd) -> Iterator[str]:
    """The name of a database that does not exist yet; it is dropped after the test if it was created."""
    name = f"test_{uuid4().hex}"
    yield name
    influx.start()
    influx.query(f'DROP DATABASE "{name}"')


@pytest.fixture(autouse=True)
def _peers_are_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails while it has stopped a peer must not fail those after it."""
    peers = [
        request.getfixturevalue(name) for name in ("mosquitto", "influx") if name in request.fixturenames
    ]
    yield
    for peer in peers:
        peer.start()


@dataclass(frozen=True, kw_only=True)
class Influx2:
    """An InfluxDB 2.x that somebody else started, with a token that may create buckets."""

    url: str
    org: str
    token: str = field(repr=False)


@pytest.fixture(scope="session")
def influx2() -> Influx2:
    named = os.environ.get("GONGFANG_TEST_INFLUX2")
    if not named:
        pytest.skip("GONGFANG_TEST_INFLUX2 names no InfluxDB 2.x (url|org|token)")
    url, org, token = named.split("|")
    return Influx2(url=url, org=org, token=token)
