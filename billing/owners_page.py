"""What the owners of machines get of a period, as a document: shares, and what they come from. Pure."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct

from billing import figures, money
from billing.ownership import Part, Split
from billing.statement import Assessment, Named
from billing.totals import Span, Status, span_of
from billing.words import Words

_PLACES: Final = 6


class Owned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one owner gets."""

    id: str
    name: Words
    share: int
    """As agreed, in any unit."""
    exact: Decimal
    """Before it became whole fen, cut to six places."""
    amount: Decimal
    """By largest remainder: all of them sum to what is shared out."""


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the machines have of one line of a statement."""

    id: str
    tenant: str
    order_id: str
    clause: str
    label: Words
    amount: Decimal
    """Net of VAT."""


class OwnershipPage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of machines that several firms own together."""

    id: str
    machines: tuple[str, ...]
    revenue: Decimal
    """The sum of ``lines``."""
    host_fee_percent: Decimal
    host_fee_a_month: Decimal
    host_fee: Decimal
    shared: Decimal
    """Revenue less fee: the sum of what the owners get."""
    owners: tuple[Owned, ...]
    lines: tuple[Source, ...]


class OwnersPage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    site: Named
    period: Span
    generated_ms: int
    preliminary: bool
    digest: str
    override: str
    status: Status
    revision: int
    currency: str
    ownerships: tuple[OwnershipPage, ...]
    host: Decimal
    """Of lines and machines that no ownership has."""
    net: Decimal
    """Of all lines of all statements: the revenue of every ownership, and the host's."""


def owners_page(
    found: Assessment, *, status: Status = Status.DRAFT, revision: int = 0, override: str = ""
) -> OwnersPage:
    heading, revenue = found.heading, found.revenue
    return OwnersPage(
        site=heading.site,
        period=span_of(heading),
        generated_ms=heading.generated,
        preliminary=heading.is_preliminary,
        digest=heading.digest,
        override=override,
        status=status,
        revision=revision,
        currency=heading.tariff.currency,
        ownerships=tuple(_ownership(split) for split in revenue.splits),
        host=revenue.host,
        net=revenue.total,
    )


def _ownership(split: Split) -> OwnershipPage:
    shared = split.revenue - split.fee
    whole = sum(share.owner.share for share in split.shares)
    return OwnershipPage(
        id=split.ownership.id,
        machines=split.ownership.machines,
        revenue=split.revenue,
        host_fee_percent=split.ownership.fee_percent,
        host_fee_a_month=split.ownership.fee_a_month,
        host_fee=split.fee,
        shared=shared,
        owners=tuple(
            Owned(
                id=share.owner.id,
                name=share.owner.label,
                share=share.owner.share,
                exact=_cut(Fraction(shared) * share.owner.share / whole),
                amount=share.amount,
            )
            for share in split.shares
        ),
        lines=tuple(_source(part) for part in split.parts),
    )


def _cut(value: Fraction) -> Decimal:
    return figures.plain(Fraction(money.shown_down(value, _PLACES)))


def _source(part: Part) -> Source:
    return Source(
        id=part.charge_id,
        tenant=part.tenant,
        order_id=part.order_id,
        clause=part.clause,
        label=part.label,
        amount=part.amount,
    )


class Summed(Struct, frozen=True, kw_only=True):
    """What the lines of one clause come to."""

    label: Words
    lines: int
    amount: Decimal


def by_label(page: OwnershipPage) -> tuple[Summed, ...]:
    """The sources, what is called alike together, the largest first."""
    found: dict[tuple[str, str], list[Decimal]] = {}
    for line in page.lines:
        found.setdefault((line.label.en, line.label.zh), []).append(line.amount)
    made = [Summed(label=Words(*k), lines=len(v), amount=money.total(v)) for k, v in found.items()]
    return tuple(sorted(made, key=lambda each: (-each.amount, each.label.en)))
