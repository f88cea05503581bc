"""Each tenant's days on each machine, for the picture on the statement: time by phase, pieces, a strip. Pure.

A few numbers and some ten letters a machine and day, put aside when the day is over. Strips are given up for
a tenant who has more machines and days than a page can show.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from billing.attribution import Attribution, Place
from billing.machine_day import MOST_STRIPS, Day, DayPart, MachineDay, machine_days
from billing.period import local, midnight
from billing.phases import FIELDS, PHASES, Phase
from billing.spell import Spell
from billing.strip import Pen
from contract.facts import QualityResult
from contract.records import Interval
from contract.states import Party, times_of

_RUN: Final = PHASES.index(Phase.RUN)
_CAUSES: Final = frozenset({Party.TENANT, Party.HOST, Party.UTILITY})


class Days:
    """Takes attributed intervals in rising time, then results of inspection."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._day = Day("", 0, 0)
        self._of: dict[str, dict[tuple[str, str], _Sum]] = defaultdict(dict)
        """By tenant, then by machine and day: what was not put aside yet."""
        self._numbers: dict[str, int] = defaultdict(int)
        """How many machines and days each tenant had, all in all."""
        self._open: dict[tuple[str, str], _Sum] = {}

    def interval(self, interval: Interval, attribution: Attribution) -> None:
        if attribution.place is not Place.TENANT:
            return
        if not self._day.start <= interval.start < self._day.end:
            self._turn(interval.start)
        key = (attribution.tenant, interval.machine)
        total = self._open.get(key)
        if total is None:
            total = self._open[key] = self._sum(attribution.tenant, interval.machine, self._day)
        total.count(interval)
        parts = _parts(times_of(interval))
        if interval.end <= self._day.end:
            total.lay(interval.start, parts)
        else:
            self._across(key, interval.start, parts)

    def _across(self, key: tuple[str, str], at: int, parts: Sequence[tuple[int, int]]) -> None:
        """Meters cut at midnight. What was not cut lies on its days, one phase after the other."""
        day = self._day
        for phase, ms in parts:
            left = ms
            while left:
                step = min(left, day.end - at)
                self._sum(*key, day).lay(at, [(phase, step)])
                at, left = at + step, left - step
                day = self._day_of(at) if at == day.end else day

    def spell(self, spell: Spell, attribution: Attribution) -> None:
        """Intervals that begin on one day, of the machine whose interval came before."""
        key = (attribution.tenant, spell.last.machine)
        if spell.end <= self._day.end:
            self._open[key].lay_spell(spell)
        else:
            for start, end, times in zip(spell.starts, spell.ends, spell.times, strict=True):
                if end <= self._day.end:
                    self._open[key].lay(start, _parts(times))
                else:
                    self._across(key, start, _parts(times))
        self._open[key].count_spell(spell)

    def quality(self, fact: QualityResult, attribution: Attribution) -> None:
        if attribution.place is Place.TENANT:
            day = self._day_of(fact.produced_at)
            self._sum(attribution.tenant, fact.machine, day).inspect(fact)

    def put_aside(self, until: int | None) -> Iterator[tuple[str, DayPart]]:
        """By tenant; of the days that were over at ``until`` (UTC ms), or (None) of all there are."""
        if until is None or self._day.end <= until:
            self._turn(None)
        for tenant, days in self._of.items():
            for key, total in list(days.items()):
                if until is None or total.day.end <= until:
                    yield tenant, days.pop(key).part(key[0])

    def finish(self) -> Mapping[str, tuple[MachineDay, ...]]:
        """By tenant: of what was not put aside."""
        parts: dict[str, list[DayPart]] = defaultdict(list)
        for tenant, part in self.put_aside(None):
            parts[tenant].append(part)
        return {tenant: machine_days(parts[tenant]) for tenant in sorted(parts)}

    def _turn(self, at: int | None) -> None:
        """Strips of a day that is over are put away, or given up where there are too many."""
        for (tenant, _), total in self._open.items():
            total.close(is_kept=self._numbers[tenant] <= MOST_STRIPS)
        self._open = {}
        if at is not None:
            self._day = self._day_of(at)

    def _day_of(self, at: int) -> Day:
        on = local(at, self._zone).date()
        ends = (midnight(day, self._zone) for day in (on, on + timedelta(days=1)))
        return Day(on.isoformat(), *ends)

    def _sum(self, tenant: str, machine: str, day: Day) -> "_Sum":
        days = self._of[tenant]
        found = days.get((machine, day.name))
        if found is None:
            found = days[machine, day.name] = _Sum(day, is_drawn=self._numbers[tenant] < MOST_STRIPS)
            self._numbers[tenant] += 1
        return found


class _Sum:
    __slots__ = (
        "day",
        "has_pieces",
        "has_scrap",
        "inspected",
        "measured",
        "pen",
        "produced",
        "rework",
        "scrap",
        "strip",
        "time",
    )

    def __init__(self, day: Day, *, is_drawn: bool) -> None:
        self.day = day
        self.time = [0] * len(PHASES)
        self.pen = Pen(day.start) if is_drawn else None
        self.strip = self.measured = ""
        self.produced = self.scrap = self.rework = 0
        self.has_pieces = self.has_scrap = True
        self.inspected: dict[str, int] = {}

    def lay_spell(self, spell: Spell) -> None:
        for (_, phase), ms in zip(FIELDS, spell.summed_times, strict=True):
            self.time[phase] += ms
        if self.pen:
            self._draw(self.pen, spell)
        else:
            self.strip = ""

    @staticmethod
    def _draw(pen: Pen, spell: Spell) -> None:
        """Where interval after interval is of the same times, they are drawn together."""
        at = spell.starts[0]
        for times, number in spell.alike():
            parts, ms = _parts(times), sum(times)
            until = at + number * ms
            if len(parts) > 1 or not pen.draw_same(at, parts[0][0], until - at):
                for start in range(at, until, ms):
                    pen.draw(start, parts)
            at = until

    def count_spell(self, spell: Spell) -> None:
        """What is measured is what the interval before it measured."""
        self._count(spell.summed_counts)

    def lay(self, start: int, parts: Sequence[tuple[int, int]]) -> None:
        for phase, ms in parts:
            self.time[phase] += ms
        if self.pen:
            self.pen.draw(start, parts)
        else:  # its day was over: what is drawn of it would not be all
            self.strip = ""

    def count(self, interval: Interval) -> None:
        if interval.measured != self.measured:
            self._measure(interval.measured)
        self._count(interval.quantities)

    def _count(self, counted: Mapping[str, int]) -> None:
        self.produced += counted.get("produced", 0)
        self.scrap += counted.get("scrap", 0)
        self.rework += counted.get("rework", 0)

    def _measure(self, measured: str) -> None:
        """What is counted in every interval of the day counts."""
        self.measured = measured
        names = measured.split(",")
        self.has_pieces = self.has_pieces and "produced" in names
        self.has_scrap = self.has_scrap and "scrap" in names

    def inspect(self, fact: QualityResult) -> None:
        party = fact.cause if fact.cause in _CAUSES else Party.UNKNOWN
        self.inspected[party] = self.inspected.get(party, 0) + fact.scrap
        self.rework += fact.rework

    def close(self, *, is_kept: bool) -> None:
        if self.pen and is_kept:
            self.strip = self.pen.strip()
        self.pen = None

    def part(self, machine: str) -> DayPart:
        self.close(is_kept=True)
        return DayPart(
            machine=machine,
            day=self.day,
            time=tuple(self.time),
            strip=self.strip,
            produced=self.produced,
            scrap=self.scrap,
            rework=self.rework,
            has_pieces=self.has_pieces,
            has_scrap=self.has_scrap,
            inspected=self.inspected,
        )


@lru_cache(4096)
def _parts(times: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Phases (by their place) and milliseconds. Most intervals are a whole cell of the grid in one phase."""
    return tuple((phase, ms) for (_, phase), ms in zip(FIELDS, times, strict=True) if ms)
