"""Whether the tariffs hold in the whole period, with their calendars and rates of VAT."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from billing.clauses import Span
from billing.entries import Entries
from billing.ownership import Ownership
from billing.tariff import Tariff
from contract.complaint import BadConfigurationError, Complaint, TomlFile


def check_tariffs(tariffs: Iterable[Tariff], first: date, last: date, file: str) -> None:
    """``first`` and ``last``: local days of a period.

    Raises BadConfigurationError with everything that does not hold on every one of them.
    """
    found = [
        Complaint(file=file or "tariff", line=0, key="tariff", problem=problem, remedy=remedy)
        for tariff in tariffs
        for problem, remedy in _problems(tariff, first, last)
    ]
    if found:
        raise BadConfigurationError(found)


def in_force(versions: Sequence[Tariff], first: date, last: date) -> Tariff:
    """The version of all these days, else the newest that had begun on the first of them, else the oldest."""
    whole = [each for each in versions if each.holds(first, last)]
    begun = [each for each in versions if each.valid_from <= first]
    return (whole or begun or versions[:1])[-1]


def overlapping(
    file: TomlFile, key: tuple[str | int, ...], versions: Sequence[Tariff]
) -> Iterator[Complaint]:
    """``versions``: the oldest first."""
    for one, other in pairwise(versions):
        if one.valid_to is None or one.valid_to >= other.valid_from:
            named = f"{one.id} {one.version} and {other.id} {other.version}"
            remedy = f"end the older one: valid_to = {other.valid_from - timedelta(days=1)}"
            yield file.complain(key, f"{named} both hold on {other.valid_from}", remedy)


def check_entries(entries: Entries, tariff_of: Callable[[str, date], Tariff], file: str) -> None:
    """Raises BadConfigurationError when a line by hand names a VAT that the tenant's tariff does not have."""
    found = []
    for entry in entries.manual:
        tariff = tariff_of(entry.tenant, entry.day)
        known = sorted({rate.category for rate in tariff.vats})
        if entry.vat and entry.vat not in known:
            problem = f"entry {entry.id}: tariff {tariff.id} {tariff.version} has no VAT {entry.vat!r}"
            remedy = f"name one of {', '.join(known)}" if known else "leave vat out"
            found.append(Complaint(file=file, line=0, key="entries", problem=problem, remedy=remedy))
    if found:
        raise BadConfigurationError(found)


def check_ownerships(ownerships: Iterable[Ownership], first: date, last: date, file: str) -> None:
    """Raises BadConfigurationError when shares change within the days from ``first`` to ``last``."""
    found = [
        Complaint(
            file=file or "billing.toml",
            line=0,
            key="ownership",
            problem=f"{each.id} holds from {each.valid_from} to {each.valid_to or 'further notice'},"
            f" the period is {first} to {last}",
            remedy="bill up to the change and then from it",
        )
        for each in ownerships
        if each.holds(first, last) is None
    ]
    if found:
        raise BadConfigurationError(found)


def _problems(tariff: Tariff, first: date, last: date) -> Iterator[tuple[str, str]]:
    name, of = f"tariff {tariff.id} {tariff.version}", f"the period is {first} to {last}"
    until = "bill up to the change and then from it"
    if tariff.valid_to is not None and first <= tariff.valid_to < last:
        change = tariff.valid_to + timedelta(days=1)
        until = f"bill up to the change (--from {first} --to {change}) and then from it (--from {change})"
    if not tariff.holds(first, last):
        holds = f"{name} holds from {tariff.valid_from} to {tariff.valid_to or 'further notice'}"
        yield f"{holds}, {of}", f"name the tariff of that time, or {until}"
    for calendar in tariff.calendars:
        if not calendar.holds(first, last):
            holds = f"calendar {calendar.name} of {name} holds from {calendar.valid_from}"
            problem = f"{holds} to {calendar.valid_to or 'further notice'}, {of}"
            yield problem, f"name the calendar of that time in the tariff, or {until}"
    for category in sorted({rate.category for rate in tariff.vats}):
        if tariff.vat_percent(category, first) is None:
            yield f"{name} has no rate of VAT {category} on {first}", "add the rate of that time as a [[vat]]"
    for rate in tariff.vat_changes(first, last):
        yield f"VAT {rate.category} of {name} changes on {rate.valid_from}, {of}", until
    if (first.year, first.month) != (last.year, last.month) and _is_by_month(tariff):
        yield f"{name} has a price or a limit by the month, and {of}", "bill month by month"


def _is_by_month(tariff: Tariff) -> bool:
    return any(limit.per is Span.MONTH for limit in tariff.limits) or any(
        each.per is Span.MONTH for each in tariff.surcharges
    )
