"""A rating: usage and a tariff -> lines. A list of pure steps, in the order of ``docs/billing.md``."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing import money, words
from billing.charge import Charge, Priced, line_id
from billing.clauses import Clause
from billing.counting import counts
from billing.fees import base_fees, setup_fees
from billing.known import Known
from billing.limits import with_limits
from billing.pollution import pollution_lines
from billing.pricing import counted_lines
from billing.reservations import reservation_lines
from billing.scrap_credit import scrap_credits
from billing.surcharges import with_surcharges
from billing.tariff import Tariff
from billing.terms import charged, plainly
from billing.usage import Usage
from billing.words import Words
from contract.names import NONE

_ORDER = tuple(Clause)


def charges(usages: Iterable[Usage], tariff: Tariff, known: Known) -> list[Charge]:
    """Sorted by tenant, order, kind and clause. Only what has a payer is charged."""
    day = known.days[-1]
    lines = (line.charge for line in priced(usages, tariff, known))
    taxed = [with_vat(charge, tariff.vat_percent(charge.vat, day), tariff) for charge in lines]
    return sorted(taxed, key=_place)


def priced(usages: Iterable[Usage], tariff: Tariff, known: Known) -> list[Priced]:
    """The lines before tax, and where each lies."""
    used = sorted(usages, key=lambda usage: (usage.tenant, usage.order_id, usage.kind, usage.machine))
    before = (counts(known.earlier.orders, tariff), counts(known.earlier.leases, tariff))
    lines = [*counted_lines(counts(used, tariff), tariff, *before), *pollution_lines(used, tariff, known)]
    lines += list(scrap_credits(lines, used, tariff))
    lines += [*setup_fees(used, tariff, known), *base_fees(used, tariff, known)]
    lines += list(reservation_lines(used, tariff, known))
    lines = with_surcharges(_there(lines), tariff, known)
    lines = with_limits(_there(lines), tariff, known)
    return [*lines, *_manual(known, tariff)]


def _there(lines: Sequence[Priced]) -> list[Priced]:
    """Without lines of nothing."""
    return [line for line in lines if line.charge.quantity]


def _place(charge: Charge) -> tuple[object, ...]:
    """By order, what is about no order last. Lines of one clause stay as they were made: first tier first."""
    order = (charge.order_id == NONE, charge.order_id, charge.kind == NONE, charge.kind)
    return (charge.tenant, *order, _ORDER.index(charge.clause), charge.clause_id)


def with_vat(charge: Charge, percent: Decimal | None, tariff: Tariff) -> Charge:
    """Tax of one line, rounded on the line: net + tax = gross, to the fen."""
    amount, name = charge.amount, f"{tariff.id}@{tariff.version}"
    if percent is None:
        return msgspec.structs.replace(charge, tariff=name, net=amount, gross=amount)
    rate = Fraction(percent) / 100
    if tariff.is_gross:
        net = money.fen(Fraction(amount) / (1 + rate))
        return msgspec.structs.replace(
            charge, tariff=name, vat_percent=percent, net=net, tax=amount - net, gross=amount
        )
    tax = money.fen(Fraction(amount) * rate)
    return msgspec.structs.replace(
        charge, tariff=name, vat_percent=percent, net=amount, tax=tax, gross=amount + tax
    )


def _manual(known: Known, tariff: Tariff) -> Iterator[Priced]:
    for entry in known.entries.of_days(known.days):
        charge = charged(
            plainly(Clause.MANUAL, entry.text, words.TIME),
            1,
            entry.amount,
            id=line_id(entry.tenant, entry.order_id, entry.id),
            tenant=entry.tenant,
            order_id=entry.order_id,
            clause_id=entry.id,
            note=Words(f"{entry.day}, {entry.by}: {entry.why}", f"{entry.day}，{entry.by}：{entry.why}"),
            vat=entry.vat or tariff.vat_category,
            machines={} if entry.machine == NONE else {entry.machine: 1},
            records=(f"entry/{entry.id}",),
        )
        yield Priced(charge=charge)
