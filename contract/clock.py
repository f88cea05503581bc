"""Plant time (DESIGN 8): a pair of instants and a scale, the same for all processes of a plant.

In production there is no pair and plant time is real time. A rehearsal runs a shift in minutes: poll, hold,
grid, checkpoint and state repeat follow plant time; timeouts, back-off, keepalive and disk do not.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from contract.names import Ms


class ClockPair(Struct, frozen=True, kw_only=True):
    real_ms: Ms = 0
    plant_ms: Ms = 0
    scale: Annotated[int, Meta(ge=1, le=10_000)] = 1
    """Plant milliseconds that pass in a real one."""

    def plant(self, real_ms: int) -> int:
        """The plant instant at a real instant (UTC ms)."""
        return self.plant_ms + (real_ms - self.real_ms) * self.scale


PLAUSIBLE_MS: Final = 1_788_220_800_000
"""2026-09-01: a wall clock that shows less was never set, since this was not built before."""

REAL: ClockPair = ClockPair()
"""Plant time is real time."""
