"""The credit for scrap that the host caused: the time of the bad pieces, at the prices it was charged."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec
from msgspec import Struct

from billing import money
from billing.attribution import Place as Where
from billing.charge import Exact, Place, Places, Priced, by_machine, line_id
from billing.clauses import Clause, ScrapCredit
from billing.tariff import Tariff
from billing.usage import Usage
from billing.wording import CLAUSES, credited
from contract.states import Party

_Order = tuple[str, str, str]
"""Tenant, order and kind."""


class _Made(Struct, kw_only=True):
    """What an order made on the machines of a kind that one clause is about."""

    machines: set[str]
    produced: int = 0
    bad: int = 0


def scrap_credits(priced: Iterable[Priced], usages: Iterable[Usage], tariff: Tariff) -> Iterator[Priced]:
    """A line beside each line of time: of it, as the bad pieces are of all that were made.

    Beside a line over all orders of a tenant there is one for each order that has a part of it.
    """
    made = _made(usages, tariff)
    clauses = {clause.id: clause for clause in tariff.scrap_credits}
    for line in priced:
        for order, places in _by_order(line).items():
            for clause_id, of in made.get(order, {}).items():
                clause = clauses[clause_id]
                if {line.charge.clause, line.charge.clause_id} & set(clause.of) and of.bad > 0 < of.produced:
                    own = {place: n for place, n in places.items() if place.machine in of.machines}
                    yield from _credit(line, clause, order[1], own, of)


def _made(usages: Iterable[Usage], tariff: Tariff) -> dict[_Order, dict[str, _Made]]:
    made: dict[_Order, dict[str, _Made]] = defaultdict(dict)
    for usage in usages:
        clause = tariff.scrap_credit(tariff.machine(usage.machine, usage.kind))
        if clause and usage.place is Where.TENANT:
            order = (usage.tenant, usage.order_id, usage.kind)
            of = made[order].setdefault(clause.id, _Made(machines=set()))
            of.machines.add(usage.machine)
            of.produced += usage.quantities.get("produced", 0)
            of.bad += sum(n for party, n in usage.inspected.items() if Party(party) in clause.causes)
    return made


def _by_order(line: Priced) -> dict[_Order, Places]:
    charge, found = line.charge, dict[_Order, dict[Place, Exact]]()
    for place, n in line.places.items():
        order = (charge.tenant, place.order_id or charge.order_id, charge.kind)
        found.setdefault(order, {})[place] = n
    return dict(found)


def _credit(
    line: Priced, clause: ScrapCredit, order_id: str, places: Places, made: _Made
) -> Iterator[Priced]:
    charge, quantity = line.charge, int(sum(places.values()))
    share = Fraction(charge.times, charge.over) * min(made.bad, made.produced) / made.produced
    exact = -money.exact(quantity, charge.price, share.numerator, share.denominator)
    if not quantity:
        return
    credit = msgspec.structs.replace(
        charge,
        id=line_id(charge.id, "" if order_id == charge.order_id else order_id, clause.id),
        order_id=order_id,
        clause=Clause.SCRAP_CREDIT,
        clause_id=clause.id,
        label=clause.label or CLAUSES[Clause.SCRAP_CREDIT],
        part=charge.label,
        note=credited(made.bad, made.produced),
        metered=quantity,
        quantity=quantity,
        times=-share.numerator,
        over=share.denominator,
        amount=money.fen(exact),
        vat=clause.vat or charge.vat,
        machines=by_machine(quantity, places),
    )
    yield Priced(charge=credit, places=places)
