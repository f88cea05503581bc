"""The one place in this package that reads the clock of the operating system."""

import time

from contract.clock import REAL, ClockPair


def now(pair: ClockPair = REAL) -> int:
    """Plant time, UTC ms."""
    return pair.plant(time.time_ns() // 1_000_000)
