"""Charge -> Statement: one tenant's page, and everything that an assessment of a period found."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing import money
from billing.attribution import Place
from billing.charge import Charge
from billing.findings import Finding
from billing.machine_day import MachineDay
from billing.ownership import Revenue
from billing.period import Period
from billing.report import COVERAGE, By, ReportRow, report, report_of_nothing
from billing.suspense import Item
from billing.tariff import Tariff
from billing.usage import Usage
from billing.yields import NOTHING, Yield, usage_yield


class Named(Struct, frozen=True, kw_only=True):
    """Somebody on a page: the identifier, and what people call them."""

    id: str
    name_en: str = ""
    name_zh: str = ""

    @property
    def shown(self) -> str:
        return " ".join(filter(None, (self.name_zh, self.name_en))) or self.id


class Heading(Struct, frozen=True, kw_only=True):
    """What every statement of one assessment has in common."""

    site: Named
    timezone: str
    period: Period
    generated: int
    """UTC ms."""
    is_preliminary: bool
    """The period was not over when the statement was made."""
    tariff: Tariff
    digest: str
    """SHA-256 over everything the figures were made from."""
    override: str = ""
    """Why the period was frozen although something was open, and who said so."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Statement(Struct, frozen=True, kw_only=True):
    heading: Heading
    tenant: Named
    charges: tuple[Charge, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    """What is due, tax included: the sum of the rounded lines, so that a person can add the page up again."""
    taxes: tuple["Tax", ...]
    """By rate of VAT; none where the tariff has no VAT."""
    machines: tuple[ReportRow, ...]
    whole: ReportRow
    """The tenant's row over all machines."""
    open_items: tuple[Item, ...]
    """In suspense or disputed, and perhaps this tenant's; not charged."""
    days: tuple[MachineDay, ...] = ()
    """By machine, then by day."""
    orders: tuple["OrderYield", ...] = ()


class OrderYield(Struct, frozen=True, kw_only=True):
    """What became of an order's pieces in the period."""

    order_id: str
    pieces: Yield


class Tax(Struct, frozen=True, kw_only=True):
    """What lines of one rate of VAT come to. The rounding is that of the lines."""

    percent: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


def taxes(charges: Sequence[Charge]) -> tuple[Tax, ...]:
    rates = sorted({charge.vat_percent for charge in charges if charge.vat_percent is not None}, reverse=True)
    of = {rate: [charge for charge in charges if charge.vat_percent == rate] for rate in rates}
    return tuple(
        Tax(
            percent=rate,
            net=money.total([charge.net for charge in lines]),
            tax=money.total([charge.tax for charge in lines]),
            gross=money.total([charge.gross for charge in lines]),
        )
        for rate, lines in of.items()
    )


class Due(Struct, frozen=True, kw_only=True):
    """What a statement comes to, without its lines."""

    tenant: Named
    currency: str
    lines: int
    net: Decimal
    tax: Decimal
    total: Decimal
    """Tax included."""
    taxes: tuple[Tax, ...]
    waiting: int
    """Items that are perhaps this tenant's, and are not charged."""


def due(statement: Statement) -> Due:
    return Due(
        tenant=statement.tenant,
        currency=statement.heading.tariff.currency,
        lines=len(statement.charges),
        net=statement.net,
        tax=statement.tax,
        total=statement.total,
        taxes=statement.taxes,
        waiting=len(statement.open_items),
    )


class Assessment(Struct, frozen=True, kw_only=True):
    heading: Heading
    statements: tuple[Statement, ...]
    """None where somebody took each as it was made."""
    dues: tuple[Due, ...]
    """Of each statement, by tenant."""
    reports: Mapping[By, tuple[ReportRow, ...]]
    """As many as were asked for."""
    revenue: Revenue
    """Where the net amounts of all lines go: to owners of machines, and to the host."""
    suspense: tuple[Item, ...]
    disputed: tuple[Item, ...]
    findings: tuple[Finding, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the store had nothing to say: neither a record nor a machine that should have had one."""
        return not (self.reports[By.MACHINE] or self.suspense or self.disputed or self.findings)

    def report(self, by: By) -> tuple[ReportRow, ...]:
        return self.reports[by]


def statement(
    heading: Heading,
    tenant: Named,
    charges: Sequence[Charge],
    usages: Sequence[Usage],
    items: Sequence[Item],
    *,
    threshold: Fraction = COVERAGE,
    days: tuple[MachineDay, ...] = (),
) -> Statement:
    own = [usage for usage in usages if usage.place is Place.TENANT and usage.tenant == tenant.id]
    whole = next(iter(report(own, By.TENANT, threshold=threshold)), report_of_nothing(tenant.id))
    lines = tuple(charge for charge in charges if charge.tenant == tenant.id)
    return Statement(
        heading=heading,
        tenant=tenant,
        charges=lines,
        net=money.total([charge.net for charge in lines]),
        tax=money.total([charge.tax for charge in lines]),
        total=money.total([charge.gross for charge in lines]),
        taxes=taxes(lines),
        machines=tuple(report(own, By.MACHINE, threshold=threshold)),
        whole=whole,
        open_items=tuple(item for item in items if tenant.id in item.tenants),
        days=days,
        orders=tuple(_orders(own)),
    )


def _orders(own: Sequence[Usage]) -> Iterator[OrderYield]:
    found: dict[str, Yield] = {}
    for usage in own:
        if pieces := usage_yield(usage):
            found[usage.order_id] = found.get(usage.order_id, NOTHING) + pieces
    for order_id, pieces in sorted(found.items()):
        if pieces.produced or pieces.rework:
            yield OrderYield(order_id=order_id, pieces=pieces)
