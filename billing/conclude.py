"""The pure end of the line, tenant by tenant: usage -> charges -> statements."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter

import msgspec

from billing.attribution import Place
from billing.concerns import Concerns, tariff_for
from billing.config import Settings
from billing.findings import Finding
from billing.fold import Folded
from billing.known import Known
from billing.ownership import Earnings
from billing.rating import charges
from billing.remarks import Remarks, unnamed
from billing.report import By, Report
from billing.reservations import missed_leases
from billing.statement import Assessment, Heading, Statement, due, statement
from billing.usage import Usage
from contract.names import NONE


def conclude(
    heading: Heading,
    settings: Settings,
    folded: Folded,
    notices: Sequence[Finding],
    known: Known | None = None,
    *,
    take: Callable[[Statement], None] | None = None,
    reports: Iterable[By] = By,
) -> Assessment:
    """``take``: is given each statement as it is made; the assessment has all of them without, else none."""
    known = known or Known(period=heading.period, zone=heading.zone, kinds=folded.kinds)
    if known.bookings and known.missed is None:
        known = msgspec.structs.replace(known, missed=missed_leases(folded.usages, known))
    concerns, earned, remarked = (
        Concerns(known, settings.all_tariffs),
        Earnings(settings.ownerships, known),
        Remarks(),
    )
    found = {by: Report(by) for by in reports}
    statements, dues, paid = list[Statement](), [], set[str]()
    for tenant, usages in by_tenant(folded.usages, concerns.tenants):
        for usage in usages:
            for each in found.values():
                each.add(usage)
        if tenant == NONE:
            continue
        tariff, about = settings.tariff_of(tenant), concerns.known(tenant, usages)
        priced = charges(usages, tariff_for(tariff, tenant), about)
        lines = [line for line in priced if line.tenant == tenant]
        if not lines and not usages:
            continue
        earned.add(lines)
        remarked.add(usages, tariff, about)
        paid |= {usage.tenant for usage in usages if usage.place is Place.TENANT}
        made = statement(
            msgspec.structs.replace(heading, tariff=tariff),
            settings.named(tenant),
            lines,
            usages,
            folded.items,
            threshold=settings.coverage,
            days=folded.days.get(tenant, ()),
        )
        dues.append(due(made))
        (take or statements.append)(made)
    names = frozenset(tenant.id for tenant in settings.tenants)
    findings = [*folded.findings, *notices, *remarked.findings(), *unnamed(paid, names)]
    rows = {
        by: tuple(each.rows(holes=folded.holes, threshold=settings.coverage)) for by, each in found.items()
    }
    return Assessment(
        heading=heading,
        statements=tuple(statements),
        dues=tuple(dues),
        reports=rows,
        revenue=earned.revenue(),
        suspense=tuple(item for item in folded.items if item.place is Place.SUSPENSE),
        disputed=tuple(item for item in folded.items if item.place is Place.DISPUTED),
        findings=tuple(sorted(findings)),
    )


def by_tenant(usages: Iterable[Usage], others: Iterable[str]) -> Iterator[tuple[str, list[Usage]]]:
    """``usages``: in the order of their keys; ``others``: who may have used nothing."""
    used = ((tenant, list(own)) for tenant, own in groupby(usages, lambda usage: usage.tenant))
    idle = ((tenant, list[Usage]()) for tenant in sorted(others))
    for tenant, own in groupby(merge(used, idle, key=itemgetter(0)), itemgetter(0)):
        yield tenant, [usage for _, of in own for usage in of]
