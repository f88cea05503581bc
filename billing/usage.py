"""Usage: stored rows, attributed and added up by payer, order and machine. Integers only."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from operator import add
from typing import Final, NamedTuple

from msgspec import Struct

from billing.attribution import Attribution, Place
from billing.grain import COARSE, STOP, WHOLE, Cell, Grain, Sieve, amount_of, amounts_of
from billing.spell import Spell
from billing.stops import Stop, Stops
from contract.facts import QualityResult
from contract.names import NONE
from contract.records import Interval, Transition
from contract.states import TIME_FIELDS, Party, times_of

_CAUSES: Final = frozenset({Party.TENANT, Party.HOST, Party.UTILITY})


Life = tuple[str, str]
"""Machine and epoch."""


class Key(NamedTuple):
    place: Place
    tenant: str
    order_id: str
    kind: str
    machine: str


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
    stops: Sequence[Stop]
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


class _Last(NamedTuple):
    """Where the interval before of a meter went."""

    attribution: Attribution
    kind: str
    total: "_Sum"
    run: list[int]


class Tally:
    """Adds attributed records up. Records of an epoch must come in rising order."""

    def __init__(self, grain: Grain = COARSE) -> None:
        self._sieve = Sieve(grain)
        self._has_days = grain.has_days
        self._keeps_apart = self._has_days or bool(self._sieve.measures)
        self._sums: dict[Key, _Sum] = {}
        self._last: dict[Life, _Last] = {}

    def add_interval(self, interval: Interval, attribution: Attribution) -> None:
        meter = (interval.machine, interval.epoch)
        last = self._last.get(meter)
        if last is None or last.attribution is not attribution or last.kind != interval.kind:
            last = self._turned(last, interval, attribution)
        last.total.add(interval)
        last.run[1] = interval.sequence
        if self._keeps_apart:
            self._keep_apart(last.total, interval)

    def add_spell(self, spell: Spell) -> Attribution:
        """What goes where the interval before of its meter went; says whose it is."""
        last = self._last[spell.meter]
        last.total.add_spell(spell)
        last.run[1] = spell.sequences[-1]
        if self._keeps_apart:
            self._keep_spell_apart(last.total, spell)
        return last.attribution

    def _turned(self, last: "_Last | None", interval: Interval, attribution: Attribution) -> "_Last":
        """Another payer, or the same one for another reason; what somebody had in one go is one range."""
        meter, key = (interval.machine, interval.epoch), _key(interval, attribution)
        total = self._sums.setdefault(key, _Sum())
        run = last.run if last is not None and last.total is total else [interval.sequence, interval.sequence]
        if last is None or run is not last.run:
            total.ranges.append((meter, run))
        turned = self._last[meter] = _Last(attribution, interval.kind, total, run)
        return turned

    def add_stop(self, transition: Transition, attribution: Attribution, start: int, end: int) -> None:
        key = _key(transition, attribution)
        meter = f"{transition.machine}/{transition.epoch}"
        total = self._sums.setdefault(key, _Sum())
        for first, last in pairwise(self._sieve.cuts(STOP, start, end)):
            is_apart = STOP in self._sieve.measures
            cell = self._sieve.cell(STOP, first, last, transition.span_lease_id) if is_apart else WHOLE
            total.stops.add((first, last, transition.span_since), meter, transition.sequence, cell)

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

    def _keep_spell_apart(self, total: "_Sum", spell: Spell) -> None:
        for measure in self._sieve.measures:
            amounts = () if measure == STOP else amounts_of(spell, measure)
            cells = total.parts.setdefault(measure, {}) if any(amounts) else {}
            for start, end, amount in zip(spell.starts, spell.ends, amounts, strict=False):
                if amount:
                    cell = self._sieve.cell(measure, start, end, spell.last.lease_id)
                    cells[cell] = cells.get(cell, 0) + amount
        if self._has_days:
            total.days.update(map(self._sieve.day, spell.starts))

    def usages(self) -> list[Usage]:
        """In the order of their keys, so that the same rows give the same page."""
        return [total.usage(key) for key, total in sorted(self._sums.items())]


def _key(record: Interval | Transition, attribution: Attribution) -> Key:
    at = attribution
    return Key(at.place, at.tenant, at.order_id, record.kind, record.machine)


class _Sum:
    def __init__(self) -> None:
        self.times = [0] * len(TIME_FIELDS)
        self.quantities: dict[str, int] = {}
        self.measured: frozenset[str] | None = None
        self.said_measured = ""
        self.stops = Stops()
        self.ranges: list[tuple[Life, list[int]]] = []
        """Of the meter: the first and the last sequence, of which the latter may still grow."""
        self.parts: dict[str, dict[Cell, int]] = {}
        self.days: set[str] = set()
        self.inspected: dict[str, int] = {}

    def add(self, interval: Interval) -> None:
        self.times = list(map(add, self.times, times_of(interval)))
        quantities = self.quantities
        for name, quantity in interval.quantities.items():
            quantities[name] = quantities.get(name, 0) + quantity
        if interval.measured != self.said_measured:
            measured = frozenset(interval.measured.split(","))
            self.measured = measured if self.measured is None else self.measured & measured
            self.said_measured = interval.measured

    def add_spell(self, spell: Spell) -> None:
        """What is measured is what the interval before it measured."""
        self.times = list(map(add, self.times, spell.summed_times))
        for name, quantity in spell.summed_counts.items():
            self.quantities[name] = self.quantities.get(name, 0) + quantity

    def usage(self, key: Key) -> Usage:
        return Usage(
            **key._asdict(),
            time=dict(zip(TIME_FIELDS, self.times, strict=True)),
            quantities=self.quantities,
            measured=(self.measured or frozenset()) | ({"scrap", "rework"} if self.inspected else set()),
            stops=self.stops,
            records=tuple(_shown(meter, *ends) for meter, ends in sorted(self.ranges)),
            parts=self.parts,
            days=frozenset(self.days),
            inspected=self.inspected,
        )


def _shown(meter: Life, first: int, last: int) -> str:
    span = str(first) if first == last else f"{first}-{last}"
    return f"{meter[0]}/{meter[1]}/{span}"
