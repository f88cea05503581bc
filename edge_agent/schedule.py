"""Fixed-rate polling: each machine has its own phase; a late poll is skipped and counted, never bunched."""

from typing import Final
from zlib import crc32

_GOLDEN: Final = 0x9E3779B1
"""2**32 divided by the golden ratio: its multiples fill a circle evenly, however many there are."""


def phase(name: str, period_ms: int) -> int:
    """A place within the period: the same after every restart, spread over the names."""
    return crc32(name.encode()) % period_ms


def phase_of(endpoint: str, unit: int, period_ms: int) -> int:
    """A machine's place within the period: the same whatever other machines there are.

    Units of one endpoint are asked one after the other, so they must not all be due at once: whether they are
    numbered 1, 2, 3 or 10, 20, 30, they are spread about evenly from a place of the endpoint's own.
    """
    return (phase(endpoint, period_ms) + (unit * _GOLDEN % (1 << 32) * period_ms >> 32)) % period_ms


def next_due(now: int, period_ms: int, phase_ms: int) -> int:
    """The first slot after ``now`` (monotonic ms)."""
    return now - (now - phase_ms) % period_ms + period_ms


def skipped(last: int, due: int, period_ms: int) -> int:
    """How many slots lie between the slot last used and the next one to be used."""
    return (due - last) // period_ms - 1
