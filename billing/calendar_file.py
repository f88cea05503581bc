"""Calendars from TOML, in a file of their own or in a tariff, with every complaint at once. Pure."""

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import pairwise, product
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError

from billing.calendars import DAY_MINUTES, Band, Calendar, DayHours, DayKind
from billing.toml_values import Day, Label, Name, Price, Table, Text
from billing.words import Words
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.file_kinds import CALENDAR
from contract.shape_keys import keys_at

_HOURS: Final = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))? +([a-z0-9][a-z0-9._-]*)")
_MONTHS: Final = tuple(range(1, 13))


def _hours(text: str) -> str:
    if not _HOURS.fullmatch(text):
        raise ValueError('write hours and the name of a band, like "7:30-12 day" or "16-24 peak"')
    return text


_Month = Annotated[int, Field(ge=1, le=12, strict=True)]
_Weekday = Annotated[int, Field(ge=1, le=7, strict=True)]


class _BandTable(Table):
    name: Name
    en: Text = ""
    zh: Text = ""
    factor: Price | None = None


class _DayTable(Table):
    months: tuple[_Month, ...] = _MONTHS
    days: tuple[DayKind, ...] = tuple(DayKind)
    hours: tuple[Annotated[str, AfterValidator(_hours)], ...]


class _CustomerTable(Table):
    name: Name
    en: Text = ""
    zh: Text = ""
    bands: dict[Name, Name]
    """A band that this class of customer does not have, and the band that its hours belong to."""


class CalendarTable(Table):
    """What a calendar in a tariff and one in a file of its own have in common."""

    band: tuple[_BandTable, ...]
    day: tuple[_DayTable, ...]
    holidays: tuple[Day, ...] = ()
    workdays: tuple[Day, ...] = ()
    rest: tuple[_Weekday, ...] = (6, 7)
    customer: tuple[_CustomerTable, ...] = ()
    source: Annotated[str, Field(max_length=500)] = ""
    valid_from: Day = date(1970, 1, 1)
    valid_to: Day | None = None


class CalendarFile(CalendarTable):
    id: Label
    version: Label
    valid_from: Day


def read_calendar(name: str, text: str, called: str, customer: str) -> Calendar:
    """A calendar's own file. Raises BadConfigurationError with every complaint about it."""
    file = parse_toml(name, text, CALENDAR)
    try:
        table = CalendarFile.model_validate(file.data)
    except ValidationError as error:
        wrong = complaints(file, [dict(one) for one in error.errors()], keys=partial(keys_at, CalendarFile))
        raise BadConfigurationError(wrong) from None
    digest = hashlib.sha256(text.encode()).hexdigest()
    return calendar_of(file, (), table, (called, customer, table.id, table.version, digest))


def calendar_of(
    file: TomlFile,
    under: tuple[str | int, ...],
    table: CalendarTable,
    called: tuple[str, str, str, str, str],
) -> Calendar:
    """``called``: its name in the tariff, the class of customer, id, version and digest.

    Raises BadConfigurationError.
    """
    name, customer, id_, version, digest = called
    found = [*_complaints(file, under, table), *_unknown_customer(file, under, table, customer)]
    if found:
        raise BadConfigurationError(found)
    moved = next((each.bands for each in table.customer if each.name == customer), {})
    return Calendar(
        name=name,
        key=f"{name}@{digest[:16]}{'/' + customer if customer else ''}",
        id=id_,
        version=version,
        valid_from=table.valid_from,
        valid_to=table.valid_to,
        bands=tuple(_band(band) for band in table.band if band.name not in moved),
        hours=tuple(_day(day, moved) for day in table.day),
        holidays=frozenset(table.holidays),
        workdays=frozenset(table.workdays),
        rest=frozenset(table.rest),
        customer=customer,
        source=table.source,
    )


def _band(band: _BandTable) -> Band:
    label = Words(band.en or band.name, band.zh or band.en or band.name)
    return Band(name=band.name, label=label) if band.factor is None else _floating(band, label)


def _floating(band: _BandTable, label: Words) -> Band:
    assert band.factor is not None  # noqa: S101  the caller has looked
    return Band(name=band.name, label=label, factor=band.factor)


def _day(day: _DayTable, moved: dict[str, str]) -> DayHours:
    spans = [_span(text) for text in day.hours]
    starts, bands = list[int](), list[str]()
    for start, _, name in spans:
        band = moved.get(name, name)
        if not bands or bands[-1] != band:
            starts.append(start)
            bands.append(band)
    return DayHours(
        months=frozenset(day.months), days=frozenset(day.days), starts=tuple(starts), bands=tuple(bands)
    )


def _span(text: str) -> tuple[int, int, str]:
    """First minute, the minute after the last, band."""
    parts = _HOURS.fullmatch(text)
    assert parts is not None  # noqa: S101  it was checked when it was read
    hour, minute, to_hour, to_minute, band = parts.groups()
    return int(hour) * 60 + int(minute or 0), int(to_hour) * 60 + int(to_minute or 0), band


def _complaints(file: TomlFile, under: tuple[str | int, ...], table: CalendarTable) -> Iterator[Complaint]:
    names = [band.name for band in table.band]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield file.complain((*under, "band", index), f"a second band {name!r}", "keep one of the two")
    for index, day in enumerate(table.day):
        at = (*under, "day", index, "hours")
        yield from _untiled(file, at, [_span(text) for text in day.hours], names)
    yield from _uncovered(file, under, table)
    both = sorted(set(table.holidays) & set(table.workdays))
    for found in both:
        yield file.complain((*under, "workdays"), f"{found} is a holiday too", "keep it in one of the lists")


def _untiled(
    file: TomlFile, at: tuple[str | int, ...], spans: list[tuple[int, int, str]], names: list[str]
) -> Iterator[Complaint]:
    """The hours of a day follow one another from 0 to 24, without a hole and without an overlap."""
    edges = [(0, 0, ""), *spans, (DAY_MINUTES, DAY_MINUTES, "")]
    for (_, end, _), (start, _, band) in pairwise(edges):
        if start != end:
            problem = f"{_clock(min(end, start))} to {_clock(max(end, start))} is in "
            problem += "no band" if start > end else f"two bands, or out of order ({band or 'after 24'})"
            yield file.complain(at, problem, "list the hours in order, from 0 to 24, each once")
    for start, end, band in spans:
        if end <= start:
            yield file.complain(at, f"{_clock(start)}-{_clock(end)} ends before it begins", "cut it at 24")
        if band not in names:
            yield file.complain(at, f"there is no band {band!r}", f"name one of {', '.join(names)}")


def _uncovered(file: TomlFile, under: tuple[str | int, ...], table: CalendarTable) -> Iterator[Complaint]:
    """Every kind of day in every month has exactly one list of hours."""
    for kind in DayKind:
        of = dict.fromkeys(_MONTHS, 0)
        for day in table.day:
            for month, name in product(day.months, day.days):
                of[month] += name is kind
        missing = [month for month, times in of.items() if not times]
        double = [month for month, times in of.items() if times > 1]
        for months, what in ((missing, "has no hours"), (double, "has hours twice")):
            if months:
                problem = f"a {kind} in month {', '.join(map(str, months))} {what}"
                yield file.complain(
                    (*under, "day"), problem, "each month and kind of day belongs in one [[day]]"
                )


def _unknown_customer(
    file: TomlFile, under: tuple[str | int, ...], table: CalendarTable, customer: str
) -> Iterator[Complaint]:
    known = [each.name for each in table.customer]
    if customer and customer not in known:
        remedy = f"name one of {', '.join(known)}" if known else "leave customer out"
        yield file.complain((*under, "customer"), f"there is no class of customer {customer!r}", remedy)
    names = {band.name for band in table.band}
    for index, each in enumerate(table.customer):
        for band in sorted({*each.bands, *each.bands.values()} - names):
            at = (*under, "customer", index, "bands")
            yield file.complain(at, f"there is no band {band!r}", f"name one of {', '.join(sorted(names))}")


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"
