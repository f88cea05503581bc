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
from billing.statement import Assessment, Due, Heading, Statement, due, statement
from billing.usage import Usage
from contract.names import NONE

Take = Callable[[Statement], None]


def conclude(
    heading: Heading,
    settings: Settings,
    folded: Folded,
    notices: Sequence[Finding],
    known: Known | None = None,
    *,
    take: Take | None = None,
    reports: Iterable[By] = By,
) -> Assessment:
    """``take``: is given each statement as it is made; the assessment has all of them without, else none."""
    known = known or Known(period=heading.period, zone=heading.zone, kinds=folded.kinds)
    if known.bookings and known.missed is None:
        known = msgspec.structs.replace(known, missed=missed_leases(folded.usages, known))
    kept = list[Statement]()
    line = _Line(heading, settings, folded, known)
    rows = {by: Report(by) for by in reports}
    for tenant, usages in by_tenant(folded.usages, line.concerns.tenants):
        for usage in usages:
            for report in rows.values():
                report.add(usage)
        if tenant != NONE and (made := line.statement(tenant, usages)):
            (take or kept.append)(made)
    holes, items = folded.holes, folded.items
    return Assessment(
        heading=heading,
        statements=tuple(kept),
        dues=tuple(line.dues),
        reports={
            by: tuple(report.rows(holes=holes, threshold=settings.coverage)) for by, report in rows.items()
        },
        revenue=line.earnings.revenue(),
        suspense=tuple(item for item in items if item.place is Place.SUSPENSE),
        disputed=tuple(item for item in items if item.place is Place.DISPUTED),
        findings=tuple(sorted([*folded.findings, *notices, *line.findings()])),
    )


class _Line:
    """Makes one statement after the other, and adds up what is about all of them."""

    def __init__(self, heading: Heading, settings: Settings, folded: Folded, known: Known) -> None:
        self._heading, self._settings, self._folded = heading, settings, folded
        self.concerns = Concerns(known, settings.all_tariffs)
        self.earnings = Earnings(settings.ownerships, known)
        self.dues = list[Due]()
        self._remarks = Remarks()
        self._paid = set[str]()

    def statement(self, tenant: str, usages: list[Usage]) -> Statement | None:
        """None of who used nothing and pays nothing."""
        tariff, known = self._settings.tariff_of(tenant), self.concerns.known(tenant, usages)
        priced = charges(usages, tariff_for(tariff, tenant), known)
        lines = [line for line in priced if line.tenant == tenant]
        if not lines and not usages:
            return None
        self.earnings.add(lines)
        self._remarks.add(usages, tariff, known)
        if usages:
            self._paid.add(tenant)
        made = statement(
            msgspec.structs.replace(self._heading, tariff=tariff),
            self._settings.named(tenant),
            lines,
            usages,
            self._folded.items,
            threshold=self._settings.coverage,
            days=self._folded.days.get(tenant, ()),
        )
        self.dues.append(due(made))
        return made

    def findings(self) -> Iterator[Finding]:
        named = frozenset(tenant.id for tenant in self._settings.tenants)
        yield from self._remarks.findings()
        yield from unnamed(self._paid, named)


def by_tenant(usages: Iterable[Usage], others: Iterable[str]) -> Iterator[tuple[str, list[Usage]]]:
    """``usages``: in the order of their keys; ``others``: who may have used nothing."""
    used = ((tenant, list(own)) for tenant, own in groupby(usages, lambda usage: usage.tenant))
    idle = ((tenant, list[Usage]()) for tenant in sorted(others))
    for tenant, own in groupby(merge(used, idle, key=itemgetter(0)), itemgetter(0)):
        yield tenant, [usage for _, of in own for usage in of]
