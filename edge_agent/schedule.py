"""Fixed-rate polling: each machine has its own phase; a late poll is skipped and counted, never bunched."""

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
