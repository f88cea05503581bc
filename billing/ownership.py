"""What the owners of machines get: the net revenue of their machines, after the host's fee, by agreed shares.

A line goes to the machines behind it as they have a part of its quantity. Everything is split by largest
remainder, a tie to the lowest id, so that not a fen is lost: what a line came to is what is given out.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final

from msgspec import Struct

from billing import money
from billing.charge import Charge
from billing.clauses import Clause
from billing.fees import prorated
from billing.known import Known
from billing.words import Words

HOST: Final = ""
"""Whose a machine is that no ownership names; and a line without a machine."""


class Owner(Struct, frozen=True, kw_only=True):
    id: str
    label: Words
    share: int
    """As agreed, in any unit: yuan that were invested, percent."""


class Ownership(Struct, frozen=True, kw_only=True):
    """Machines that several firms own together."""

    id: str
    machines: tuple[str, ...]
    """Names, in which ``*`` stands for anything."""
    owners: tuple[Owner, ...]
    fee_percent: Decimal = Decimal(0)
    """What the host keeps of the revenue."""
    fee_a_month: Decimal = Decimal(0)
    valid_from: date = date(1970, 1, 1)
    valid_to: date | None = None
    """The last day, included."""

    def holds(self, first: date, last: date) -> bool | None:
        """On all the days from ``first`` to ``last``, on none of them, or (None) on some."""
        end = self.valid_to or date.max
        if self.valid_from <= first and last <= end:
            return True
        return False if end < first or last < self.valid_from else None

    def covers(self, machine: str) -> bool:
        return any(fnmatchcase(machine, name) for name in self.machines)


class Share(Struct, frozen=True, kw_only=True):
    owner: Owner
    amount: Decimal


class Part(Struct, frozen=True, kw_only=True):
    """What an ownership has of one line."""

    charge_id: str
    tenant: str
    order_id: str
    clause: Clause
    label: Words
    amount: Decimal


class Split(Struct, frozen=True, kw_only=True):
    ownership: Ownership
    revenue: Decimal
    """Net of VAT."""
    fee: Decimal
    """The host's."""
    shares: tuple[Share, ...]
    """They sum to revenue less fee."""
    parts: tuple[Part, ...]
    """They sum to revenue."""


class Revenue(Struct, frozen=True, kw_only=True):
    """Where the net amounts of all lines of a period went."""

    splits: tuple[Split, ...]
    host: Decimal
    """Of lines and machines that no ownership has."""
    total: Decimal


class Earnings:
    """Adds up whose the net amounts are. The first ownership that names a machine has it."""

    def __init__(self, agreed: Iterable[Ownership], known: Known) -> None:
        self._known = known
        self._ownerships = [each for each in agreed if each.holds(known.days[0], known.days[-1])]
        self._parts: dict[str, list[Part]] = defaultdict(list)
        self._host = self._total = money.total([])

    def add(self, charges: Iterable[Charge]) -> None:
        for charge in charges:
            self._total += charge.net
            for owned, fens in _owned(charge, self._ownerships).items():
                if owned == HOST:
                    self._host += money.yuan(fens)
                elif fens:
                    self._parts[owned].append(_part(charge, fens))

    def revenue(self) -> Revenue:
        splits = tuple(_split(each, self._parts[each.id], self._known) for each in self._ownerships)
        return Revenue(splits=splits, host=self._host, total=self._total)


def revenue(charges: Iterable[Charge], agreed: Iterable[Ownership], known: Known) -> Revenue:
    earnings = Earnings(agreed, known)
    earnings.add(charges)
    return earnings.revenue()


def _part(charge: Charge, fens: int) -> Part:
    return Part(
        charge_id=charge.id,
        tenant=charge.tenant,
        order_id=charge.order_id,
        clause=charge.clause,
        label=charge.label,
        amount=money.yuan(fens),
    )


def _owned(charge: Charge, ownerships: Iterable[Ownership]) -> dict[str, int]:
    """The fen of a line by ownership."""
    weights: dict[str, int] = {}
    for machine, quantity in charge.machines.items():
        owned = next((each.id for each in ownerships if each.covers(machine)), HOST)
        weights[owned] = weights.get(owned, 0) + abs(quantity)
    return money.shares(money.fens(charge.net), weights or {HOST: 1})


def _split(ownership: Ownership, parts: list[Part], known: Known) -> Split:
    whole = money.total([part.amount for part in parts])
    percent = money.fen(Fraction(whole) * Fraction(ownership.fee_percent) / 100)
    fixed = [prorated(ownership.fee_a_month, month) for month in known.months]
    fee = money.total([percent, *fixed])
    agreed = {owner.id: owner.share for owner in ownership.owners}
    fens = money.shares(money.fens(whole - fee), agreed)
    return Split(
        ownership=ownership,
        revenue=whole,
        fee=fee,
        shares=tuple(Share(owner=o, amount=money.yuan(fens[o.id])) for o in ownership.owners),
        parts=tuple(parts),
    )
