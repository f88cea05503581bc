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
from billing.calendars import BETWEEN
from billing.charge import Charge, Place, Priced, by_machine, line_id
from billing.clauses import AmountStep, Span, Surcharge
from billing.known import Known
from billing.tariff import Tariff
from billing.terms import About, Terms, charged, plainly
from billing.wording import CLAUSES, tier
from billing.words import NO_WORDS, Words
from contract.names import NONE


def with_surcharges(priced: Sequence[Priced], tariff: Tariff, known: Known) -> list[Priced]:
    """In the order of the file: a later one may be about an earlier one, if it names it."""
    found = list(priced)
    for surcharge in tariff.surcharges:
        of = [line for line in found if _is_of(line.charge, surcharge, known)]
        by_quantity = surcharge.is_by_quantity and surcharge.percent is not None
        found += _parts(of, surcharge, tariff) if by_quantity else _shares(of, surcharge)
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
        quantity = int(sum(places.values()))
        share = Fraction(charge.times, charge.over) * Fraction(percent) / 100
        if quantity:
            exact = money.exact(quantity, charge.price, share.numerator, share.denominator)
            made = msgspec.structs.replace(
                charge,
                id=line_id(charge.id, surcharge.id),
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
                machines=by_machine(quantity, places),
            )
            yield Priced(charge=made, places=places)


def _lies_in(place: Place, key: str, surcharge: Surcharge) -> bool:
    """What lies in several bands is surcharged only if all of it is, and discounted if any of it may be."""
    touched = {band == surcharge.band for band in place.cell.band(key).split(BETWEEN)}
    return touched == {True} if (surcharge.percent or 0) >= 0 else True in touched


_Group = tuple[str, str, str]
"""Tenant, order and category of VAT."""


def _shares(of: Iterable[Priced], surcharge: Surcharge) -> Iterator[Priced]:
    groups: dict[_Group, list[Charge]] = defaultdict(list)
    for line in of:
        charge = line.charge
        order_id = charge.order_id if surcharge.per is Span.ORDER else NONE
        vat = surcharge.vat or charge.vat
        groups[charge.tenant, order_id, "" if surcharge.price is not None else vat].append(charge)
    for group, charges in sorted(groups.items()):
        if surcharge.per is Span.ORDER and group[1] == NONE and surcharge.price is not None:
            continue
        if surcharge.price is not None:
            yield _fixed(group, charges, surcharge, surcharge.price)
        else:
            yield from _stepped(group, charges, surcharge)


def _fixed(group: _Group, charges: Sequence[Charge], surcharge: Surcharge, price: Decimal) -> Priced:
    unit = words.ORDER if surcharge.per is Span.ORDER else words.MONTH
    terms = plainly(surcharge.clause, _label(surcharge), unit)
    whose = (group[0], group[1], surcharge.vat or charges[0].vat)
    return Priced(charge=charged(terms, 1, price, **_about(whose, charges, surcharge, 1)))


def _stepped(group: _Group, charges: Sequence[Charge], surcharge: Surcharge) -> Iterator[Priced]:
    whole = sum(money.fens(charge.amount) for charge in charges)
    terms = Terms(
        clause=surcharge.clause,
        label=_label(surcharge),
        base=words.FEN,
        counted=words.CNY,
        priced=words.PERCENT,
        ratio=Fraction(1, 100 * 100),
        scale=100,
    )
    for number, fens, percent in _steps(whole, surcharge):
        about = _about(group, charges, surcharge, fens)
        if len(surcharge.steps) > 1:
            about["part"] = tier(number)
            about["id"] = line_id(about["id"], f"tier-{number}")
        if fens and percent:
            yield Priced(charge=charged(terms, fens, percent, **about))


def _label(surcharge: Surcharge) -> Words:
    return surcharge.label or CLAUSES[surcharge.clause]


def _about(group: _Group, charges: Sequence[Charge], surcharge: Surcharge, quantity: int) -> About:
    tenant, order_id, vat = group
    kinds = {charge.kind for charge in charges}
    return {
        "id": line_id(tenant, order_id, surcharge.id, vat),
        "tenant": tenant,
        "order_id": order_id,
        "kind": kinds.pop() if len(kinds) == 1 else NONE,
        "clause_id": surcharge.id,
        "vat": vat,
        "machines": money.shares(quantity, worth_by_machine(charges)),
        "records": tuple(dict.fromkeys(record for each in charges for record in each.records)),
    }


def _steps(whole: int, surcharge: Surcharge) -> list[tuple[int, int, Decimal]]:
    """``(number of the step from 1, fen, percent)``."""
    if surcharge.percent is not None:
        return [(1, whole, surcharge.percent)]
    if surcharge.is_graduated:
        return list(_graduated(whole, surcharge.steps))
    reached = [(n, step) for n, step in enumerate(surcharge.steps, 1) if whole > money.fens(step.above)]
    return [(reached[-1][0], whole, reached[-1][1].percent)] if reached else []


def _graduated(whole: int, steps: Sequence[AmountStep]) -> Iterator[tuple[int, int, Decimal]]:
    ends = [*(money.fens(step.above) for step in steps[1:]), max(whole, 0)]
    for number, (step, end) in enumerate(zip(steps, ends, strict=True), 1):
        begin = money.fens(step.above)
        yield number, max(0, min(whole, end) - begin), step.percent


def worth_by_machine(charges: Iterable[Charge]) -> Mapping[str, int]:
    """Fen by machine, of the lines that name machines: whose the lines are that come from these."""
    worth: dict[str, int] = {}
    for charge in charges:
        fens = max(0, money.fens(charge.amount))
        weights = {machine: abs(n) for machine, n in charge.machines.items()}
        for machine, part in (money.shares(fens, weights) if weights else {}).items():
            worth[machine] = worth.get(machine, 0) + part
    return worth
