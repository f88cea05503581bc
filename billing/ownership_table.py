"""``[[ownership]]`` of billing.toml: which machines are whose, by which shares, from when. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from billing.ownership import Owner, Ownership
from billing.toml_values import Day, Name, Share, Table, Text, Yuan
from billing.words import Words
from contract.complaint import Complaint, TomlFile

_Pattern = Annotated[str, Field(pattern=r"^[a-z0-9*?._-]{1,64}$")]


class OwnerTable(Table):
    id: Name
    share: Annotated[int, Field(ge=1, le=10**12, strict=True)]
    name_en: Text = ""
    name_zh: Text = ""


class OwnershipTable(Table):
    id: Name
    machines: Annotated[tuple[_Pattern, ...], Field(min_length=1)]
    owner: Annotated[tuple[OwnerTable, ...], Field(min_length=1)]
    host_fee_percent: Share = Decimal(0)
    host_fee_a_month: Yuan = Decimal(0)
    valid_from: Day = date(1970, 1, 1)
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        ids = [owner.id for owner in self.owner]
        if len(set(ids)) < len(ids):
            raise ValueError("an owner has one share: name each once")
        return self


def ownership_of(table: OwnershipTable) -> Ownership:
    return Ownership(
        id=table.id,
        machines=table.machines,
        owners=tuple(
            Owner(
                id=owner.id,
                label=Words(owner.name_en or owner.id, owner.name_zh or owner.name_en or owner.id),
                share=owner.share,
            )
            for owner in table.owner
        ),
        fee_percent=table.host_fee_percent,
        fee_a_month=table.host_fee_a_month,
        valid_from=table.valid_from,
        valid_to=table.valid_to,
    )


def named_twice(file: TomlFile, tables: Sequence[OwnershipTable]) -> Iterator[Complaint]:
    """Of one id there may be several, one after the other."""
    for index, table in enumerate(tables):
        for other in tables[:index]:
            if table.id == other.id and _meet(table, other):
                problem = f"{table.id!r} is there a second time on the same days"
                remedy = "end the earlier one with valid_to before the later one begins"
                yield file.complain(("ownership", index, "id"), problem, remedy)


def _meet(one: OwnershipTable, other: OwnershipTable) -> bool:
    first, last = (
        max(one.valid_from, other.valid_from),
        min(one.valid_to or date.max, other.valid_to or date.max),
    )
    return first <= last
