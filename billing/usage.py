"""Usage: stored rows, attributed and added up by payer, order and machine. Integers only."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct

from billing.attribution import Attribution, Place
from billing.grain import COARSE, STOP, WHOLE, Cell, Grain, Sieve, amount_of
from contract.facts import QualityResult
from contract.names import NONE
from contract.records import Interval, Transition
from contract.states import TIME_FIELDS, Party

_CAUSES: Final = frozenset({Party.TENANT, Party.HOST, Party.UTILITY})


class Key(NamedTuple):
    place: Place
    tenant: str
    order_id: str
    kind: str
    machine: str


class Stop(Struct, frozen=True, kw_only=True):
    """A stretch of a stop that the tenant caused, UTC ms."""

    start: int
    end: int
    since: int
    """When the unbroken stop began: its grace is counted from here, whatever cut it."""
    record: str
    cell: Cell = WHOLE

    def beyond(self, grace_ms: int) -> int:
        """How many of its milliseconds lie beyond the grace of the whole stop."""
        return max(0, self.end - max(self.start, self.since + grace_ms))


class Usage(Struct, frozen=True, kw_only=True):
    """What one payer used of one machine for one order."""

    place: Place
    tenant: str
    order_id: str
    kind: str
    machine: str
    time: Mapping[str, int]
    """Milliseconds by time field; they sum to ``total_ms``."""
    quantities: Mapping[str, int]
    measured: frozenset[str]
    """Quantities that the machine counted in every interval."""
    stops: tuple[Stop, ...]
    records: tuple[str, ...]
    """The intervals: ``machine/epoch/first-last``, every interval whose sequence lies between."""
    parts: Mapping[str, Mapping[Cell, int]] = {}
    """By measure, what a tariff wants kept apart; it sums to the whole of the measure."""
    days: frozenset[str] = frozenset()
    """Local days with any record, if a tariff asks for them."""
    inspected: Mapping[str, int] = {}
    """Scrap that inspection found, by the party that caused it; ``quantities`` has it too."""

    def cells(self, measure: str) -> Iterator[tuple[Cell, int]]:
        """The measure, as finely as it was kept."""
        if measure in self.parts:
            yield from self.parts[measure].items()
        else:
            yield WHOLE, self.time[measure] if measure in self.time else self.quantities.get(measure, 0)

    @property
    def total_ms(self) -> int:
        return sum(self.time.values())

    @property
    def busy_ms(self) -> int:
        """Planned busy time: all but maintenance and power off."""
        return self.total_ms - self.time["maint_ms"] - self.time["off_ms"]

    @property
    def known_ms(self) -> int:
        """The part of the planned busy time that was observed."""
        return self.busy_ms - self.time["unknown_ms"]


class Tally:
    """Adds attributed records up. Records of an epoch must come in rising order."""

    def __init__(self, grain: Grain = COARSE) -> None:
        self._sieve = Sieve(grain)
        self._has_days = grain.has_days
        self._sums: dict[Key, _Sum] = {}
        self._last: dict[tuple[str, str], Key] = {}

    def add_interval(self, interval: Interval, attribution: Attribution) -> None:
        key = _key(interval, attribution)
        total = self._sums.setdefault(key, _Sum())
        total.add(interval)
        self._keep_apart(total, interval)
        meter = (interval.machine, interval.epoch)
        total.note(meter, interval.sequence, follows=self._last.get(meter) == key)
        self._last[meter] = key

    def add_stop(self, transition: Transition, attribution: Attribution, start: int, end: int) -> None:
        key = _key(transition, attribution)
        record = f"{transition.machine}/{transition.epoch}/{transition.sequence}"
        total = self._sums.setdefault(key, _Sum())
        for first, last in pairwise(self._sieve.cuts(STOP, start, end)):
            is_apart = STOP in self._sieve.measures
            cell = self._sieve.cell(STOP, first, last, transition.span_lease_id) if is_apart else WHOLE
            stop = Stop(start=first, end=last, since=transition.span_since, record=record, cell=cell)
            total.stops.append(stop)

    def add_quality(self, fact: QualityResult, kind: str, attribution: Attribution) -> bool:
        """Scrap and rework that inspection found, where the pieces were made; False: none were made there.

        Records come first. ``cause`` is a party, or the cause is unknown.
        """
        at = attribution
        total = self._sums.get(Key(at.place, at.tenant, at.order_id, kind, fact.machine))
        if total is None:
            return False
        found = {"scrap": fact.scrap, "rework": fact.rework}
        for name, pieces in found.items():
            total.quantities[name] = total.quantities.get(name, 0) + pieces
            if name in self._sieve.measures and pieces:
                cell = self._sieve.cell(name, fact.produced_at, fact.produced_at + 1, NONE)
                cells = total.parts.setdefault(name, {})
                cells[cell] = cells.get(cell, 0) + pieces
        party = fact.cause if fact.cause in _CAUSES else Party.UNKNOWN
        total.inspected[party] = total.inspected.get(party, 0) + fact.scrap
        return True

    def _keep_apart(self, total: "_Sum", interval: Interval) -> None:
        for measure in self._sieve.measures:
            if amount := 0 if measure == STOP else amount_of(interval, measure):
                cell = self._sieve.cell(measure, interval.start, interval.end, interval.lease_id)
                cells = total.parts.setdefault(measure, {})
                cells[cell] = cells.get(cell, 0) + amount
        if self._has_days:
            total.days.add(self._sieve.day(interval.start))

    def usages(self) -> list[Usage]:
        """In the order of their keys, so that the same rows give the same page."""
        return [total.usage(key) for key, total in sorted(self._sums.items())]


def _key(record: Interval | Transition, attribution: Attribution) -> Key:
    at = attribution
    return Key(at.place, at.tenant, at.order_id, record.kind, record.machine)


class _Sum:
    def __init__(self) -> None:
        self.time = dict.fromkeys(TIME_FIELDS, 0)
        self.quantities: dict[str, int] = {}
        self.measured: frozenset[str] | None = None
        self.stops: list[Stop] = []
        self.ranges: list[tuple[tuple[str, str], int, int]] = []
        self.open: dict[tuple[str, str], tuple[int, int]] = {}
        self.parts: dict[str, dict[Cell, int]] = {}
        self.days: set[str] = set()
        self.inspected: dict[str, int] = {}

    def add(self, interval: Interval) -> None:
        for field in TIME_FIELDS:
            self.time[field] += getattr(interval, field)
        for name, quantity in interval.quantities.items():
            self.quantities[name] = self.quantities.get(name, 0) + quantity
        measured = frozenset(interval.measured.split(","))
        self.measured = measured if self.measured is None else self.measured & measured

    def note(self, meter: tuple[str, str], sequence: int, *, follows: bool) -> None:
        """Stretches the last range, unless an interval in between went to somebody else."""
        if follows:
            self.open[meter] = (self.open[meter][0], sequence)
            return
        if meter in self.open:
            self.ranges.append((meter, *self.open[meter]))
        self.open[meter] = (sequence, sequence)

    def usage(self, key: Key) -> Usage:
        still_open = ((meter, *ends) for meter, ends in self.open.items())
        return Usage(
            **key._asdict(),
            time=self.time,
            quantities=self.quantities,
            measured=(self.measured or frozenset()) | ({"scrap", "rework"} if self.inspected else set()),
            stops=tuple(self.stops),
            records=tuple(_shown(*found) for found in sorted([*self.ranges, *still_open])),
            parts=self.parts,
            days=frozenset(self.days),
            inspected=self.inspected,
        )


def _shown(meter: tuple[str, str], first: int, last: int) -> str:
    span = str(first) if first == last else f"{first}-{last}"
    return f"{meter[0]}/{meter[1]}/{span}"
