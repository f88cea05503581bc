"""What a job would cost: made-up usage through the same engine that bills the real one. Pure.

Setup comes first, then the trial run, then the run, then the stops, without a pause, on one machine under one
lease. What is counted is spread evenly over the run; electricity, if hours are given, over those hours.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from billing import money
from billing.attribution import Attribution, Place
from billing.charge import Charge
from billing.clauses import Span
from billing.grain import ENERGY, Sieve
from billing.known import Known
from billing.needs import grain_of
from billing.period import Period, local, midnight
from billing.rating import charges
from billing.tally import Tally
from billing.tariff import AnyClause, Tariff
from billing.usage import Usage
from contract.names import NONE
from contract.records import Cause, Clock, Interval, Method, Quality, Reason, Transition
from contract.states import TIME_FIELDS, Party, State

_PIECES: Final = frozenset({"produced", "scrap", "rework"})
EPOCH: Final = "estimate"
MACHINE: Final = "estimate"
"""The machine, where none is named: it has the prices of its kind."""


class Hours(Struct, frozen=True, kw_only=True):
    """Electricity over some local hours of each day of the job."""

    start: int
    end: int
    """Minutes after midnight."""
    wh: int


class Job(Struct, frozen=True, kw_only=True):
    tenant: str
    order_id: str
    kind: str
    machine: str = MACHINE
    start: int
    """UTC ms."""
    setup_ms: int = 0
    test_ms: int = 0
    run_ms: int = 0
    stops_ms: tuple[int, ...] = ()
    """Stops that the tenant causes."""
    quantities: Mapping[str, int] = {}
    """Pieces, and whatever else is counted."""
    hours: tuple[Hours, ...] = ()
    """When electricity is used; without, during the run."""

    @property
    def end(self) -> int:
        return self.start + self.setup_ms + self.test_ms + self.run_ms + sum(self.stops_ms)


class Estimate(Struct, frozen=True, kw_only=True):
    charges: tuple[Charge, ...]
    period: Period
    left_out: tuple[str, ...]
    """Clauses that a single job says nothing about: by the month, or of what is booked and not used."""
    unpriced: tuple[str, ...] = ()
    """Quantities of the job that no clause has a price for."""


def estimate(job: Job, tariff: Tariff, zone: ZoneInfo) -> Estimate:
    """Raises nothing: whether the tariff holds then is checked before."""
    alone, left_out = _alone(tariff)
    first, last = local(job.start, zone).date(), local(max(job.end - 1, job.start), zone).date()
    period = Period(start=midnight(first, zone), end=midnight(last + timedelta(days=1), zone))
    known = Known(period=period, zone=zone, kinds={job.machine: job.kind})
    lines = charges(_usages(job, alone, zone), alone, known)
    return Estimate(
        charges=tuple(lines),
        period=period,
        left_out=tuple(clause.id for clause in left_out),
        unpriced=tuple(sorted({*job.quantities} - _PIECES - counted_names(tariff))),
    )


def counted_names(tariff: Tariff) -> frozenset[str]:
    """Quantities beside pieces that the tariff asks for."""
    names = {name for price in tariff.quantities for name in (price.name, price.less)}
    names |= {each.name for each in tariff.pollutions}
    names |= {step.counted for each in tariff.pollutions for step in each.steps}
    return frozenset(names | ({ENERGY} if tariff.energies else set())) - {""}


def _alone(tariff: Tariff) -> tuple[Tariff, list[AnyClause]]:
    """The tariff without what depends on the rest of a month."""
    limits = tuple(limit for limit in tariff.limits if limit.per is not Span.MONTH)
    surcharges = tuple(each for each in tariff.surcharges if each.per is not Span.MONTH)
    kept = msgspec.structs.replace(tariff, limits=limits, surcharges=surcharges, bases=(), reservations=())
    ids = {clause.id for clause in kept.clauses()}
    return kept, [clause for clause in tariff.clauses() if clause.id not in ids]


def _usages(job: Job, tariff: Tariff, zone: ZoneInfo) -> list[Usage]:
    grain = grain_of(tariff, zone)
    tally, sieve = Tally(grain), Sieve(grain)
    paid = Attribution(place=Place.TENANT, tenant=job.tenant, order_id=job.order_id)
    for sequence, interval in enumerate(_intervals(job, sieve, zone)):
        tally.add_interval(msgspec.structs.replace(interval, sequence=sequence), paid)
    start = job.end - sum(job.stops_ms)
    for number, ms in enumerate(job.stops_ms):
        tally.add_stop(_stop(job, start, start + ms, number), paid, start, start + ms)
        start += ms
    return tally.usages()


def _intervals(job: Job, sieve: Sieve, zone: ZoneInfo) -> Iterator[Interval]:
    """The parts of the job, cut at every band and midnight, each with its share of what is counted."""
    at, parts = job.start, list[tuple[str, int, int]]()
    for field, ms in (("setup_ms", job.setup_ms), ("test_ms", job.test_ms), ("run_ms", job.run_ms)):
        parts += [(field, *piece) for piece in _cut(at, at + ms, sieve, zone)]
        at += ms
    running = [part for part in parts if part[0] == "run_ms"] or parts or [("", job.start, job.start + 1)]
    weights = {number: part[2] - part[1] for number, part in enumerate(running)}
    counted = {name: money.shares(n, weights) for name, n in job.quantities.items()}
    for part in parts:
        yield _interval(job, *part, {})
    for number, (_, start, end) in enumerate(running):
        yield _interval(job, "", start, end, {name: shares[number] for name, shares in counted.items()})
    for hours in job.hours:
        stretches = list(_stretches(hours, job, zone))
        pieces = [piece for stretch in stretches for piece in _cut(*stretch, sieve, zone)]
        shared = money.shares(hours.wh, {piece: piece[1] - piece[0] for piece in pieces})
        for (start, end), wh in shared.items():
            yield _interval(job, "", start, end, {ENERGY: wh})


def _cut(start: int, end: int, sieve: Sieve, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    edges = {start, end, *sieve.edges(start, end)}
    edges |= {at for day in _days(start, end, zone) if start < (at := midnight(day, zone)) < end}
    yield from pairwise(sorted(edges))


def _stretches(hours: Hours, job: Job, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Those hours of each day, as far as they lie within the job; of its first day, if none does."""
    days = [midnight(day, zone) for day in _days(job.start, max(job.end, job.start + 1), zone)]
    spans = [(day + hours.start * 60_000, day + hours.end * 60_000) for day in days]
    within = [(max(start, job.start), min(end, job.end)) for start, end in spans]
    met = [(start, end) for start, end in within if start < end]
    yield from met or spans[:1]


def _days(start: int, end: int, zone: ZoneInfo) -> Iterable[date]:
    first, last = local(start, zone).date(), local(max(start, end - 1), zone).date()
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _interval(job: Job, field: str, start: int, end: int, counted: Mapping[str, int]) -> Interval:
    """A record such as a meter would have written; a part that only counts has no time of its own."""
    times: dict[str, Any] = {name: end - start if name == field else 0 for name in TIME_FIELDS}
    quantities = {"produced": 0, "scrap": 0, "rework": 0, ENERGY: 0, **counted}
    names = sorted({"produced", "scrap", "rework", ENERGY, *job.quantities})
    return Interval(
        site=EPOCH,
        area=EPOCH,
        machine=job.machine,
        kind=job.kind,
        epoch=EPOCH,
        gateway=EPOCH,
        sequence=0,
        tenant=job.tenant,
        start=start,
        duration_ms=end - start,
        span_start=start,
        sequence_first=0,
        **times,
        unplaced_run_ms=0,
        unplaced_stop_ms=0,
        quantities=quantities,
        totals=quantities,
        measured=",".join(names),
        order_id=job.order_id,
        lease_id=EPOCH,
        tenant_before=NONE,
        tenant_after=NONE,
        order_before=NONE,
        order_after=NONE,
        poll_ms=1000,
        polls_missed=0,
        quality=Quality.ESTIMATED,
        method=Method.NONE,
        reason=Reason.NONE,
        clock=Clock.SYNCED,
    )


def _stop(job: Job, start: int, end: int, number: int) -> Transition:
    return Transition(
        site=EPOCH,
        area=EPOCH,
        machine=job.machine,
        kind=job.kind,
        epoch=EPOCH,
        gateway=EPOCH,
        sequence=number,
        at=end,
        cause=Cause.STATE,
        state=State.RUN,
        party=Party.NONE,
        stop_code=0,
        vendor_code=0,
        tenant=job.tenant,
        order_id=job.order_id,
        lease_id=EPOCH,
        stop_table=EPOCH,
        span_start=start,
        span_ms=end - start,
        span_since=start,
        span_state=State.STOP,
        span_party=Party.TENANT,
        span_stop_code=0,
        span_tenant=job.tenant,
        span_order_id=job.order_id,
        span_lease_id=EPOCH,
    )
