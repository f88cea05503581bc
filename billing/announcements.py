"""Which announcement of an order was in force when: what is said later does not rewrite the past."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from contract.facts import ABSENT, OrderFact

LATE_MS: Final = 86_400_000
"""An order may be announced a little after its work began."""


class Announcements(Struct, frozen=True, kw_only=True):
    of: Mapping[str, tuple[OrderFact, ...]] = {}
    """By order, in the order of issue."""

    def at(self, order_id: str, instant: int) -> OrderFact | None:
        """The latest issued by ``instant`` (UTC ms); else the first that came within a day after."""
        known = self.of.get(order_id, ())
        before = [fact for fact in known if fact.issued <= instant]
        if before:
            return before[-1]
        return next((fact for fact in known if fact.issued <= instant + LATE_MS), None)


def rushed(orders: Announcements) -> dict[str, int]:
    """By order: how long after its first announcement it was wanted, in ms; without a date it is no rush."""
    first = {order_id: facts[0] for order_id, facts in orders.of.items() if facts}
    return {order_id: fact.due - fact.issued for order_id, fact in first.items() if fact.due != ABSENT}


def announcements(facts: Iterable[OrderFact]) -> Announcements:
    of: dict[str, list[OrderFact]] = defaultdict(list)
    for fact in sorted(facts, key=lambda fact: (fact.issued, fact.id)):
        of[fact.order_id].append(fact)
    return Announcements(of={order_id: tuple(found) for order_id, found in of.items()})
