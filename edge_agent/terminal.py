"""Shows lines to a person, and how a command exits."""

import sys
from typing import Final

FINE: Final = 0
FAILED: Final = 1
BAD_USAGE: Final = 2
"""Also a configuration that is not right."""


def say(text: str) -> None:
    """What the command was asked for. What would control the terminal is shown instead."""
    sys.stdout.write(_plain(text) + "\n")


def warn(text: str) -> None:
    """Beside what was asked for: what is wrong, how far it is."""
    sys.stderr.write(_plain(text) + "\n")


def whisper(text: str) -> None:
    """How far it is, on a terminal: each line over the one before."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{_plain(text)}\r")
        sys.stderr.flush()


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
