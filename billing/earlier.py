"""What goes on from before a period: an order is priced as a whole, and so is a use under a lease.

What a period adds is what a rule makes of the whole up to its end, less what it makes of the whole up to its
beginning. So a month's end gives nobody free time twice, and no block, tier or minimum begins anew.
"""

from collections.abc import Iterator

from msgspec import Struct

from billing.charge import Charge
from billing.usage import Usage


class Earlier(Struct, frozen=True, kw_only=True):
    orders: tuple[Usage, ...] = ()
    """Of orders of the period, from their beginning to its start."""
    leases: tuple[Usage, ...] = ()
    """Under leases of the period that began before it, from their beginning to its start."""
    lines: tuple[Charge, ...] = ()
    """What those orders came to, by the tariffs of then, without the minimums and caps that hold today."""
    limits: tuple[Charge, ...] = ()
    """What minimums and caps of orders that hold today had made of it."""

    def records(self) -> Iterator[str]:
        """The records behind it, each once."""
        used = (*self.orders, *self.leases)
        intervals = (record for usage in used for record in usage.records)
        yield from dict.fromkeys((*intervals, *(stop.record for usage in used for stop in usage.stops)))


NOTHING_EARLIER = Earlier()
