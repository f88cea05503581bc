"""How the quantity of a clause and its price make an amount, and in which units a person reads both."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NotRequired, TypedDict, Unpack

from msgspec import Struct

from billing import money, words
from billing.charge import Charge, Of
from billing.clauses import Clause, Piece, QuantityPrice, Rate
from billing.wording import CLAUSES, QUANTITIES
from billing.words import Unit, Words


class Terms(Struct, frozen=True, kw_only=True):
    clause: Clause
    label: Words
    base: Unit
    counted: Unit
    priced: Unit
    ratio: Fraction = Fraction(1)
    """amount = quantity x price x ratio"""
    scale: int = 1
    """quantity / scale is a number of ``counted``."""


class About(TypedDict):
    """What a line is about, beside its figures: see ``Charge``."""

    id: str
    tenant: str
    clause_id: str
    order_id: NotRequired[str]
    kind: NotRequired[str]
    part: NotRequired[Words]
    note: NotRequired[Words]
    metered: NotRequired[int]
    vat: NotRequired[str]
    known_ms: NotRequired[int]
    busy_ms: NotRequired[int]
    machines: NotRequired[Mapping[str, int]]
    of: NotRequired[tuple[Of, ...]]
    records: NotRequired[tuple[str, ...]]


def charged(terms: Terms, quantity: int, price: Decimal, **about: Unpack[About]) -> Charge:
    """A line, rounded: the one place where an exact amount becomes fen."""
    times, over = terms.ratio.numerator, terms.ratio.denominator
    return Charge(
        clause=terms.clause,
        label=terms.label,
        quantity=quantity,
        base=terms.base,
        counted=terms.counted,
        scale=terms.scale,
        price=price,
        priced=terms.priced,
        times=times,
        over=over,
        amount=money.line(quantity, price, times, over),
        **{"metered": quantity, **about},  # type: ignore[arg-type]
    )


def plainly(clause: Clause, label: Words, unit: Unit, per: Unit | None = None) -> Terms:
    """So many of something at a price for each."""
    return Terms(clause=clause, label=label, base=unit, counted=unit, priced=per or unit)


def terms_of(clause: Rate | Piece | QuantityPrice) -> Terms:
    match clause:
        case Rate():
            return _rate(clause)
        case Piece():
            return Terms(
                clause=clause.basis,
                label=clause.label or CLAUSES[clause.basis],
                base=words.PIECE,
                counted=words.PIECE,
                priced=_so_many(words.PIECE, clause.per),
                ratio=1 / clause.per,
            )
        case QuantityPrice():
            unit = words.unit_of(clause.name)
            return Terms(
                clause=Clause.QUANTITY,
                label=clause.label or QUANTITIES.get(clause.name, Words(clause.name, clause.name)),
                base=unit,
                counted=unit,
                priced=clause.unit or _so_many(unit, clause.per),
                ratio=clause.times / clause.per,
            )


def _rate(rate: Rate) -> Terms:
    if rate.is_per_block:
        counted, scale, priced = words.BLOCK, rate.block.step, words.BLOCK
    else:
        counted, scale, priced = words.SECOND, 1000, words.HOUR
    return Terms(
        clause=rate.clause,
        label=rate.label or CLAUSES[rate.clause],
        base=words.MILLISECOND,
        counted=counted,
        priced=priced,
        ratio=1 / rate.per,
        scale=scale,
    )


def in_uses(terms: Terms) -> Terms:
    """The same, counted in uses: for a price of the first block as a whole."""
    return Terms(
        clause=terms.clause, label=terms.label, base=words.TIME, counted=words.TIME, priced=words.TIME
    )


def _so_many(unit: Unit, per: Fraction) -> Unit:
    if per == 1:
        return unit
    shown = f"{per.numerator:,}" if per.denominator == 1 else str(float(per))
    return Unit(f"{shown} {unit.name}", f"{shown} {unit.en}", f"{shown} {unit.zh}")
