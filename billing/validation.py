"""Validation before billing (VEE): what no meter that works, and no store that keeps, can have written. Pure.

Rows pass by in rising time; what is remembered is a little for each machine and epoch, never a row for each
interval. The laws of tiling, sums and stops are in ``findings``; here is what needs a limit that people set,
what needs the meters, and the balance of a machine's time and pieces.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from billing import figures
from billing.feasible import NO_LIMITS, Frozen, Limits
from billing.findings import Finding, Rule
from billing.spell import Spell
from billing.usage import Life, Usage
from contract.facts import QualityResult
from contract.records import Clock, Interval, Meter, MeterReason, Quality

_HOUR_MS: Final = 3_600_000
_HELD_POLLS: Final = 4
"""A step of a counter is booked in the interval of its earlier sample, which may be so many polls back."""
SUCCESSIONS: Final = frozenset({MeterReason.REPLACED, MeterReason.RENAMED})
"""Another machine under a name, or another name of a machine: said so by people."""


class _Stretch(NamedTuple):
    what: str
    start: int
    end: int
    run_ms: int = 0


class Validation:
    """Takes meters, then intervals in rising time: those shortly before the period, and those in it."""

    def __init__(self, start: int, end: int, limits: Limits = NO_LIMITS) -> None:
        self._start, self._end, self._limits = start, end, limits
        self._feasible: dict[str, dict[str, int]] = defaultdict(dict)
        for (kind, name), per_hour in limits.feasible.items():
            self._feasible[kind][name] = per_hour
        self._meters: dict[str, Meter] = {}
        self._unseen: dict[str, _Stretch] = {}
        self._unset: dict[str, _Stretch] = {}
        self._still: dict[str, _Stretch] = {}
        self._balance = _Balance()
        self._findings: list[Finding] = []

    def meter(self, meter: Meter) -> None:
        before = self._meters.get(meter.machine)
        self._meters[meter.machine] = meter
        if self._start <= meter.at < self._end:
            self._findings += [*_other_serial(before, meter), *_counted_between(meter)]

    def before(self, interval: Interval) -> None:
        """A silence, or a counter that stands still, is as long as it is, whatever period it began in."""
        self._lasting(interval)

    def interval(self, interval: Interval) -> None:
        machine = interval.machine
        self._balance.interval(interval)
        if interval.run_ms > interval.duration_ms or interval.kind in self._feasible:
            self._findings += _spikes(interval, self._feasible.get(interval.kind, {}))
        if interval.clock is not Clock.SYNCED:
            self._unset_until(machine, _follow(self._unset, interval, interval.clock.value))
        elif machine in self._unset:
            self._unset_until(machine, _follow(self._unset, interval, ""))
        self._lasting(interval)

    def _lasting(self, interval: Interval) -> None:
        if interval.quality is not Quality.ACTUAL:
            self._unseen_until(interval.machine, _follow(self._unseen, interval, "unobserved"))
        elif interval.machine in self._unseen:
            self._unseen_until(interval.machine, _follow(self._unseen, interval, ""))
        if frozen := self._limits.frozen.get(interval.kind):
            self._standing(interval, frozen)

    def is_calm(self, interval: Interval) -> bool:
        """Whether nothing is open of the machine after this interval, which was the latest here."""
        machine = interval.machine
        is_known = interval.quality is Quality.ACTUAL and interval.clock is Clock.SYNCED
        return is_known and machine not in self._still

    def spell(self, spell: Spell) -> None:
        """Its intervals are within the limits, and nothing is open of the machine."""
        self._balance.spell(spell)

    def inspected(self, fact: QualityResult) -> None:
        """Inspection added this scrap and rework to what was booked."""
        self._balance.inspected(fact)

    def finish(self, usages: Iterable[Usage]) -> list[Finding]:
        """``usages``: all that was booked of these intervals, wherever it went."""
        for machine, stretch in self._unseen.items():
            self._unseen_until(machine, stretch)
        for machine, stretch in self._unset.items():
            self._unset_until(machine, stretch)
        for machine, stretch in self._still.items():
            self._still_until(machine, stretch)
        return sorted([*self._findings, *self._balance.findings(usages)])

    def _unseen_until(self, machine: str, stretch: _Stretch | None) -> None:
        longest = self._limits.estimated_ms
        if stretch and longest is not None and stretch.end - stretch.start > longest:
            lasted = figures.duration(stretch.end - stretch.start)
            text = f"nobody observed the machine for {lasted}: what is booked was recovered, or is unknown"
            self._find(Rule.ESTIMATED, machine, stretch, text)

    def _unset_until(self, machine: str, stretch: _Stretch | None) -> None:
        if stretch:
            said = "was set" if stretch.what == Clock.STEPPED else "was not synchronised"
            text = f"the gateway's clock {said}: this time may lie in another hour or day"
            self._find(Rule.CLOCK, machine, stretch, text)

    def _standing(self, interval: Interval, frozen: Frozen) -> None:
        """Run time adds up until anything is counted, whatever lies between."""
        machine = interval.machine
        if frozen.quantities.isdisjoint(interval.measured.split(",")):
            return
        if any(interval.quantities.get(name, 0) for name in frozen.quantities):
            if stood := self._still.pop(machine, None):
                self._still_until(machine, stood)
        elif interval.run_ms:
            before = self._still.get(machine, _Stretch(interval.kind, interval.start, 0))
            run_ms = before.run_ms + interval.run_ms
            self._still[machine] = before._replace(end=interval.end, run_ms=run_ms)

    def _still_until(self, machine: str, stretch: _Stretch) -> None:
        frozen = self._limits.frozen[stretch.what]
        if stretch.run_ms > frozen.after_ms:
            names = ", ".join(sorted(frozen.quantities))
            text = f"it ran for {figures.duration(stretch.run_ms)} and counted nothing ({names})"
            self._find(Rule.FROZEN, machine, stretch, text)

    def _find(self, rule: Rule, machine: str, stretch: _Stretch, text: str) -> None:
        if stretch.end <= self._start:  # over before the period, and a finding there
            return
        found = Finding(rule=rule, machine=machine, at=stretch.start, end=stretch.end, text=text)
        self._findings.append(found)


def _follow(opened: dict[str, _Stretch], interval: Interval, what: str) -> _Stretch | None:
    """Lengthens what is open of the machine, or closes it; gives what was closed."""
    before = opened.get(interval.machine)
    if before is None and not what:
        return None
    if before and before.what == what and interval.start <= before.end:
        opened[interval.machine] = before._replace(end=max(before.end, interval.end))
        return None
    opened.pop(interval.machine, None)
    if what:
        opened[interval.machine] = _Stretch(what, interval.start, interval.end)
    return before


def _spikes(interval: Interval, feasible: Mapping[str, int]) -> Iterator[Finding]:
    """``feasible``: by quantity, the most that machines of its kind can count in an hour."""
    if interval.run_ms > interval.duration_ms:
        text = f"{_name(interval)}: {interval.run_ms} ms of run in {interval.duration_ms} ms"
        yield _of(interval, text)
    held = (_HELD_POLLS + interval.polls_missed) * interval.poll_ms
    span_ms = interval.end - interval.span_start + held
    for name, per_hour in feasible.items():
        quantity = interval.quantities.get(name, 0)
        if quantity > 1 and (quantity - 1) * _HOUR_MS > per_hour * span_ms:
            lasted = figures.duration(interval.end - interval.span_start)
            text = f"{_name(interval)}: {name} {quantity} in {lasted}; {per_hour} an hour is the most"
            yield _of(interval, text)


def _of(interval: Interval, text: str) -> Finding:
    return Finding(rule=Rule.SPIKE, machine=interval.machine, at=interval.start, end=interval.end, text=text)


def _name(interval: Interval) -> str:
    return f"{interval.epoch}/{interval.sequence}"


def _other_serial(before: Meter | None, meter: Meter) -> Iterator[Finding]:
    """A serial number of 0 is none."""
    if before is None or meter.reason in SUCCESSIONS or not (before.serial and meter.serial):
        return
    if before.serial != meter.serial:
        text = (
            f"epoch {meter.epoch} ({meter.reason}) is of serial number {meter.serial}, the one before it of"
            f" {before.serial}, and nobody said that the machine was replaced"
        )
        yield Finding(rule=Rule.BETWEEN, machine=meter.machine, at=meter.at, end=meter.at + 1, text=text)


def replaced_unseen(unwitnessed: Iterable[Meter], start: int) -> Iterator[Finding]:
    """The newest meters that no witness covers, of machines that came from ``start`` (UTC ms) on."""
    for meter in unwitnessed:
        if meter.reason in SUCCESSIONS and meter.at >= start:
            text = (
                f"{meter.reason} in epoch {meter.epoch}, and nobody compared its panel with what is metered"
            )
            yield Finding(rule=Rule.REPLACED, machine=meter.machine, at=meter.at, end=meter.at + 1, text=text)


def _counted_between(meter: Meter) -> Iterator[Finding]:
    """One machine under two names: what its registers moved by between them is in no interval."""
    if meter.reason is not MeterReason.RENAMED or meter.serial != meter.previous_serial:
        return
    moved = [
        f"{name} {was} to {meter.readings[name]}"
        for name, was in sorted(meter.previous_readings.items())
        if name in meter.readings and meter.readings[name] != was
    ]
    if moved:
        since = meter.at if meter.previous_end is None else meter.previous_end
        between = f"between epoch {meter.previous_epoch} and {meter.epoch}"
        text = f"the registers moved {between}, and neither has it: {', '.join(moved)}"
        end = max(meter.at, since + 1)
        yield Finding(rule=Rule.BETWEEN, machine=meter.machine, at=since, end=end, text=text)


class _Balance:
    """Conservation: a machine's time and pieces, as its meters tell them, are all booked, and once."""

    def __init__(self) -> None:
        self._covered: dict[str, int] = defaultdict(int)
        self._ends: dict[str, tuple[int, int]] = {}
        self._counted: dict[tuple[str, str], int] = defaultdict(int)
        self._last: dict[Life, Mapping[str, int]] = {}
        self._inspected: dict[tuple[str, str], int] = defaultdict(int)

    def interval(self, interval: Interval) -> None:
        machine, start, end = interval.machine, interval.start, interval.end
        first, last = self._ends.get(machine, (start, start))
        if end > last:
            self._covered[machine] += end - (max(last, start))
            self._ends[machine] = (first, end)
        life = (machine, interval.epoch)
        if life not in self._last:
            for name, total in interval.totals.items():
                self._counted[machine, name] -= total - interval.quantities.get(name, 0)
        self._last[life] = interval.totals

    def spell(self, spell: Spell) -> None:
        machine = spell.last.machine
        first, last = self._ends[machine]
        self._covered[machine] += spell.end - last
        self._ends[machine] = (first, spell.end)
        self._last[spell.meter] = spell.last.totals

    def inspected(self, fact: QualityResult) -> None:
        self._inspected[fact.machine, "scrap"] += fact.scrap
        self._inspected[fact.machine, "rework"] += fact.rework

    def findings(self, usages: Iterable[Usage]) -> Iterator[Finding]:
        time: dict[str, int] = defaultdict(int)
        pieces: dict[tuple[str, str], int] = defaultdict(int)
        for usage in usages:
            time[usage.machine] += usage.total_ms
            for name, quantity in usage.quantities.items():
                pieces[usage.machine, name] += quantity
        for machine, covered in self._covered.items():
            if time[machine] != covered:
                yield self._found(machine, f"{time[machine]} ms are booked, {covered} ms were metered")
        for (machine, name), counted in self._by_totals().items():
            booked = pieces[machine, name] - self._inspected[machine, name]
            if booked != counted:
                yield self._found(machine, f"{name} {booked} is booked, its totals rose by {counted}")

    def _by_totals(self) -> dict[tuple[str, str], int]:
        """By machine and quantity: by how much the running totals of its epochs rose, all together."""
        counted = defaultdict(int, self._counted)
        for (machine, _), totals in self._last.items():
            for name, total in totals.items():
                counted[machine, name] += total
        return counted

    def _found(self, machine: str, text: str) -> Finding:
        start, end = self._ends[machine]
        return Finding(rule=Rule.CONSERVATION, machine=machine, at=start, end=end, text=text)
