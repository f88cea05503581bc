"""What a person must look at. Pure: found while the rows pass by, nothing is mended here."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from billing import figures
from billing.claims import is_tenant_stop
from billing.spell import Spell
from billing.usage import Life
from contract.names import NONE
from contract.records import Interval, Meter, MeterReason, Method, Transition
from contract.states import TIME_FIELDS, Party, State, times_of


class Rule(StrEnum):
    """Which rule a finding breaks."""

    PARTS = "parts"
    SUM = "sum"
    FALL = "fall"
    CONSERVATION = "conservation"
    SPIKE = "spike"
    FROZEN = "frozen"
    ESTIMATED = "estimated"
    CLOCK = "clock"
    BETWEEN = "between"
    REPLACED = "replaced"
    OVERLAP = "overlap"
    HOLE = "hole"
    EDGE = "edge"
    STOPS = "stops"
    OPEN_STOP = "open_stop"
    UNPLACED = "unplaced"
    LOSS = "loss"
    EPOCH = "epoch"
    CONFLICT = "conflict"
    CHAIN = "chain"
    SIGNATURE = "signature"
    UNSIGNED = "unsigned"
    UNREADABLE = "unreadable"
    UNPRICED = "unpriced"
    UNMEASURED = "unmeasured"
    UNNAMED = "unnamed"
    UNTESTED = "untested"
    BANDS = "bands"
    QUALITY = "quality"
    UNWITNESSED = "unwitnessed"
    STOP_TABLE = "stop_table"
    SUSPENSE = "suspense"
    DISPUTED = "disputed"


class Finding(Struct, frozen=True, kw_only=True, order=True):
    rule: Rule
    machine: str = NONE
    at: int = 0
    """UTC ms; 0 when the whole period is meant."""
    end: int = 0
    """The instant after the last that is meant, UTC ms; 0 where it is one instant, or the whole period."""
    text: str


_STOP_TENANT: Final = TIME_FIELDS.index("stop_tenant_ms")
UNDER_WAY_MS: Final = 600_000
"""Two grids of the agents: a record comes when its interval has ended, so the latest time of a machine that
is well is in no record yet."""


class Watch:
    """Checks the laws of time and pieces while rows pass by in rising time: of each day usage, then state."""

    def __init__(
        self, start: int, end: int, gone: frozenset[str] = frozenset(), *, under_way_ms: int = 0
    ) -> None:
        """``gone``: machines that were taken away; without any record they are not missed.

        ``under_way_ms``: so much before ``end`` may still come; 0 once the period is over.
        """
        self._period = (start, end)
        self._under_way_ms = under_way_ms
        self._gone = gone
        self._met: dict[str, tuple[str, int]] = {}
        self._last: dict[Life, Interval] = {}
        self._opened: set[Life] = set()
        self._of_machine: dict[str, Interval] = {}
        self._stops: dict[Life, int] = defaultdict(int)
        self._spans: dict[Life, int] = defaultdict(int)
        self._window: dict[Life, tuple[int, int]] = {}
        self._state: dict[Life, tuple[int, bool]] = {}
        """When the newest state of a meter began, and whether it is a stop by the tenant."""
        self._beyond: list[Transition] = []
        """Stops by the tenant that end after the newest interval of their meter."""
        self.holes: dict[tuple[str, str], int] = defaultdict(int)
        """Milliseconds by (kind, machine) without a record: between records, and at the period's edges."""
        self.findings: list[Finding] = []

    def meter(self, meter: Meter) -> None:
        """Its machine is metered: from its very first meter on it has records, or is dark."""
        kind, since = self._met.get(meter.machine, (meter.kind, meter.at))
        at = meter.at if meter.reason is MeterReason.FIRST else 0
        self._met[meter.machine] = (kind, min(since, at))
        if self._period[0] <= meter.at:
            self._opened.add((meter.machine, meter.epoch))

    def before(self, interval: Interval) -> None:
        """One that begins before the period: the first one in it is the step from its totals."""
        self._last[interval.machine, interval.epoch] = interval

    def interval(self, interval: Interval) -> None:
        meter = (interval.machine, interval.epoch)
        last, before, end = self._last.get(meter), self._of_machine.get(interval.machine), interval.end
        totals = last.totals if last is not None else self._begun(meter)
        if sum(times_of(interval)) != interval.duration_ms:
            self.findings += _parts(interval)
        if not _is_step(totals, interval):
            self.findings += _sums(totals, interval)
        if interval.unplaced_run_ms or interval.unplaced_stop_ms:
            self.findings += _unplaced(interval)
        if before is not None and before.end != interval.start:
            self.findings += self._tiling(before, interval)
        self._last[meter] = interval
        if before is None or end > before.end:
            self._of_machine[interval.machine] = interval
        self._window[meter] = (self._window[meter][0] if meter in self._window else interval.start, end)
        if interval.method is Method.POLLED:
            self._stops[meter] += interval.stop_tenant_ms

    def is_calm(self, interval: Interval) -> bool:
        """Whether what goes on from the interval, which was the latest here, has nothing to be looked at."""
        is_polled = interval.method is Method.POLLED and not interval.unplaced_run_ms
        return is_polled and not interval.unplaced_stop_ms and self._of_machine[interval.machine] is interval

    def spell(self, spell: Spell) -> None:
        """Its intervals were looked at: they tile, their parts and steps of totals are what they say."""
        machine, meter = spell.last.machine, spell.meter
        self._last[meter] = self._of_machine[machine] = spell.last
        self._window[meter] = (self._window[meter][0], spell.end)
        self._stops[meter] += spell.summed_times[_STOP_TENANT]

    def _begun(self, meter: Life) -> Mapping[str, int] | None:
        """The totals before the first interval that is seen of a meter; None: not known here."""
        return {} if meter in self._opened else None

    def transition(self, transition: Transition) -> None:
        meter = (transition.machine, transition.epoch)
        self.turned(meter, transition.at, transition.state, transition.party)
        if not is_tenant_stop(transition):
            return
        first, last = self._window.get(meter, (0, 0))
        if transition.at <= last:
            self._spans[meter] += max(0, transition.at - max(first, transition.span_start))
        else:  # intervals that reach so far may come yet, on another day
            self._beyond.append(transition)

    def turned(self, meter: Life, at: int, state: State, party: str) -> None:
        """Another state began, whatever ended."""
        self._state[meter] = (at, state is State.STOP and party == Party.TENANT)

    def finish(self) -> list[Finding]:
        """Every finding, by rule, machine and time. The cores of machines that were never heard stay out."""
        for transition in self._beyond:
            meter = (transition.machine, transition.epoch)
            first, last = self._window.get(meter, (0, 0))
            until = min(last, transition.at)
            self._spans[meter] += max(0, until - max(first, transition.span_start))
        self._beyond.clear()
        found = [*self.findings, *self._edges()]
        for meter in sorted(self._window):
            found += self._stops_of(meter)
        return sorted(found)

    def _tiling(self, before: Interval, interval: Interval) -> Iterator[Finding]:
        apart = interval.start - before.end
        within = "within epoch" if before.epoch == interval.epoch else f"from epoch {before.epoch} to"
        where = f"{within} {interval.epoch}, before sequence {interval.sequence}"
        if apart > 0:
            self.holes[interval.kind, interval.machine] += apart
            text = f"no record for {figures.duration(apart)} {where}; the time counts as unknown"
            at, end = before.end, interval.start
            yield Finding(rule=Rule.HOLE, machine=interval.machine, at=at, end=end, text=text)
        else:
            text = f"two records for {figures.duration(-apart)} {where}; that time may be charged twice"
            at, end = interval.start, min(before.end, interval.end)
            yield Finding(rule=Rule.OVERLAP, machine=interval.machine, at=at, end=end, text=text)

    def _edges(self) -> Iterator[Finding]:
        """What is missing before the first record of a machine and after its last."""
        first: dict[str, int] = {}
        for (machine, _), (start, _) in self._window.items():
            first[machine] = min(first.get(machine, start), start)
        for machine, at in first.items():
            newest = self._of_machine[machine]
            between_polls = 2 * newest.poll_ms  # a meter that starts or stops with the period shows that much
            begins = self._metered_from(machine)
            if at - begins > between_polls:
                yield self._dark(newest.kind, machine, begins, at)
            if self._period[1] - newest.end > max(between_polls, self._under_way_ms):
                yield self._dark(newest.kind, machine, newest.end, self._period[1])
        for machine, (kind, _) in self._met.items():
            begins = self._metered_from(machine)
            if machine in first or machine in self._gone:
                continue
            if self._period[1] - begins > self._under_way_ms:
                yield self._dark(kind, machine, begins, self._period[1])

    def _metered_from(self, machine: str) -> int:
        """Before the very first meter of a machine was opened there was nothing to observe."""
        return max(self._period[0], self._met.get(machine, ("", 0))[1])

    def _dark(self, kind: str, machine: str, start: int, end: int) -> Finding:
        self.holes[kind, machine] += end - start
        where = "at the start of the period"
        if end == self._period[1]:
            where = "up to now" if self._under_way_ms else "up to the end of the period"
        text = f"no record for {figures.duration(end - start)} {where}; the time counts as unknown"
        return Finding(rule=Rule.EDGE, machine=machine, at=start, end=end, text=text)

    def _stops_of(self, meter: Life) -> Iterator[Finding]:
        """Stops by the tenant: spans, and the one that is still open, must equal the intervals."""
        (first, end), (at, is_open) = self._window[meter], self._state.get(meter, (0, False))
        open_ms = max(0, end - max(first, at)) if is_open else 0
        if open_ms:
            text = f"a stop by the tenant is still open: {figures.duration(open_ms)} wait for its end"
            yield Finding(rule=Rule.OPEN_STOP, machine=meter[0], at=at, end=end, text=text)
        spans, intervals = self._spans[meter] + open_ms, self._stops[meter]
        if spans != intervals:
            text = f"epoch {meter[1]}: tenant stops are {spans} ms by state, {intervals} ms by interval"
            yield Finding(rule=Rule.STOPS, machine=meter[0], at=first, end=end, text=text)


def _parts(interval: Interval) -> Iterator[Finding]:
    parts = f"the times sum to {sum(times_of(interval))} ms, not to its {interval.duration_ms} ms"
    yield _of(Rule.PARTS, interval, f"{_name(interval)}: {parts}")


def _is_step(before: Mapping[str, int] | None, interval: Interval) -> bool:
    """Whether each total plainly rose by what was counted. Where it did not, ``_sums`` looks closer."""
    if before is None:
        return True
    return {
        name: total - before.get(name, 0) for name, total in interval.totals.items()
    } == interval.quantities


def _sums(before: Mapping[str, int] | None, interval: Interval) -> Iterator[Finding]:
    """``before``: the totals of the record before it, none yet in a new epoch; None: not known here."""
    for name, total in interval.totals.items() if before is not None else ():
        step = total - before.get(name, 0) if before is not None else 0
        quantity = interval.quantities.get(name, 0)
        if step < 0:
            text = f"{_name(interval)}: the total of {name} fell by {-step} within its epoch"
            yield _of(Rule.FALL, interval, text)
        elif step != quantity:
            text = f"{_name(interval)}: {name} {quantity}, but its total rose by {step}"
            yield _of(Rule.SUM, interval, text)


def _unplaced(interval: Interval) -> Iterator[Finding]:
    for what, ms in (("run", interval.unplaced_run_ms), ("stop", interval.unplaced_stop_ms)):
        if ms:
            text = f"{_name(interval)}: the machine counted {ms} ms of {what} that fit into no interval"
            yield _of(Rule.UNPLACED, interval, text)


def _of(rule: Rule, interval: Interval, text: str) -> Finding:
    return Finding(rule=rule, machine=interval.machine, at=interval.start, end=interval.end, text=text)


def _name(interval: Interval) -> str:
    return f"{interval.epoch}/{interval.sequence}"
