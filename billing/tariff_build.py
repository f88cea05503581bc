"""The tables of a tariff file -> its clauses. What is wrong between tables was complained about before."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypedDict

from billing import tariff_shape as shape
from billing.block import PLAIN, Block, Each
from billing.clauses import (
    GRACE_MS,
    Adder,
    AmountStep,
    Base,
    Clause,
    Energy,
    Limit,
    Piece,
    Pollution,
    QuantityPrice,
    Rate,
    Reservation,
    ScrapCredit,
    SetupFee,
    Step,
    Surcharge,
    VatRate,
    flat,
)
from billing.tiers import Tier, Tiers
from billing.where import ANY_KIND, Grade, Where
from billing.words import Words, unit_called

_SECOND_MS: Final = 1000


class _Shared(TypedDict):
    id: str
    where: Where
    label: Words
    vat: str


class Builder:
    """Knows the tariff's category of VAT for clauses that name none."""

    def __init__(self, table: shape.TariffTable) -> None:
        self._table = table
        self._vat = (table.vat_category or "") if table.vat else ""

    def clauses(self) -> dict[str, Any]:
        """The fields of a Tariff that hold clauses."""
        table = self._table
        return {
            "rates": tuple(map(self._rate, table.rate)),
            "pieces": tuple(map(self._piece, table.piece)),
            "quantities": tuple(map(self._quantity, table.quantity)),
            "energies": tuple(map(self._energy, table.energy)),
            "pollutions": tuple(map(self._pollution, table.pollution)),
            "setup_fees": tuple(
                SetupFee(**self._shared("setup_fee", fee), price=fee.price) for fee in table.setup_fee
            ),
            "bases": tuple(map(self._base, table.base)),
            "reservations": tuple(map(self._reservation, table.reservation)),
            "scrap_credits": tuple(map(self._scrap_credit, table.scrap_credit)),
            "surcharges": (
                *(self._surcharge("surcharge", each) for each in table.surcharge),
                *(self._surcharge("discount", each) for each in table.discount),
            ),
            "limits": (
                *(self._limit("minimum", each) for each in table.minimum),
                *(self._limit("cap", each) for each in table.cap),
            ),
            "grades": tuple(Grade(name=each.name, machines=each.machines) for each in table.grade),
            "vats": tuple(
                VatRate(category=each.name, percent=each.percent, valid_from=each.valid_from)
                for each in table.vat
            ),
        }

    def _shared(self, family: str, table: shape.ClauseTable) -> _Shared:
        label = Words(table.en or table.zh, table.zh or table.en)
        vat = table.vat or self._vat
        return {"id": clause_id(family, table), "where": where_of(table), "label": label, "vat": vat}

    def _rate(self, rate: shape.RateTable) -> Rate:
        clause = Clause(rate.clause)
        given_ms = GRACE_MS if rate.grace_s is None else rate.grace_s * _SECOND_MS
        price = rate.per_hour if rate.per_block is None else rate.per_block
        return Rate(
            **self._shared("rate", rate),
            clause=clause,
            tiers=_tiers(price, rate),
            block=_block(
                rate,
                (
                    rate.free_s * _SECOND_MS,
                    rate.minimum_s * _SECOND_MS,
                    (rate.block_s or 0) * _SECOND_MS or 1,
                ),
            ),
            first=rate.minimum_price,
            calendar=rate.calendar or "",
            band=rate.band or "",
            grace_ms=given_ms if clause is Clause.STOP_TENANT else 0,
            is_per_block=rate.per_block is not None,
        )

    def _piece(self, piece: shape.PieceTable) -> Piece:
        has_rule = piece.allowance_percent is not None or piece.tenant_pays is not None
        return Piece(
            **self._shared("piece", piece),
            basis=Clause(piece.basis),
            tiers=_tiers(piece.price, piece),
            per=Fraction(piece.per),
            block=_block(piece, (piece.free, piece.minimum, piece.block)),
            first=piece.minimum_price,
            allowance=Fraction(piece.allowance_percent or 0) / 100,
            paid_beyond=frozenset(piece.tenant_pays or ()) if has_rule else None,
            is_rework_once=piece.rework == "once",
        )

    def _quantity(self, price: shape.QuantityTable) -> QuantityPrice:
        return QuantityPrice(
            **self._shared("quantity", price),
            name=price.name,
            less=price.less or "",
            tiers=_tiers(price.price, price),
            per=Fraction(price.per),
            times=Fraction(price.times),
            block=_block(price, (price.free, price.minimum, price.block)),
            first=price.minimum_price,
            unit=unit_called(price.unit, price.unit_zh) if price.unit else None,
        )

    def _energy(self, energy: shape.EnergyTable) -> Energy:
        adders = tuple(
            Adder(price=adder.price, label=Words(adder.en, adder.zh or adder.en)) for adder in energy.adders
        )
        return Energy(
            **self._shared("energy", energy),
            price=energy.price,
            adders=adders,
            calendar=energy.calendar or "",
            loss_percent=energy.loss_percent,
        )

    def _pollution(self, table: shape.PollutionTable) -> Pollution:
        return Pollution(
            **self._shared("pollution", table),
            name=table.name,
            price=table.price,
            per=Fraction(table.per),
            unit=unit_called(table.unit, table.unit_zh),
            steps=tuple(map(_step, table.step)),
            tests=table.tests,
        )

    def _base(self, base: shape.BaseTable) -> Base:
        return Base(
            **self._shared("base", base),
            price=base.price,
            per=base.per,
            each=base.each,
            tenants=base.tenants,
        )

    def _reservation(self, table: shape.ReservationTable) -> Reservation:
        return Reservation(
            **self._shared("reservation", table),
            per_hour=table.per_hour,
            unused_percent=table.unused_percent,
            no_show_percent=table.no_show_percent,
            no_show_fee=table.no_show_fee,
            cancelled_percent=table.cancelled_percent,
            cancelled_fee=table.cancelled_fee,
            notice_ms=table.notice_s * _SECOND_MS,
            is_same_day_late=table.same_day,
            is_waived_when_reused=table.waived_when_reused,
        )

    def _scrap_credit(self, table: shape.ScrapCreditTable) -> ScrapCredit:
        shared = self._shared("scrap_credit", table)
        shared["vat"] = table.vat or ""  # as the line that it gives back
        return ScrapCredit(**shared, causes=frozenset(table.causes), of=table.of)

    def _surcharge(self, family: str, table: shape.SurchargeTable) -> Surcharge:
        sign = -1 if family == "discount" else 1
        shared = self._shared(family, table)
        shared["vat"] = table.vat or ""  # as the lines that it is about
        return Surcharge(
            **shared,
            clause=Clause(family),
            of=table.of,
            percent=None if table.percent is None else sign * table.percent,
            price=None if table.price is None else sign * table.price,
            calendar=table.calendar or "",
            band=table.band or "",
            due_within_ms=(table.due_within_h or 0) * 3_600_000,
            per=table.per,
            steps=tuple(AmountStep(above=s.above, percent=sign * s.percent) for s in table.steps),
            is_graduated=table.stepped == "graduated",
            tenants=table.tenants,
        )

    def _limit(self, family: str, table: shape.LimitTable) -> Limit:
        shared = self._shared(family, table)
        shared["vat"] = table.vat or ""  # as the lines that it is about
        return Limit(
            **shared,
            clause=Clause(family),
            amount=table.amount,
            per=table.per,
            each=table.each,
            tenants=table.tenants,
        )


def where_of(table: shape.ClauseTable) -> Where:
    return Where(kind=table.kind or ANY_KIND, grade=table.grade or "", machine=table.machine or "")


def clause_id(family: str, table: shape.ClauseTable) -> str:
    """From what the clause is about, not from its place in the file: another clause does not rename it."""
    return table.id or ".".join(filter(None, (family, *_about(table))))


def _about(table: shape.ClauseTable) -> Iterable[str]:
    if table.machine:
        yield f"machine.{table.machine}"
    elif table.grade:
        yield f"grade.{table.grade}"
    elif table.kind and table.kind != ANY_KIND:
        yield table.kind
    match table:
        case shape.RateTable():
            yield from (table.clause, table.band or "")
        case shape.QuantityTable() | shape.PollutionTable():
            yield table.name
        case shape.LimitTable() | shape.BaseTable():
            yield from (table.per, table.each if table.each == "machine" else "")
        case _:
            return


def _tiers(price: Decimal | None, table: shape.RateTable | shape.PieceTable | shape.QuantityTable) -> Tiers:
    if price is not None:
        return Tiers(steps=flat(price).steps, over=table.over)
    steps = tuple(Tier(up_to=tier.up_to, price=tier.price) for tier in table.tiers)
    return Tiers(steps=steps, mode=table.tiered, over=table.over)


def _block(
    table: shape.RateTable | shape.PieceTable | shape.QuantityTable, sizes: tuple[int, int, int]
) -> Block:
    free, minimum, step = sizes
    if (free, minimum, step) == (0, 0, 1):
        return PLAIN
    is_stop = isinstance(table, shape.RateTable) and table.clause == "stop_tenant"
    each = table.each or (Each.STOP if is_stop else Each.ORDER)
    return Block(free=free, minimum=minimum, step=step, rounding=table.rounding, each=each)


def _step(step: shape.StepTable) -> Step:
    limit = step.above if step.above is not None else step.below
    name = step.en or step.substance.upper()
    return Step(
        substance=step.substance,
        limit=limit or Decimal(0),
        is_below=step.below is not None,
        size=step.step,
        price=step.price,
        unit=step.unit,
        label=Words(name, step.zh or name),
        counted=step.counted or "",
    )
