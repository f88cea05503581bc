"""A tariff from TOML text, with every complaint at once. Pure: the texts come from the caller."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from billing.calendar_file import CalendarTable, calendar_of, read_calendar
from billing.calendars import Calendar
from billing.tariff import Tariff
from billing.tariff_build import Builder
from billing.tariff_checks import contradictions, has_a_price, tables, unknown_bands
from billing.tariff_shape import TariffTable
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.file_kinds import TARIFF
from contract.names import is_name
from contract.remedies import unreadable
from contract.shape_keys import keys_at

ReadText = Callable[[str], str]
"""The text of a file that a tariff names, by the path that stands in it. Raises OSError or ValueError."""


def read_tariff(name: str, text: str, read: ReadText | None = None) -> Tariff:
    """Raises BadConfigurationError with every complaint about the file ``name`` and its calendars."""
    file = parse_toml(name, text, TARIFF)
    found: list[Complaint] = []
    table = None
    try:
        table = TariffTable.model_validate(file.data)
    except ValidationError as error:
        found += complaints(file, [dict(one) for one in error.errors()], keys=partial(keys_at, TariffTable))
    found += contradictions(file, file.data)
    calendars = _Calendars(file, text, read)
    found += calendars.complaints
    found += unknown_bands(file, file.data, calendars.found)
    found += _empty(file, table) if table else ()
    if found or table is None:
        raise BadConfigurationError(found)
    digest = hashlib.sha256(text.encode())
    for other in calendars.texts:
        digest.update(other.encode())
    return Tariff(
        id=table.id,
        version=table.version,
        currency=table.currency,
        valid_from=table.valid_from,
        valid_to=table.valid_to,
        digest=digest.hexdigest(),
        calendars=tuple(calendars.found.values()),
        vat_category=(table.vat_category or "") if table.vat else "",
        is_gross=table.prices == "gross",
        **Builder(table).clauses(),
    )


class _Calendars:
    """Reads the [[calendar]] tables: those that stand in the tariff, and those in files of their own."""

    def __init__(self, file: TomlFile, text: str, read: ReadText | None) -> None:
        self._file, self._text, self._read = file, text, read
        self.found: dict[str, Calendar] = {}
        self.complaints: list[Complaint] = []
        self.texts: list[str] = []
        for index, table in enumerate(tables(file.data, "calendar")):
            try:
                self._add(index, table)
            except BadConfigurationError as error:
                self.complaints += error.complaints

    def _add(self, index: int, table: Mapping[str, Any]) -> None:
        name, file, under = table.get("name"), self._file, ("calendar", index)
        if not isinstance(name, str) or not is_name(name):
            problem = "has no name that clauses could call it by"
            raise BadConfigurationError([file.complain(under, problem, 'add one, like name = "night"')])
        if name in self.found:
            raise BadConfigurationError([file.complain(under, f"a second [[calendar]] {name}", "keep one")])
        customer = table.get("customer_class", "")
        if not isinstance(customer, str):
            problem = "is no name of a class of customer"
            raise BadConfigurationError(
                [file.complain((*under, "customer_class"), problem, "write it in quotes")]
            )
        self.found[name] = (
            self._from_file(under, table, name, customer)
            if "file" in table
            else self._inline(under, table, name, customer)
        )

    def _inline(
        self, under: tuple[str | int, ...], table: Mapping[str, Any], name: str, customer: str
    ) -> Calendar:
        own = {key: value for key, value in table.items() if key not in {"name", "customer_class"}}
        try:
            shape = CalendarTable.model_validate(own)
        except ValidationError as error:
            raise BadConfigurationError(
                complaints(self._file, [dict(one) for one in error.errors()], under)
            ) from None
        digest = hashlib.sha256(f"{name}\n{self._text}".encode()).hexdigest()
        return calendar_of(self._file, under, shape, (name, customer, name, "", digest))

    def _from_file(
        self, under: tuple[str | int, ...], table: Mapping[str, Any], name: str, customer: str
    ) -> Calendar:
        at = (*under, "file")
        unknown = sorted(set(table) - {"name", "file", "customer_class"})
        if unknown:
            problem = f"has a file, and {', '.join(unknown)} beside it"
            raise BadConfigurationError([self._file.complain(under, problem, "write them in that file")])
        try:
            text = (self._read or _nowhere)(str(table["file"]))
        except (OSError, ValueError) as error:
            problem = f"{table['file']} cannot be read ({unreadable(error)})"
            raise BadConfigurationError(
                [self._file.complain(at, problem, "give a calendar's file, beside this one")]
            ) from None
        self.texts.append(text)
        return read_calendar(str(table["file"]), text, name, customer)


def _nowhere(name: str) -> str:
    raise FileNotFoundError(name)


def _empty(file: TomlFile, table: TariffTable) -> Iterator[Complaint]:
    if table.valid_to is not None and table.valid_to < table.valid_from:
        yield file.complain(("valid_to",), "lies before valid_from", "exchange the two dates or mend one")
    if not has_a_price(file.data):
        yield file.complain((), "the tariff has no price", "add a [[rate]], [[piece]] or [[setup_fee]]")
