"""Which clauses of a tariff go on from one period to the next, and what orders came to before one. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from billing.block import Each
from billing.charge import Charge, by_order
from billing.clauses import Clause, Piece, QuantityPrice, Rate, Span
from billing.earlier import NOTHING_EARLIER, Earlier
from billing.fees import is_begun
from billing.known import Known
from billing.needs import measures_of
from billing.period import Period
from billing.rating import priced
from billing.tariff import Tariff
from billing.tiers import Over
from billing.usage import Usage
from billing.where import Machine
from contract.names import NONE

_LIMITS = frozenset({Clause.MINIMUM, Clause.CAP})
_Ruled = Rate | Piece | QuantityPrice


def _of(tariff: Tariff, machine: Machine) -> Iterator[_Ruled]:
    clauses: tuple[_Ruled, ...] = (*tariff.rates, *tariff.pieces, *tariff.quantities)
    return (clause for clause in clauses if clause.where.covers(machine))


def continues_orders(tariff: Tariff, machine: Machine) -> bool:
    """Whether what is charged on the machine depends on what its order had used before the period."""
    return any(map(_is_of_whole_orders, _of(tariff, machine)))


def _is_of_whole_orders(clause: _Ruled) -> bool:
    has_blocks = not clause.block.is_plain and clause.block.each in {Each.ORDER, Each.MACHINE}
    has_tiers = len(clause.tiers.steps) > 1 and clause.tiers.over is Over.ORDER
    return has_blocks or has_tiers or (isinstance(clause, Piece) and clause.paid_beyond is not None)


def compares_orders(tariff: Tariff) -> bool:
    """Whether it depends on what an order came to before the period."""
    by_amount = (
        each
        for each in tariff.surcharges
        if each.per is Span.ORDER and (each.steps or each.price is not None)
    )
    return any(limit.per is Span.ORDER for limit in tariff.limits) or any(by_amount)


def leases_of(usage: Usage, tariff: Tariff, machine: Machine) -> set[str]:
    """The leases of what is charged by a rule that is about each lease."""
    ruled = (c for c in _of(tariff, machine) if c.block.each is Each.LEASE and not c.block.is_plain)
    measures = {measure for clause in ruled for measure in measures_of(clause)}
    return {cell.lease_id for measure in measures for cell in usage.parts.get(measure, {})} - {"", NONE}


class Stretch(NamedTuple):
    """A part of the time before a period in which each tenant has one tariff."""

    period: Period
    orders: tuple[Usage, ...]
    leases: tuple[Usage, ...]


def earlier(
    stretches: Sequence[Stretch],
    tariff_of: Callable[[str, Period], Tariff],
    today: Mapping[str, Tariff],
    known: Known,
) -> Earlier:
    """``stretches``: one after the other, up to the period that ``known`` is about; ``today``: by tenant.

    Each is priced by the tariffs of its time, as it was billed then: a tariff changes between two bills.
    """
    found = NOTHING_EARLIER
    begun = known.begun
    kept = {tenant: {limit.id for limit in tariff.limits} for tenant, tariff in today.items()}
    for stretch in stretches:
        then = msgspec.structs.replace(known, period=stretch.period, earlier=found, begun=begun)
        lines = [
            charge
            for tariff, orders in _by_tariff(stretch, tariff_of, today)
            for charge in _lines(orders, tariff, then)
        ]
        is_limit = [charge.clause in _LIMITS and charge.clause_id in kept[charge.tenant] for charge in lines]
        found = Earlier(
            orders=found.orders + stretch.orders,
            leases=found.leases + stretch.leases,
            lines=found.lines + tuple(c for c, limits in zip(lines, is_limit, strict=True) if not limits),
            limits=found.limits + tuple(c for c, limits in zip(lines, is_limit, strict=True) if limits),
        )
        begun |= {(u.tenant, u.order_id, u.kind) for u in stretch.orders if is_begun(u)}
    return found


def _by_tariff(
    stretch: Stretch, tariff_of: Callable[[str, Period], Tariff], today: Mapping[str, Tariff]
) -> list[tuple[Tariff, list[Usage]]]:
    """Of the orders about which today's tariff asks what they came to."""
    tariffs, found = dict[str, Tariff](), dict[str, list[Usage]]()
    for usage in stretch.orders:
        if compares_orders(today[usage.tenant]):
            tariff = tariff_of(usage.tenant, stretch.period)
            tariffs[tariff.digest] = tariff
            found.setdefault(tariff.digest, []).append(usage)
    return [(tariffs[digest], usages) for digest, usages in found.items()]


def _lines(orders: Iterable[Usage], tariff: Tariff, known: Known) -> list[Charge]:
    """What is about orders, of what they used."""
    alone = msgspec.structs.replace(
        tariff,
        limits=tuple(each for each in tariff.limits if each.per is Span.ORDER),
        bases=(),
        surcharges=tuple(each for each in tariff.surcharges if each.per is Span.ORDER),
    )
    parts = (own.charge for line in priced(orders, alone, known) for own in by_order(line))
    return [charge for charge in parts if charge.order_id != NONE]
