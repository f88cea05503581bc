"""Reads the rows of some machines in a period and adds them up: wiring between the store and the pure line.

A machine's rows say all about it, so several can share the machines of a site out among them; what each adds
up is joined as if one had read everything.
"""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import msgspec
from msgspec import Struct

from billing.attribution import Books
from billing.config import Settings
from billing.days import Days
from billing.findings import Finding
from billing.fold import Before, Fold, Folded
from billing.needs import grain_of_all
from billing.period import Period, by_day, local, midnight_from, midnight_to
from billing.progress import Progress, Read
from billing.put_aside import PutAside
from billing.reading import Reader
from billing.seal import Sealed
from billing.spelling import MANY, Spelling
from billing.tariff import priced_by
from billing.turning import Turning
from contract.records import Meter
from contract.series import METER, STATE, USAGE

_SELDOM = 1_000_000
"""So many new objects are waited for before garbage is looked for."""


class Work(Struct, frozen=True, kw_only=True):
    """What is to be read and added up."""

    settings: Settings
    """As they hold in the period."""
    period: Period
    now: int
    waiting: int = MANY
    """So many rows wait to be gone through together."""

    @property
    def horizon(self) -> int:
        """Until when facts count, UTC ms."""
        return max(self.now, self.period.end)


class Added(Struct, frozen=True, kw_only=True):
    """What was added up of some machines."""

    folded: Folded
    sealed: Sealed
    unread: tuple[Finding, ...] = ()
    """Rows that could not be read, where nobody else says so."""


async def read_books(reader: Reader, work: Work) -> Books:
    """Raises StoreAwayError."""
    settings = work.settings
    return await reader.books(
        work.horizon,
        settings.tolerance_ms,
        demand_witness=settings.require_witness,
        priced=priced_by(settings.all_tariffs),
    )


async def add_up(reader: Reader, books: Books, work: Work, aside: PutAside, progress: Progress) -> Added:
    """Of the machines of ``reader``. Raises StoreAwayError, and UnwritableError."""
    settings, period = work.settings, work.period
    fold = Fold(
        books,
        period.start,
        period.end,
        now=work.now,
        gone=settings.gone,
        grain=grain_of_all(settings.all_tariffs, settings.zone),
        limits=settings.limits,
        days=Days(settings.zone),
    )
    with _seldom_collected():
        async for day in _days_read(reader, fold, work, progress):
            aside.of(fold, day.end)
    for result in await reader.qualities(period.start, period.end, work.horizon):
        fold.quality(result)
    return Added(folded=aside.finish(fold), sealed=fold.seal.sealed())


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Rows make no cycles; looking for some at each few hundred objects takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _days_read(reader: Reader, fold: Fold, work: Work, progress: Progress) -> AsyncIterator[Period]:
    """Meters; then day by day usage and state, so that nothing need be held of a day but its sums.

    Of state from midnight to midnight: no span reaches over one, so none is missed.
    """
    period, zone, limits = work.period, work.settings.zone, work.settings.limits
    async for meter in reader.facts(METER, Meter, 0, period.end):
        fold.meter(meter)
    before = Spelling(reader.reading(USAGE), reader.interval, Before(fold), limits, work.waiting)
    async for page in reader.stored(USAGE, max(0, period.start - limits.lead_ms), period.start):
        before.rows(page)
    before.settle()
    days, rows = by_day(period, zone), 0
    whole, first = period.end - period.start, midnight_to(period.start, zone)
    for number, day in enumerate(days):
        read = Read(day=local(day.start, zone).date(), done=number, days=len(days), rows=0, share=0)
        until = midnight_from(day.end, zone) + 1
        spelling = Spelling(reader.reading(USAGE), reader.interval, fold, limits, work.waiting)
        async for at, count in _folded(reader, fold, spelling, day, (first, until)):
            rows += count
            progress(msgspec.structs.replace(read, rows=rows, share=(at - period.start) / whole))
        fold.settle()
        first = until
        share = (day.end - period.start) / whole
        progress(msgspec.structs.replace(read, done=number + 1, rows=rows, share=share))
        yield day


async def _folded(
    reader: Reader, fold: Fold, spelling: Spelling, day: Period, ends: tuple[int, int]
) -> AsyncIterator[tuple[int, int]]:
    """``ends``: within which the spans of the day end. How far it is, and how many rows were folded."""
    async for page in reader.stored(USAGE, day.start, day.end):
        spelling.rows(page)
        yield page[-1][0] if page else day.start, len(page)
    spelling.settle()
    turning = Turning(reader.reading(STATE), reader.transition, fold)
    async for page in reader.stored(STATE, *ends):
        turning.rows(page)
        yield day.end, len(page)
