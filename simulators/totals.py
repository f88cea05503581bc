"""What a machine has counted up to any instant, by prefix sums. Instants are ms after the start."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

from simulators.codes import State
from simulators.story import Counter, Piece, Segment, Story

Rate = Callable[[Segment], int]
"""How much adds up in each ms of a segment."""


class Moment(NamedTuple):
    """One machine at one instant. The sums are from the start of the story on."""

    segment: Segment
    run_ms: int
    stop_ms: int
    on_ms: int
    watt_ms: int
    stops: tuple[int, ...]
    """Stops and faults begun, by class of the kind."""
    boots: int
    booted: int | None
    """When the controller last restarted."""
    pieces: int
    last: Piece | None
    next: Piece | None
    """The piece in the works, or the one that will be."""
    scrap: int
    rework: int
    done: int
    """Pieces finished for the order of the segment."""
    since_boot: int = 0
    """Pieces finished since the controller last restarted; all of them when it never did."""
    sums: Mapping[str, int] = {}
    """What else the machine adds up, by the names of its rates."""


class Totals:
    """Built once for a story; `at` is cheap."""

    def __init__(
        self,
        story: Story,
        watts: Mapping[State, int],
        classes: tuple[int, ...],
        rates: Mapping[str, Rate] | None = None,
    ) -> None:
        """``watts`` by state, ``classes`` of stops (``MachineType``), and what else there is to add up."""
        self._story, self._watts, self._rates = story, watts, rates or {}
        segments = story.segments
        self._starts = [segment.start for segment in segments]
        self._run = _summed(segments, _while("run"))
        self._stop = _summed(segments, _while("stop"))
        self._off = _summed(segments, _while("off"))
        self._watt = _summed(segments, lambda segment: watts.get(segment.state, 0))
        self._sums = {name: _summed(segments, rate) for name, rate in self._rates.items()}
        self._classes = _classes(segments, classes)
        self._pieces = [piece.at for piece in story.pieces]
        self._scrap = _instants(story, "scrap")
        self._rework = _instants(story, "rework")
        self._by_order = _by_order(story.pieces)
        self._at_boots = [0, *(bisect_right(self._pieces, boot) for boot in story.boots)]
        self._end = segments[-1].end
        self._before = Segment(start=-(2**62), end=0, state="idle")
        self._after = Segment(start=self._end, end=2**62, state="idle")

    def at(self, offset: int) -> Moment:
        """Before the story nothing has been counted, after it nothing moves any more."""
        clamped = min(max(offset, 0), self._end)
        index = bisect_right(self._starts, clamped) - 1
        inside = self._story.segments[index]
        segment = inside if 0 <= offset < self._end else self._before if offset < 0 else self._after
        spent = clamped - inside.start
        pieces = bisect_right(self._pieces, offset)
        boots = bisect_right(self._story.boots, offset)
        told = self._story.pieces
        return Moment(
            segment=segment,
            run_ms=self._run[index] + (spent if inside.state == "run" else 0),
            stop_ms=self._stop[index] + (spent if inside.state == "stop" else 0),
            on_ms=clamped - self._off[index] - (spent if inside.state == "off" else 0),
            watt_ms=self._watt[index] + spent * self._watts.get(inside.state, 0),
            stops=self._classes[index if offset >= 0 else 0],
            boots=boots,
            booted=self._story.boots[boots - 1] if boots else None,
            pieces=pieces,
            last=told[pieces - 1] if pieces else None,
            next=told[pieces] if pieces < len(told) else None,
            scrap=bisect_right(self._scrap, offset),
            rework=bisect_right(self._rework, offset),
            done=bisect_right(self._by_order.get(segment.order, ()), offset),
            since_boot=pieces - self._at_boots[boots],
            sums={name: self._sums[name][index] + spent * rate(inside) for name, rate in self._rates.items()},
        )


def _while(state: State) -> Rate:
    return lambda segment: segment.state == state


def _summed(segments: tuple[Segment, ...], rate: Rate) -> list[int]:
    """Per segment: the sum of ms times rate over all segments before it."""
    return list(accumulate(((s.end - s.start) * rate(s) for s in segments), initial=0))


def _classes(segments: tuple[Segment, ...], names: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Per segment: stops of each class begun by its start. A stop begins where its code changes."""
    counts = [0] * len(names)
    found = [tuple(counts)]
    for last, segment in pairwise(segments):
        new = (last.state, last.stop_code, last.vendor) != (segment.state, segment.stop_code, segment.vendor)
        if names and new and segment.state in ("stop", "fault"):
            code = segment.vendor or segment.stop_code
            counts[names.index(code) if code in names else -1] += 1
        found.append(tuple(counts))
    return found


def _instants(story: Story, counter: Counter) -> list[int]:
    return [event.at for event in story.events if event.counter == counter]


def _by_order(pieces: tuple[Piece, ...]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for piece in pieces:
        found.setdefault(piece.order, []).append(piece.at)
    return found
