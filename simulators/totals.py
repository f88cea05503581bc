"""What a machine has counted up to any instant, by prefix sums. Instants are ms after the start."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

from simulators.codes import Kind, State
from simulators.kinds import STOP_CLASSES, WATTS
from simulators.story import Counter, Piece, Segment, Story


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


class Totals:
    """Built once for a story; `at` is cheap."""

    def __init__(self, story: Story, kind: Kind) -> None:
        self._story = story
        segments = story.segments
        watts: Mapping[State, int] = WATTS[kind]
        self._starts = [segment.start for segment in segments]
        self._run = _summed(segments, {"run": 1})
        self._stop = _summed(segments, {"stop": 1})
        self._off = _summed(segments, {"off": 1})
        self._watt = _summed(segments, watts)
        self._watts = watts
        self._classes = _classes(segments, kind)
        self._pieces = [piece.at for piece in story.pieces]
        self._scrap = _instants(story, "scrap")
        self._rework = _instants(story, "rework")
        self._by_order = _by_order(story.pieces)
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
            watt_ms=self._watt[index] + spent * self._watts[inside.state],
            stops=self._classes[index if offset >= 0 else 0],
            boots=boots,
            booted=self._story.boots[boots - 1] if boots else None,
            pieces=pieces,
            last=told[pieces - 1] if pieces else None,
            next=told[pieces] if pieces < len(told) else None,
            scrap=bisect_right(self._scrap, offset),
            rework=bisect_right(self._rework, offset),
            done=bisect_right(self._by_order.get(segment.order, ()), offset),
        )


def _summed(segments: tuple[Segment, ...], rate: Mapping[State, int]) -> list[int]:
    """Per segment: the sum of ms times rate over all segments before it."""
    return list(accumulate(((s.end - s.start) * rate.get(s.state, 0) for s in segments), initial=0))


def _classes(segments: tuple[Segment, ...], kind: Kind) -> list[tuple[int, ...]]:
    """Per segment: stops of each class begun by its start. A stop begins where its code changes."""
    names = STOP_CLASSES[kind]
    counts = [0] * len(names)
    found = [tuple(counts)]
    for last, segment in pairwise(segments):
        new = (last.state, last.stop_code) != (segment.state, segment.stop_code)
        if new and segment.state in ("stop", "fault"):
            known = segment.stop_code in names
            counts[names.index(segment.stop_code) if known else -1] += 1
        found.append(tuple(counts))
    return found


def _instants(story: Story, counter: Counter) -> list[int]:
    return [event.at for event in story.events if event.counter == counter]


def _by_order(pieces: tuple[Piece, ...]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for piece in pieces:
        found.setdefault(piece.order, []).append(piece.at)
    return found
