"""How finely usage must be kept apart for the tariffs that price it: not at all, unless a clause asks for it.

A *measure* is what is added up: a time field, a quantity, ``stop`` (stops by the tenant), and of the time
under a lease ``reserved_ms`` (idle), ``leased_off_ms`` (off) and ``used_ms`` (all else, unseen time too).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.calendars import Calendar, Dial
from billing.period import local, midnight
from billing.spell import Spell
from contract.names import NONE
from contract.records import Interval
from contract.states import TIME_FIELDS

STOP: Final = "stop"
ENERGY: Final = "energy_wh"
RESERVED_MS: Final = "reserved_ms"
LEASED_OFF_MS: Final = "leased_off_ms"
USED_MS: Final = "used_ms"
_UNDER_LEASE: Final = {
    RESERVED_MS: ("idle_ms",),
    LEASED_OFF_MS: ("off_ms",),
    USED_MS: tuple(field for field in TIME_FIELDS if field not in {"idle_ms", "off_ms"}),
}


class Cell(NamedTuple):
    """Where a part of a measure lies. Empty is: nobody asked."""

    day: str = ""
    """Local, ISO 8601."""
    lease_id: str = ""
    bands: tuple[tuple[str, str], ...] = ()
    """By key of a calendar: the band, or several joined by ``|`` when nobody knows in which it was."""

    def band(self, calendar: str) -> str:
        return next((band for key, band in self.bands if key == calendar), "")


WHOLE: Final = Cell()


class Dims(Struct, frozen=True, kw_only=True):
    """What is told apart of one measure."""

    day: bool = False
    lease: bool = False
    calendars: frozenset[str] = frozenset()
    """Keys."""

    def joined(self, other: "Dims") -> "Dims":
        return Dims(
            day=self.day or other.day,
            lease=self.lease or other.lease,
            calendars=self.calendars | other.calendars,
        )


class Grain(Struct, frozen=True, kw_only=True):
    measures: Mapping[str, Dims] = {}
    """What is kept apart; every other measure is kept as one sum."""
    calendars: tuple[Calendar, ...] = ()
    zone: ZoneInfo = ZoneInfo("UTC")
    has_days: bool = False
    """Whether it is kept on which days a tenant had a machine."""

    def joined(self, other: "Grain") -> "Grain":
        measures = dict(self.measures)
        for name, dims in other.measures.items():
            measures[name] = measures.get(name, Dims()).joined(dims)
        known = {calendar.key: calendar for calendar in (*self.calendars, *other.calendars)}
        return Grain(
            measures=measures,
            calendars=tuple(known.values()),
            zone=other.zone,
            has_days=self.has_days or other.has_days,
        )


COARSE: Final = Grain()


class Sieve:
    """Says in which cell a stretch of time belongs. Remembers the day it looked up last."""

    def __init__(self, grain: Grain) -> None:
        self._grain = grain
        self._dials = [(calendar.key, Dial(calendar, grain.zone)) for calendar in grain.calendars]
        self._day = (0, 0, "")
        self.measures = tuple(grain.measures)

    def cell(self, measure: str, start: int, end: int, lease_id: str) -> Cell:
        dims = self._grain.measures[measure]
        bands = tuple((key, dial.bands(start, end)) for key, dial in self._dials if key in dims.calendars)
        return Cell(self.day(start) if dims.day else "", lease_id if dims.lease else "", bands)

    def cuts(self, measure: str, start: int, end: int) -> list[int]:
        """``start``, where a band that matters begins in between, and ``end``."""
        dims, edges = self._grain.measures.get(measure, Dims()), {start, end}
        for key, dial in self._dials:
            if key in dims.calendars:
                edges |= {first for first, _, _ in dial.pieces(start, end)}
        return sorted(edges)

    def edges(self, start: int, end: int) -> Iterator[int]:
        """Where a band of any calendar begins from ``start`` to ``end``."""
        for _, dial in self._dials:
            yield from (first for first, _, _ in dial.pieces(start, end))

    def day(self, at: int) -> str:
        start, end, day = self._day
        if not start <= at < end:
            on = local(at, self._grain.zone).date()
            day = on.isoformat()
            start = midnight(on, self._grain.zone)
            # Every day has at least 20 hours; a day that is longer is looked up a second time.
            self._day = (start, start + 20 * 3_600_000, day)
        return day


def amounts_of(spell: Spell, measure: str) -> Sequence[int]:
    """What each interval of the spell has of a measure."""
    if measure not in _UNDER_LEASE:
        return spell.column(measure)
    fields = _UNDER_LEASE[measure] if spell.last.lease_id != NONE else ()
    return [sum(parts) for parts in zip(*map(spell.column, fields), strict=True)]


def amount_of(interval: Interval, measure: str) -> int:
    """What the interval has of a measure."""
    if measure in _UNDER_LEASE:
        fields = _UNDER_LEASE[measure] if interval.lease_id != NONE else ()
        return sum(int(getattr(interval, field)) for field in fields)
    return int(getattr(interval, measure)) if measure in TIME_FIELDS else interval.quantities.get(measure, 0)
