"""What is added up of one payer, order and machine while the rows pass by; and how it is put aside. Pure.

A month has hundreds of thousands of orders, stops and days, and nobody needs those of yesterday to add up
today. So what has been added up is put aside after each day as a part of its sum, and the parts are joined
when the page is made that they are for.
"""

from collections.abc import Iterable, Mapping
from operator import add
from typing import Any, Final

import msgspec
from msgspec import Struct

from billing.grain import Cell
from billing.spell import Spell
from billing.stops import Stops
from billing.usage import Key, Life, Usage
from contract.records import Interval
from contract.states import TIME_FIELDS, times_of

_MUCH: Final = 64
"""So many numbers of one sum are kept while it is added to."""
_BY_INSPECTION: Final = frozenset({"scrap", "rework"})

Range = tuple[Life, list[int]]
"""Of the meter: the first and the last sequence, of which the latter may still grow."""


class Sum(Struct, kw_only=True, array_like=True):
    """Or a part of one."""

    times: list[int] = msgspec.field(default_factory=lambda: [0] * len(TIME_FIELDS))
    """In the order of TIME_FIELDS."""
    quantities: dict[str, int] = {}
    measured: frozenset[str] | None = None
    """None where no interval was added."""
    said_measured: str = ""
    stops: Stops = msgspec.field(default_factory=Stops)
    ranges: list[Range] = []
    parts: dict[str, dict[Cell, int]] = {}
    days: set[str] = set()
    inspected: dict[str, int] = {}

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
        if self.measured is None:
            self.measured = frozenset(spell.last.measured.split(","))
            self.said_measured = spell.last.measured
        self.times = list(map(add, self.times, spell.summed_times))
        for name, quantity in spell.summed_counts.items():
            self.quantities[name] = self.quantities.get(name, 0) + quantity

    @property
    def is_much(self) -> bool:
        """Whether it takes more room than a machine's share of a day should."""
        cells = sum(map(len, self.parts.values()))
        return cells + len(self.stops) + len(self.ranges) + len(self.days) > _MUCH

    def put_aside(self, growing: Iterable[list[int]]) -> "Sum":
        """All of it but the ranges that are ``growing``: those stay, and it begins anew."""
        stay = {id(run) for run in growing}
        over = [each for each in self.ranges if id(each[1]) not in stay]
        anew = Sum(ranges=[each for each in self.ranges if id(each[1]) in stay])
        part = msgspec.structs.replace(self, ranges=over)
        for name in self.__struct_fields__:
            setattr(self, name, getattr(anew, name))
        return part

    def join(self, other: "Sum") -> None:
        """Adds another part of the same sum."""
        self.times = list(map(add, self.times, other.times))
        _added(self.quantities, other.quantities)
        _added(self.inspected, other.inspected)
        for measure, cells in other.parts.items():
            _added(self.parts.setdefault(measure, {}), cells)
        if self.measured is None or other.measured is None:
            self.measured = other.measured if self.measured is None else self.measured
        else:
            self.measured &= other.measured
        self.stops.join(other.stops)
        self.ranges += other.ranges
        self.days |= other.days

    def usage(self, key: Key) -> Usage:
        return Usage(
            **key._asdict(),
            time=dict(zip(TIME_FIELDS, self.times, strict=True)),
            quantities=self.quantities,
            measured=(self.measured or frozenset()) | (_BY_INSPECTION if self.inspected else frozenset()),
            stops=self.stops,
            records=tuple(_shown(meter, *ends) for meter, ends in sorted(self.ranges)),
            parts=self.parts,
            days=frozenset(self.days),
            inspected=self.inspected,
        )


def _added(to: dict[Any, int], more: Mapping[Any, int]) -> None:
    for name, amount in more.items():
        to[name] = to.get(name, 0) + amount


def _shown(meter: Life, first: int, last: int) -> str:
    span = str(first) if first == last else f"{first}-{last}"
    return f"{meter[0]}/{meter[1]}/{span}"


Part = tuple[Key, Sum]


def joined(parts: Iterable[Part]) -> list[Usage]:
    """The usage that the parts come to, in the order of its keys."""
    sums: dict[Key, Sum] = {}
    for key, part in parts:
        if key in sums:
            sums[key].join(part)
        else:
            sums[key] = part
    return [found.usage(key) for key, found in sorted(sums.items())]


def _to_plain(found: object) -> object:
    if isinstance(found, Stops):
        return found.plain()
    raise NotImplementedError(type(found))


def _from_plain(wanted: type, plain: Any) -> object:  # noqa: ANN401  what it is, ``wanted`` says
    if wanted is Stops:
        return Stops.of_plain(plain)
    raise NotImplementedError(wanted)


encode: Final = msgspec.msgpack.Encoder(enc_hook=_to_plain).encode
decode: Final = msgspec.msgpack.Decoder(Part, dec_hook=_from_plain).decode
