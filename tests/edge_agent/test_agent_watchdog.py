"""What systemd hears of an agent that works, and not of one that hangs: a real process each time."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0
WATCHDOG_S = 2.0


@contextmanager
def started(how: str, directory: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    config = directory / "agent.toml"
    config.write_text(
        'site = "qinghe"\ngateway = "gw1"\narea = "hall-a"\n[poll]\nperiod_ms = 200\ncheckpoint_ms = 100\n'
        '[broker]\nport = 1\n[outbox]\npath = "outbox.db"\n'
        f'[[endpoint]]\nname = "bus"\nhost = "127.0.0.1"\nport = {port}\ntimeout_ms = 300\n'
        '[[machine]]\nname = "knit-01"\nendpoint = "bus"\nprofile = "knit-flat"\n',
        "utf-8",
    )
    environment = os.environ | {
        "NOTIFY_SOCKET": str(directory / "notify"),
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1_000_000)),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("WATCHDOG_PID", None)
    command = [sys.executable, str(Path(__file__).with_name("hanging.py")), how, str(config)]
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        (directory / "log").open("wb") as log,
    ):
        systemd.bind(str(directory / "notify"))
        systemd.settimeout(PATIENCE_S)
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield process, systemd
        finally:
            process.kill()
            process.wait()


def heard(systemd: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in systemd.recv(4_096).decode().splitlines())


def until(systemd: socket.socket, holds: Callable[[dict[str, str]], object]) -> dict[str, str]:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if holds(told := heard(systemd)):
            return told
    pytest.fail("systemd never heard it")


def is_fed_for(systemd: socket.socket, seconds: float) -> bool:
    """Whether it is fed through all of it, as often as systemd wants it."""
    end = last = time.monotonic() + 0.0
    end += seconds
    systemd.settimeout(WATCHDOG_S)
    try:
        while last < end:
            if "WATCHDOG" in heard(systemd):
                last = time.monotonic()
            elif time.monotonic() - last > WATCHDOG_S:
                return False
    except TimeoutError:
        return False
    finally:
        systemd.settimeout(PATIENCE_S)
    return True


def serve(hub: Any, maps: Any) -> None:
    for address, word in maps.knit("running").items():
        hub.words[address] = word


@pytest.mark.slow
@pytest.mark.parametrize("how", ["loop", "polls", "outbox"])
def test_an_agent_that_hangs_starves_the_watchdog(how: str, hub: Any, maps: Any, tmp_path: Path) -> None:
    serve(hub, maps)
    with started(how, tmp_path, hub.port) as (process, systemd):
        told = until(systemd, lambda told: "1 of 1 machines metered" in told.get("STATUS", ""))
        assert told["WATCHDOG"] == "1"
        assert is_fed_for(systemd, 2 * WATCHDOG_S)
        process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + PATIENCE_S
        while is_fed_for(systemd, 0.5):
            assert time.monotonic() < end, "it is fed though it hangs"
        if how != "loop":
            stuck = until(systemd, lambda told: "progress: stuck" in told.get("STATUS", ""))
            assert "WATCHDOG" not in stuck
        process.send_signal(signal.SIGABRT)  # what systemd does then
        assert process.wait(PATIENCE_S) == -signal.SIGABRT
    log = (tmp_path / "log").read_text("utf-8")
    assert "Fatal Python error: Aborted" in log
    assert {"loop": "in _told", "polls": "Thread 0x", "outbox": "in hangs"}[how] in log, (
        "where it hung is told"
    )


@pytest.mark.slow
def test_a_disk_that_refuses_is_no_reason_to_end_the_agent(hub: Any, maps: Any, tmp_path: Path) -> None:
    serve(hub, maps)
    with started("disk", tmp_path, hub.port) as (process, systemd):
        until(systemd, lambda told: "1 of 1 machines metered" in told.get("STATUS", ""))
        process.send_signal(signal.SIGUSR1)
        until(systemd, lambda told: "disk: takes nothing" in told.get("STATUS", ""))
        assert is_fed_for(systemd, 3 * WATCHDOG_S)


@pytest.mark.slow
def test_a_machine_that_is_silent_is_no_reason_to_end_the_agent(hub: Any, maps: Any, tmp_path: Path) -> None:
    serve(hub, maps)
    hub.silent.add(1)
    with started("loop", tmp_path, hub.port) as (_, systemd):
        until(systemd, lambda told: "0 of 1 machines metered" in told.get("STATUS", ""))
        assert is_fed_for(systemd, 3 * WATCHDOG_S)
