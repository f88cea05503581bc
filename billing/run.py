"""Reads a period out of the store and assesses it: wiring between the store and the pure line."""

from collections.abc import Callable

from billing.attribution import Place
from billing.charge import charges, pieces_of
from billing.config import Settings
from billing.findings import Finding, Rule
from billing.fold import Fold, Folded
from billing.period import Period, midnight_from, midnight_to
from billing.reading import Reader
from billing.report import By, report
from billing.statement import Assessment, Heading, statement
from billing.usage import Usage
from contract.complaint import BadConfigurationError, Complaint
from contract.names import NONE
from contract.records import Interval, Meter, Transition
from contract.series import METER, STATE, USAGE
from store.protocol import Store

Progress = Callable[[int, int], None]
"""Called with milliseconds of plant time read, and to read in all."""
_EVERY = 500
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
) -> Assessment:
    """Statements, key figures, open items and findings of ``[start_ms, end_ms)``, UTC ms.

    Raises StoreAwayError, and BadConfigurationError when the tariff does not hold in the whole period.
    """
    period = Period(start=start_ms, end=end_ms)
    _check_validity(settings, period)
    reader = Reader(store, settings.site.id)
    horizon = max(now, end_ms)
    books = await reader.books(horizon, settings.tolerance_ms, demand_witness=settings.require_witness)
    fold = Fold(books, start_ms, end_ms, now=now, gone=settings.gone)
    await _read(reader, fold, settings, period, progress or _ignored)
    notices = await reader.notices(start_ms, end_ms, horizon)
    unseen = await reader.unseen(end_ms, horizon)
    tariff = settings.tariff
    heading = Heading(
        site=settings.site,
        timezone=settings.timezone,
        period=period,
        generated=now,
        is_preliminary=now < end_ms,
        tariff=tariff,
        digest=fold.seal.digest(str(start_ms), str(end_ms), tariff.id, tariff.version, tariff.digest),
    )
    folded = fold.finish()
    return conclude(
        heading, settings, folded, [*reader.findings, *notices, *_unwitnessed(folded.usages, unseen)]
    )


async def _read(reader: Reader, fold: Fold, settings: Settings, period: Period, progress: Progress) -> None:
    """Meters, usage, then state, from midnight to midnight: no span reaches over one, so none is missed."""
    first, last = midnight_to(period.start, settings.zone), midnight_from(period.end, settings.zone) + 1
    whole = (period.end - period.start) + (last - first)
    count = 0
    async for meter in reader.facts(METER, Meter, 0, period.end):
        fold.meter(meter)
    async for interval in reader.facts(USAGE, Interval, period.start, period.end):
        fold.interval(interval)
        count += 1
        if count % _EVERY == 0:
            progress(interval.start - period.start, whole)
    async for transition in reader.facts(STATE, Transition, first, last):
        fold.transition(transition)
        count += 1
        if count % _EVERY == 0:
            progress(period.end - period.start + transition.at - first, whole)
    progress(whole, whole)


def _ignored(done: int, whole: int) -> None:
    pass


def conclude(heading: Heading, settings: Settings, folded: Folded, notices: list[Finding]) -> Assessment:
    """The pure end of the line: usage -> charges -> statements."""
    usages, items = folded.usages, folded.items
    lines = charges(usages, settings.tariff)
    tenants = sorted({usage.tenant for usage in usages if usage.tenant != NONE})
    reports = {by: tuple(report(usages, by, holes=folded.holes, threshold=settings.coverage)) for by in By}
    return Assessment(
        heading=heading,
        statements=tuple(
            statement(heading, settings.named(tenant), lines, usages, items, threshold=settings.coverage)
            for tenant in tenants
        ),
        reports=reports,
        suspense=tuple(item for item in items if item.place is Place.SUSPENSE),
        disputed=tuple(item for item in items if item.place is Place.DISPUTED),
        findings=tuple(sorted([*folded.findings, *notices, *_priceless(usages, settings)])),
    )


def _unwitnessed(usages: tuple[Usage, ...], unseen: list[str]) -> list[Finding]:
    """Billed on figures that nobody has held against the machine's own."""
    billed = {usage.machine for usage in usages if usage.place is Place.TENANT}
    machines = [machine for machine in unseen if machine in billed]
    if not machines:
        return []
    more = f" and {len(machines) - _FEW} more" if len(machines) > _FEW else ""
    named = f"{', '.join(machines[:_FEW])}{more}"
    text = f"billed, and nobody compared what the panel shows with what is metered: {named}"
    return [Finding(rule=Rule.UNWITNESSED, text=text)]


def _priceless(usages: tuple[Usage, ...], settings: Settings) -> list[Finding]:
    """What the tariff or the configuration has no answer to."""
    paid = [usage for usage in usages if usage.place is Place.TENANT]
    found = []
    for kind in sorted({usage.kind for usage in paid if not settings.tariff.prices(usage.kind)}):
        text = f"tariff {settings.tariff.id} has no price for machines of kind {kind}: nothing is charged"
        found.append(Finding(rule=Rule.UNPRICED, text=text))
    for machine, basis in sorted({(u.machine, _unmeasured(u, settings)) for u in paid}):
        if basis:
            text = f"pieces are priced as {basis}, which this machine does not count: none is charged"
            found.append(Finding(rule=Rule.UNMEASURED, machine=machine, text=text))
    known = {tenant.id for tenant in settings.tenants}
    for tenant in sorted({usage.tenant for usage in paid} - known):
        text = f"tenant {tenant} has no [[tenant]] in the configuration: its page shows the identifier"
        found.append(Finding(rule=Rule.UNNAMED, text=text))
    return found


def _unmeasured(usage: Usage, settings: Settings) -> str:
    piece = settings.tariff.piece(usage.kind)
    if piece is None or not usage.total_ms or pieces_of(usage, piece.basis) is not None:
        return ""
    return piece.basis


def _check_validity(settings: Settings, period: Period) -> None:
    tariff = settings.tariff
    first, last = period.days(settings.zone)
    if tariff.holds(first, last):
        return
    until = tariff.valid_to or "further notice"
    holds = f"tariff {tariff.id} {tariff.version} holds from {tariff.valid_from} to {until}"
    problem = f"{holds}, the period is {first} to {last}"
    remedy = "name the tariff of that time, or bill up to the change and then from it"
    raise BadConfigurationError(
        [Complaint(file=settings.config or "tariff", line=0, key="tariff", problem=problem, remedy=remedy)]
    )
