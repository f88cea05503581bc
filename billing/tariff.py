"""What is charged: frozen clauses with exact prices. Read from a file by ``tariff_file``."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from msgspec import Struct

ANY_KIND: Final = "*"
GRACE_MS: Final = 300_000
"""Five minutes: shorter stops are part of the work (the usual limit of a micro-stop)."""


class Clause(StrEnum):
    """What a line of a statement charges, in the order of the page."""

    RUN = "run"
    SETUP = "setup"
    TEST = "test"
    STOP_TENANT = "stop_tenant"
    GOOD = "good"
    PRODUCED = "produced"
    SETUP_FEE = "setup_fee"


HOURLY: Final = (Clause.RUN, Clause.SETUP, Clause.TEST, Clause.STOP_TENANT)
"""Charged by the hour. Host, utility and unknown stops are in no clause: nobody can price them by mistake."""
PIECES: Final = (Clause.GOOD, Clause.PRODUCED)


def priced(clause: Clause) -> str:
    """What a price of this clause is for."""
    if clause in HOURLY:
        return "hour"
    return "piece" if clause in PIECES else "order"


def counted(clause: Clause) -> str:
    """In what the quantity of a charge is written: time in seconds, because those are exact."""
    return "second" if clause in HOURLY else priced(clause)


class Rate(Struct, frozen=True, kw_only=True):
    kind: str
    clause: Clause
    per_hour: Decimal
    grace_ms: int = 0
    """Free at the start of each unbroken stop, whoever caused the start of it."""


class Piece(Struct, frozen=True, kw_only=True):
    kind: str
    basis: Clause
    price: Decimal


class SetupFee(Struct, frozen=True, kw_only=True):
    """Once per tenant, order and kind in a period in which the order was set up or produced."""

    kind: str
    price: Decimal


class _Priced(Protocol):
    @property
    def kind(self) -> str: ...


P = TypeVar("P", bound=_Priced)


def _for(kind: str, clauses: tuple[P, ...]) -> P | None:
    """The clause of this kind, else the one of every kind."""
    found = {clause.kind: clause for clause in clauses}
    return found.get(kind) or found.get(ANY_KIND)


class Tariff(Struct, frozen=True, kw_only=True):
    id: str
    version: str
    currency: str
    valid_from: date
    valid_to: date | None
    """The last day, included; None while no end is decided."""
    digest: str
    """SHA-256 of the file."""
    rates: tuple[Rate, ...] = ()
    pieces: tuple[Piece, ...] = ()
    setup_fees: tuple[SetupFee, ...] = ()

    def rate(self, kind: str, clause: Clause) -> Rate | None:
        return _for(kind, tuple(rate for rate in self.rates if rate.clause is clause))

    def piece(self, kind: str) -> Piece | None:
        return _for(kind, self.pieces)

    def setup_fee(self, kind: str) -> SetupFee | None:
        return _for(kind, self.setup_fees)

    def prices(self, kind: str) -> bool:
        """Whether anything of this kind of machine has a price."""
        hourly = any(self.rate(kind, clause) for clause in HOURLY)
        return hourly or self.piece(kind) is not None or self.setup_fee(kind) is not None

    def holds(self, first: date, last: date) -> bool:
        """Whether the tariff is valid on every day from ``first`` to ``last``."""
        return self.valid_from <= first and (self.valid_to is None or last <= self.valid_to)
