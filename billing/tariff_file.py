"""A tariff from TOML text, with every complaint at once. Pure: the text comes from the caller."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from billing.tariff import ANY_KIND, GRACE_MS, Clause, Piece, Rate, SetupFee, Tariff
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.names import is_name

_PLACES = 6
_DIGITS = 12
_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def _price(value: object) -> Decimal:
    """Only text is exact: a TOML float has already been rounded to binary when it arrives here."""
    if not isinstance(value, str):
        raise ValueError(f'write the price in quotes: "{value}"')  # noqa: TRY004  pydantic collects ValueError only
    try:
        price = Decimal(value)
    except InvalidOperation:
        raise ValueError('write an amount like "12.00"') from None
    if not price.is_finite() or price < 0:
        raise ValueError("a price is a finite amount, zero or more")
    if not _PLAIN.fullmatch(value):
        raise ValueError('write plain digits, like "12.00", without exponent, space or underscore')
    if -int(price.as_tuple().exponent) > _PLACES:
        raise ValueError(f"a price has at most {_PLACES} places")
    if len(price.as_tuple().digits) > _DIGITS:
        raise ValueError(f"a price has at most {_DIGITS} digits")
    return price


def _kind(value: object) -> object:
    if value == ANY_KIND or (isinstance(value, str) and is_name(value)):
        return value
    raise ValueError('name a kind of machine (lower case letters, digits, . _ -) or "*" for every kind')


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("write a local date without quotes, like 2026-01-01")


_Price = Annotated[Decimal, BeforeValidator(_price)]
_Kind = Annotated[str, BeforeValidator(_kind)]
_Day = Annotated[date, BeforeValidator(_day)]
_Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,127}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _RateTable(_Table):
    kind: _Kind
    clause: Literal["run", "setup", "test", "stop_tenant"] = Field(alias="class")
    per_hour: _Price
    grace_s: int | None = Field(default=None, ge=0, le=86_400, strict=True)


class _PieceTable(_Table):
    kind: _Kind
    basis: Literal["good", "produced"]
    price: _Price


class _FeeTable(_Table):
    kind: _Kind
    price: _Price


class _TariffTable(_Table):
    id: _Label
    version: _Label
    currency: Literal["CNY"]
    valid_from: _Day
    valid_to: _Day | None = None
    rate: tuple[_RateTable, ...] = ()
    piece: tuple[_PieceTable, ...] = ()
    setup_fee: tuple[_FeeTable, ...] = ()


def read_tariff(name: str, text: str) -> Tariff:
    """Raises BadConfigurationError with every complaint about the file called ``name``."""
    file = parse_toml(name, text)
    try:
        table = _TariffTable.model_validate(file.data)
    except ValidationError as error:
        found = complaints(file, [dict(problem) for problem in error.errors()])
        raise BadConfigurationError([*found, *_contradictions(file, file.data)]) from None
    if found := [*_contradictions(file, file.data), *_empty(file, table)]:
        raise BadConfigurationError(found)
    return _tariff(table, hashlib.sha256(text.encode()).hexdigest())


def _tariff(table: _TariffTable, digest: str) -> Tariff:
    return Tariff(
        id=table.id,
        version=table.version,
        currency=table.currency,
        valid_from=table.valid_from,
        valid_to=table.valid_to,
        digest=digest,
        rates=tuple(_rate(rate) for rate in table.rate),
        pieces=tuple(Piece(kind=p.kind, basis=Clause(p.basis), price=p.price) for p in table.piece),
        setup_fees=tuple(SetupFee(kind=fee.kind, price=fee.price) for fee in table.setup_fee),
    )


def _rate(rate: _RateTable) -> Rate:
    clause = Clause(rate.clause)
    given_ms = GRACE_MS if rate.grace_s is None else rate.grace_s * 1000
    grace_ms = given_ms if clause is Clause.STOP_TENANT else 0
    return Rate(kind=rate.kind, clause=clause, per_hour=rate.per_hour, grace_ms=grace_ms)


def _empty(file: TomlFile, table: _TariffTable) -> Iterator[Complaint]:
    if table.valid_to is not None and table.valid_to < table.valid_from:
        yield file.complain(("valid_to",), "lies before valid_from", "exchange the two dates or mend one")
    if not (table.rate or table.piece or table.setup_fee):
        yield file.complain((), "the tariff has no price", "add a [[rate]], [[piece]] or [[setup_fee]]")


def _contradictions(file: TomlFile, data: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong between tables. Looks at the raw data, so that it speaks up beside other complaints."""
    rates, fees = _tables(data, "rate"), _tables(data, "setup_fee")
    yield from _twice(file, "rate", [(table.get("kind"), table.get("class")) for table in rates])
    yield from _twice(file, "piece", [(table.get("kind"),) for table in _tables(data, "piece")])
    yield from _twice(file, "setup_fee", [(table.get("kind"),) for table in fees])
    for index, table in enumerate(rates):
        if "grace_s" in table and table.get("class") != Clause.STOP_TENANT:
            yield file.complain(
                ("rate", index, "grace_s"), "is only for class stop_tenant", "remove it from this rate"
            )
    hourly = {str(table.get("kind")) for table in rates if table.get("class") == Clause.SETUP}
    for index, table in enumerate(fees):
        kind = str(table.get("kind"))
        if hourly and (kind in hourly or ANY_KIND in {kind, *hourly}):
            yield file.complain(
                ("setup_fee", index),
                f"setup of kind {kind!r} has a fee here and an hourly rate too",
                'keep one of them for each kind ("*" stands for every kind)',
            )


def _tables(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name)
    return [table for table in found if isinstance(table, dict)] if isinstance(found, list) else []


def _twice(file: TomlFile, name: str, keys: list[tuple[object, ...]]) -> Iterator[Complaint]:
    seen: Counter[str] = Counter()
    for index, key in enumerate(keys):
        shown = ", ".join(map(str, key))
        seen[shown] += 1
        if seen[shown] == 2:
            yield file.complain((name, index), f"a second [[{name}]] for {shown}", "keep one of the two")
