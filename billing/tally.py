"""Adds attributed records up by payer, order and machine. Integers only."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from billing.attribution import Attribution
from billing.grain import COARSE, STOP, WHOLE, Grain, Sieve, amount_of, amounts_of
from billing.spell import Spell
from billing.sums import Part, Sum
from billing.usage import Key, Life, Usage
from contract.facts import QualityResult
from contract.names import NONE
from contract.records import Interval, Transition
from contract.states import Party

_CAUSES: Final = frozenset({Party.TENANT, Party.HOST, Party.UTILITY})


class _Last(NamedTuple):
    """Where the interval before of a meter went."""

    attribution: Attribution
    kind: str
    total: Sum
    run: list[int]


class Tally:
    """Adds attributed records up. Records of an epoch must come in rising order."""

    def __init__(self, grain: Grain = COARSE) -> None:
        self._sieve = Sieve(grain)
        self._has_days = grain.has_days
        self._keeps_apart = self._has_days or bool(self._sieve.measures)
        self._sums: dict[Key, Sum] = {}
        self._last: dict[Life, _Last] = {}
        self._put_aside: set[Key] = set()

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

    def _turned(self, last: _Last | None, interval: Interval, attribution: Attribution) -> _Last:
        """Another payer, or the same one for another reason; what somebody had in one go is one range."""
        meter, key = (interval.machine, interval.epoch), _key(interval, attribution)
        total = self._sums.setdefault(key, Sum())
        run = last.run if last is not None and last.total is total else [interval.sequence, interval.sequence]
        if last is None or run is not last.run:
            total.ranges.append((meter, run))
        turned = self._last[meter] = _Last(attribution, interval.kind, total, run)
        return turned

    def add_stop(self, transition: Transition, attribution: Attribution, start: int, end: int) -> None:
        key = _key(transition, attribution)
        meter = f"{transition.machine}/{transition.epoch}"
        total = self._sums.setdefault(key, Sum())
        for first, last in pairwise(self._sieve.cuts(STOP, start, end)):
            is_apart = STOP in self._sieve.measures
            cell = self._sieve.cell(STOP, first, last, transition.span_lease_id) if is_apart else WHOLE
            total.stops.add((first, last, transition.span_since), meter, transition.sequence, cell)

    def add_quality(self, fact: QualityResult, kind: str, attribution: Attribution) -> bool:
        """Scrap and rework that inspection found, where the pieces were made; False: none were made there.

        Records come first. ``cause`` is a party, or the cause is unknown.
        """
        at = attribution
        key = Key(at.tenant, at.place, at.order_id, kind, fact.machine)
        if key not in self._sums and key not in self._put_aside:
            return False
        total = self._sums.setdefault(key, Sum())
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

    def _keep_apart(self, total: Sum, interval: Interval) -> None:
        for measure in self._sieve.measures:
            if amount := 0 if measure == STOP else amount_of(interval, measure):
                cell = self._sieve.cell(measure, interval.start, interval.end, interval.lease_id)
                cells = total.parts.setdefault(measure, {})
                cells[cell] = cells.get(cell, 0) + amount
        if self._has_days:
            total.days.add(self._sieve.day(interval.start))

    def _keep_spell_apart(self, total: Sum, spell: Spell) -> None:
        for measure in self._sieve.measures:
            amounts = () if measure == STOP else amounts_of(spell, measure)
            cells = total.parts.setdefault(measure, {}) if any(amounts) else {}
            for start, end, amount in zip(spell.starts, spell.ends, amounts, strict=False):
                if amount:
                    cell = self._sieve.cell(measure, start, end, spell.last.lease_id)
                    cells[cell] = cells.get(cell, 0) + amount
        if self._has_days:
            total.days.update(map(self._sieve.day, spell.starts))

    def put_aside(self, *, is_over: bool) -> Iterator[Part]:
        """What need not be remembered to go on: sums that no meter adds to, and parts of those that grew.

        ``is_over``: no interval comes any more, so it is all of them.
        """
        growing: dict[int, list[list[int]]] = defaultdict(list)
        for last in () if is_over else self._last.values():
            growing[id(last.total)].append(last.run)
        for key, total in list(self._sums.items()):
            runs = growing.get(id(total))
            if runs is None:
                yield key, self._sums.pop(key)
            elif total.is_much:
                yield key, total.put_aside(runs)
            else:
                continue
            self._put_aside.add(key)

    def usages(self) -> list[Usage]:
        """Of what was not put aside, in the order of its keys."""
        return [total.usage(key) for key, total in sorted(self._sums.items())]


def _key(record: Interval | Transition, attribution: Attribution) -> Key:
    at = attribution
    return Key(at.tenant, at.place, at.order_id, record.kind, record.machine)
