"""Putting right what was metered before anybody knew the time (DESIGN 8).

A gateway without a battery boots in 1970. Durations are right all the same, since they are monotonic; only
the instants are off, all by the same amount, and not one of them was ever offered to anybody.
"""

from msgspec.structs import replace

from contract.records import Clock, Interval, Loss, Meter, Record
from edge_agent.cuts import next_midnight
from edge_agent.state import Gap, MeterState, Opening, Span


def redated(record: Record, by: int) -> Record:
    """The record ``by`` ms later; an interval says that its clock was free."""
    match record:
        case Interval():
            start, span_start = record.start + by, record.span_start + by
            return replace(record, start=start, span_start=span_start, clock=Clock.FREE)
        case Loss():
            return replace(record, start=record.start + by, end=record.end + by)
        case Meter():
            return replace(record, at=record.at + by)
    return replace(
        record, at=record.at + by, span_start=record.span_start + by, span_since=record.span_since + by
    )


def redated_meter(meter: MeterState, by: int) -> MeterState:
    settled = replace(meter.settled, at=meter.settled.at + by)
    return replace(
        meter,
        settled=settled,
        suspect=meter.suspect and replace(meter.suspect, at=meter.suspect.at + by),
        open=replace(meter.open, start=meter.open.start + by),
        span=_span(meter.span, by),
        pending=meter.pending and _opening(meter.pending, by),
        gap=meter.gap and _gap(meter.gap, by),
        midnight=next_midnight(settled.at, meter.identity.timezone),
    )


def _gap(gap: Gap, by: int) -> Gap:
    return replace(gap, start=gap.start + by, steps=tuple(step + by for step in gap.steps))


def _span(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, since=span.since + by)


def _opening(opening: Opening, by: int) -> Opening:
    return replace(opening, at=opening.at + by, closed=opening.closed and _span(opening.closed, by))
