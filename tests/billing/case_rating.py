"""A case, rated: the pure line from its rows to statements, without a store."""

from pathlib import Path

import msgspec

from billing.announcements import announcements, rushed
from billing.attribution import Books
from billing.bookings import bookings
from billing.charge import Priced
from billing.conclude import conclude
from billing.config import Settings
from billing.corrections import corrections
from billing.days import Days
from billing.earlier import Earlier
from billing.entries import Entries
from billing.entries_file import read_entries
from billing.fold import Fold
from billing.gathering import Gathering, Wanted
from billing.going_on import Stretch, earlier
from billing.known import Known
from billing.limits import with_limits
from billing.needs import grain_of
from billing.period import Period
from billing.statement import Assessment, Heading, Named
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from billing.validity import check_tariffs
from store.config import SqliteConfig
from tests.billing.case_file import ZONE, Case, read_case
from tests.billing.rows import MIDNIGHT, SITE


def tariff_in(folder: Path) -> Tariff:
    """The tariff of a case; calendars are looked for beside it."""
    path = folder / "tariff.toml"
    return read_tariff(str(path), path.read_text("utf-8"), lambda name: (folder / name).read_text("utf-8"))


def assessed(folder: Path) -> tuple[Assessment, Case]:
    case = read_case((folder / "case.txt").read_text("utf-8"))
    entries = folder / "entries.toml"
    known = read_entries(str(entries), entries.read_text("utf-8")) if entries.exists() else Entries()
    return rated(case, tariff_in(folder), known), case


def rated(case: Case, tariff: Tariff, entries: Entries = Entries()) -> Assessment:  # noqa: B008  it is frozen
    """The pure line over the rows of a case."""
    orders = announcements(case.orders)
    books = Books(
        leases=timelines(case.leases),
        orders=orders,
        corrections=corrections(case.corrections),
        priced=tariff.priced,
    )
    start, end = case.period
    period = Period(start=start, end=end)
    check_tariffs([tariff], *period.days(ZONE), "")
    grain = grain_of(tariff, ZONE)
    fold = Fold(books, start, end, grain=grain, days=Days(ZONE))
    intervals = sorted(case.intervals, key=lambda interval: interval.start)
    transitions = sorted(case.transitions, key=lambda transition: transition.at)
    for interval in intervals:
        if interval.start >= start:
            fold.interval(interval)
    for transition in transitions:
        if transition.at > start:
            fold.transition(transition)
    for result in case.qualities:
        if result.produced_at >= start:
            fold.quality(result)
    settings = Settings(
        site=Named(id=SITE),
        timezone=ZONE.key,
        store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
        tariff=tariff,
        tenants=(Named(id="hongye"), Named(id="rongda")),
    )
    heading = Heading(
        site=settings.site,
        timezone=settings.timezone,
        period=period,
        generated=end,
        is_preliminary=False,
        tariff=tariff,
        digest=fold.seal.sealed().digest(),
    )
    folded = fold.finish()
    booked = [each for line in books.leases.values() for each in bookings(line.by_id.values())]
    known = Known(
        period=period,
        zone=ZONE,
        begun=frozenset(case.begun),
        bookings=tuple(booked),
        kinds=folded.kinds,
        rushed=rushed(orders),
        entries=entries,
    )
    before = _earlier(case, tariff, books, known)
    lines = (*case.before, *before.lines)
    made = with_limits([Priced(charge=line) for line in lines], tariff, known)[len(lines) :]
    before = msgspec.structs.replace(before, lines=lines, limits=tuple(line.charge for line in made))
    known = msgspec.structs.replace(known, earlier=before)
    return conclude(heading, settings, folded, [], known)


_LONG_AGO = MIDNIGHT - 400 * 86_400_000


def _earlier(case: Case, tariff: Tariff, books: Books, known: Known) -> Earlier:
    """Of the rows that lie before the period: what its orders and leases go on from."""
    start = known.period.start
    orders = {(each.tenant, each.order_id) for each in case.intervals if each.order_id != "none"}
    leases = {(lease.machine, lease.id): lease.effective for lease in case.leases if lease.effective < start}
    wanted = Wanted(orders=dict.fromkeys(orders, _LONG_AGO), leases=leases, kinds=None)
    gathering = Gathering(wanted, books, grain_of(tariff, ZONE), start)
    for interval in sorted(case.intervals, key=lambda interval: interval.start):
        if interval.start < start:
            gathering.interval(interval)
    for transition in sorted(case.transitions, key=lambda transition: transition.at):
        gathering.transition(transition)
    for result in case.qualities:
        if result.produced_at < start:
            gathering.quality(result)
    used = gathering.orders()
    tariffs = dict.fromkeys((usage.tenant for usage in used), tariff)
    of = msgspec.structs.replace(known, period=Period(start=_LONG_AGO, end=start))
    return earlier([Stretch(of.period, used, gathering.leases())], lambda *_: tariff, tariffs, of)
