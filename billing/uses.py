"""Block rules over uses: what each count is charged of what each use comes to.

A use may be shared by several orders (a lease, under which two were made) and may have begun before the
period. It is charged what the rule makes of the whole use, less what it made of it up to the period.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from billing import money
from billing.block import Block, Each
from billing.charge import Exact, Place, Places, shared_out
from billing.clauses import Energy, Piece, QuantityPrice, Rate
from billing.counting import Count, Counts, LineKey
from billing.scrap import billable
from billing.words import NO_WORDS, Words
from contract.names import NONE

_Clause = tuple[str, str, str]
"""Tenant, kind and id of a clause: within these a use is one."""
_Use = tuple[str, ...]
_Key = tuple[_Clause, _Use]
_Uses = Mapping[_Key, Mapping[LineKey, Places]]


class Charged(Struct, frozen=True, kw_only=True):
    """What is charged of one count, spread over the places that used it."""

    firsts: Places = {}
    """In uses: those that pay the price of the first block."""
    rest: Places = {}
    note: Words = NO_WORDS
    before: int = 0
    """Of the same line's order, what was charged before the period: there its tiers go on."""


NOTHING: Final = Charged()


def charged_of(counts: Counts, orders: Counts, leases: Counts) -> dict[LineKey, Charged]:
    """``orders`` and ``leases``: the counts of what they had used before the period."""
    ended = {key: sum(each.rest.values()) for key, each in _charged(orders, {}, {}).items()}
    found = _charged(counts, orders, leases)
    return {
        key: Charged(
            firsts=each.firsts,
            rest=each.rest,
            note=each.note,
            before=0 if counts[key].is_over_orders else int(ended.get(key, 0)),
        )
        for key, each in found.items()
    }


def _charged(counts: Counts, orders: Counts, leases: Counts) -> dict[LineKey, Charged]:
    found = {key: _placed(count, orders.get(key)) for key, count in counts.items()}
    blocks = {key: block for key, count in counts.items() if (block := _block(count))}
    used = _uses(blocks, {key: found[key].rest for key in blocks})
    begun = _begun(orders, leases)
    firsts: dict[LineKey, dict[Place, Exact]] = {key: {} for key in blocks}
    rest: dict[LineKey, dict[Place, Exact]] = {key: {} for key in blocks}
    for name, by_line in used.items():
        clause, block = next((counts[key].clause, blocks[key]) for key in by_line)
        amounts = {key: int(sum(places.values())) for key, places in by_line.items()}
        first, beyond = _added(block, begun.get(name, 0), sum(amounts.values()))
        if isinstance(clause, Rate | Piece | QuantityPrice) and clause.first is not None:
            beyond -= first * block.minimum
            _share(first, amounts, by_line, firsts)
        _share(beyond, amounts, by_line, rest)
    return found | {key: Charged(firsts=firsts[key], rest=rest[key], note=found[key].note) for key in blocks}


def _block(count: Count) -> Block | None:
    """None where what is used is what is charged, or where each stop had its rule when it was counted."""
    if isinstance(count.clause, Energy) or count.clause.block.each is Each.STOP:
        return None
    return None if count.clause.block.is_plain else count.clause.block


def _placed(count: Count, before: Count | None) -> Charged:
    if isinstance(count.clause, Piece):
        places, note = billable(count, count.clause, before)
        return Charged(rest=places, note=note)
    return Charged(rest=count.places)


def _uses(blocks: Mapping[LineKey, Block], of: Mapping[LineKey, Places]) -> _Uses:
    uses: dict[_Key, dict[LineKey, dict[Place, Exact]]] = defaultdict(lambda: defaultdict(dict))
    for key, places in of.items():
        for place, used in places.items():
            use = _use(blocks[key].each, key, place)
            uses[(key.tenant, key.kind, key.clause_id), use][key][place] = used
    return uses


def _use(each: Each, key: LineKey, place: Place) -> _Use:
    order_id = place.order_id or key.order_id
    match each:
        case Each.LEASE if place.cell.lease_id not in {"", NONE}:
            return place.machine, place.cell.lease_id
        case Each.LEASE:
            return order_id, place.machine
        case Each.DAY:
            return order_id, place.machine, place.cell.day
        case Each.MACHINE:
            return order_id, place.machine
        case _:
            return (order_id,)


def _begun(orders: Counts, leases: Counts) -> dict[_Key, int]:
    """How much of each use lies before the period."""
    found: dict[_Key, int] = defaultdict(int)
    for counts, is_of_leases in ((orders, False), (leases, True)):
        known = {
            key: block
            for key, count in counts.items()
            if (block := _block(count)) and (block.each is Each.LEASE) is is_of_leases
        }
        places = {key: _placed(counts[key], None).rest for key in known}
        for name, by_line in _uses(known, places).items():
            found[name] = sum(int(sum(own.values())) for own in by_line.values())
    return found


def _added(block: Block, begun: int, used: int) -> tuple[int, int]:
    """How many first blocks, and how much in all, ``used`` adds to ``begun``."""
    now, was = block.billed(begun + used), block.billed(begun)
    return _sign(now) - _sign(was), now - was


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _share(
    whole: int,
    amounts: Mapping[LineKey, int],
    by_line: Mapping[LineKey, Places],
    found: Mapping[LineKey, dict[Place, Exact]],
) -> None:
    """``whole`` over the lines of a use in whole units, and of each line over its places, exactly."""
    weights = {key: abs(amount) for key, amount in amounts.items() if amount}
    if not whole or not weights:
        return
    for key, part in money.shares(whole, weights).items():
        if part:
            found[key].update(shared_out(part, by_line[key]))
