"""Tells systemd (Type=notify) how the process is. Does nothing where nobody listens (sd_notify(3))."""

import contextlib
import os
import socket
import time
from typing import Final

_US: Final = 1_000_000
_PATIENCE_S: Final = 0.2
"""A listener that does not read must not hold up who tells."""


def notify(*states: str) -> None:
    """``READY=1``, ``STOPPING=1``, ``STATUS=...``, ``WATCHDOG=1``. Work goes on when nobody hears."""
    listener = os.environ.get("NOTIFY_SOCKET", "")
    if not listener:
        return
    address = "\0" + listener[1:] if listener.startswith("@") else listener
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
    ):
        channel.settimeout(_PATIENCE_S)
        channel.sendto("\n".join(states).encode(), address)


def reloading() -> None:
    """A new configuration is being read; ``notify("READY=1")`` ends it."""
    monotonic_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    notify("RELOADING=1", f"MONOTONIC_USEC={monotonic_us}")


def watchdog_s() -> float | None:
    """Within what time systemd wants to hear ``WATCHDOG=1`` from this process; None when it does not."""
    text, whose = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not text.isdecimal() or not int(text) or (whose and whose != str(os.getpid())):
        return None
    return int(text) / _US
