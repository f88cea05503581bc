"""A meter's time line: an anchor plus monotonic time, never falling within an epoch (DESIGN 8).

The wall clock is watched, not followed. A small difference is worked off by running at most 500 ppm faster or
slower; more than STEP_MS is a step, which the meter must flag (forward) or answer with a new epoch (back).
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

STEP_MS: Final = 5_000
_PPM: Final = 500


class Jump(StrEnum):
    NONE = "none"
    FORWARD = "forward"
    BACK = "back"


class Line(Struct, frozen=True, kw_only=True, gc=False):
    wall: int
    """The line's instant (UTC ms) at the monotonic time ``mono``."""
    mono: int


def instant(line: Line, mono: int) -> int:
    """UTC ms on the line."""
    return line.wall + mono - line.mono


def follow(line: Line, wall: int, mono: int) -> tuple[Line, Jump]:
    """The line after a look at both clocks (ms)."""
    ahead = wall - instant(line, mono)
    if abs(ahead) > STEP_MS:
        return Line(wall=wall, mono=mono), Jump.FORWARD if ahead > 0 else Jump.BACK
    most = (mono - line.mono) * _PPM // 1_000_000
    if most == 0:
        return line, Jump.NONE
    return Line(wall=instant(line, mono) + max(-most, min(most, ahead)), mono=mono), Jump.NONE


def begin(wall: int, mono: int, settled: int | None) -> tuple[Line, Jump]:
    """The line of a process that starts, after a checkpoint whose last instant is ``settled``.

    A checkpoint a little in the future is met by a line that starts just after it and runs slower.
    """
    if settled is None or wall > settled:
        return Line(wall=wall, mono=mono), Jump.NONE
    if settled - wall > STEP_MS:
        return Line(wall=wall, mono=mono), Jump.BACK
    return Line(wall=settled + 1, mono=mono), Jump.NONE
