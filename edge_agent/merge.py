"""What may become of records that were never offered, when too many wait (DESIGN 4): pure decisions.

Neighbouring intervals of one owner become one within an hour: resolution goes, seconds and pieces stay. As a
last resort the oldest records become a ``loss`` that names them. What was sealed is never touched: the store
may have it, and merging it would count it twice.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from contract.names import DISPUTED
from contract.records import Interval, Loss, LossReason, Meter, Record, Transition
from contract.states import TIME_FIELDS
from edge_agent.cuts import next_midnight

HOUR_MS: Final = 3_600_000

_SUMS: Final = (*TIME_FIELDS, "duration_ms", "unplaced_run_ms", "unplaced_stop_ms", "polls_missed")
_OWN: Final = {*_SUMS, "sequence", "sequence_first", "start", "span_start", "quantities", "totals"}
_SAME: Final = tuple(name for name in Interval.__struct_fields__ if name not in _OWN)
"""What two intervals must have in common to become one; fields added later are among them."""


class Fresh(Struct, frozen=True):
    """A record that was never offered."""

    row: int
    stands: int
    """For how many records that were put."""
    size: int
    record: Record


class Swallowed(Struct, frozen=True):
    """Rows that become one, under the name of the last of them."""

    row: int
    record: Record
    stands: int
    gone: tuple[int, ...]
    """The rows beside ``row``."""
    size: int
    """Of all rows as they were, bytes."""
    news: int
    """How many records this takes away that were there before."""


def hour_end(instant: int, timezone: str) -> int:
    """The end of the local hour that ``instant`` lies in, or the local midnight inside it (UTC ms)."""
    offset = datetime.fromtimestamp(instant // 1000, UTC).astimezone(ZoneInfo(timezone)).utcoffset()
    local = instant + (int(offset.total_seconds() * 1000) if offset else 0)
    return min(instant + HOUR_MS - local % HOUR_MS, next_midnight(instant, timezone))


def joins(one: Interval, other: Interval) -> bool:
    """Whether ``other`` goes on exactly where ``one`` ended, in time and in totals, for the same owner."""
    return (
        one.end == other.start
        and all(getattr(one, name) == getattr(other, name) for name in _SAME)
        and one.span_start == one.start
        and other.span_start == other.start
        and DISPUTED not in {one.tenant, one.order_id}
        and other.quantities.keys() == other.totals.keys() == one.totals.keys() == one.quantities.keys()
        and all(other.totals[name] - n == one.totals[name] for name, n in other.quantities.items())
    )


def joined(one: Interval, other: Interval) -> Interval:
    """Both as one interval with the name of ``other``."""
    sums: dict[str, Any] = {name: getattr(one, name) + getattr(other, name) for name in _SUMS}
    return replace(
        other,
        **sums,
        sequence_first=one.sequence_first,
        start=one.start,
        span_start=one.span_start,
        quantities={name: one.quantities[name] + n for name, n in other.quantities.items()},
    )


def compact(rows: Iterable[Fresh], timezone: str) -> list[Swallowed]:
    """What the intervals of ``rows`` (one life, by sequence) come to, where that saves any.

    Transitions keep their names and their places: a merged interval takes the place of its last part, so the
    records that are left stand in the order in which the chain will link them.
    """
    return [_merge(run) for run in _runs(rows, timezone) if len(run) > 1]


def _runs(rows: Iterable[Fresh], timezone: str) -> Iterator[list[tuple[Fresh, Interval]]]:
    run: list[tuple[Fresh, Interval]] = []
    until = 0
    for fresh in rows:
        interval = fresh.record
        if not isinstance(interval, Interval):
            continue
        if not (run and interval.end <= until and joins(run[-1][1], interval)):
            yield run
            run, until = [], hour_end(interval.start, timezone)
        run.append((fresh, interval))
    yield run


def _merge(run: list[tuple[Fresh, Interval]]) -> Swallowed:
    merged = run[0][1]
    for _, interval in run[1:]:
        merged = joined(merged, interval)
    return _swallowed([fresh for fresh, _ in run], merged, news=len(run) - 1)


def _swallowed(rows: list[Fresh], record: Record, news: int) -> Swallowed:
    return Swallowed(
        row=rows[-1].row,
        record=record,
        stands=sum(fresh.stands for fresh in rows),
        gone=tuple(fresh.row for fresh in rows[:-1]),
        size=sum(fresh.size for fresh in rows),
        news=news,
    )


def lose(rows: Iterable[Fresh], wanted_bytes: int) -> Swallowed | None:
    """The oldest of ``rows`` (one life, by sequence) as one loss, as many as hold ``wanted_bytes``.

    It ends with an interval: so what is left begins where the loss ends, a merged interval is never cut in
    two, and no two losses of an epoch start at one instant, which is their key in the store. An earlier loss
    is taken in. None where there is no interval to lose.
    """
    taken: list[Fresh] = []
    ends = freed = 0
    for fresh in rows:
        if isinstance(fresh.record, Meter):
            continue
        taken.append(fresh)
        freed += 0 if isinstance(fresh.record, Loss) else fresh.size
        if isinstance(fresh.record, Interval):
            ends = len(taken)
            if freed >= wanted_bytes:
                break
    return _loss(taken[:ends]) if ends else None


def _loss(rows: list[Fresh]) -> Swallowed:
    records = [fresh.record for fresh in rows]
    last = records[-1]
    loss = Loss(
        site=last.site,
        area=last.area,
        machine=last.machine,
        kind=last.kind,
        epoch=last.epoch,
        gateway=last.gateway,
        sequence=last.sequence,
        sequence_first=min(map(_first, records)),
        start=min(r.at if isinstance(r, Meter | Transition) else r.start for r in records),
        end=max(r.at if isinstance(r, Meter | Transition) else r.end for r in records),
        records=sum(fresh.stands for fresh in rows),
        reason=LossReason.OUTBOX_FULL,
    )
    news = sum(fresh.stands for fresh in rows if not isinstance(fresh.record, Loss))
    return _swallowed(rows, loss, news)


def _first(record: Record) -> int:
    return record.sequence_first if isinstance(record, Interval | Loss) else record.sequence
