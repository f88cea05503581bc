"""Usage -> Charge: a line for each clause that applies to one tenant, order and kind of machine.

Rounded once, on the line. Unknown time, and stops of host, utility or unknown party, are in no clause.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from msgspec import Struct

from billing import money
from billing.attribution import Place
from billing.tariff import HOURLY, Clause, Tariff
from billing.usage import Usage
from contract.names import NONE


class Charge(Struct, frozen=True, kw_only=True):
    """One line of a statement: ``amount`` is ``quantity`` times ``price``, rounded to the fen."""

    tenant: str
    order_id: str
    kind: str
    clause: Clause
    quantity: int
    """Milliseconds for an hourly clause, else pieces or orders; never rounded."""
    price: Decimal
    """For one unit of the clause: an hour, a piece or an order."""
    amount: Decimal
    known_ms: int
    busy_ms: int
    """Coverage: of the planned busy time of this tenant, order and kind, how much was observed."""
    records: tuple[str, ...]
    """The stored records behind the line."""


def charges(usages: Iterable[Usage], tariff: Tariff) -> list[Charge]:
    """Sorted by tenant, order, kind and clause. Only what has a payer is charged."""
    paid = sorted((usage for usage in usages if usage.place is Place.TENANT), key=_group)
    found = []
    for (tenant, order_id, kind), group in groupby(paid, key=_group):
        found += list(_Work(tenant, order_id, kind, tuple(group)).charges(tariff))
    return found


def _group(usage: Usage) -> tuple[str, str, str]:
    return usage.tenant, usage.order_id, usage.kind


class _Work:
    """What one tenant did for one order on all machines of a kind."""

    def __init__(self, tenant: str, order_id: str, kind: str, usages: tuple[Usage, ...]) -> None:
        self.of = {"tenant": tenant, "order_id": order_id, "kind": kind}
        self.usages = usages
        self.known_ms = sum(usage.known_ms for usage in usages)
        self.busy_ms = sum(usage.busy_ms for usage in usages)
        self.intervals = tuple(record for usage in usages for record in usage.records)

    def charges(self, tariff: Tariff) -> Iterator[Charge]:
        kind = self.of["kind"]
        for clause in HOURLY:
            rate = tariff.rate(kind, clause)
            ms, records = self._hours(clause, rate.grace_ms if rate else 0)
            if rate and ms:
                exact = money.per_hour(ms, rate.per_hour)
                yield self._charge(clause, ms, rate.per_hour, exact, records)
        piece = tariff.piece(kind)
        pieces = self._pieces(piece.basis) if piece else 0
        if piece and pieces:
            exact = money.per_piece(pieces, piece.price)
            yield self._charge(piece.basis, pieces, piece.price, exact, self.intervals)
        fee = tariff.setup_fee(kind)
        if fee and self.of["order_id"] != NONE and self._is_begun():
            yield self._charge(Clause.SETUP_FEE, 1, fee.price, Fraction(fee.price), self.intervals)

    def _hours(self, clause: Clause, grace_ms: int) -> tuple[int, tuple[str, ...]]:
        if clause is not Clause.STOP_TENANT:
            return self._time(f"{clause}_ms"), self.intervals
        beyond = [(stop.beyond(grace_ms), stop.record) for usage in self.usages for stop in usage.stops]
        records = dict.fromkeys(record for ms, record in beyond if ms)
        return sum(ms for ms, _ in beyond), tuple(records)

    def _pieces(self, basis: Clause) -> int:
        """Only of machines that really count what the basis needs."""
        return sum(pieces_of(usage, basis) or 0 for usage in self.usages)

    def _is_begun(self) -> bool:
        return self._time("setup_ms") > 0 or any(u.quantities.get("produced", 0) > 0 for u in self.usages)

    def _time(self, field: str) -> int:
        return sum(usage.time[field] for usage in self.usages)

    def _charge(
        self, clause: Clause, quantity: int, price: Decimal, exact: Fraction, records: tuple[str, ...]
    ) -> Charge:
        return Charge(
            **self.of,
            clause=clause,
            quantity=quantity,
            price=price,
            amount=money.fen(exact),
            known_ms=self.known_ms,
            busy_ms=self.busy_ms,
            records=records,
        )


def pieces_of(usage: Usage, basis: Clause) -> int | None:
    """Pieces to be charged, or None when the machine does not count what the basis needs.

    Scrap found after the pieces were counted good can make the good ones of a period negative: a credit.
    """
    needed = {"produced", "scrap"} if basis is Clause.GOOD else {"produced"}
    if not needed <= usage.measured:
        return None
    scrap = usage.quantities.get("scrap", 0) if basis is Clause.GOOD else 0
    return usage.quantities.get("produced", 0) - scrap
