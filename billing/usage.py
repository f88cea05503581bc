"""Usage: what one payer used of one machine for one order, in integers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from billing.attribution import Place
from billing.grain import WHOLE, Cell
from billing.stops import Stop

Life = tuple[str, str]
"""Machine and epoch."""


class Key(NamedTuple):
    """What usage is of. In this order it is gone through: tenant by tenant."""

    tenant: str
    place: Place
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
    def used_ms(self) -> int:
        """What somebody did with it: run, setup, trial run."""
        return self.time["run_ms"] + self.time["setup_ms"] + self.time["test_ms"]

    @property
    def busy_ms(self) -> int:
        """Planned busy time: all but maintenance and power off."""
        return self.total_ms - self.time["maint_ms"] - self.time["off_ms"]

    @property
    def known_ms(self) -> int:
        """The part of the planned busy time that was observed."""
        return self.busy_ms - self.time["unknown_ms"]
