"""The operating system's clock, as plant time."""

import time
from collections.abc import Callable

from contract.clock import ClockPair


def plant_clock(pair: ClockPair) -> Callable[[], int]:
    """A function that gives the plant's instant now, UTC ms."""
    return lambda: pair.plant(time.time_ns() // 1_000_000)
