"""What is wrong between the tables of a tariff. Looks at raw data, to speak up beside other complaints."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from billing.calendars import Calendar
from billing.clauses import HOURLY, Clause
from billing.tariff_shape import CLAUSES, PLACED
from billing.where import ANY_KIND
from contract.complaint import Complaint, TomlFile

Raw = Mapping[str, Any]


def tables(data: Raw, name: str) -> list[Raw]:
    found = data.get(name)
    return [table for table in found if isinstance(table, dict)] if isinstance(found, list) else []


def contradictions(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    yield from _placed(file, data)
    yield from _twice(file, data)
    yield from _setup_twice(file, data)
    yield from _reserved_twice(file, data)
    yield from _of_stops(file, data)
    yield from _grades(file, data)
    yield from _vat(file, data)
    yield from _of(file, data)
    yield from _of_hours(file, data)
    yield from _of_what_is_there(file, data)
    yield from _discounts(file, data)


def _placed(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    for name in CLAUSES:
        for index, table in enumerate(tables(data, name)):
            given = [key for key in ("kind", "grade", "machine") if key in table]
            if len(given) > 1 or (not given and name in PLACED):
                problem = f"names {' and '.join(given) or 'no machine'}"
                remedy = 'say which machines it is about with one of kind ("*": every one), grade, machine'
                yield file.complain((name, index), problem, remedy)


def _where(table: Raw) -> str:
    return str(next((table[key] for key in ("machine", "grade", "kind") if key in table), ANY_KIND))


_KEYS: Mapping[str, tuple[str, ...]] = {
    "rate": ("class", "calendar", "band"),
    "quantity": ("name",),
    "pollution": ("name",),
    "base": ("per", "each"),
    "minimum": ("per", "each"),
    "cap": ("per", "each"),
}


def _twice(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    ids: Counter[str] = Counter()
    for name in CLAUSES:
        seen: Counter[str] = Counter()
        for index, table in enumerate(tables(data, name)):
            shown = ", ".join(
                [_where(table), *(str(table[key]) for key in _KEYS.get(name, ()) if key in table)]
            )
            known = table.get("id")
            ids[str(known)] += known is not None
            if known is not None and ids[str(known)] == 2:
                yield file.complain((name, index, "id"), f"a second clause {known!r}", "give each its own id")
            if name in {"surcharge", "discount", "base", "minimum", "cap"} and known is not None:
                continue
            seen[shown] += 1
            if seen[shown] == 2:
                remedy = "keep one of the two"
                if name in {"surcharge", "discount", "base", "minimum", "cap"}:
                    remedy = "keep one of the two, or give each an id"
                yield file.complain((name, index), f"a second [[{name}]] for {shown}", remedy)


def _setup_twice(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    rates, fees = tables(data, "rate"), tables(data, "setup_fee")
    hourly = {_where(table) for table in rates if table.get("class") == Clause.SETUP}
    for index, table in enumerate(fees):
        kind = _where(table)
        if hourly and (kind in hourly or ANY_KIND in {kind, *hourly}):
            yield file.complain(
                ("setup_fee", index),
                f"setup of kind {kind!r} has a fee here and an hourly rate too",
                'keep one of them for each kind ("*" stands for every kind)',
            )


def _reserved_twice(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    reserved = (Clause.RESERVED, Clause.RESERVED_OFF)
    rated = {_where(table) for table in tables(data, "rate") if table.get("class") in reserved}
    for index, table in enumerate(tables(data, "reservation")):
        where = _where(table)
        if rated and (where in rated or ANY_KIND in {where, *rated}):
            problem = f"idle time under a lease of {where!r} has a rate too"
            remedy = "keep [[reservation]], or the [[rate]] of class reserved"
            yield file.complain(("reservation", index), problem, remedy)


def _of_stops(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    for index, table in enumerate(tables(data, "rate")):
        is_stop = table.get("class") == Clause.STOP_TENANT
        if "grace_s" in table and not is_stop:
            yield file.complain(
                ("rate", index, "grace_s"), "is only for class stop_tenant", "remove it from this rate"
            )
        if table.get("each") == "stop" and not is_stop:
            yield file.complain(
                ("rate", index, "each"), '"stop" is only for class stop_tenant', "name another"
            )
        if is_stop and "minimum_price" in table and table.get("each", "stop") == "stop":
            problem = "a stop that is cut would buy the first block twice"
            yield file.complain(("rate", index, "minimum_price"), problem, 'use per_block, or each = "order"')
    for name in ("piece", "quantity"):
        for index, table in enumerate(tables(data, name)):
            if table.get("each") == "stop":
                yield file.complain(
                    (name, index, "each"), '"stop" is only for class stop_tenant', "name another"
                )


def _grades(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    known = [str(table.get("name")) for table in tables(data, "grade")]
    for name in CLAUSES:
        for index, table in enumerate(tables(data, name)):
            if "grade" in table and table["grade"] not in known:
                remedy = f"name one of {', '.join(known)}" if known else "add a [[grade]] with its machines"
                yield file.complain((name, index, "grade"), f"there is no grade {table['grade']!r}", remedy)


def _vat(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    known = {str(table.get("name")) for table in tables(data, "vat")}
    named = ", ".join(sorted(known))
    if known and "prices" not in data:
        yield file.complain(
            (), "has [[vat]], and does not say what its prices are", 'add prices = "net" or "gross"'
        )
    if known and "vat_category" not in data:
        problem = "has [[vat]], and no category for clauses that name none"
        yield file.complain((), problem, f"add vat_category, one of {named}")
    places: list[tuple[tuple[str | int, ...], object]] = [(("vat_category",), data.get("vat_category"))]
    places += [
        ((name, index, "vat"), table.get("vat"))
        for name in CLAUSES
        for index, table in enumerate(tables(data, name))
    ]
    for path, category in places:
        if isinstance(category, str) and category not in known:
            remedy = f"name one of {named}" if known else "add a [[vat]] of that name, or leave this out"
            yield file.complain(path, f"there is no category of VAT {category!r}", remedy)


_KINDS = frozenset(
    (*HOURLY, Clause.GOOD, Clause.PRODUCED, Clause.REWORK, Clause.QUANTITY, Clause.ENERGY, Clause.POLLUTION)
) | {
    *(Clause.SETUP_FEE, Clause.BASE, Clause.UNUSED, Clause.NO_SHOW, Clause.CANCELLED, Clause.SCRAP_CREDIT),
    *(Clause.SURCHARGE, Clause.DISCOUNT),
}


def _of(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    """What a surcharge, a discount or a credit is about must be there."""
    ids = {str(table["id"]) for name in CLAUSES for table in tables(data, name) if "id" in table}
    known = {str(kind) for kind in _KINDS} | ids
    for name in ("surcharge", "discount", "scrap_credit"):
        for index, table in enumerate(tables(data, name)):
            of = table.get("of")
            for each in of if isinstance(of, list) else ():
                if isinstance(each, str) and each not in known:
                    remedy = f"name ids of clauses, or {', '.join(sorted(map(str, _KINDS)))}"
                    yield file.complain((name, index, "of"), f"there is no clause {each!r}", remedy)


def _discounts(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    for index, table in enumerate(tables(data, "discount")):
        steps = [("steps", n, step) for n, step in enumerate(tables(table, "steps"))]
        for path, given in [((), table), *((step[:2], step[2]) for step in steps)]:
            percent = given.get("percent")
            if isinstance(percent, str) and percent.isdecimal() and int(percent) > 100:
                problem = "takes off more than there is"
                yield file.complain(("discount", index, *path, "percent"), problem, "100 is the most")


def _of_what_is_there(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    """A surcharge is about lines that are made before it, a credit about what was counted."""
    made = [(name, index) for name in ("surcharge", "discount") for index in range(len(tables(data, name)))]
    ids = {place: tables(data, place[0])[place[1]].get("id") for place in made}
    for number, place in enumerate(made):
        later = {str(ids[each]) for each in made[number:] if ids[each] is not None}
        if place[0] == "surcharge":
            later.add(Clause.DISCOUNT)
        for each in _named(data, place):
            if each in later:
                problem = f"{each!r} is made after this one, so this cannot be about it"
                yield file.complain((*place, "of"), problem, "put the other before this one, or leave it out")
    counted = {str(table["id"]) for name in _COUNTED for table in tables(data, name) if "id" in table}
    known = {str(kind) for kind in (*HOURLY, *_PER_UNIT)} | counted
    everything = {str(table["id"]) for name in CLAUSES for table in tables(data, name) if "id" in table}
    for index in range(len(tables(data, "scrap_credit"))):
        for each in _named(data, ("scrap_credit", index)):
            if each not in known and each in everything | {str(kind) for kind in _KINDS}:
                problem = f"{each!r} is not given back: a credit is about what the machine counted"
                remedy = f"name ids of such clauses, or {', '.join(sorted(map(str, (*HOURLY, *_PER_UNIT))))}"
                yield file.complain(("scrap_credit", index, "of"), problem, remedy)


def _named(data: Raw, place: tuple[str, int]) -> list[str]:
    of = tables(data, place[0])[place[1]].get("of")
    return [each for each in of if isinstance(each, str)] if isinstance(of, list) else []


_COUNTED = ("rate", "piece", "quantity", "energy", "pollution")
_PER_UNIT = (Clause.GOOD, Clause.PRODUCED, Clause.REWORK, Clause.QUANTITY, Clause.ENERGY, Clause.POLLUTION)
_HOURLY_TABLES = ("rate", "piece", "quantity", "energy")


def _of_hours(file: TomlFile, data: Raw) -> Iterator[Complaint]:
    """Only what is counted while time goes on lies in a band."""
    ids = {str(table["id"]) for name in _HOURLY_TABLES for table in tables(data, name) if "id" in table}
    known = {*map(str, HOURLY), Clause.GOOD, Clause.PRODUCED, Clause.QUANTITY, Clause.ENERGY} | ids
    for name in ("surcharge", "discount"):
        for index, table in enumerate(tables(data, name)):
            of = table.get("of") if "band" in table else None
            for each in of if isinstance(of, list) else ():
                if isinstance(each, str) and each not in known:
                    problem = f"{each!r} has no hours of the day, so it cannot lie in a band"
                    yield file.complain((name, index, "of"), problem, "leave it out, or leave the band out")


def unknown_bands(file: TomlFile, data: Raw, calendars: Mapping[str, Calendar]) -> Iterator[Complaint]:
    """Calendars and bands that clauses name and the tariff does not have."""
    for name in ("rate", "energy", "surcharge", "discount"):
        for index, table in enumerate(tables(data, name)):
            called = table.get("calendar")
            if called is None:
                continue
            calendar = calendars.get(str(called))
            if calendar is None:
                remedy = (
                    f"name one of {', '.join(calendars)}" if calendars else "add a [[calendar]] of that name"
                )
                yield file.complain((name, index, "calendar"), f"there is no calendar {called!r}", remedy)
                continue
            bands = [band.name for band in calendar.bands]
            if "band" in table and table["band"] not in bands:
                problem = f"calendar {called} has no band {table['band']!r}"
                yield file.complain((name, index, "band"), problem, f"name one of {', '.join(bands)}")


def has_a_price(data: Raw) -> bool:
    return any(chain.from_iterable(tables(data, name) for name in CLAUSES))
