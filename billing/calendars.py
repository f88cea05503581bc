"""Calendars: which band of the day an instant lies in. Electricity and machine time have one each, or none.

A band is a name for hours (night, peak, valley). Hours are local and half-open; those of a day tile it.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.period import instant, local, midnight
from billing.words import NO_WORDS, Words

DAY_MINUTES: Final = 24 * 60
BETWEEN: Final = "|"
"""Joins the bands of an interval that lies in more than one: nobody knows which part was used in which."""


class DayKind(StrEnum):
    WORKDAY = "workday"
    RESTDAY = "restday"
    HOLIDAY = "holiday"


class Band(Struct, frozen=True, kw_only=True):
    name: str
    label: Words = NO_WORDS
    factor: Decimal = Decimal(1)
    """What the part of a price that floats is multiplied with in this band."""

    @property
    def words(self) -> Words:
        return self.label or Words(self.name, self.name)


class DayHours(Struct, frozen=True, kw_only=True):
    """The bands of days of some kinds in some months."""

    months: frozenset[int]
    days: frozenset[DayKind]
    starts: tuple[int, ...]
    """Minutes after local midnight; the first is 0."""
    bands: tuple[str, ...]
    """``bands[i]`` holds from ``starts[i]`` to the next start, or to midnight."""


class Calendar(Struct, frozen=True, kw_only=True):
    name: str
    """As clauses of the tariff call it."""
    key: str
    """Names these very bands: two tariffs may call different calendars by one name."""
    id: str
    version: str
    valid_from: date
    valid_to: date | None
    """The last day, included."""
    bands: tuple[Band, ...]
    hours: tuple[DayHours, ...]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    """Rest days that are worked (调休)."""
    rest: frozenset[int] = frozenset({6, 7})
    """Days of the week, Monday 1 to Sunday 7."""
    customer: str = ""
    """The class of customer whose bands these are, where the source tells several."""
    source: str = ""
    """The notice or the agreement that it was taken from."""

    def band(self, name: str) -> Band:
        return next(band for band in self.bands if band.name == name)

    def kind(self, day: date) -> DayKind:
        if day in self.workdays:
            return DayKind.WORKDAY
        if day in self.holidays:
            return DayKind.HOLIDAY
        return DayKind.RESTDAY if day.isoweekday() in self.rest else DayKind.WORKDAY

    def day(self, day: date) -> DayHours:
        kind = self.kind(day)
        return next(hours for hours in self.hours if day.month in hours.months and kind in hours.days)

    def holds(self, first: date, last: date) -> bool:
        return self.valid_from <= first and (self.valid_to is None or last <= self.valid_to)


class Dial:
    """A calendar at a place: instants (UTC ms) to bands. Remembers the days that it has looked up."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self._calendar, self._zone = calendar, zone
        self._days: dict[date, tuple[tuple[int, ...], tuple[str, ...]]] = {}
        self._known: dict[tuple[int, int], str] = {}

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """``[start, end)`` cut where a band begins."""
        while start < end:
            starts, bands = self._day(local(start, self._zone).date())
            at = bisect_right(starts, start)
            stop = min(end, starts[at])
            yield start, stop, bands[at - 1]
            start = stop

    def bands(self, start: int, end: int) -> str:
        """The band of ``[start, end)``; several, in the order in which they come, joined by ``|``.

        Intervals of one grid share their ends, so nearly every answer is remembered.
        """
        known = self._known.get((start, end))
        if known is None:
            if len(self._known) > DAY_MINUTES:
                self._known.clear()
            known = BETWEEN.join(dict.fromkeys(band for _, _, band in self.pieces(start, end)))
            self._known[start, end] = known
        return known

    def _day(self, day: date) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The instants at which bands of the day begin, and midnight after the last."""
        if day not in self._days:
            hours = self._calendar.day(day)
            starts = accumulate((self._at(day, minute) for minute in hours.starts), max)
            self._days[day] = ((*starts, midnight(day + timedelta(days=1), self._zone)), hours.bands)
        return self._days[day]

    def _at(self, day: date, minute: int) -> int:
        moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=self._zone)
        return instant(moment)
