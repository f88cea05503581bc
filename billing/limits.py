"""Minimums and caps: what is missing to a minimum, or is beyond a cap, is a line of its own.

Orders and months are compared as their lines are printed, so that the page adds up to the minimum exactly. A
day has of each line what it has of its quantity. Where they have several rates of VAT, so has a limit.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from billing import money, words
from billing.charge import Charge, Place, Priced, by_order, line_id, parts_of, shared_out
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


class _Apart(Struct, kw_only=True):
    """How far what a limit is about is from it."""

    tenant: str
    order_id: str = NONE
    machine: str = ""
    day: str = ""
    part: Words = NO_WORDS
    suffix: str = ""
    missing: Decimal
    note: Words
    charges: list[Charge]
    """What it is about."""
    of: list[tuple[Charge, Fraction]]
    """What of each line it is compared with, in yuan."""


def with_limits(priced: Sequence[Priced], tariff: Tariff, known: Known) -> list[Priced]:
    """Orders, days, months: what tops an order up counts for the month. Minimums come before caps."""
    found = list(priced)
    before = _Before(known.earlier.lines, known.earlier.limits)
    for span in Span:
        for kind in (Clause.MINIMUM, Clause.CAP):
            for limit in tariff.limits:
                if limit.per is span and limit.clause is kind:
                    for apart in _limited(found, limit, known, before):
                        found += _lines(limit, apart, tariff.vat_category)
    return found


def _limited(found: Sequence[Priced], limit: Limit, known: Known, before: "_Before") -> list["_Apart"]:
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

    def __init__(self, lines: Iterable[Charge], limits: Iterable[Charge]) -> None:
        self._of: dict[_Order, dict[str, Decimal]] = defaultdict(dict)
        self._made: dict[tuple[_Order, str], Decimal] = defaultdict(Decimal)
        for line in limits:
            self._made[(line.tenant, line.order_id), line.clause_id] += line.amount
        for line in lines:
            self.add((line.tenant, line.order_id), line.kind, line.amount)

    def add(self, order: _Order, kind: str, amount: Decimal) -> None:
        kinds = self._of[order]
        kinds[kind] = kinds.get(kind, Decimal(0)) + amount

    def made(self, order: _Order, limit: Limit) -> Decimal:
        """What the limit had made of it."""
        return self._made[order, limit.id]

    def of(self, order: _Order, limit: Limit) -> Decimal | None:
        """None of an order that had no line that the limit is about."""
        kinds = self._of.get(order, {})
        met = [amount for kind, amount in kinds.items() if limit.where.kind in {ANY_KIND, kind}]
        return money.total(met) if met else None


def _orders(priced: Iterable[Priced], limit: Limit, earlier: _Before) -> Iterator[_Apart]:
    """Of a line over all orders of a tenant each has its part."""
    of: dict[_Order, list[Charge]] = defaultdict(list)
    for line in _about(priced, limit):
        for own in by_order(line):
            if own.charge.order_id != NONE:
                of[own.charge.tenant, own.charge.order_id].append(own.charge)
    for order, charges in sorted(of.items()):
        now, before = money.total([charge.amount for charge in charges]), earlier.of(order, limit)
        missing = _missing(limit, (before or Decimal(0)) + now)
        if before is not None:
            was = earlier.made(order, limit)
            earlier.add(order, _kind(limit), was)
            missing -= was
        if missing:
            note = _note(limit, limit.amount, (before or Decimal(0)) + now)
            yield _Apart(
                tenant=order[0],
                order_id=order[1],
                missing=missing,
                note=note,
                charges=charges,
                of=[(charge, Fraction(charge.amount)) for charge in charges],
            )


def _by_vat(parts: Iterable[tuple[Charge, Fraction]]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    for charge, part in parts:
        found[charge.vat] += part
    return found


def _kind(limit: Limit) -> str:
    return NONE if limit.where.kind == ANY_KIND else limit.where.kind


def _missing(limit: Limit, charged: Decimal) -> Decimal:
    """What brings ``charged`` to the limit: more than nothing for a minimum, less for a cap."""
    apart = limit.amount - charged
    return max(Decimal(0), apart) if limit.clause is Clause.MINIMUM else min(Decimal(0), apart)


def _days(priced: Iterable[Priced], limit: Limit) -> Iterator[_Apart]:
    behind: dict[tuple[str, str, str], dict[str, Charge]] = defaultdict(dict)
    parts: dict[tuple[str, str, str], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for line in _about(priced, limit):
        charge, whole = line.charge, line.charge.quantity
        exact = money.exact(whole, charge.price, charge.times, charge.over)
        for place, quantity in line.places.items():
            if place.cell.day and whole:
                machine = place.machine if limit.each is Whose.MACHINE else ""
                key = (charge.tenant, place.cell.day, machine)
                behind[key][charge.id] = charge
                parts[key][charge.id] += exact * quantity / whole
    for key, of in sorted(parts.items()):
        (tenant, day, machine), exact = key, sum(of.values(), Fraction(0))
        apart = Fraction(limit.amount) - exact
        missing = money.fen(
            max(Fraction(0), apart) if limit.clause is Clause.MINIMUM else min(Fraction(0), apart)
        )
        if missing and exact:
            shown = f"{day} {machine}".strip()
            yield _Apart(
                tenant=tenant,
                machine=machine,
                day=day,
                part=Words(shown, shown),
                suffix=f"{day}/{machine}",
                missing=missing,
                note=_note(limit, limit.amount, money.shown(exact, 2)),
                charges=list(behind[key].values()),
                of=[(charge, of[charge.id]) for charge in behind[key].values()],
            )


def _months(priced: Iterable[Priced], limit: Limit, known: Known) -> Iterator[_Apart]:
    """Of one month: a period never has more than one where a tariff has such a limit."""
    (month,) = known.months
    amount = prorated(limit.amount, month)
    parts: dict[tuple[str, str], list[tuple[Charge, int]]] = {(tenant, ""): [] for tenant in limit.tenants}
    charges: dict[str, list[Charge]] = defaultdict(list)
    for line in _about(priced, limit):
        charge = line.charge
        charges[charge.tenant].append(charge)
        for machine, fens in _by_machine(charge, limit).items():
            parts.setdefault((charge.tenant, machine), []).append((charge, fens))
    for (tenant, machine), of in sorted(parts.items()):
        fens = sum(part for _, part in of)
        apart = amount - money.yuan(fens)
        missing = max(Decimal(0), apart) if limit.clause is Clause.MINIMUM else min(Decimal(0), apart)
        if missing:
            shown = f"{month.name} {machine}".strip()
            yield _Apart(
                tenant=tenant,
                machine=machine,
                part=Words(shown, shown),
                suffix=line_id(month.name, machine),
                missing=missing,
                note=_note(limit, amount, money.yuan(fens)),
                charges=charges[tenant],
                of=[(charge, Fraction(part, 100)) for charge, part in of],
            )


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


def _lines(limit: Limit, apart: _Apart, vat_category: str) -> Iterator[Priced]:
    """One, or one for each category of VAT. Who has no line pays a minimum of the tariff's category."""
    worth = {vat: max(Fraction(0), part) for vat, part in _by_vat(apart.of).items()}
    only = {limit.vat or vat_category: Fraction(1)}
    weights = only if limit.vat else worth or only
    fens = money.shares(money.fens(apart.missing), weights)
    shared = {vat: part for vat, part in fens.items() if part}
    for vat, part in shared.items():
        yield _line(limit, apart, money.yuan(part), vat, suffix=vat if len(shared) > 1 else "")


def _line(limit: Limit, apart: _Apart, missing: Decimal, vat: str, *, suffix: str) -> Priced:
    weights = {apart.machine: 1} if apart.machine else worth_by_machine(apart.charges)
    machines = money.shares(money.fens(missing), weights) if weights else {}
    charge = charged(
        plainly(limit.clause, limit.label or CLAUSES[limit.clause], _UNITS[limit.per]),
        1,
        missing,
        id=line_id(apart.tenant, apart.order_id, limit.id, apart.suffix.strip("/"), suffix),
        tenant=apart.tenant,
        order_id=apart.order_id,
        kind=_kind(limit),
        clause_id=limit.id,
        part=apart.part,
        note=apart.note,
        vat=vat,
        machines=machines,
        of=parts_of((charge.id, part) for charge, part in apart.of),
        records=tuple(dict.fromkeys(record for each in apart.charges for record in each.records)),
    )
    lying = {Place(name, Cell(day=apart.day)): n for name, n in weights.items()}
    return Priced(charge=charge, places=shared_out(1, lying) if apart.day and sum(lying.values()) else {})
