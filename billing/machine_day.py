"""What a tenant had of a machine on a day, for the picture: time by phase, a strip, pieces. Pure."""

from collections.abc import Iterable
from operator import add
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from billing.phases import PHASES, Phase
from billing.yields import Yield, yield_of

MOST_STRIPS: Final = 186
"""Six machines a month: two pages. Beyond it a day is a bar."""


class Day(NamedTuple):
    """A local day."""

    name: str
    """ISO 8601."""
    start: int
    end: int
    """UTC ms: 23 to 25 hours later."""


class MachineDay(Struct, frozen=True, kw_only=True):
    """What a tenant had of a machine on a day."""

    machine: str
    day: Day
    time: tuple[int, ...]
    """Milliseconds by phase, in the order of ``PHASES``."""
    strip: str = ""
    """Of the day, from midnight on; empty where there are too many to draw."""
    pieces: Yield | None = None
    """None where the machine counts none."""

    def ms(self, phase: Phase) -> int:
        return self.time[PHASES.index(phase)]


class DayPart(Struct, frozen=True, kw_only=True, array_like=True):
    """Of a machine's day, as it is put aside: what inspection finds is another part."""

    machine: str
    day: Day
    time: tuple[int, ...]
    strip: str
    produced: int
    scrap: int
    rework: int
    has_pieces: bool
    """They are counted in every interval of it; and so is scrap."""
    has_scrap: bool
    inspected: dict[str, int]

    def joined(self, other: "DayPart") -> "DayPart":
        found = dict(self.inspected)
        for party, scrap in other.inspected.items():
            found[party] = found.get(party, 0) + scrap
        return DayPart(
            machine=self.machine,
            day=self.day,
            time=tuple(map(add, self.time, other.time)),
            strip=self.strip or other.strip,
            produced=self.produced + other.produced,
            scrap=self.scrap + other.scrap,
            rework=self.rework + other.rework,
            has_pieces=self.has_pieces and other.has_pieces,
            has_scrap=self.has_scrap and other.has_scrap,
            inspected=found,
        )

    def whole(self, *, is_drawn: bool) -> MachineDay:
        scrap = self.scrap if self.has_scrap else None
        pieces = yield_of(self.produced, scrap, self.inspected, self.rework) if self.has_pieces else None
        strip = self.strip if is_drawn else ""
        return MachineDay(machine=self.machine, day=self.day, time=self.time, strip=strip, pieces=pieces)


def machine_days(parts: Iterable[DayPart]) -> tuple[MachineDay, ...]:
    """Of one tenant, by machine, then by day."""
    found: dict[tuple[str, str], DayPart] = {}
    for part in parts:
        key = (part.machine, part.day.name)
        found[key] = found[key].joined(part) if key in found else part
    is_drawn = len(found) <= MOST_STRIPS
    return tuple(part.whole(is_drawn=is_drawn) for _, part in sorted(found.items(), key=lambda each: each[0]))


encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(DayPart).decode
