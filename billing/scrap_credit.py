"""The credit for scrap that the host caused: the time of the bad pieces, at the prices it was charged."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

import msgspec

from billing import money
from billing.attribution import Place as Where
from billing.charge import Charge, Priced, line_id
from billing.clauses import Clause, ScrapCredit
from billing.tariff import Tariff
from billing.usage import Usage
from billing.wording import CLAUSES, credited
from contract.states import Party


class _Made:
    """What an order made on machines of one kind."""

    def __init__(self) -> None:
        self.clause: ScrapCredit | None = None
        self.produced = 0
        self.bad = 0


def scrap_credits(priced: Iterable[Priced], usages: Iterable[Usage], tariff: Tariff) -> Iterator[Priced]:
    """A line beside each line of time: of it, as the bad pieces are of all that were made."""
    made: dict[tuple[str, str, str], _Made] = defaultdict(_Made)
    for usage in usages:
        clause = tariff.scrap_credit(tariff.machine(usage.machine, usage.kind))
        if clause and usage.place is Where.TENANT:
            of = made[usage.tenant, usage.order_id, usage.kind]
            of.clause = clause
            of.produced += usage.quantities.get("produced", 0)
            of.bad += sum(n for party, n in usage.inspected.items() if Party(party) in clause.causes)
    for line in priced:
        charge = line.charge
        found = made.get((charge.tenant, charge.order_id, charge.kind))
        if found and found.clause and found.bad > 0 and found.produced > 0 and _is_of(charge, found.clause):
            yield _credit(line, found.clause, found.bad, found.produced)


def _is_of(charge: Charge, clause: ScrapCredit) -> bool:
    return charge.clause in clause.of or charge.clause_id in clause.of


def _credit(line: Priced, clause: ScrapCredit, bad: int, produced: int) -> Priced:
    charge = line.charge
    share = Fraction(charge.times, charge.over) * min(bad, produced) / produced
    exact = -money.exact(charge.quantity, charge.price, share.numerator, share.denominator)
    return Priced(
        charge=msgspec.structs.replace(
            charge,
            id=line_id(charge.id, clause.id),
            clause=Clause.SCRAP_CREDIT,
            clause_id=clause.id,
            label=clause.label or CLAUSES[Clause.SCRAP_CREDIT],
            part=charge.label,
            note=credited(bad, produced),
            times=-share.numerator,
            over=share.denominator,
            amount=money.fen(exact),
            vat=clause.vat or charge.vat,
        ),
        places=line.places,
    )
