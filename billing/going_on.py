"""Which clauses of a tariff go on from one period to the next, and what orders came to before one. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from billing.block import Each
from billing.charge import Charge, by_order
from billing.clauses import Piece, QuantityPrice, Rate, Span
from billing.earlier import Earlier
from billing.known import Known
from billing.needs import measures_of
from billing.rating import priced
from billing.tariff import Tariff
from billing.tiers import Over
from billing.usage import Usage
from billing.where import Machine
from contract.names import NONE

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


def earlier(
    orders: Sequence[Usage], leases: Sequence[Usage], tariffs: Mapping[str, Tariff], known: Known
) -> Earlier:
    """``tariffs``: by tenant; ``known``: of the time from the first of ``orders`` up to the period."""
    lines: list[Charge] = []
    for tariff in {tariff.digest: tariff for tariff in tariffs.values() if compares_orders(tariff)}.values():
        own = [usage for usage in orders if tariffs[usage.tenant].digest == tariff.digest]
        lines += _lines(own, tariff, known)
    return Earlier(orders=tuple(orders), leases=tuple(leases), lines=tuple(lines))


def _lines(orders: Iterable[Usage], tariff: Tariff, known: Known) -> list[Charge]:
    of_orders = tuple(each for each in tariff.surcharges if each.per is Span.ORDER)
    alone = msgspec.structs.replace(tariff, limits=(), bases=(), surcharges=of_orders)
    parts = (own.charge for line in priced(orders, alone, known) for own in by_order(line))
    return [charge for charge in parts if charge.order_id != NONE]
