"""The time that a statement is for: whole local days, a month, or two instants. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

_MONTH: Final = re.compile(r"\A(\d{4})-(\d{2})\Z")

_EARLIEST: Final = date(1970, 1, 2)
_LATEST: Final = date(2200, 1, 1)
"""Within these every store can hold every instant of a period, a day before and after included."""
LONGEST_DAYS: Final = 400
"""A year and a little: a longer period is a slip of the finger, and would read the store for hours."""


class Period(Struct, frozen=True, kw_only=True):
    """``[start, end)`` in UTC milliseconds."""

    start: int
    end: int

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """First and last local day that the period touches."""
        return local(self.start, zone).date(), local(self.end - 1, zone).date()


def local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at // 1000, zone).replace(microsecond=at % 1000 * 1000)


def instant(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def midnight(day: date, zone: ZoneInfo) -> int:
    return instant(datetime.combine(day, time(), zone))


def midnight_from(at: int, zone: ZoneInfo) -> int:
    """The first local midnight at or after ``at``."""
    day = local(at, zone).date()
    today = midnight(day, zone)
    return today if today == at else midnight(day + timedelta(days=1), zone)


def midnight_to(at: int, zone: ZoneInfo) -> int:
    """The last local midnight at or before ``at``."""
    return midnight(local(at, zone).date(), zone)


def whole_days(period: Period, zone: ZoneInfo) -> Period:
    """The local days that it touches, in which everything is cut at midnight."""
    return Period(start=midnight_to(period.start, zone), end=midnight_from(period.end, zone))


def by_day(period: Period, zone: ZoneInfo) -> list[Period]:
    """The period cut at every local midnight."""
    edges = [period.start]
    while edges[-1] < period.end:
        edges.append(min(period.end, midnight_from(edges[-1] + 1, zone)))
    return [Period(start=start, end=end) for start, end in pairwise(edges)]


def read_instant(text: str, zone: ZoneInfo) -> int:
    """An ISO 8601 instant; without an offset it is the site's local time. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no instant; write 2026-11-22T08:00 or 2026-11-22T08:00+08:00"
        ) from None
    _check_day(moment.date(), text)
    return instant(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _check_day(day: date, text: str) -> None:
    if not _EARLIEST <= day < _LATEST:
        raise ValueError(
            f"{text!r} is not from {_EARLIEST} to before {_LATEST}; give a time when machines ran"
        )


def day_period(text: str, zone: ZoneInfo) -> Period:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day; write 2026-11-22") from None
    _check_day(day, text)
    return Period(start=midnight(day, zone), end=midnight(day + timedelta(days=1), zone))


def month_period(text: str, zone: ZoneInfo) -> Period:
    found = _MONTH.match(text)
    if not found or not 1 <= int(found[2]) <= 12:
        raise ValueError(f"{text!r} is no month; write 2026-11")
    if not _EARLIEST.year <= int(found[1]) < _LATEST.year:
        raise ValueError(
            f"{text!r} is not from {_EARLIEST:%Y} to before {_LATEST:%Y}; give a time when machines ran"
        )
    first = date(int(found[1]), int(found[2]), 1)
    after = (first + timedelta(days=31)).replace(day=1)
    return Period(start=midnight(first, zone), end=midnight(after, zone))


def range_period(start: str, end: str, zone: ZoneInfo) -> Period:
    found = Period(start=read_instant(start, zone), end=read_instant(end, zone))
    if found.end <= found.start:
        raise ValueError(f"the period ends ({end}) before it begins ({start}); exchange the two")
    if found.end - found.start > LONGEST_DAYS * 86_400_000:
        raise ValueError(f"the period is longer than {LONGEST_DAYS} days; give a shorter one")
    return found


def shown(at: int, zone: ZoneInfo) -> str:
    """An instant as people at the site read it, with milliseconds only where there are some."""
    return local(at, zone).isoformat(timespec="milliseconds" if at % 1000 else "seconds")


def on_page(at: int, zone: ZoneInfo) -> str:
    """An instant on a page that names its time zone elsewhere."""
    return local(at, zone).strftime("%Y-%m-%d %H:%M:%S")


def label(period: Period, zone: ZoneInfo) -> str:
    """A short name for files: the day, the month, or both ends."""
    first, last = period.days(zone)
    start, end = local(period.start, zone), local(period.end, zone)
    if {start.time(), end.time()} == {time()}:
        if first == last:
            return first.isoformat()
        if first.day == 1 and period == month_period(f"{first:%Y-%m}", zone):
            return f"{first:%Y-%m}"
    return f"{start:%Y%m%dT%H%M%S}-{end:%Y%m%dT%H%M%S}"
