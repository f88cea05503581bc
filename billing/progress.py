"""How far a run is, and what is said of it. Pure."""

from collections.abc import Callable
from datetime import date
from typing import Final

from msgspec import Struct

QUICK_S: Final = 5.0
"""What is done within it has nothing to say on its way."""


class Read(Struct, frozen=True, kw_only=True):
    """How far a period is read."""

    day: date
    """The local day that is being read, or was read last."""
    done: int
    """Days that are read whole."""
    days: int
    """Of the period in all."""
    rows: int
    share: float
    """Of the time of the period, from 0 to 1."""


Progress = Callable[[Read], None]


def ignored(_: Read) -> None:
    """For who has nobody to tell."""


class Days:
    """One line for each day that was read. Instants are seconds of any clock that does not go back."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._done = 0
        self._rows = 0

    def line(self, read: Read, now: float) -> str:
        """Nothing within a day, nor while everything may yet be quick."""
        if read.done == self._done:
            return ""
        rows, self._rows, self._done = read.rows - self._rows, read.rows, read.done
        if read.days == 1 or now - self._began < QUICK_S:
            return ""
        left_s = (now - self._began) / read.done * (read.days - read.done)
        left = f", about {left_s / 60:.0f} min left" if left_s >= 60 else f", {left_s:.0f} s left"
        more = left if read.done < read.days else ""
        return f"{read.day}: {rows:,} rows; {read.done} of {read.days} days, {read.rows:,} rows{more}"
