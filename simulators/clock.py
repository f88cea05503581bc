"""The only reader of the clock in this package, and plant time as a function of real time."""

import time

from msgspec import Struct


class PlantClock(Struct, frozen=True, kw_only=True):
    """At the real instant `real_ms` it is `plant_ms` in the plant; from there `scale` times as fast."""

    real_ms: int
    plant_ms: int
    scale: float

    def plant(self, real_ms: int) -> int:
        """Both in UTC epoch ms."""
        return self.plant_ms + round((real_ms - self.real_ms) * self.scale)


def real_now_ms() -> int:
    return time.time_ns() // 1_000_000
