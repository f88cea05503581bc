"""What is different today: a fresh rating of a period less what was booked of it. Pure.

Booked plus adjustments equals the fresh rating, for each line of each tenant and for every total: to the fen,
since both sides are sums of rounded lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from billing import money
from billing.statement import Named

_NOTHING = Decimal("0.00")


class Line(Struct, frozen=True, kw_only=True):
    """A line of a document that was made: what it is about, and its money."""

    id: str
    order_id: str
    kind: str
    label: dict[str, str]
    part: dict[str, str]
    quantity: str
    """As it is shown."""
    unit: str
    price: str | None = None
    """None where an earlier version wrote the document."""
    price_per: str = ""
    times: int = 1
    over: int = 1
    vat_percent: Decimal | None
    net: Decimal
    tax: Decimal
    gross: Decimal
    machines: dict[str, int] = {}

    @property
    def key(self) -> tuple[str, str]:
        """A line whose rate of VAT is another one is given back at the old rate and charged at the new."""
        return self.id, "" if self.vat_percent is None else str(self.vat_percent)


class Document(Struct, frozen=True, kw_only=True):
    """Of a statement, or of an adjustment: what further adjustments need."""

    tenant: Named
    charges: tuple[Line, ...]
    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal


class Change(Struct, frozen=True, kw_only=True):
    """A line of an adjustment."""

    now: Line
    """What the line is about, with today's figures; zeros where it is no more."""
    before: Line
    """What is booked."""

    @property
    def net(self) -> Decimal:
        return self.now.net - self.before.net

    @property
    def tax(self) -> Decimal:
        return self.now.tax - self.before.tax

    @property
    def gross(self) -> Decimal:
        return self.now.gross - self.before.gross

    @property
    def is_none(self) -> bool:
        return not (self.net or self.tax or self.gross)


class Adjustment(Struct, frozen=True, kw_only=True):
    """Of one tenant."""

    tenant: Named
    currency: str
    changes: tuple[Change, ...]
    booked: Decimal
    """Of all documents that were issued, tax included."""

    @property
    def net(self) -> Decimal:
        return money.total([change.net for change in self.changes])

    @property
    def tax(self) -> Decimal:
        return money.total([change.tax for change in self.changes])

    @property
    def total(self) -> Decimal:
        return money.total([change.gross for change in self.changes])

    @property
    def is_credit(self) -> bool:
        return self.total < 0

    @property
    def machines(self) -> frozenset[str]:
        lines = [line for change in self.changes for line in (change.now, change.before)]
        return frozenset(machine for line in lines for machine in line.machines)


def document(data: bytes) -> Document:
    """The JSON of a statement or of an adjustment. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Document)


def booked_lines(documents: Iterable[Document]) -> dict[tuple[str, str], Line]:
    """What several documents of one tenant come to, line by line; quantities are those of the latest."""
    found: dict[tuple[str, str], Line] = {}
    for each in documents:
        for line in each.charges:
            before = found.get(line.key)
            found[line.key] = _sum(before, line) if before else line
    return found


def _sum(before: Line, line: Line) -> Line:
    return msgspec.structs.replace(
        line, net=before.net + line.net, tax=before.tax + line.tax, gross=before.gross + line.gross
    )


def adjustments(booked: Mapping[str, Sequence[Document]], fresh: Iterable[Document]) -> list[Adjustment]:
    """By tenant, in the order of their names; only tenants with a line that changed.

    ``booked``: what was issued, by tenant, oldest first.
    """
    today = {each.tenant.id: each for each in fresh}
    found = [_adjustment(booked.get(tenant, ()), today.get(tenant)) for tenant in sorted({*booked, *today})]
    return [each for each in found if each.changes]


def _adjustment(booked: Sequence[Document], fresh: Document | None) -> Adjustment:
    before = booked_lines(booked)
    now = {line.key: line for line in fresh.charges} if fresh else {}
    changes = [
        Change(now=now.get(key) or _nothing_of(before[key]), before=before.get(key) or _nothing_of(now[key]))
        for key in [*now, *(key for key in before if key not in now)]
    ]
    newest = fresh or booked[-1]
    return Adjustment(
        tenant=newest.tenant,
        currency=newest.currency,
        changes=tuple(change for change in changes if not change.is_none),
        booked=money.total([each.total for each in booked]),
    )


def _nothing_of(line: Line) -> Line:
    none: dict[str, Any] = dict.fromkeys(("net", "tax", "gross"), _NOTHING)
    return msgspec.structs.replace(line, **none, quantity="0", machines={})
