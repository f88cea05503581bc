"""Mosquitto and InfluxDB for a site under stress: how they are started, and when they answer."""

import asyncio
import contextlib
import getpass
import os
import random
import shutil
import socket
import time
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

READY_S: Final = 20.0


_PORTS: Final = range(20_000, 32_000)
"""Below those that Linux gives to clients (32768 and up): while a server is away, a client that keeps trying
would else be given that very port, and talk to itself."""


class MissingError(Exception):
    """A program or a port that is needed is not there."""


class Influx2(NamedTuple):
    """An InfluxDB 2.x that somebody else started, with a token that may create buckets."""

    host: str
    port: int
    org: str
    token: str


def influx2() -> Influx2:
    """As the other tests are told of it. Raises MissingError."""
    named = os.environ.get("GONGFANG_TEST_INFLUX2", "").split("|")
    if len(named) != 3:
        raise MissingError("GONGFANG_TEST_INFLUX2 names no InfluxDB 2.x (url|org|token)")
    where = urlsplit(named[0])
    return Influx2(where.hostname or "127.0.0.1", where.port or 8086, named[1], named[2])


_given: Final = set[int]()


def free_port() -> int:
    """Each is given once: who has one may bind it much later."""
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise MissingError(f"no port is free from {_PORTS.start} to {_PORTS.stop}")


def program(name: str) -> str:
    """Debian puts servers into /usr/sbin, which is not on everybody's path."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingError(f"{name} is not installed")
    return found


def mosquitto(directory: Path, port: int) -> list[str]:
    """Without persistence: whoever kills it wipes it."""
    config = directory / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\npersistence false\n"
        "max_queued_messages 1000\n"
    )
    return [program("mosquitto"), "-c", str(config)]


def influxd(directory: Path, port: int, rpc: int) -> list[str]:
    kept, config = directory / "influxdb", directory / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
        f'[meta]\ndir = "{kept}/meta"\n[data]\ndir = "{kept}/data"\nwal-dir = "{kept}/wal"\n'
        f'[monitor]\nstore-enabled = false\n[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
    )
    return [program("influxd"), "run", "-config", str(config)]


async def answers(port: int) -> None:
    """Returns when something listens there. Raises MissingError."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise MissingError(f"nothing listens on port {port} after {READY_S:g} s")
