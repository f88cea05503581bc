"""Usage: stored rows, attributed and added up by payer, order and machine. Integers only."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from billing.attribution import Attribution, Place
from contract.records import Interval, Transition
from contract.states import TIME_FIELDS


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

    def __init__(self) -> None:
        self._sums: dict[Key, _Sum] = {}
        self._last: dict[tuple[str, str], Key] = {}

    def add_interval(self, interval: Interval, attribution: Attribution) -> None:
        key = _key(interval, attribution)
        total = self._sums.setdefault(key, _Sum())
        total.add(interval)
        meter = (interval.machine, interval.epoch)
        total.note(meter, interval.sequence, follows=self._last.get(meter) == key)
        self._last[meter] = key

    def add_stop(self, transition: Transition, attribution: Attribution, start: int, end: int) -> None:
        key = _key(transition, attribution)
        record = f"{transition.machine}/{transition.epoch}/{transition.sequence}"
        stop = Stop(start=start, end=end, since=transition.span_since, record=record)
        self._sums.setdefault(key, _Sum()).stops.append(stop)

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
            measured=self.measured or frozenset(),
            stops=tuple(self.stops),
            records=tuple(_shown(*found) for found in sorted([*self.ranges, *still_open])),
        )


def _shown(meter: tuple[str, str], first: int, last: int) -> str:
    span = str(first) if first == last else f"{first}-{last}"
    return f"{meter[0]}/{meter[1]}/{span}"
