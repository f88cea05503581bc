"""A file of entries: lines by hand and results of tests, each with who says so. Pure."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from billing.entries import Entries, Manual, Test
from billing.toml_values import ClauseId, Day, Name, Order, Price, Signed, Table, Text
from billing.words import Words
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.file_kinds import ENTRIES
from contract.names import NONE
from contract.shape_keys import keys_at

_Said = Annotated[str, Field(min_length=1, max_length=512)]


def _month(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError('write a month in quotes, like "2026-11"')  # noqa: TRY004  pydantic collects ValueError only
    try:
        date.fromisoformat(f"{value}-01")
    except ValueError:
        raise ValueError('write a month, like "2026-11"') from None
    return value


def _amount(value: Decimal) -> Decimal:
    if not value or value != value.quantize(Decimal("0.01")):
        raise ValueError(
            "it is an amount other than nothing, with at most two places; a credit is below zero"
        )
    return value


class _ManualTable(Table):
    id: ClauseId
    day: Day
    tenant: Name
    order: Order | None = None
    machine: Name | None = None
    en: Text
    zh: Text = ""
    amount: Annotated[Signed, AfterValidator(_amount)]
    vat: Name | None = None
    by: _Said
    why: _Said


class _TestTable(Table):
    id: ClauseId
    day: Day
    machine: Name
    substance: Name
    value: Price
    by: _Said


class _MeanTable(Table):
    id: ClauseId
    month: Annotated[str, BeforeValidator(_month)]
    machine: Name
    substance: Name
    value: Price
    tests: Annotated[int, Field(ge=1, le=1000, strict=True)]
    by: _Said


class EntriesShape(Table):
    manual: tuple[_ManualTable, ...] = ()
    test: tuple[_TestTable, ...] = ()
    mean: tuple[_MeanTable, ...] = ()


def read_entries(name: str, text: str) -> Entries:
    """Raises BadConfigurationError with every complaint about the file called ``name``."""
    file = parse_toml(name, text, ENTRIES)
    try:
        table = EntriesShape.model_validate(file.data)
    except ValidationError as error:
        wrong = complaints(file, [dict(one) for one in error.errors()], keys=partial(keys_at, EntriesShape))
        raise BadConfigurationError(wrong) from None
    if found := [*_twice(file, table)]:
        raise BadConfigurationError(found)
    return Entries(
        manual=tuple(map(_manual, table.manual)),
        tests=(*map(_test, table.test), *map(_mean, table.mean)),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def joined(parts: Iterable[Entries]) -> Entries:
    """Entries of several files as one."""
    of = list(parts)
    digest = hashlib.sha256("\n".join(part.digest for part in of).encode()).hexdigest() if of else ""
    return Entries(
        manual=tuple(entry for part in of for entry in part.manual),
        tests=tuple(test for part in of for test in part.tests),
        digest=digest,
    )


def _manual(table: _ManualTable) -> Manual:
    return Manual(
        id=table.id,
        day=table.day,
        tenant=table.tenant,
        order_id=table.order or NONE,
        machine=table.machine or NONE,
        text=Words(table.en, table.zh or table.en),
        amount=table.amount,
        vat=table.vat or "",
        by=table.by,
        why=table.why,
    )


def _test(table: _TestTable) -> Test:
    return Test(
        id=table.id,
        first=table.day,
        last=table.day,
        machine=table.machine,
        substance=table.substance,
        value=table.value,
        by=table.by,
    )


def _mean(table: _MeanTable) -> Test:
    first = date.fromisoformat(f"{table.month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return Test(
        id=table.id,
        first=first,
        last=after - timedelta(days=1),
        machine=table.machine,
        substance=table.substance,
        value=table.value,
        tests=table.tests,
        by=table.by,
    )


def _twice(file: TomlFile, table: EntriesShape) -> Iterator[Complaint]:
    seen = set[str]()
    for name in ("manual", "test", "mean"):
        for index, entry in enumerate(getattr(table, name)):
            if entry.id in seen:
                problem = f"a second entry {entry.id!r}"
                yield file.complain((name, index, "id"), problem, "give each entry its own id")
            seen.add(entry.id)
