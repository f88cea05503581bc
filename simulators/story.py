"""What happens to one machine: segments that tile the shift, and the events that move its counters.

Instants are ms after the start. A `Pen` writes a story from left to right; a `Story` never changes.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from simulators.codes import NONE, State

Counter = Literal["produced", "scrap", "rework"]
Judgement = Literal["ok", "ng", "rework"]


class Segment(Struct, frozen=True, kw_only=True):
    """A stretch of time, half-open, in which nothing but counters changes."""

    start: int
    end: int
    state: State
    stop_code: int = 0
    vendor: int = 0
    """The machine's own code for a stop, where it tells more than the canonical one; else 0."""
    order: int = 0
    """The order register; 0 is none."""
    tenant: str = NONE
    operator: int = 0
    slow: bool = False
    guard_open: bool = False
    e_stop: bool = False
    manual: bool = False
    level: int = 0
    """What flows through a meter: W through an energy meter, mL/s through a pipe (backwards if negative)."""


class Piece(Struct, frozen=True, kw_only=True):
    """One finished piece or part; `run_from` and `run_to` measure in ms that the machine has run."""

    at: int
    run_from: int
    run_to: int
    order: int
    judgement: Judgement
    cause: int = 0
    """Bits of the NG cause register."""


class Event(Struct, frozen=True, kw_only=True):
    """A counter moves by n. It has moved at `at`, and not a millisecond before."""

    at: int
    counter: Counter
    n: int
    order: int
    tenant: str


class Story(Struct, frozen=True, kw_only=True):
    segments: tuple[Segment, ...]
    pieces: tuple[Piece, ...]
    events: tuple[Event, ...]
    """Sorted by instant."""
    boots: tuple[int, ...]
    """Controller restarts, sorted."""


class Pen:
    """Writes segments without a gap and counts the ms of running as it goes."""

    def __init__(self) -> None:
        self.at = 0
        self.run_ms = 0
        self.last_move = 0
        self.segments: list[Segment] = []
        self.pieces: list[Piece] = []
        self.events: list[Event] = []

    def write(self, ms: int, like: Segment) -> None:
        """The next `ms` are `like` (whose own start and end say nothing). Equal neighbours become one."""
        if ms <= 0:
            return
        last = self.segments[-1] if self.segments else None
        start = last.start if last and _alike(last, like) else self.at
        if start < self.at:
            self.segments.pop()
        self.at += ms
        self.run_ms += ms if like.state == "run" else 0
        self.segments.append(replace(like, start=start, end=self.at))

    def until(self, at: int, like: Segment) -> None:
        self.write(at - self.at, like)

    def move(self, at: int, counter: Counter, like: Segment) -> None:
        """One more of `counter`, for the order and tenant of `like`."""
        self.last_move = max(self.last_move, at)
        self.events.append(Event(at=at, counter=counter, n=1, order=like.order, tenant=like.tenant))

    def story(self, boots: tuple[int, ...]) -> Story:
        return Story(
            segments=tuple(self.segments),
            pieces=tuple(self.pieces),
            events=tuple(sorted(self.events, key=lambda event: event.at)),
            boots=boots,
        )


def _alike(one: Segment, other: Segment) -> bool:
    return replace(one, start=0, end=0) == replace(other, start=0, end=0)
