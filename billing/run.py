"""Reads a period out of the store and assesses it: wiring between the store and the pure line."""

from collections.abc import Iterable
from contextlib import ExitStack

import msgspec

from billing.announcements import rushed
from billing.attribution import Books, Place
from billing.bookings import Booking, bookings
from billing.conclude import Take, conclude
from billing.config import Settings
from billing.crew import Crew
from billing.findings import Finding, Rule
from billing.fold import Folded
from billing.history import History
from billing.known import Known
from billing.period import Period
from billing.progress import Progress, ignored
from billing.put_aside import PutAside
from billing.reading import Reader
from billing.report import By
from billing.share import Work, add_up, read_books
from billing.shares import shares
from billing.side_by_side import add_up_by
from billing.statement import Assessment, Heading
from billing.stop_tables import untabled
from billing.usage import Usage
from billing.validation import replaced_unseen
from billing.validity import check_ownerships, check_tariffs
from store.protocol import Store

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
    crew: Crew | None = None,
) -> Assessment:
    """Statements, key figures, open items and findings of ``[start_ms, end_ms)``, UTC ms.

    ``take``: is given each statement as it is made, so that not all of them are in memory.
    ``crew``: who may help where there is much to read; each opens the store as it is configured.
    Raises StoreAwayError, LostProcessError, BadConfigurationError when the tariff does not hold in the whole
    period, and UnwritableError when there is no room for what is put aside meanwhile.
    """
    period = Period(start=start_ms, end=end_ms)
    days = period.days(settings.zone)
    settings = settings.during(*days)
    check_tariffs(settings.all_tariffs, *days, settings.config)
    check_ownerships(settings.ownerships, *days, settings.config)
    reader, work = Reader(store, settings.site.id), Work(settings=settings, period=period, now=now)
    books = await read_books(reader, work)
    meters = await reader.meters(end_ms)
    with ExitStack() as aside:
        parts = crew and shares(
            {meter.machine for meter in meters}, (days[1] - days[0]).days + 1, crew.jobs, crew.cores
        )
        if crew and parts:
            added = await add_up_by(crew, work, parts, aside, progress or ignored)
        else:
            added = await add_up(reader, books, work, aside.enter_context(PutAside()), progress or ignored)
        folded = added.folded
        notices = [*added.unread, *await reader.notices(start_ms, end_ms, work.horizon)]
        unseen = await reader.unseen(end_ms, work.horizon)
        untold = untabled(meters, start_ms, settings.stop_codes)
        known = await _known(reader, books, settings, period, folded, now=now)
        heading = Heading(
            site=settings.site,
            timezone=settings.timezone,
            period=period,
            generated=now,
            is_preliminary=now < end_ms,
            tariff=settings.tariff,
            digest=added.sealed.digest(str(start_ms), str(end_ms), *_inputs(settings, known)),
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
    before = await history.before(folded.usages, settings, known, max(now, period.end))
    return msgspec.structs.replace(known, begun=before.begun, earlier=before.earlier)


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
