"""Fixed-rate polling: each machine has its own phase; a late poll is skipped and counted, never bunched."""

from typing import Final
from zlib import crc32


def phase(machine: str, period_ms: int) -> int:
    """A machine's place within the period: the same after every restart, spread over the machines."""
    return crc32(machine.encode()) % period_ms


def next_due(now: int, period_ms: int, phase_ms: int) -> int:
    """The first slot after ``now`` (monotonic ms)."""
    return now - (now - phase_ms) % period_ms + period_ms


def skipped(last: int, due: int, period_ms: int) -> int:
    """How many slots lie between the slot last used and the next one to be used."""
    return (due - last) // period_ms - 1


_LONGEST_PAUSE_MS: Final = 30_000


def pause(silences: int, period_ms: int, patience: int) -> int:
    """How many slots a unit is left alone after ``silences`` time-outs in a row, ``patience`` of them free.

    A silent unit costs its neighbours on the bus a time-out each time it is asked, so it is asked less and
    less often, at least every 30 s.
    """
    if silences <= patience:
        return 0
    longest = max(0, _LONGEST_PAUSE_MS // period_ms - 1)
    return int(min(2 ** min(silences - patience - 1, 16), longest))
