"""Reads a period out of the store and assesses it: wiring between the store and the pure line."""

import gc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from billing.announcements import rushed
from billing.attribution import Books, Place
from billing.bookings import Booking, bookings
from billing.conclude import Take, conclude
from billing.config import Settings
from billing.days import Days
from billing.feasible import Limits
from billing.findings import Finding, Rule
from billing.fold import Before, Fold, Folded
from billing.history import History
from billing.known import Known
from billing.needs import grain_of_all
from billing.period import Period, by_day, local, midnight_from, midnight_to
from billing.progress import Progress, Read, ignored
from billing.put_aside import PutAside
from billing.reading import Reader
from billing.report import By
from billing.spelling import Spelling
from billing.statement import Assessment, Heading
from billing.stop_tables import untabled
from billing.tariff import priced_by
from billing.turning import Turning
from billing.usage import Usage
from billing.validation import replaced_unseen
from billing.validity import check_ownerships, check_tariffs
from contract.records import Meter
from contract.series import METER, STATE, USAGE
from store.protocol import Store

_SELDOM = 1_000_000
"""So many new objects are waited for before garbage is looked for."""
_FEW = 5
"""So many names a person still wants to read in one line."""


async def assess(
    store: Store,
    settings: Settings,
    start_ms: int,
    end_ms: int,
    *,
    now: int,
    progress: Progress | None = None,
    take: Take | None = None,
    reports: Iterable[By] = By,
) -> Assessment:
    """Statements, key figures, open items and findings of ``[start_ms, end_ms)``, UTC ms.

    ``take``: is given each statement as it is made, so that not all of them are in memory.
    Raises StoreAwayError, BadConfigurationError when the tariff does not hold in the whole period, and
    UnwritableError when there is no room for what is put aside meanwhile.
    """
    period = Period(start=start_ms, end=end_ms)
    days = period.days(settings.zone)
    settings = settings.during(*days)
    check_tariffs(settings.all_tariffs, *days, settings.config)
    check_ownerships(settings.ownerships, *days, settings.config)
    reader = Reader(store, settings.site.id)
    horizon = max(now, end_ms)
    books = await reader.books(
        horizon,
        settings.tolerance_ms,
        demand_witness=settings.require_witness,
        priced=priced_by(settings.all_tariffs),
    )
    grain = grain_of_all(settings.all_tariffs, settings.zone)
    fold = Fold(
        books,
        start_ms,
        end_ms,
        now=now,
        gone=settings.gone,
        grain=grain,
        limits=settings.limits,
        days=Days(settings.zone),
    )
    with PutAside() as aside:
        with _seldom_collected():
            async for day in _days_read(reader, fold, settings, period, progress or ignored):
                aside.of(fold, day.end)
        for result in await reader.qualities(start_ms, end_ms, horizon):
            fold.quality(result)
        notices = await reader.notices(start_ms, end_ms, horizon)
        unseen = await reader.unseen(end_ms, horizon)
        untold = untabled(await reader.meters(end_ms), start_ms, settings.stop_codes)
        folded = aside.finish(fold)
        known = await _known(reader, books, settings, period, folded, now=now)
        heading = Heading(
            site=settings.site,
            timezone=settings.timezone,
            period=period,
            generated=now,
            is_preliminary=now < end_ms,
            tariff=settings.tariff,
            digest=fold.seal.digest(str(start_ms), str(end_ms), *_inputs(settings, known)),
        )
        billed_unseen = _unwitnessed(folded.usages, [meter.machine for meter in unseen])
        notices = [*reader.findings, *notices, *billed_unseen, *replaced_unseen(unseen, start_ms), *untold]
        return conclude(heading, settings, folded, notices, known, take=take, reports=reports)


def _inputs(settings: Settings, known: Known) -> list[str]:
    """What the figures rest on beside the records of the period and what decided whose they are."""
    tariff = settings.tariff
    own = [f"{tenant} {each.digest}" for tenant, each in sorted(settings.tariffs.items())]
    entries = [settings.entries.digest] if settings.entries.digest else []
    return [tariff.id, tariff.version, tariff.digest, *own, *entries, *known.inputs()]


async def _known(
    reader: Reader, books: Books, settings: Settings, period: Period, folded: Folded, *, now: int
) -> Known:
    tariffs = settings.all_tariffs
    booked: list[Booking] = []
    if any(tariff.reservations for tariff in tariffs):
        for timeline in books.leases.values():
            booked += [each for each in bookings(timeline.by_id.values()) if each.touches(period)]
    wanted: dict[str, int] = {}
    if any(surcharge.due_within_ms for tariff in tariffs for surcharge in tariff.surcharges):
        orders = {usage.order_id for usage in folded.usages}
        wanted = {order: ms for order, ms in rushed(books.orders).items() if order in orders}
    known = Known(
        period=period,
        until=min(now, period.end),
        zone=settings.zone,
        bookings=tuple(booked),
        kinds=folded.kinds,
        rushed=wanted,
        entries=settings.entries,
    )
    history = History(reader, books, settings.zone, settings.lookback_ms)
    before = await history.before(folded.usages, settings.tariff_of, known, max(now, period.end))
    return msgspec.structs.replace(known, begun=before.begun, earlier=before.earlier)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Rows make no cycles; looking for some at each few hundred objects takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _days_read(
    reader: Reader, fold: Fold, settings: Settings, period: Period, progress: Progress
) -> AsyncIterator[Period]:
    """Meters; then day by day usage and state, so that nothing need be held of a day but its sums.

    Of state from midnight to midnight: no span reaches over one, so none is missed.
    """
    async for meter in reader.facts(METER, Meter, 0, period.end):
        fold.meter(meter)
    before = Spelling(reader.reading(USAGE), reader.interval, Before(fold), settings.limits)
    async for page in reader.stored(USAGE, max(0, period.start - settings.limits.lead_ms), period.start):
        before.rows(page)
    before.settle()
    days, rows = by_day(period, settings.zone), 0
    whole, first = period.end - period.start, midnight_to(period.start, settings.zone)
    for number, day in enumerate(days):
        read = Read(day=local(day.start, settings.zone).date(), done=number, days=len(days), rows=0, share=0)
        until = midnight_from(day.end, settings.zone) + 1
        async for at, count in _folded(reader, fold, settings.limits, day, (first, until)):
            rows += count
            progress(msgspec.structs.replace(read, rows=rows, share=(at - period.start) / whole))
        fold.settle()
        first = until
        share = (day.end - period.start) / whole
        progress(msgspec.structs.replace(read, done=number + 1, rows=rows, share=share))
        yield day


async def _folded(
    reader: Reader, fold: Fold, limits: Limits, day: Period, ends: tuple[int, int]
) -> AsyncIterator[tuple[int, int]]:
    """``ends``: within which the spans of the day end. How far it is, and how many rows were folded."""
    spelling = Spelling(reader.reading(USAGE), reader.interval, fold, limits)
    async for page in reader.stored(USAGE, day.start, day.end):
        spelling.rows(page)
        yield page[-1][0] if page else day.start, len(page)
    spelling.settle()
    turning = Turning(reader.reading(STATE), reader.transition, fold)
    async for page in reader.stored(STATE, *ends):
        turning.rows(page)
        yield day.end, len(page)


def _unwitnessed(usages: Iterable[Usage], unseen: list[str]) -> list[Finding]:
    """Billed on figures that nobody has held against the machine's own."""
    billed = {usage.machine for usage in usages if usage.place is Place.TENANT} if unseen else set()
    machines = [machine for machine in unseen if machine in billed]
    if not machines:
        return []
    more = f" and {len(machines) - _FEW} more" if len(machines) > _FEW else ""
    named = f"{', '.join(machines[:_FEW])}{more}"
    text = f"billed, and nobody compared what the panel shows with what is metered: {named}"
    return [Finding(rule=Rule.UNWITNESSED, text=text)]
