"""What must hold inside one record beyond its types (WIRE, "Records"). Each rule is a line of a table."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from contract.names import DISPUTED, NONE, RESERVED
from contract.records import Cause, Interval, Loss, Meter, Record, Transition
from contract.series import is_quantity_name
from contract.states import TIME_FIELDS, Party, State

STANDING: Final = frozenset({"produced", "scrap", "rework", "energy_wh"})
"""Quantities of every interval, whether the machine counts them or not."""

T = TypeVar("T")
Rule = tuple[str, Callable[[T], bool]]
"""What must hold, in words, and whether it does."""


def _measured(interval: Interval) -> list[str]:
    return [] if interval.measured == NONE else interval.measured.split(",")


def _is_disputed(interval: Interval) -> bool:
    return DISPUTED in {interval.tenant, interval.order_id}


def _sides(interval: Interval) -> set[str]:
    return {interval.tenant_before, interval.tenant_after, interval.order_before, interval.order_after}


def _opens(transition: Transition) -> bool:
    """Whether this is the first transition of an epoch, which closes no span."""
    return transition.span_state is State.NONE


ANY: Final[tuple[Rule[Record], ...]] = (
    ("machine and epoch have a name that is not reserved", lambda r: not RESERVED & {r.machine, r.epoch}),
)

METER: Final[tuple[Rule[Meter], ...]] = (
    ("a meter opens its epoch: sequence is 0", lambda m: m.sequence == 0),
)

INTERVAL: Final[tuple[Rule[Interval], ...]] = (
    (
        "the twelve time fields sum to duration_ms",
        lambda i: sum(getattr(i, name) for name in TIME_FIELDS) == i.duration_ms,
    ),
    ("sequence_first is not above sequence", lambda i: i.sequence_first <= i.sequence),
    ("span_start is not after start", lambda i: i.span_start <= i.start),
    ("quantity names are none of the fixed fields", lambda i: all(map(is_quantity_name, i.quantities))),
    ("produced, scrap, rework and energy_wh are there", lambda i: i.quantities.keys() >= STANDING),
    ("quantities and totals have the same names", lambda i: i.quantities.keys() == i.totals.keys()),
    ("no quantity is above its total", lambda i: all(n <= i.totals[q] for q, n in i.quantities.items())),
    ("measured is sorted and names each once", lambda i: _measured(i) == sorted(set(_measured(i)))),
    ("measured names quantities of the interval", lambda i: i.quantities.keys() >= set(_measured(i))),
    (
        "before and after are none unless tenant or order is disputed",
        lambda i: _is_disputed(i) or _sides(i) == {NONE},
    ),
)

TRANSITION: Final[tuple[Rule[Transition], ...]] = (
    ("a state begins, and it is not none", lambda t: t.state is not State.NONE),
    ("the span ends at the transition", lambda t: t.span_start + t.span_ms == t.at),
    ("span_since is not after span_start", lambda t: t.span_since <= t.span_start),
    (
        "span_state is none in the first transition of an epoch and in no other",
        lambda t: _opens(t) == (t.cause is Cause.EPOCH_START),
    ),
    ("a span has a length, but for the first of an epoch", lambda t: _opens(t) == (t.span_ms == 0)),
    ("the first of an epoch has no span before it", lambda t: not _opens(t) or t.span_since == t.at),
    ("no party caused the state none", lambda t: not _opens(t) or t.span_party is Party.NONE),
)

LOSS: Final[tuple[Rule[Loss], ...]] = (
    ("sequence_first is not above sequence", lambda x: x.sequence_first <= x.sequence),
    ("start is not after end", lambda x: x.start <= x.end),
    ("at least one record is lost", lambda x: x.records > 0),
)


def _broken(rules: Iterable[Rule[T]], record: T) -> str:
    return next((text for text, holds in rules if not holds(record)), "")


def breach(record: Record) -> str:
    """The first rule that ``record`` breaks, in words, or an empty text."""
    return _broken(ANY, record) or _of_type(record)


def _of_type(record: Record) -> str:
    match record:
        case Meter():
            return _broken(METER, record)
        case Interval():
            return _broken(INTERVAL, record)
        case Transition():
            return _broken(TRANSITION, record)
        case Loss():
            return _broken(LOSS, record)


def first_sequence(record: Record) -> int:
    """The first sequence that the record stands for: merged intervals and losses stand for several."""
    return record.sequence_first if isinstance(record, Interval | Loss) else record.sequence


def time_of(record: Record) -> int:
    """The instant under which the record is stored, UTC ms."""
    return record.at if isinstance(record, Meter | Transition) else record.start


def end_of(record: Record) -> int:
    """The last instant that the record speaks of, UTC ms."""
    return record.at if isinstance(record, Meter | Transition) else record.end
