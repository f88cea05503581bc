"""Mosquitto and InfluxDB as child processes on free loopback ports, all they keep in one directory."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_READY_S: Final = 15.0


class PeerError(Exception):
    """A program that is needed is not there or does not start."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program(name: str, package: str) -> str:
    """Debian puts servers into /usr/sbin, which is not on everybody's path."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise PeerError(f"{name} is not installed; Debian has it: apt-get install {package}")
    return found


@contextmanager
def mosquitto(directory: Path) -> Iterator[int]:
    """Yields the port."""
    program, port = _program("mosquitto", "mosquitto"), free_port()
    config = directory / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\npersistence false\n"
    )
    with _running([program, "-c", str(config)], directory / "mosquitto.log", port):
        yield port


@contextmanager
def influxdb(directory: Path) -> Iterator[str]:
    """Yields the URL."""
    program, port, rpc = _program("influxd", "influxdb"), free_port(), free_port()
    kept, config = directory / "influxdb", directory / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
        f'[meta]\ndir = "{kept}/meta"\n'
        f'[data]\ndir = "{kept}/data"\nwal-dir = "{kept}/wal"\n'
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        "[monitor]\nstore-enabled = false\n"
    )
    with _running([program, "-config", str(config)], directory / "influxdb.log", port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], log: Path, port: int) -> Iterator[None]:
    with log.open("ab") as output, _process(command, output.fileno()) as process:
        end = time.monotonic() + _READY_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end:
                raise PeerError(f"{command[0]} does not start; its log is {log}")
            time.sleep(0.02)
        yield


@contextmanager
def _process(command: Sequence[str], output: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:  # noqa: S603  ours
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False
