"""A tariff: dated clauses, and which of them holds for a machine. Read from a file by ``tariff_file``."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import chain

from msgspec import Struct

from billing.calendars import Calendar
from billing.clauses import (
    Base,
    Clause,
    Energy,
    Limit,
    Piece,
    Pollution,
    QuantityPrice,
    Rate,
    Reservation,
    ScrapCredit,
    SetupFee,
    Surcharge,
    VatRate,
)
from billing.grain import ENERGY, LEASED_OFF_MS, RESERVED_MS
from billing.where import Grade, Machine, best, fitting, grade_of

AnyClause = (
    Rate
    | Piece
    | QuantityPrice
    | Energy
    | Pollution
    | SetupFee
    | Base
    | Reservation
    | ScrapCredit
    | Surcharge
    | Limit
)


class Tariff(Struct, frozen=True, kw_only=True):
    id: str
    version: str
    currency: str
    valid_from: date
    valid_to: date | None
    """The last day, included; None while no end is decided."""
    digest: str
    """SHA-256 of the file, and of the calendars that it names."""
    rates: tuple[Rate, ...] = ()
    pieces: tuple[Piece, ...] = ()
    quantities: tuple[QuantityPrice, ...] = ()
    energies: tuple[Energy, ...] = ()
    pollutions: tuple[Pollution, ...] = ()
    setup_fees: tuple[SetupFee, ...] = ()
    bases: tuple[Base, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    scrap_credits: tuple[ScrapCredit, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    """And discounts."""
    limits: tuple[Limit, ...] = ()
    """Minimums and caps."""
    grades: tuple[Grade, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    vats: tuple[VatRate, ...] = ()
    vat_category: str = ""
    """Of lines whose clause names none."""
    is_gross: bool = False
    """Whether VAT is in the prices, or comes on top."""

    def machine(self, name: str, kind: str) -> Machine:
        return Machine(name, kind, grade_of(name, self.grades))

    def rates_of(self, machine: Machine, clause: Clause) -> list[Rate]:
        """The most specific first."""
        return fitting(machine, (rate for rate in self.rates if rate.clause is clause))

    def rate(self, machine: Machine, clause: Clause) -> Rate | None:
        """What an hour costs at any time that no banded rate covers."""
        return next((rate for rate in self.rates_of(machine, clause) if not rate.band), None)

    def piece(self, machine: Machine) -> Piece | None:
        return best(machine, self.pieces)

    def energy(self, machine: Machine) -> Energy | None:
        return best(machine, self.energies)

    def setup_fee(self, machine: Machine) -> SetupFee | None:
        return best(machine, self.setup_fees)

    def reservation(self, machine: Machine) -> Reservation | None:
        return best(machine, self.reservations)

    def scrap_credit(self, machine: Machine) -> ScrapCredit | None:
        return best(machine, self.scrap_credits)

    def quantities_of(self, machine: Machine) -> list[QuantityPrice]:
        """The most specific price of each quantity, by name."""
        found = {price.name: price for price in reversed(fitting(machine, self.quantities))}
        return [found[name] for name in sorted(found)]

    def pollutions_of(self, machine: Machine) -> list[Pollution]:
        found = {price.name: price for price in reversed(fitting(machine, self.pollutions))}
        return [found[name] for name in sorted(found)]

    def prices(self, machine: Machine) -> bool:
        """Whether anything that is counted on this machine has a price."""
        counted = chain(self.rates, self.pieces, self.quantities, self.energies, self.pollutions)
        placed = chain(counted, self.setup_fees, self.reservations)
        return any(clause.where.covers(machine) for clause in placed) or any(
            base.where.covers(machine) for base in self.bases
        )

    @property
    def priced(self) -> frozenset[str]:
        """Measures with a price beside time and pieces. Not energy: machines that nobody holds use it too."""
        names = {price.name for price in self.quantities} | {price.name for price in self.pollutions}
        names.discard(ENERGY)
        waiting = {Clause.RESERVED: RESERVED_MS, Clause.RESERVED_OFF: LEASED_OFF_MS}
        names |= {waiting[rate.clause] for rate in self.rates if rate.clause in waiting}
        return frozenset(names | (set(waiting.values()) if self.reservations else set()))

    def clauses(self) -> Iterator[AnyClause]:
        """In the order of evaluation."""
        yield from chain[AnyClause](self.rates, self.pieces, self.quantities, self.energies, self.pollutions)
        yield from chain[AnyClause](self.scrap_credits, self.setup_fees, self.bases, self.reservations)
        yield from chain[AnyClause](self.surcharges, self.limits)

    def calendar(self, name: str) -> Calendar:
        return next(calendar for calendar in self.calendars if calendar.name == name)

    def key(self, calendar: str) -> str:
        """By which cells know the calendar that clauses call by this name; empty for no calendar."""
        return self.calendar(calendar).key if calendar else ""

    def holds(self, first: date, last: date) -> bool:
        """Whether the tariff is valid on every day from ``first`` to ``last``."""
        return self.valid_from <= first and (self.valid_to is None or last <= self.valid_to)

    def vat_percent(self, category: str, day: date) -> Decimal | None:
        """The rate of a category on a local day; None without VAT."""
        of = [rate for rate in self.vats if rate.category == category and rate.valid_from <= day]
        return max(of, key=lambda rate: rate.valid_from).percent if of else None

    def vat_changes(self, first: date, last: date) -> list[VatRate]:
        """Rates that begin within the days from ``first`` to ``last``, other than on the first."""
        return [rate for rate in self.vats if first < rate.valid_from <= last]


def priced_by(tariffs: Iterable[Tariff]) -> frozenset[str]:
    """The measures that any of them prices."""
    return frozenset(chain.from_iterable(tariff.priced for tariff in tariffs))
