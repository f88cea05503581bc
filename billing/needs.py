"""What a tariff needs kept apart while usage is added up: only that, so that memory follows the tariff."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final
from zoneinfo import ZoneInfo

from billing.block import Each
from billing.clauses import PIECES, Clause, Energy, Piece, QuantityPrice, Rate, Span
from billing.grain import ENERGY, LEASED_OFF_MS, RESERVED_MS, STOP, USED_MS, Dims, Grain
from billing.tariff import Tariff

MEASURES: Final = {
    Clause.RUN: "run_ms",
    Clause.SETUP: "setup_ms",
    Clause.TEST: "test_ms",
    Clause.STOP_TENANT: STOP,
    Clause.RESERVED: RESERVED_MS,
    Clause.RESERVED_OFF: LEASED_OFF_MS,
}
_PIECES: Final = ("produced", "scrap", "rework")

Counted = Rate | Piece | QuantityPrice | Energy


def measures_of(clause: Counted) -> tuple[str, ...]:
    match clause:
        case Rate():
            return (MEASURES[clause.clause],)
        case Piece():
            return _PIECES
        case QuantityPrice():
            return (clause.name, clause.less) if clause.less else (clause.name,)
        case Energy():
            return (ENERGY,)


def grain_of(tariff: Tariff, zone: ZoneInfo) -> Grain:
    dims: dict[str, Dims] = defaultdict(Dims)
    for measure, wanted in _wanted(tariff):
        dims[measure] = dims[measure].joined(wanted)
    has_days = any(base.per is Span.DAY for base in tariff.bases)
    return Grain(measures=dict(dims), calendars=tariff.calendars, zone=zone, has_days=has_days)


def grain_of_all(tariffs: Iterable[Tariff], zone: ZoneInfo) -> Grain:
    grain = Grain(zone=zone)
    for tariff in tariffs:
        grain = grain.joined(grain_of(tariff, zone))
    return grain


def _wanted(tariff: Tariff) -> Iterator[tuple[str, Dims]]:
    counted: tuple[Counted, ...] = (*tariff.rates, *tariff.pieces, *tariff.quantities, *tariff.energies)
    by_day = any(limit.per is Span.DAY for limit in tariff.limits)
    for clause in counted:
        each = Each.ORDER if isinstance(clause, Energy) else clause.block.each
        calendars = {tariff.key(name) for name in _calendars(clause)} | _surcharged(tariff, clause)
        dims = Dims(
            day=by_day or each is Each.DAY, lease=each is Each.LEASE, calendars=frozenset(calendars - {""})
        )
        for measure in measures_of(clause):
            if dims != Dims() or measure in {RESERVED_MS, LEASED_OFF_MS}:
                yield measure, dims
    if tariff.reservations:
        for measure in (RESERVED_MS, LEASED_OFF_MS, USED_MS):
            yield measure, Dims(lease=True, day=by_day and measure != USED_MS)


def _calendars(clause: Counted) -> tuple[str, ...]:
    return (clause.calendar,) if isinstance(clause, Rate | Energy) else ()


def _surcharged(tariff: Tariff, clause: Counted) -> set[str]:
    """The calendars whose bands decide how much of the clause's quantity is surcharged."""
    names = {clause.id, *kinds_of(clause)}
    return {tariff.key(each.calendar) for each in tariff.surcharges if each.band and names & set(each.of)}


def kinds_of(clause: Counted) -> tuple[str, ...]:
    """What a surcharge may call the lines of a clause, beside its id."""
    match clause:
        case Rate():
            return (clause.clause,)
        case Piece():
            return PIECES
        case QuantityPrice():
            return (Clause.QUANTITY,)
        case Energy():
            return (Clause.ENERGY,)
