"""What a broker that forgot should hold again: the latest lease of each machine, the open orders. Pure."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from collector.announcement import lease_of, order_of
from contract import topics
from contract.facts import LeaseFact, OrderFact
from contract.messages import encode


def latest_leases(facts: Iterable[LeaseFact]) -> list[LeaseFact]:
    """The latest issued of each machine: an end too, because it outlives the lease that it ended."""
    newest = {(fact.site, fact.machine): fact for fact in sorted(facts, key=lambda fact: fact.issued)}
    return list(newest.values())


def latest_orders(facts: Iterable[OrderFact]) -> list[OrderFact]:
    newest = {(fact.site, fact.order_id): fact for fact in sorted(facts, key=lambda fact: fact.issued)}
    return list(newest.values())


def missing(
    leases: Iterable[LeaseFact], orders: Iterable[OrderFact], heard: AbstractSet[str]
) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of what was not ``heard`` since the collector subscribed. Closed orders may go."""
    for lease in latest_leases(leases):
        if (topic := topics.lease(lease.site, lease.machine)) not in heard:
            yield topic, encode(lease_of(lease))
    for order in latest_orders(orders):
        if (topic := topics.order(order.site, order.order_id)) not in heard and not order.closed:
            yield topic, encode(order_of(order))
