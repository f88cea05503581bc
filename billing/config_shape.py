"""``billing.toml``, as a person writes it."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from billing.ownership_table import OwnershipTable
from billing.toml_values import Name, Table, Text
from billing.validation_shape import ValidationTable
from store.config import StoreConfig


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError('name a time zone of the tz database, like "Asia/Shanghai"') from None
    return name


class _Site(Table):
    name: Name
    timezone: Annotated[str, AfterValidator(_zone)]
    name_en: Text = ""
    name_zh: Text = ""


_Files = str | Annotated[tuple[str, ...], Field(min_length=1)]
"""A file, or one for each version."""


class _Tenant(Table):
    id: Name
    tariff: _Files | None = None
    name_en: Text = ""
    name_zh: Text = ""


class _Orders(Table):
    lookback_days: Annotated[int, Field(ge=0, le=400)] = 31


class _Attribution(Table):
    lease_tolerance_s: Annotated[int, Field(ge=0, le=3600)] = 5
    require_witness: bool = False


class _Report(Table):
    coverage_percent: Annotated[int, Field(ge=0, le=100)] = 95
    gone: tuple[Name, ...] = ()


class _Signatures(Table):
    keys: str
    required: bool = False


class FileShape(Table):
    tariff: _Files
    site: _Site
    store: StoreConfig
    tenant: tuple[_Tenant, ...] = ()
    entries: tuple[str, ...] = ()
    books: str = "books"
    stop_codes: tuple[str, ...] = ()
    orders: _Orders = _Orders()
    ownership: tuple[OwnershipTable, ...] = ()
    attribution: _Attribution = _Attribution()
    report: _Report = _Report()
    signatures: _Signatures | None = None
    validation: ValidationTable = ValidationTable()
