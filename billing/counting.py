"""Usage -> counts: what each clause counts for each tenant, order and kind of machine. Integers only."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from msgspec import Struct

from billing.attribution import Place as Where
from billing.block import Each
from billing.calendars import BETWEEN
from billing.charge import Exact, Place, Places, shared_out
from billing.clauses import HOURLY, Clause, Energy, Piece, QuantityPrice, Rate
from billing.grain import ENERGY, WHOLE, Cell
from billing.needs import MEASURES, Counted
from billing.tariff import Tariff
from billing.tiers import Over
from billing.usage import Usage
from billing.where import Machine
from contract.names import NONE


class LineKey(NamedTuple):
    """What one line, or the lines of one clause's tiers, are about."""

    tenant: str
    order_id: str
    kind: str
    clause_id: str


class Count:
    """What one clause counted. ``places`` is what its block rule is applied to."""

    def __init__(self, clause: Counted) -> None:
        self.clause = clause
        self.metered = 0
        self.places: dict[Place, Exact] = {}
        self.produced = 0
        self.scrap = 0
        self.rework = 0
        self.inspected: dict[str, int] = {}
        self.known_ms = 0
        self.busy_ms = 0
        self.records: dict[str, None] = {}
        self._met: set[tuple[str, str]] = set()

    @property
    def is_over_orders(self) -> bool:
        return not isinstance(self.clause, Energy) and self.clause.tiers.over is Over.TENANT

    def add(self, usage: Usage, cell: Cell, amount: int) -> None:
        if amount:
            place = Place(usage.machine, cell, usage.order_id if self.is_over_orders else "")
            self.places[place] = self.places.get(place, 0) + amount

    def spread(self, whole: int) -> Places:
        """``whole`` over the places as they have the count; where they have nothing, on the first machine."""
        if sum(self.places.values()):
            return shared_out(whole, self.places)
        machine, order_id = min(self._met)
        return {Place(machine, WHOLE, order_id if self.is_over_orders else ""): whole}

    def joined(self, other: "Count") -> "Count":
        """The pieces of both together."""
        both = Count(self.clause)
        both.produced, both.scrap = self.produced + other.produced, self.scrap + other.scrap
        parties = self.inspected.keys() | other.inspected.keys()
        both.inspected = {
            party: self.inspected.get(party, 0) + other.inspected.get(party, 0) for party in parties
        }
        return both

    def meet(self, usage: Usage, records: Iterable[str] | None = None) -> None:
        """The usage stands behind this count, whether or not it has anything of it."""
        if (usage.machine, usage.order_id) not in self._met:
            self._met.add((usage.machine, usage.order_id))
            self.known_ms += usage.known_ms
            self.busy_ms += usage.busy_ms
            self.records |= dict.fromkeys(usage.records if records is None else ())
        self.records |= dict.fromkeys(records or ())


Counts = dict[LineKey, Count]


def counts(usages: Iterable[Usage], tariff: Tariff) -> Counts:
    """Only what has a payer is counted, and only where the machine measures what the clause needs."""
    counting = _Counting(tariff)
    for usage in usages:
        if usage.place is Where.TENANT:
            counting.count(usage)
    return dict(sorted(counting.found.items()))


class _Fitting(Struct, frozen=True, kw_only=True):
    """The clauses that hold for one machine."""

    rates: tuple[tuple[Clause, list[Rate]], ...]
    piece: Piece | None
    quantities: list[QuantityPrice]
    energy: Energy | None


class _Counting:
    """Adds usages up, each of one tenant, order and machine."""

    def __init__(self, tariff: Tariff) -> None:
        self.found: Counts = {}
        self._tariff = tariff
        self._of: dict[tuple[str, str], _Fitting] = {}

    def count(self, usage: Usage) -> None:
        of = self._fitting(usage)
        for clause, rates in of.rates:
            if clause is Clause.STOP_TENANT:
                self._stops(usage, rates)
            else:
                self._time(usage, clause, rates)
        if of.piece:
            self._pieces(usage, of.piece)
        for price in of.quantities:
            self._quantity(usage, price)
        if of.energy:
            self._energy(usage, of.energy)

    def _fitting(self, usage: Usage) -> _Fitting:
        key = (usage.machine, usage.kind)
        if key not in self._of:
            machine = self._tariff.machine(*key)
            rates = ((clause, self._tariff.rates_of(machine, clause)) for clause in HOURLY)
            self._of[key] = _Fitting(
                rates=tuple((clause, found) for clause, found in rates if found),
                piece=self._tariff.piece(machine),
                quantities=self._tariff.quantities_of(machine),
                energy=self._tariff.energy(machine),
            )
        return self._of[key]

    def _time(self, usage: Usage, clause: Clause, rates: list[Rate]) -> None:
        for cell, ms in usage.cells(MEASURES[clause]):
            if rate := self._rate(rates, cell):
                count = self._line(usage, rate)
                count.meet(usage)
                count.metered += ms
                count.add(usage, cell, ms)

    def _stops(self, usage: Usage, rates: list[Rate]) -> None:
        """A part of a stop is charged as it lies in the whole stop, so that it does not matter who cut it."""
        for stop in usage.stops:
            rate = self._rate(rates, stop.cell)
            if rate is None:
                continue
            count, ms = self._line(usage, rate), stop.beyond(rate.grace_ms)
            count.metered += stop.end - stop.start
            if rate.block.each is Each.STOP and not rate.block.is_plain:
                free_until = stop.since + rate.grace_ms
                ms = rate.block.between(stop.start - free_until, stop.end - free_until)
            count.meet(usage, (stop.record,) if ms else ())
            count.add(usage, stop.cell, ms)

    def _pieces(self, usage: Usage, piece: Piece) -> None:
        if pieces_of(usage, piece.basis) is None:
            return
        count = self._line(usage, piece)
        count.meet(usage)
        for name in ("produced", "scrap") if piece.basis is Clause.GOOD else ("produced",):
            for cell, pieces in usage.cells(name):
                count.add(usage, cell, -pieces if name == "scrap" else pieces)
        count.metered = int(sum(count.places.values()))
        count.produced += usage.quantities.get("produced", 0)
        count.scrap += usage.quantities.get("scrap", 0) if "scrap" in usage.measured else 0
        count.rework += usage.quantities.get("rework", 0) if "rework" in usage.measured else 0
        for party, scrap in usage.inspected.items():
            count.inspected[party] = count.inspected.get(party, 0) + scrap

    def _quantity(self, usage: Usage, price: QuantityPrice) -> None:
        if not {price.name, *filter(None, [price.less])} <= usage.measured:
            return
        count = self._line(usage, price)
        count.meet(usage)
        for cell, amount in usage.cells(price.name):
            count.metered += amount
            count.add(usage, cell, amount)
        for cell, amount in usage.cells(price.less) if price.less else ():
            count.add(usage, cell, -amount)

    def _energy(self, usage: Usage, energy: Energy) -> None:
        if ENERGY not in usage.measured:
            return
        count = self._line(usage, energy)
        count.meet(usage)
        for cell, wh in usage.cells(ENERGY):
            count.metered += wh
            count.add(usage, cell, wh)

    def _line(self, usage: Usage, clause: Counted) -> Count:
        over_all = not isinstance(clause, Energy) and clause.tiers.over is Over.TENANT
        order_id = NONE if over_all else usage.order_id
        key = LineKey(usage.tenant, order_id, usage.kind, clause.id)
        return self.found.setdefault(key, Count(clause))

    def _rate(self, rates: list[Rate], cell: Cell) -> Rate | None:
        """Where nobody knows in which of several bands it was, the cheapest of their rates, or none."""
        if not any(rate.band for rate in rates):
            return rates[0]
        keys = {rate.calendar: self._tariff.key(rate.calendar) for rate in rates if rate.band}
        touched = [[(name, band) for band in cell.band(key).split(BETWEEN)] for name, key in keys.items()]
        maybe = [_first(rates, dict(bands)) for bands in product(*touched)]
        if None in maybe:
            return None
        return min((rate for rate in maybe if rate), key=lambda rate: (rate.tiers.steps[0].price, rate.id))


def _first(rates: list[Rate], bands: dict[str, str]) -> Rate | None:
    """The most specific in machines; among those of one rank a banded one comes first."""
    fit = [rate for rate in rates if not rate.band or bands[rate.calendar] == rate.band]
    return min(fit, key=lambda rate: (-rate.where.rank, not rate.band), default=None)


def pieces_of(usage: Usage, basis: Clause) -> int | None:
    """Pieces to be charged, or None when the machine does not count what the basis needs.

    Scrap found after the pieces were counted good can make the good ones of a period negative: a credit.
    """
    needed = {"produced", "scrap"} if basis is Clause.GOOD else {"produced"}
    if not needed <= usage.measured:
        return None
    scrap = usage.quantities.get("scrap", 0) if basis is Clause.GOOD else 0
    return usage.quantities.get("produced", 0) - scrap


def straddling(usage: Usage, tariff: Tariff) -> Iterator[tuple[str, int]]:
    """How much of which measure lies in intervals that reach into more than one band of a calendar."""
    keys = {calendar.key for calendar in tariff.calendars}
    for measure, cells in usage.parts.items():
        for cell, amount in cells.items():
            if any(key in keys and BETWEEN in band for key, band in cell.bands):
                yield measure, amount


class Unmeasured(Struct, frozen=True, kw_only=True):
    """A clause that a machine cannot be charged by."""

    machine: str
    clause: str
    quantity: str


def unmeasured(usage: Usage, tariff: Tariff) -> Iterator[Unmeasured]:
    machine: Machine = tariff.machine(usage.machine, usage.kind)
    piece = tariff.piece(machine)
    if piece and pieces_of(usage, piece.basis) is None:
        yield Unmeasured(machine=usage.machine, clause=piece.id, quantity=piece.basis)
    for price in tariff.quantities_of(machine):
        for name in filter(None, (price.name, price.less)):
            if name not in usage.measured:
                yield Unmeasured(machine=usage.machine, clause=price.id, quantity=name)
    energy = tariff.energy(machine)
    if energy and ENERGY not in usage.measured:
        yield Unmeasured(machine=usage.machine, clause=energy.id, quantity=ENERGY)
