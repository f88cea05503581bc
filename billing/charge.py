"""A charge: one line of a statement, with everything that a person needs to find its amount again.

amount = quantity x price x times / over, rounded once, half away from zero, to the fen
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec
from msgspec import Struct

from billing import money
from billing.clauses import Clause
from billing.grain import WHOLE, Cell
from billing.words import NO_WORDS, Unit, Words
from contract.names import NONE


class Of(Struct, frozen=True, kw_only=True):
    """What a line that is made of others has of one of them."""

    line: str
    """Its id."""
    amount: str
    """In yuan, exactly, or to the hundredth of a fen."""


class Charge(Struct, frozen=True, kw_only=True):
    id: str
    """Names the line in its statement, and the same line in another rating of the same period."""
    tenant: str
    order_id: str = NONE
    """``none`` for a line that is about no single order."""
    kind: str = NONE
    clause: Clause
    clause_id: str
    """The clause of the tariff that the line comes from."""
    tariff: str = ""
    """``id@version`` of the tariff that has the clause."""
    label: Words
    part: Words = NO_WORDS
    """What of the clause it is: a tier, a band, a day."""
    note: Words = NO_WORDS
    """How price or quantity came about, where the columns do not say it."""
    metered: int
    """What the machines counted, before grace, block rules and allowances, in ``base``."""
    quantity: int
    """What is charged, in ``base``; never rounded."""
    base: Unit
    """The unit that is stored: milliseconds, pieces, Wh."""
    counted: Unit
    """The unit that is shown."""
    scale: int = 1
    """``quantity / scale`` is a number of ``counted``."""
    price: Decimal
    priced: Unit
    """What the price is for."""
    times: int = 1
    over: int = 1
    amount: Decimal
    """Net or gross, as the tariff's prices are."""
    vat: str = ""
    vat_percent: Decimal | None = None
    """None where the tariff has no VAT; then net and gross are the amount."""
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    known_ms: int = 0
    busy_ms: int = 0
    """Coverage: of the planned busy time of the machines behind the line, how much was observed."""
    machines: Mapping[str, int] = {}
    """What each machine has of ``quantity``; of what is counted once (a fee, a limit) its part of the amount,
    in fen. Empty for a line that is about no machine."""
    of: tuple[Of, ...] = ()
    """Of a limit, or a percentage of amounts: the lines that it is made of. They sum to what is compared, or
    to its quantity."""
    records: tuple[str, ...] = ()
    """The stored records behind the line, or the facts and entries."""

    @property
    def is_shared_by_amount(self) -> bool:
        """Whether ``machines`` has parts of the amount."""
        return bool(self.machines) and sum(self.machines.values()) != self.quantity

    @property
    def factor(self) -> Fraction:
        """What quantity x price is multiplied with, quantity as it is shown."""
        return Fraction(self.times * self.scale, self.over)


def parts_of(amounts: Iterable[tuple[str, Fraction]]) -> tuple[Of, ...]:
    """``amounts``: by line, in yuan."""
    return tuple(Of(line=line, amount=money.shown_plainly(amount)) for line, amount in amounts if amount)


class Place(NamedTuple):
    """What has a part of a line."""

    machine: str
    cell: Cell
    order_id: str = ""
    """Of a line over all orders of a tenant; a line of one order has it in its own field."""


Exact = int | Fraction
Places = Mapping[Place, Exact]
"""Which machine, day and band has how much of a quantity. Exact, so that the part of a machine or band is the
same however finely the rest is told apart."""


class Priced(Struct, frozen=True, kw_only=True):
    """A line, and what has how much of its quantity."""

    charge: Charge
    places: Places = {}


def shared_out(whole: Exact, places: Places) -> dict[Place, Exact]:
    """``whole`` over the places, exactly as they are; they sum to something."""
    sum_of = Fraction(sum(places.values()))
    return {place: whole * amount / sum_of for place, amount in places.items()}


def by_machine(quantity: int, places: Places) -> dict[str, int]:
    """What each machine has of ``quantity``, in whole units that sum to it."""
    found: dict[str, Exact] = {}
    for place, amount in sorted(places.items(), key=_name):
        found[place.machine] = found.get(place.machine, 0) + amount
    if sum(found.values()) == quantity and all(isinstance(part, int) for part in found.values()):
        return {machine: int(part) for machine, part in found.items()}
    return money.shares(quantity, {machine: max(0, part) for machine, part in found.items()})


def _name(each: tuple[Place, Exact]) -> Place:
    return each[0]


def by_order(line: Priced) -> list[Priced]:
    """What each order has of a line over all orders of a tenant, to the fen; any other line as it is."""
    of: dict[str, dict[Place, Exact]] = {}
    for place, n in line.places.items():
        if place.order_id:
            of.setdefault(place.order_id, {})[place] = n
    if not of:
        return [line]
    charge = line.charge
    weights = {order_id: abs(Fraction(sum(places.values()))) for order_id, places in of.items()}
    fens = money.shares(money.fens(charge.amount), weights)
    return [_of_order(charge, order_id, places, fens[order_id]) for order_id, places in sorted(of.items())]


def _of_order(charge: Charge, order_id: str, places: Places, fens: int) -> Priced:
    quantity = int(sum(places.values()))
    own = msgspec.structs.replace(
        charge,
        order_id=order_id,
        quantity=quantity,
        amount=money.yuan(fens),
        machines=by_machine(quantity, places),
    )
    return Priced(charge=own, places=places)


def on_machines(machines: Mapping[str, int]) -> dict[Place, Exact]:
    """Places of a line that knows its machines only."""
    return {Place(machine, WHOLE): amount for machine, amount in machines.items()}


def line_id(*parts: str) -> str:
    return "/".join(part for part in parts if part)
