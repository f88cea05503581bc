"""What is stored, walked again from the database: chains, tiling, names (laws 1 and 2, "Chain"). Pure.

Each function gives complaints, one line each; none when all is well.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from contract.chain import GENESIS, is_linked
from contract.facts import Quarantined, payload_bytes
from contract.messages import decode_record
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.states import TIME_FIELDS

Life = tuple[str, str]
"""Machine and epoch."""


class Stored(Struct, frozen=True, kw_only=True):
    """Everything that a store has of the records."""

    records: tuple[Record, ...]
    quarantined: tuple[Quarantined, ...] = ()

    @property
    def usage(self) -> list[Interval]:
        return [record for record in self.records if isinstance(record, Interval)]


def complaints(stored: Stored) -> list[str]:
    lives = by_life(stored.records)
    rejected = by_life(released(stored.quarantined))
    found = list(_names(stored.records))
    for life, records in lives.items():
        found += chain(life, records, rejected.get(life, []))
        found += tiling(life, [record for record in records if isinstance(record, Interval)])
        found += spans(life, [record for record in records if isinstance(record, Transition)])
    found += [f"{life}: is in the quarantine only" for life in rejected.keys() - lives.keys()]
    return found


def by_life(records: Iterable[Record]) -> dict[Life, list[Record]]:
    """In the order of sequences."""
    lives: dict[Life, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.sequence):
        lives[record.machine, record.epoch].append(record)
    return lives


def released(rows: Iterable[Quarantined]) -> list[Record]:
    """The quarantined records that can be read; they are one part each."""
    return [decode_record(payload_bytes(row.payload)) for row in rows if row.sequence >= 0 and row.parts == 1]


def chain(life: Life, records: Sequence[Record], rejected: Sequence[Record]) -> Iterator[str]:
    """No missing sequence and no broken link; what was rejected may stand in a chain too."""
    spare: Mapping[int, list[Record]] = _by_sequence(rejected)
    known = _by_sequence(records)
    digest, expected = GENESIS, 0
    last = max([*known, *spare])
    while expected <= last:
        here = [*known.get(expected, ()), *spare.get(expected, ())]
        if not here:
            yield f"{life}: sequence {expected} is missing"
            return
        linked = [record for record in here if is_linked(record, digest)]
        if not linked:
            yield f"{life}: the chain breaks at sequence {expected}"
            return
        digest, expected = linked[0].digest, linked[0].sequence + 1


def _by_sequence(records: Iterable[Record]) -> dict[int, list[Record]]:
    """By the first sequence that a record stands for."""
    found: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        first = record.sequence_first if isinstance(record, Interval | Loss) else record.sequence
        found[first].append(record)
    return found


def tiling(life: Life, intervals: Sequence[Interval]) -> Iterator[str]:
    """Intervals follow one another without a gap, times sum to durations, quantities to totals."""
    for interval in intervals:
        if sum(getattr(interval, name) for name in TIME_FIELDS) != interval.duration_ms:
            yield f"{life}: the times of sequence {interval.sequence} do not sum to its duration"
    for before, after in itertools.pairwise(intervals):
        if before.end != after.start:
            yield f"{life}: sequence {after.sequence} starts {after.start - before.end} ms late"
        for name, total in after.totals.items():
            if total - before.totals[name] != after.quantities[name]:
                yield f"{life}: {name} of sequence {after.sequence} is not the difference of its totals"


def spans(life: Life, transitions: Sequence[Transition]) -> Iterator[str]:
    for before, after in itertools.pairwise(transitions):
        if (after.span_start, after.span_start + after.span_ms) != (before.at, after.at):
            yield f"{life}: the span closed by sequence {after.sequence} is not that from {before.at}"
        if after.span_state is not before.state:
            yield f"{life}: sequence {after.sequence} closes {after.span_state}, not {before.state}"


def _names(records: Sequence[Record]) -> Iterator[str]:
    names = Counter((record.machine, record.epoch, record.sequence) for record in records)
    keys = Counter(_key(record) for record in records)
    yield from (f"{name}: {times} records have this name" for name, times in names.items() if times > 1)
    yield from (f"{key}: {times} records have this key" for key, times in keys.items() if times > 1)


def _key(record: Record) -> tuple[str, str, str, int]:
    tenant = record.tenant if isinstance(record, Interval) else ""
    at = record.at if isinstance(record, Meter | Transition) else record.start
    return type(record).__name__, record.machine + record.epoch, tenant, at
