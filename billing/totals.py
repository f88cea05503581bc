"""The totals of a period for accounts: what each tenant owes, in which documents, and what nobody pays. Pure.

Every sum is one of documents that went out, or would go out: nothing is computed here but sums.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from billing import money
from billing.adjusting import Document, Line
from billing.blocking import Effect, judged
from billing.findings import Rule
from billing.period import label, local
from billing.report import By
from billing.statement import Assessment, Due, Heading, Named, Tax
from billing.suspense import Item

TIMES: Final = ("run_ms", "setup_ms", "stop_ms", "fault_ms", "idle_ms", "maint_ms", "off_ms", "unknown_ms")
_UNALLOCATED: Final = "(unallocated)"


class Status(StrEnum):
    """How far a document has come."""

    DRAFT = "draft"
    FROZEN = "frozen"
    ISSUED = "issued"


class Span(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The period."""

    name: str
    start: str
    """ISO 8601, local."""
    end: str
    start_ms: int
    end_ms: int
    timezone: str


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One document of one tenant."""

    document: str
    """``statement`` or ``adjustment``."""
    status: Status
    revision: int = 0
    """0 for a draft."""
    lines: int
    taxes: tuple[Tax, ...]
    """By rate of VAT; none where the tariff has no VAT."""
    net: Decimal
    tax: Decimal
    gross: Decimal


class TenantTotal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tenant: Named
    parts: tuple[Part, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    """Of all parts."""
    waiting: int
    """Items in suspense or disputed that are perhaps this tenant's; nothing is charged for them yet."""


class Waiting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nobody pays yet, though somebody should."""

    place: str
    """``suspense`` or ``disputed``."""
    reason: str
    machine: str
    start_ms: int
    end_ms: int
    tenants: tuple[str, ...]
    orders: tuple[str, ...]
    run_ms: int
    """Run, setup and trial run."""
    stop_ms: int
    produced: int
    scrap: int


class Remark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding, and whether it blocks."""

    effect: Effect
    rule: Rule
    machine: str
    start_ms: int
    end_ms: int
    text: str


class Totals(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    site: Named
    period: Span
    generated_ms: int
    preliminary: bool
    digest: str
    override: str
    status: Status
    """Of the statements."""
    revision: int
    currency: str
    tenants: tuple[TenantTotal, ...]
    taxes: tuple[Tax, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    waiting: tuple[Waiting, ...]
    host: Mapping[str, int]
    """Milliseconds of machine time that are nobody's but the host's, and ``total_ms`` over all."""
    findings: tuple[Remark, ...]


def totals(
    found: Assessment,
    effects: Mapping[Rule, Effect],
    *,
    status: Status = Status.DRAFT,
    revision: int = 0,
    override: str = "",
) -> Totals:
    """Of an assessment, frozen as a revision or still a draft."""
    heading, items = found.heading, (*found.disputed, *found.suspense)
    tenants = [_tenant(each, status, revision) for each in found.dues]
    parts = [part for tenant in tenants for part in tenant.parts]
    return Totals(
        site=heading.site,
        period=span_of(heading),
        generated_ms=heading.generated,
        preliminary=heading.is_preliminary,
        digest=heading.digest,
        override=override,
        status=status,
        revision=revision,
        currency=heading.tariff.currency,
        tenants=tuple(tenants),
        taxes=_added(each for part in parts for each in part.taxes),
        **_money(parts),
        waiting=tuple(map(_waiting, items)),
        host=_host(found),
        findings=tuple(
            Remark(
                effect=one.effect,
                rule=one.finding.rule,
                machine=one.finding.machine,
                start_ms=one.finding.at,
                end_ms=one.finding.end,
                text=one.finding.text,
            )
            for one in judged(found.findings, (), effects)
        ),
    )


def span_of(heading: Heading) -> Span:
    start, end = heading.period.start, heading.period.end
    return Span(
        name=label(heading.period, heading.zone),
        start=local(start, heading.zone).isoformat(),
        end=local(end, heading.zone).isoformat(),
        start_ms=start,
        end_ms=end,
        timezone=heading.timezone,
    )


def with_adjustments(
    before: Totals,
    status: Status,
    adjusted: Iterable[tuple[int, Status, Document]],
    standing: "Totals | None" = None,
) -> Totals:
    """What was frozen, as it stands today: issued or not, and with every adjustment since, by revision.

    ``standing``: of the newest of them, what waited, what was found and what was the host's then.
    """
    if standing is not None:
        before = structs.replace(
            before, waiting=standing.waiting, host=standing.host, findings=standing.findings
        )
    waits = {each.tenant.id: each.waiting for each in (standing or before).tenants}
    tenants = {each.tenant.id: each for each in before.tenants}
    parts = {
        name: [structs.replace(part, status=status) for part in each.parts] for name, each in tenants.items()
    }
    named = {name: each.tenant for name, each in tenants.items()}
    for revision, state, document in adjusted:
        name = document.tenant.id
        named.setdefault(name, document.tenant)
        parts.setdefault(name, []).append(_adjustment(document, state, revision))
    of = [
        TenantTotal(
            tenant=named[name],
            parts=tuple(parts[name]),
            waiting=waits.get(name, 0),
            **_money(parts[name]),
        )
        for name in sorted(parts)
    ]
    every = [part for each in of for part in each.parts]
    taxes = _added(each for part in every for each in part.taxes)
    return structs.replace(before, status=status, tenants=tuple(of), taxes=taxes, **_money(every))


def _stand(parts: Iterable[Part], status: Status) -> Iterator[Part]:
    yield from (structs.replace(part, status=status) for part in parts)


def _tenant(due: Due, status: Status, revision: int) -> TenantTotal:
    part = Part(
        document="statement",
        status=status,
        revision=revision,
        lines=due.lines,
        taxes=due.taxes,
        net=due.net,
        tax=due.tax,
        gross=due.total,
    )
    return TenantTotal(tenant=due.tenant, parts=(part,), waiting=due.waiting, **_money([part]))


def _adjustment(document: Document, status: Status, revision: int) -> Part:
    return Part(
        document="adjustment",
        status=status,
        revision=revision,
        lines=len(document.charges),
        taxes=_by_rate(document.charges),
        net=document.net,
        tax=document.tax,
        gross=document.total,
    )


def _by_rate(lines: Iterable[Line]) -> tuple[Tax, ...]:
    known = [line for line in lines if line.vat_percent is not None]
    return _added(
        Tax(percent=line.vat_percent or Decimal(0), net=line.net, tax=line.tax, gross=line.gross)
        for line in known
    )


def _added(taxes: Iterable[Tax]) -> tuple[Tax, ...]:
    """By rate, the highest first."""
    found: dict[Decimal, list[Tax]] = {}
    for each in taxes:
        found.setdefault(each.percent, []).append(each)
    return tuple(
        Tax(
            percent=percent,
            net=money.total([each.net for each in found[percent]]),
            tax=money.total([each.tax for each in found[percent]]),
            gross=money.total([each.gross for each in found[percent]]),
        )
        for percent in sorted(found, reverse=True)
    )


def _money(parts: Sequence[Part]) -> dict[str, Decimal]:
    return {name: money.total([getattr(part, name) for part in parts]) for name in ("net", "tax", "gross")}


def _waiting(item: Item) -> Waiting:
    return Waiting(
        place=item.place,
        reason=item.doubt,
        machine=item.machine,
        start_ms=item.start,
        end_ms=item.end,
        tenants=item.tenants,
        orders=item.orders,
        run_ms=item.run_ms + item.setup_ms + item.test_ms,
        stop_ms=item.stop_ms,
        produced=item.produced,
        scrap=item.scrap,
    )


def _host(found: Assessment) -> dict[str, int]:
    row = next((row for row in found.report(By.TENANT) if row.name == _UNALLOCATED), None)
    return {name: getattr(row, name) if row else 0 for name in (*TIMES, "total_ms")}
