"""What systemd hears of a collector that works, and not of one whose store hangs: a real process each."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contract import topics

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0
WATCHDOG_S = 2.0


@contextmanager
def started(how: str, directory: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    config = directory / "collector.toml"
    config.write_text(
        f'[collector]\nname = "c1"\n[broker]\nembedded = true\nport = {port}\n'
        f'[store]\nkind = "sqlite"\npath = "{directory}/store.db"\n',
        "utf-8",
    )
    environment = os.environ | {
        "NOTIFY_SOCKET": str(directory / "notify"),
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1_000_000)),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("WATCHDOG_PID", None)
    command = [sys.executable, str(Path(__file__).with_name("hanging.py")), how, str(config)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, (directory / "log").open("wb") as log:
        systemd.bind(str(directory / "notify"))
        systemd.settimeout(PATIENCE_S)
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield process, systemd
        finally:
            process.kill()
            process.wait()


def until(systemd: socket.socket, holds: Callable[[str], object]) -> str:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if holds(told := systemd.recv(4_096).decode()):
            return told
    pytest.fail("systemd never heard it")


def offer(port: int, payload: bytes) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, "gw1")
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(topics.batch("qinghe", "gw1"), payload, qos=1).wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def is_fed_for(systemd: socket.socket, seconds: float) -> bool:
    """Whether it is fed through all of it, as often as systemd wants it."""
    last = time.monotonic()
    end = last + seconds
    while time.monotonic() < end:
        if "WATCHDOG=1" in systemd.recv(4_096).decode():
            last = time.monotonic()
        elif time.monotonic() - last > WATCHDOG_S:
            return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("how", "is_ended"), [("store", True), ("away", False)])
def test_a_store_that_hangs_starves_the_watchdog_and_one_that_is_away_does_not(
    how: str,
    is_ended: bool,  # noqa: FBT001
    tmp_path: Path,
    free_port: Callable[[], int],
    plant: SimpleNamespace,
) -> None:
    port = free_port()
    payload = plant.batch([plant.alone(plant.interval())])
    with started(how, tmp_path, port) as (process, systemd):
        until(systemd, lambda told: "READY=1" in told)
        assert is_fed_for(systemd, WATCHDOG_S)
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.2)
        offer(port, payload)
        if is_ended:
            stuck = until(systemd, lambda told: "no progress: batches" in told)
            assert "WATCHDOG=1" not in stuck
            assert not is_fed_for(systemd, 2 * WATCHDOG_S)
        else:
            until(systemd, lambda told: "store" in told)
            assert is_fed_for(systemd, 3 * WATCHDOG_S)
        assert process.poll() is None
