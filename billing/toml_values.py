"""Values as they are written in the files of billing: exact prices, percentages, days, names, hours."""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from contract.json_schema import NAME_SCHEMA
from contract.names import NAME, is_name, is_order_id
from contract.series import is_quantity_name

_PLACES: Final = 6
_DIGITS: Final = 12
_PLAIN: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_QUANTITY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Table(BaseModel):
    """A table of a file: a key that is not known is a complaint."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _number(value: object, what: str, places: int) -> Decimal:
    """Only text is exact: a TOML float has already been rounded to binary when it arrives here."""
    if not isinstance(value, str):
        raise ValueError(f'write the {what} in quotes: "{value}"')  # noqa: TRY004  pydantic collects ValueError only
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError('write an amount like "12.00"') from None
    if not number.is_finite():
        raise ValueError(f"a {what} is a finite amount, zero or more")
    if not _PLAIN.fullmatch(value):
        raise ValueError('write plain digits, like "12.00", without exponent, space or underscore')
    if -int(number.as_tuple().exponent) > places:
        raise ValueError(f"a {what} has at most {places} places")
    if len(number.as_tuple().digits) > _DIGITS:
        raise ValueError(f"a {what} has at most {_DIGITS} digits")
    return number


def _price(value: object) -> Decimal:
    price = _number(value, "price", _PLACES)
    if price < 0:
        raise ValueError("a price is a finite amount, zero or more")
    return price


def _yuan(value: object) -> Decimal:
    amount = _number(value, "amount", 2)
    if amount < 0:
        raise ValueError("an amount is zero or more, with at most two places")
    return amount


def _signed(value: object) -> Decimal:
    return _number(value, "amount", _PLACES)


def _positive(value: object) -> Decimal:
    number = _number(value, "number", _PLACES)
    if number <= 0:
        raise ValueError("it is a number greater than zero")
    return number


def _percent(value: object) -> Decimal:
    percent = _number(value, "percentage", 4)
    if not 0 <= percent <= 1000:
        raise ValueError('a percentage is from "0" to "1000"')
    return percent


def _kind(value: object) -> object:
    if value == "*" or (isinstance(value, str) and is_name(value)):
        return value
    raise ValueError('name a kind of machine (lower case letters, digits, . _ -) or "*" for every kind')


def _name(value: str) -> str:
    if not is_name(value):
        raise ValueError("use lower case letters, digits, dot, dash and underscore")
    return value


def _order(value: str) -> str:
    if not is_order_id(value):
        raise ValueError("an order is letters, digits, . _ -")
    return value


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("write a local date without quotes, like 2026-01-01")


def _quantity(value: str) -> str:
    if not _QUANTITY.fullmatch(value) or not is_quantity_name(value):
        raise ValueError("name a quantity as the machine's profile does, like weld_mm or gas_l")
    return value


# What editors are told: the validators say it in words.
_AMOUNT: Final = WithJsonSchema({"type": "string", "pattern": rf"^[0-9]+(\.[0-9]{{1,{_PLACES}}})?$"})
_SIGNED: Final = WithJsonSchema({"type": "string", "pattern": rf"^[+-]?[0-9]+(\.[0-9]{{1,{_PLACES}}})?$"})
_KIND: Final = WithJsonSchema(
    {"type": "string", "pattern": NAME.replace(r"\A", r"^(\*|").replace(r"\Z", ")$")}
)
Price = Annotated[Decimal, BeforeValidator(_price), _AMOUNT]
"""Yuan for one unit, zero or more, up to six places."""
Yuan = Annotated[Decimal, BeforeValidator(_yuan), _AMOUNT]
"""An amount of money, zero or more, to the fen."""
Signed = Annotated[Decimal, BeforeValidator(_signed), _SIGNED]
Positive = Annotated[Decimal, BeforeValidator(_positive), _AMOUNT]
Percent = Annotated[Decimal, BeforeValidator(_percent), _AMOUNT]
Share = Annotated[Percent, Field(le=100)]
"""A percentage of something that is divided: not more than all of it."""
Kind = Annotated[str, BeforeValidator(_kind), _KIND]
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra=NAME_SCHEMA)]
Order = Annotated[str, AfterValidator(_order)]
Day = Annotated[date, BeforeValidator(_day)]
Quantity = Annotated[str, AfterValidator(_quantity)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,127}$")]
"""An id or a version of a file."""
ClauseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, Field(max_length=120)]
Seconds = Annotated[int, Field(ge=0, le=366 * 86_400, strict=True)]
Whole = Annotated[int, Field(ge=0, le=10**12, strict=True)]
