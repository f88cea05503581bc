"""The tables of a tariff file, as a person writes them. ``tariff_build`` makes clauses of them."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from billing.block import Each, Rounding
from billing.clauses import Span, Whose
from billing.tiers import Mode, Over
from billing.toml_values import (
    ClauseId,
    Day,
    Kind,
    Label,
    Name,
    Percent,
    Positive,
    Price,
    Quantity,
    Seconds,
    Share,
    Table,
    Text,
    Whole,
    Yuan,
)
from contract.states import Party

_Machines = Annotated[str, Field(pattern=r"^[a-z0-9*?._-]{1,64}$")]
_Of = Annotated[tuple[ClauseId, ...], Field(min_length=1)]


class ClauseTable(Table):
    id: ClauseId | None = None
    en: Text = ""
    zh: Text = ""
    vat: Name | None = None
    kind: Kind | None = None
    grade: Name | None = None
    machine: Name | None = None


class TierTable(Table):
    up_to: Positive | None = None
    price: Price


class _TieredTable(ClauseTable):
    tiers: tuple[TierTable, ...] = ()
    tiered: Mode = Mode.GRADUATED
    over: Over = Over.ORDER
    rounding: Rounding = Rounding.UP
    each: Each | None = None
    minimum_price: Price | None = None

    @model_validator(mode="after")
    def _tiers_rise(self) -> Self:
        ends = [tier.up_to for tier in self.tiers]
        if self.tiers and (None in ends[:-1] or ends[-1] is not None):
            raise ValueError("every tier has an up_to but the last, which has none")
        if (known := [end for end in ends if end is not None]) != sorted(set(known)):
            raise ValueError("the up_to of tiers rise from one to the next")
        return self


def _one_of(table: Table, *names: str) -> None:
    given = [name for name in names if getattr(table, name) not in {None, ()}]
    if len(given) != 1:
        raise ValueError(f"give one of {', '.join(names)}")


class RateTable(_TieredTable):
    clause: Literal["run", "setup", "test", "stop_tenant", "reserved", "reserved_off"] = Field(alias="class")
    per_hour: Price | None = None
    per_block: Price | None = None
    calendar: Name | None = None
    band: Name | None = None
    grace_s: Annotated[int, Field(ge=0, le=86_400, strict=True)] | None = None
    free_s: Seconds = 0
    minimum_s: Seconds = 0
    block_s: Seconds | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _one_of(self, "per_hour", "per_block", "tiers")
        if self.per_block is not None and not self.block_s:
            raise ValueError("per_block needs block_s, the length of a block in seconds")
        is_whole = not self.block_s or self.minimum_s % self.block_s == 0
        if self.per_block is not None and self.minimum_price is None and not is_whole:
            raise ValueError("minimum_s is a whole number of blocks, or has a minimum_price of its own")
        if self.minimum_price is not None and not self.minimum_s:
            raise ValueError("minimum_price needs minimum_s, the time that it buys")
        if (self.calendar is None) != (self.band is None):
            raise ValueError("calendar and band go together")
        return self


class _QuantifiedTable(_TieredTable):
    price: Price | None = None
    per: Positive = Decimal(1)
    free: Whole = 0
    minimum: Whole = 0
    block: Annotated[int, Field(ge=1, le=10**12, strict=True)] = 1

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        _one_of(self, "price", "tiers")
        if self.minimum_price is not None and not self.minimum:
            raise ValueError("minimum_price needs minimum, the quantity that it buys")
        return self


class PieceTable(_QuantifiedTable):
    basis: Literal["good", "produced"]
    allowance_percent: Share | None = None
    tenant_pays: tuple[Party, ...] | None = None
    rework: Literal["each", "once"] = "each"

    @model_validator(mode="after")
    def _rework_has_one_price(self) -> Self:
        if self.rework == "once" and self.tiers:
            raise ValueError('rework = "once" needs a price, not tiers')
        return self


class QuantityTable(_QuantifiedTable):
    name: Quantity
    less: Quantity | None = None
    times: Positive = Decimal(1)
    unit: Text | None = None
    unit_zh: Text = ""


class AdderTable(Table):
    price: Price
    en: Text
    zh: Text = ""


class EnergyTable(ClauseTable):
    price: Price
    adders: tuple[AdderTable, ...] = ()
    calendar: Name | None = None
    loss_percent: Percent = Decimal(0)


class FeeTable(ClauseTable):
    price: Price


class BaseTable(ClauseTable):
    price: Price
    per: Literal[Span.DAY, Span.MONTH]
    each: Whose = Whose.TENANT
    tenants: tuple[Name, ...] = ()


class ReservationTable(ClauseTable):
    per_hour: Price = Decimal(0)
    unused_percent: Percent = Decimal(0)
    no_show_percent: Percent = Decimal(0)
    no_show_fee: Price = Decimal(0)
    cancelled_percent: Percent = Decimal(0)
    cancelled_fee: Price = Decimal(0)
    notice_s: Seconds = 0
    same_day: bool = False
    waived_when_reused: bool = True


class StepTable(Table):
    substance: Name
    above: Positive | None = None
    below: Positive | None = None
    step: Positive
    price: Price
    counted: Quantity | None = None
    unit: Text = "mg/L"
    en: Text = ""
    zh: Text = ""

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        _one_of(self, "above", "below")
        return self


class PollutionTable(ClauseTable):
    name: Quantity
    price: Price
    per: Positive = Decimal(1000)
    unit: Text = "m³"
    unit_zh: Text = ""
    step: tuple[StepTable, ...]
    tests: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1


class ScrapCreditTable(ClauseTable):
    causes: Annotated[tuple[Party, ...], Field(min_length=1)] = (Party.HOST,)
    of: _Of = ("run",)


class AmountStepTable(Table):
    above: Yuan = Decimal(0)
    percent: Percent


class SurchargeTable(ClauseTable):
    """A discount has the same keys; its percentages are taken off."""

    of: _Of
    percent: Percent | None = None
    price: Price | None = None
    steps: tuple[AmountStepTable, ...] = ()
    stepped: Mode = Mode.VOLUME
    calendar: Name | None = None
    band: Name | None = None
    due_within_h: Annotated[int, Field(ge=1, le=10_000, strict=True)] | None = None
    per: Literal[Span.ORDER, Span.MONTH] = Span.ORDER
    tenants: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _one_of(self, "percent", "price", "steps")
        if (self.calendar is None) != (self.band is None):
            raise ValueError("calendar and band go together")
        is_part = self.band or self.machine or self.grade or (self.kind or "*") != "*"
        if is_part and self.percent is None:
            raise ValueError("a part of a line, some hours or machines, has a percent")
        if self.due_within_h and self.per is Span.MONTH:
            raise ValueError('due_within_h is of orders: per = "order"')
        above = [step.above for step in self.steps]
        if above != sorted(set(above)):
            raise ValueError("the above of steps rise from one to the next")
        return self


class LimitTable(ClauseTable):
    amount: Yuan
    per: Span
    each: Whose = Whose.TENANT
    tenants: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _is_of_orders(self) -> Self:
        if self.grade or self.machine:
            raise ValueError('a limit is of all lines or of a kind; for machines, say each = "machine"')
        if self.per is Span.ORDER and self.each is Whose.MACHINE:
            raise ValueError('per = "order" has no each = "machine": an order has one limit')
        if self.tenants and (self.each is Whose.MACHINE or self.per is not Span.MONTH):
            raise ValueError('tenants are of limits per = "month" and each = "tenant"')
        return self


class GradeTable(Table):
    name: Name
    machines: Annotated[tuple[_Machines, ...], Field(min_length=1)]


class VatTable(Table):
    name: Name
    percent: Share
    valid_from: Day


class TariffTable(Table):
    id: Label
    version: Label
    currency: Literal["CNY"]
    valid_from: Day
    valid_to: Day | None = None
    prices: Literal["net", "gross"] | None = None
    vat_category: Name | None = None
    calendar: tuple[dict[str, object], ...] = ()
    grade: tuple[GradeTable, ...] = ()
    vat: tuple[VatTable, ...] = ()
    rate: tuple[RateTable, ...] = ()
    piece: tuple[PieceTable, ...] = ()
    quantity: tuple[QuantityTable, ...] = ()
    energy: tuple[EnergyTable, ...] = ()
    pollution: tuple[PollutionTable, ...] = ()
    setup_fee: tuple[FeeTable, ...] = ()
    base: tuple[BaseTable, ...] = ()
    reservation: tuple[ReservationTable, ...] = ()
    scrap_credit: tuple[ScrapCreditTable, ...] = ()
    surcharge: tuple[SurchargeTable, ...] = ()
    discount: tuple[SurchargeTable, ...] = ()
    minimum: tuple[LimitTable, ...] = ()
    cap: tuple[LimitTable, ...] = ()


CLAUSES = (
    *("rate", "piece", "quantity", "energy", "pollution", "setup_fee", "base", "reservation"),
    *("scrap_credit", "surcharge", "discount", "minimum", "cap"),
)
"""The tables that are clauses."""
PLACED = frozenset(
    {"rate", "piece", "quantity", "energy", "pollution", "setup_fee", "reservation", "scrap_credit"}
)
"""Those that must say which machines they are about."""
