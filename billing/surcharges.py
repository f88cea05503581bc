"""Surcharges and discounts: beside the lines they are about, which they never change.

About some hours or some machines: the quantity that lies there, at its price, times the percentage. About
whole orders or months: a percentage of the amounts as they are printed, so that a person finds it on the
page.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing import money, words
from billing.amounts import steps
from billing.calendars import BETWEEN
from billing.charge import (
    Charge,
    Exact,
    Place,
    Places,
    Priced,
    by_machine,
    by_order,
    line_id,
    parts_of,
    shared_out,
)
from billing.clauses import Span, Surcharge
from billing.fees import prorated
from billing.grain import WHOLE, Cell
from billing.known import Known
from billing.tariff import Tariff
from billing.terms import About, Terms, charged, plainly
from billing.wording import CLAUSES, repriced, tier
from billing.words import NO_WORDS, Words
from contract.names import NONE


def with_surcharges(priced: Sequence[Priced], tariff: Tariff, known: Known) -> list[Priced]:
    """In the order of the file: a later one may be about an earlier one, if it names it."""
    found = list(priced)
    for surcharge in tariff.surcharges:
        by_quantity = surcharge.is_by_quantity and surcharge.percent is not None
        about_orders = surcharge.due_within_ms if by_quantity else surcharge.per is Span.ORDER
        lines = [part for line in found for part in by_order(line)] if about_orders else found
        of = [line for line in lines if _is_of(line.charge, surcharge, known)]
        if by_quantity:
            found += _parts(of, surcharge, tariff)
        else:
            before = [line for line in known.earlier.lines if _is_of(line, surcharge, known)]
            found += _shares(of, surcharge, before, tariff.vat_category, known)
    return found


def _is_of(charge: Charge, surcharge: Surcharge, known: Known) -> bool:
    if surcharge.tenants and charge.tenant not in surcharge.tenants:
        return False
    if surcharge.due_within_ms:
        wanted = known.rushed.get(charge.order_id)
        if wanted is None or wanted > surcharge.due_within_ms:
            return False
    return charge.clause_id != surcharge.id and bool({charge.clause, charge.clause_id} & set(surcharge.of))


def _parts(of: Iterable[Priced], surcharge: Surcharge, tariff: Tariff) -> Iterator[Priced]:
    key = tariff.key(surcharge.calendar)
    band = tariff.calendar(surcharge.calendar).band(surcharge.band).words if key else NO_WORDS
    percent = surcharge.percent or Decimal(0)
    for line in of:
        charge = line.charge
        places = {
            place: n
            for place, n in line.places.items()
            if surcharge.where.covers(tariff.machine(place.machine, charge.kind))
            and (not key or _lies_in(place, key, surcharge))
        }
        there, share = (
            Fraction(sum(places.values())),
            Fraction(charge.times, charge.over) * Fraction(percent) / 100,
        )
        quantity = int(there)
        if charge.is_shared_by_amount:  # of what is counted once a part may lie there
            quantity, share = charge.quantity, share * there / charge.quantity
        if quantity and share:
            exact = money.exact(quantity, charge.price, share.numerator, share.denominator)
            made = msgspec.structs.replace(
                charge,
                id=line_id(charge.id, _whose(line), surcharge.id),
                clause=surcharge.clause,
                clause_id=surcharge.id,
                label=_label(surcharge),
                part=Words(
                    f"{charge.label.en} {band.en} {percent} %".replace("  ", " "),
                    f"{charge.label.zh} {band.zh} {percent}%".replace("  ", " "),
                ),
                note=NO_WORDS,
                metered=quantity,
                quantity=quantity,
                times=share.numerator,
                over=share.denominator,
                amount=money.fen(exact),
                vat=surcharge.vat or charge.vat,
                machines=by_machine(money.in_fen(exact) if charge.is_shared_by_amount else quantity, places),
            )
            yield Priced(charge=made, places=places)


def _whose(line: Priced) -> str:
    """The order, of a part of a line that is over several."""
    order_id = line.charge.order_id
    return order_id if order_id != NONE and any(place.order_id for place in line.places) else ""


def _lies_in(place: Place, key: str, surcharge: Surcharge) -> bool:
    """What lies in several bands is surcharged only if all of it is, and discounted if any of it may be."""
    touched = {band == surcharge.band for band in place.cell.band(key).split(BETWEEN)}
    return touched == {True} if (surcharge.percent or 0) >= 0 else True in touched


_Group = tuple[str, str]
"""Tenant and order."""


def _shares(
    of: Iterable[Priced], surcharge: Surcharge, before: Iterable[Charge], vat_category: str, known: Known
) -> Iterator[Priced]:
    """``before``: the lines of the same orders before the period. An order is compared as a whole."""
    groups: dict[_Group, list[Priced]] = defaultdict(list)
    earlier: dict[_Group, list[Charge]] = defaultdict(list)
    for line in of:
        groups[_group(line.charge, surcharge)].append(line)
    for charge in before if surcharge.per is Span.ORDER else ():
        earlier[_group(charge, surcharge)].append(charge)
    for group, lines in sorted(groups.items()):
        if surcharge.price is None:
            yield from _stepped(group, lines, surcharge, earlier[group])
        elif surcharge.per is Span.MONTH or (group[1] != NONE and not earlier[group]):
            vats = {line.charge.vat for line in lines}
            vat = surcharge.vat or (vats.pop() if len(vats) == 1 else vat_category)
            price = surcharge.price
            if surcharge.per is Span.MONTH:  # a rating never has more than one where a price is by the month
                (month,) = known.months
                price = prorated(price, month)
            yield from _fixed((*group, vat), lines, surcharge, price)


def _group(charge: Charge, surcharge: Surcharge) -> _Group:
    return charge.tenant, charge.order_id if surcharge.per is Span.ORDER else NONE


_Rated = tuple[str, str, str]
"""Tenant, order and category of VAT."""


def _fixed(whose: _Rated, lines: Sequence[Priced], surcharge: Surcharge, price: Decimal) -> Iterator[Priced]:
    """A discount takes off what there is."""
    unit = words.ORDER if surcharge.per is Span.ORDER else words.MONTH
    terms = plainly(surcharge.clause, _label(surcharge), unit)
    there_is = max(Decimal(0), money.total([line.charge.amount for line in lines]))
    price = max(price, -there_is)
    if price:
        charge = charged(terms, 1, price, **_about(whose, lines, surcharge, money.fens(price)))
        yield Priced(charge=charge, places=_days_of(lines, surcharge, 1))


def _stepped(
    group: _Group, lines: Sequence[Priced], surcharge: Surcharge, before: Sequence[Charge]
) -> Iterator[Priced]:
    """The amounts of all rates of VAT decide the step together; each rate has a line of its own."""
    terms = Terms(
        clause=surcharge.clause,
        label=_label(surcharge),
        base=words.FEN,
        counted=words.CNY,
        priced=words.PERCENT,
        ratio=Fraction(1, 100 * 100),
        scale=100,
    )
    now, was = _by_vat([line.charge for line in lines], surcharge), _by_vat(before, surcharge)
    by_vat: dict[str, list[Priced]] = defaultdict(list)
    for line in lines:
        by_vat[surcharge.vat or line.charge.vat].append(line)
    for step in steps(now, was, surcharge):
        about = _about((*group, step.vat), by_vat[step.vat] or lines, surcharge, step.fens)
        if len(surcharge.steps) > 1:
            about["part"] = tier(step.number)
            about["id"] = line_id(about["id"], f"tier-{step.number}")
        if step.is_repriced:
            about["part"] = repriced(step.number, step.was)
            about["id"] = line_id(about["id"], "repriced")
        if step.fens and step.percent:
            days = {} if step.is_repriced else _days_of(by_vat[step.vat], surcharge, step.fens)
            yield Priced(charge=charged(terms, step.fens, step.percent, **about), places=days)


def _by_vat(charges: Iterable[Charge], surcharge: Surcharge) -> dict[str, int]:
    """Fen."""
    found: dict[str, int] = {}
    for charge in charges:
        vat = surcharge.vat or charge.vat
        found[vat] = found.get(vat, 0) + money.fens(charge.amount)
    return dict(sorted(found.items()))


def _label(surcharge: Surcharge) -> Words:
    return surcharge.label or CLAUSES[surcharge.clause]


def _days_of(lines: Iterable[Priced], surcharge: Surcharge, quantity: int) -> Places:
    """On which days and machines a line about an order lies: there where the lines are that it is about."""
    if surcharge.per is not Span.ORDER:
        return {}
    worth: dict[Place, Exact] = defaultdict(Fraction)
    for line in lines:
        whole = Fraction(sum(line.places.values()))
        if not whole:
            worth[Place("", WHOLE)] += Fraction(line.charge.amount)
        else:
            for place, n in line.places.items():
                worth[Place(place.machine, Cell(day=place.cell.day))] += (
                    Fraction(line.charge.amount) * n / whole
                )
    return shared_out(quantity, worth) if sum(worth.values()) else {}


def _about(whose: _Rated, lines: Sequence[Priced], surcharge: Surcharge, fens: int) -> About:
    """``fens``: what the machines share, of the line's quantity or of its amount."""
    tenant, order_id, vat = whose
    charges = [line.charge for line in lines]
    kinds, weights = {charge.kind for charge in charges}, worth_by_machine(charges)
    return {
        "id": line_id(tenant, order_id, surcharge.id, vat),
        "tenant": tenant,
        "order_id": order_id,
        "kind": kinds.pop() if len(kinds) == 1 else NONE,
        "clause_id": surcharge.id,
        "vat": vat,
        "machines": money.shares(fens, weights) if weights else {},
        "of": parts_of((charge.id, Fraction(charge.amount)) for charge in charges),
        "records": tuple(dict.fromkeys(record for each in charges for record in each.records)),
    }


def worth_by_machine(charges: Iterable[Charge]) -> Mapping[str, int]:
    """Fen by machine, of the lines that name machines: whose the lines are that come from these."""
    worth: dict[str, int] = {}
    for charge in charges:
        fens = max(0, money.fens(charge.amount))
        weights = {machine: abs(n) for machine, n in charge.machines.items()}
        for machine, part in (money.shares(fens, weights) if weights else {}).items():
            worth[machine] = worth.get(machine, 0) + part
    return worth
