"""Enough file descriptors for a connection to every endpoint: asked for, and told when they cannot be had."""

import contextlib
import resource
from pathlib import Path
from typing import Final

_BESIDE: Final = 64
"""For the outbox, the broker, the log, whoever asks for metrics, and a hand's breadth."""
_LIMITS: Final = Path("/proc/self/limits")


def provide(endpoints: int) -> str:
    """Why there are too few, and what to do; empty when there are enough.

    Raises the soft limit as far as the hard one lets it. systemd's are 1,024 and half a million.
    """
    wanted = endpoints + _BESIDE
    soft, hard = _limits()
    if soft < wanted <= hard:
        with contextlib.suppress(OSError, ValueError):  # systemd's filter of system calls may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft, _ = _limits()
    if soft >= wanted:
        return ""
    return (
        f"{endpoints} endpoints take {wanted} file descriptors, and this process may have {soft}:"
        f" set LimitNOFILE={2 * wanted} in the service's unit, or run ulimit -n {2 * wanted} before"
    )


def _limits() -> tuple[int, int]:
    """Soft and hard. From /proc, since the call that asks for them is one with the call that sets them."""
    for line in _LIMITS.read_text("ascii").splitlines():
        if line.startswith("Max open files"):
            soft, hard = (_number(word) for word in line.split()[3:5])
            return soft, hard
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def _number(word: str) -> int:
    return 1 << 30 if word == "unlimited" else int(word)
