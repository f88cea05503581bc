"""The stored series: how a record or a fact becomes one row, and the way back (DESIGN 5, WIRE).

The store's key is the series, the tags and the time; it names exactly one fact. The row holds every field of
the fact, so the way back is complete and the digest chain can be walked again from the database.
"""

from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct

from contract.facts import (
    ABSENT,
    BatchFact,
    Correction,
    Fact,
    LeaseFact,
    OrderFact,
    QualityResult,
    Quarantined,
    WitnessFact,
)
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.signature import Signature

Value = int | str


class Row(Struct, frozen=True, kw_only=True):
    """A point: what every store writes and reads."""

    series: str
    time: int
    """UTC ms."""
    tags: dict[str, str]
    fields: dict[str, Value]

    @property
    def key(self) -> tuple[str, int, tuple[str, ...]]:
        return self.series, self.time, tuple(self.tags.values())


class Series(Struct, frozen=True, kw_only=True):
    name: str
    fact: type[Record] | type[Fact]
    tags: tuple[str, ...]
    time: str
    """The field of the fact that is the row's time."""
    dense: bool = False
    """So many rows that they are read a day at a time."""
    overwrite: bool = False
    """A repeated write may differ."""


_MACHINE: Final = ("site", "area", "machine", "kind")

USAGE: Final = Series(
    name="usage", fact=Interval, tags=(*_MACHINE, "tenant", "epoch"), time="start", dense=True
)
STATE: Final = Series(name="state", fact=Transition, tags=(*_MACHINE, "epoch"), time="at", dense=True)
METER: Final = Series(name="meter", fact=Meter, tags=(*_MACHINE, "epoch"), time="at")
LOSS: Final = Series(name="loss", fact=Loss, tags=(*_MACHINE, "epoch"), time="start")
LEASE: Final = Series(name="lease", fact=LeaseFact, tags=("site", "machine"), time="issued")
ORDER: Final = Series(name="order", fact=OrderFact, tags=("site",), time="issued")
WITNESS: Final = Series(name="witness", fact=WitnessFact, tags=("site", "machine"), time="issued")
CORRECTION: Final = Series(name="correction", fact=Correction, tags=("site", "machine"), time="issued")
QUALITY: Final = Series(name="quality", fact=QualityResult, tags=("site", "machine"), time="issued")
SIGNATURE: Final = Series(
    name="signature", fact=Signature, tags=("site", "machine", "epoch"), time="until", dense=True
)
BATCH: Final = Series(
    name="batch", fact=BatchFact, tags=("site", "gateway"), time="sealed", dense=True, overwrite=True
)
QUARANTINE: Final = Series(name="quarantine", fact=Quarantined, tags=("site", "gateway"), time="received")

ALL: Final = (
    *(USAGE, STATE, METER, LOSS),
    *(LEASE, ORDER, WITNESS, CORRECTION, QUALITY),
    *(SIGNATURE, BATCH, QUARANTINE),
)
BY_NAME: Final = MappingProxyType({series.name: series for series in ALL})
_BY_FACT: Final = {series.fact: series for series in ALL}

_RAW: Final = "_raw"
_WAS: Final = "_was"
"""A raw reading of the epoch before."""
TOTAL: Final = "_total"
_FIXED: Final = frozenset(
    name for fact in (Interval, Transition, Meter, Loss) for name in fact.__struct_fields__
) | {"time", "type"}


def is_quantity_name(name: str) -> bool:
    """Whether a quantity may have this name beside the fixed fields of a flat row."""
    return name not in _FIXED and not name.endswith((TOTAL, _RAW, _WAS))


def row_of(fact: Record | Fact) -> Row:
    series = _BY_FACT[type(fact)]
    fields: dict[str, Any] = msgspec.to_builtins(fact)
    fields.pop("type", None)
    time = fields.pop(series.time)
    tags = {tag: fields.pop(tag) for tag in series.tags}
    if isinstance(fact, Interval):
        del fields["quantities"], fields["totals"]
        fields |= fact.quantities
        fields |= {name + TOTAL: total for name, total in fact.totals.items()}
    elif isinstance(fact, Meter | WitnessFact):
        del fields["readings"]
        if isinstance(fact, Meter):
            fields["previous_end"] = ABSENT if fact.previous_end is None else fact.previous_end
            fields.pop("previous_readings", None)
            fields |= {name + _WAS: reading for name, reading in fact.previous_readings.items()}
        fields |= {name + _RAW: reading for name, reading in fact.readings.items()}
    return Row(series=series.name, time=time, tags=tags, fields=fields)


def fact_of(row: Row) -> Record | Fact:
    """The fact that ``row_of`` made into ``row``. Raises msgspec.ValidationError when it is none of ours."""
    series = BY_NAME[row.series]
    fields: dict[str, Any] = {**row.fields, **row.tags, series.time: row.time}
    if series is USAGE:
        names = [name for name in row.fields if name + TOTAL in row.fields]
        fields["quantities"] = {name: fields.pop(name) for name in names}
        fields["totals"] = {name: fields.pop(name + TOTAL) for name in names}
    elif series in {METER, WITNESS}:
        names = [name for name in row.fields if name.endswith(_RAW)]
        fields["readings"] = {name.removesuffix(_RAW): fields.pop(name) for name in names}
        if fields.get("previous_end") == ABSENT:
            fields["previous_end"] = None
    if series is METER:
        names = [name for name in row.fields if name.endswith(_WAS)]
        fields["previous_readings"] = {name.removesuffix(_WAS): fields.pop(name) for name in names}
    return msgspec.convert(fields, series.fact)


def whole_fact(row: Row) -> Record | Fact | None:
    """The fact, or None when the row is none of ours, or none yet: InfluxDB shows rows half written."""
    try:
        return fact_of(row)
    except msgspec.ValidationError:
        return None
