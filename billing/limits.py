"""Minimums and caps: what is missing to a minimum, or is beyond a cap, is a line of its own.

Orders and months are compared as their lines are printed, so that the page adds up to the minimum exactly. A
day has of each line what it has of its quantity.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec
from msgspec import Struct

from billing import money, words
from billing.charge import Charge, Place, Priced, line_id
from billing.clauses import Clause, Limit, Span, Whose
from billing.fees import prorated
from billing.grain import Cell
from billing.known import Known
from billing.surcharges import worth_by_machine
from billing.tariff import Tariff
from billing.terms import charged, plainly
from billing.where import ANY_KIND
from billing.wording import CLAUSES, capped, topped_up
from billing.words import NO_WORDS, Words
from contract.names import NONE

_UNITS = {Span.ORDER: words.ORDER, Span.DAY: words.DAY, Span.MONTH: words.MONTH}


class _About(Struct, frozen=True, kw_only=True):
    """What one line of a limit is about."""

    tenant: str
    order_id: str = NONE
    machine: str = ""
    part: Words = NO_WORDS
    suffix: str = ""


def with_limits(priced: Sequence[Priced], tariff: Tariff, known: Known) -> list[Priced]:
    """Orders, days, months: what tops an order up counts for the month. Minimums come before caps."""
    found = list(priced)
    before = _Before(known.earlier.lines)
    for span in Span:
        for kind in (Clause.MINIMUM, Clause.CAP):
            for limit in tariff.limits:
                if limit.per is span and limit.clause is kind:
                    found += _limited(found, limit, known, before)
    return found


def _limited(found: Sequence[Priced], limit: Limit, known: Known, before: "_Before") -> list[Priced]:
    match limit.per:
        case Span.ORDER:
            return list(_orders(found, limit, before))
        case Span.DAY:
            return list(_days(found, limit))
        case Span.MONTH:
            return list(_months(found, limit, known))


_Order = tuple[str, str]
"""Tenant and order."""


class _Before:
    """What orders came to before the period, and what each limit made of it: the next one follows on that."""

    def __init__(self, lines: Iterable[Charge]) -> None:
        self._of: dict[_Order, dict[str, Decimal]] = defaultdict(dict)
        for line in lines:
            self.add((line.tenant, line.order_id), line.kind, line.amount)

    def add(self, order: _Order, kind: str, amount: Decimal) -> None:
        kinds = self._of[order]
        kinds[kind] = kinds.get(kind, Decimal(0)) + amount

    def of(self, order: _Order, limit: Limit) -> Decimal | None:
        """None of an order that had no line that the limit is about."""
        kinds = self._of.get(order, {})
        met = [amount for kind, amount in kinds.items() if limit.where.kind in {ANY_KIND, kind}]
        return money.total(met) if met else None


def _orders(priced: Iterable[Priced], limit: Limit, earlier: _Before) -> Iterator[Priced]:
    of: dict[_Order, list[Charge]] = defaultdict(list)
    for line in _about(priced, limit):
        if line.charge.order_id != NONE:
            of[line.charge.tenant, line.charge.order_id].append(line.charge)
    for order, charges in sorted(of.items()):
        now, before = money.total([charge.amount for charge in charges]), earlier.of(order, limit)
        missing = _missing(limit, (before or Decimal(0)) + now)
        if before is not None:
            was = _missing(limit, before)
            earlier.add(order, _kind(limit), was)
            missing -= was
        if missing:
            note = _note(limit, limit.amount, (before or Decimal(0)) + now)
            yield _line(limit, _About(tenant=order[0], order_id=order[1]), missing, note, charges)


def _kind(limit: Limit) -> str:
    return NONE if limit.where.kind == ANY_KIND else limit.where.kind


def _missing(limit: Limit, charged: Decimal) -> Decimal:
    """What brings ``charged`` to the limit: more than nothing for a minimum, less for a cap."""
    apart = limit.amount - charged
    return max(Decimal(0), apart) if limit.clause is Clause.MINIMUM else min(Decimal(0), apart)


def _days(priced: Iterable[Priced], limit: Limit) -> Iterator[Priced]:
    amounts: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    behind: dict[tuple[str, str, str], dict[str, Charge]] = defaultdict(dict)
    for line in _about(priced, limit):
        charge, whole = line.charge, line.charge.quantity
        exact = money.exact(whole, charge.price, charge.times, charge.over)
        for place, quantity in line.places.items():
            if place.cell.day and whole:
                machine = place.machine if limit.each is Whose.MACHINE else ""
                key = (charge.tenant, place.cell.day, machine)
                amounts[key] += exact * quantity / whole
                behind[key][charge.id] = charge
    for key, exact in sorted(amounts.items()):
        tenant, day, machine = key
        apart = Fraction(limit.amount) - exact
        missing = money.fen(
            max(Fraction(0), apart) if limit.clause is Clause.MINIMUM else min(Fraction(0), apart)
        )
        if missing and exact:
            shown = f"{day} {machine}".strip()
            about = _About(
                tenant=tenant, machine=machine, part=Words(shown, shown), suffix=f"{day}/{machine}"
            )
            note = _note(limit, limit.amount, money.shown(exact, 2))
            line = _line(limit, about, missing, note, list(behind[key].values()))
            places = {Place(name, Cell(day=day)): n for name, n in line.charge.machines.items()}
            yield msgspec.structs.replace(line, places=places)


def _months(priced: Iterable[Priced], limit: Limit, known: Known) -> Iterator[Priced]:
    """Of one month: a period never has more than one where a tariff has such a limit."""
    (month,) = known.months
    amount = prorated(limit.amount, month)
    of: dict[tuple[str, str], int] = dict.fromkeys(((tenant, "") for tenant in limit.tenants), 0)
    charges: dict[str, list[Charge]] = defaultdict(list)
    for line in _about(priced, limit):
        charge = line.charge
        charges[charge.tenant].append(charge)
        for machine, fens in _by_machine(charge, limit).items():
            of[charge.tenant, machine] = of.get((charge.tenant, machine), 0) + fens
    for (tenant, machine), fens in sorted(of.items()):
        apart = amount - money.yuan(fens)
        missing = max(Decimal(0), apart) if limit.clause is Clause.MINIMUM else min(Decimal(0), apart)
        if missing:
            shown = f"{month.name} {machine}".strip()
            suffix = line_id(month.name, machine)
            about = _About(tenant=tenant, machine=machine, part=Words(shown, shown), suffix=suffix)
            yield _line(limit, about, missing, _note(limit, amount, money.yuan(fens)), charges[tenant])


def _by_machine(charge: Charge, limit: Limit) -> dict[str, int]:
    fens = money.fens(charge.amount)
    if limit.each is Whose.TENANT:
        return {"": fens}
    weights = {machine: abs(n) for machine, n in charge.machines.items()}
    return money.shares(fens, weights) if weights else {}


def _about(priced: Iterable[Priced], limit: Limit) -> Iterator[Priced]:
    kind = limit.where.kind
    for line in priced:
        is_theirs = not limit.tenants or line.charge.tenant in limit.tenants
        if is_theirs and kind in {ANY_KIND, line.charge.kind}:
            yield line


def _note(limit: Limit, amount: Decimal, charged: Decimal) -> Words:
    return (topped_up if limit.clause is Clause.MINIMUM else capped)(amount, charged)


def _line(limit: Limit, about: _About, missing: Decimal, note: Words, charges: Sequence[Charge]) -> Priced:
    weights = worth_by_machine(charges)
    machines = {about.machine: 1} if about.machine else money.shares(1, weights) if weights else {}
    terms = plainly(limit.clause, limit.label or CLAUSES[limit.clause], _UNITS[limit.per])
    charge = charged(
        terms,
        1,
        missing,
        id=line_id(about.tenant, about.order_id, limit.id, about.suffix.strip("/")),
        tenant=about.tenant,
        order_id=about.order_id,
        kind=_kind(limit),
        clause_id=limit.id,
        part=about.part,
        note=note,
        vat=limit.vat,
        machines=machines,
        records=tuple(dict.fromkeys(record for each in charges for record in each.records)),
    )
    return Priced(charge=charge)
