"""Reads a tariff to a person, clause by clause, in the order of evaluation."""

from collections.abc import Iterator

from billing.calendars import Calendar
from billing.clause_words import sentence
from billing.tariff import Tariff


def in_words(tariff: Tariff) -> Iterator[str]:
    until = f"to {tariff.valid_to}" if tariff.valid_to else "on"
    yield f"tariff {tariff.id} {tariff.version} in {tariff.currency}, from {tariff.valid_from} {until}"
    if tariff.vats:
        how = ("VAT is in the prices", "价格含税") if tariff.is_gross else ("VAT comes on top", "价格不含税")
        rates = ", ".join(f"{v.category} {v.percent} % from {v.valid_from}" for v in tariff.vats)
        yield f"  {how[0]} {how[1]}: {rates}"
    for grade in tariff.grades:
        yield f"  grade {grade.name}: {', '.join(grade.machines)}"
    for calendar in tariff.calendars:
        yield from _calendar(calendar)
    for clause in tariff.clauses():
        said = sentence(clause)
        vat = f" [VAT {clause.vat}]" if clause.vat else ""
        yield f"  {clause.id}{vat}"
        yield f"      {said.en[:1].upper()}{said.en[1:]}"
        yield f"      {said.zh}"


def _calendar(calendar: Calendar) -> Iterator[str]:
    until = f"to {calendar.valid_to}" if calendar.valid_to else "on"
    who = f" for {calendar.customer}" if calendar.customer else ""
    bands = ", ".join(
        f"{band.words.en} {band.words.zh}" + (f" x {band.factor}" if band.factor != 1 else "")
        for band in calendar.bands
    )
    named = f"{calendar.id} {calendar.version}".strip()
    yield f"  calendar {calendar.name} ({named}{who}, from {calendar.valid_from} {until}): {bands}"
    for hours in calendar.hours:
        ends = [*hours.starts[1:], 24 * 60]
        spans = zip(hours.starts, ends, hours.bands, strict=True)
        told = ", ".join(f"{_minute(start)}-{_minute(end)} {band}" for start, end, band in spans)
        months = ",".join(map(str, sorted(hours.months)))
        yield f"      months {months}, {', '.join(sorted(hours.days))}: {told}"
    if calendar.holidays or calendar.workdays:
        worked = f"{len(calendar.workdays)} rest days that are worked (调休)"
        yield f"      {len(calendar.holidays)} holidays, {worked}"


def _minute(minute: int) -> str:
    return f"{minute // 60}" + (f":{minute % 60:02}" if minute % 60 else "")
