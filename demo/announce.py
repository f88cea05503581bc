"""What a plant's office would say: its orders, and whose machine it is from when to when."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from contract.messages import Lease, Order
from simulators.plant import Plant

LEAD_MS = 60_000
"""A lease is announced so long before it takes effect, so that every agent cuts at its very instant."""
OFFICE = "plant office"


class Said(Struct, frozen=True):
    """A lease message and when it is said, ms after the start."""

    at: int
    lease: Lease


def orders(plant: Plant, start_ms: int) -> list[Order]:
    """All that the plant has to do, each issued a millisecond after the other: that is part of its name."""
    return [
        Order(
            id=f"order-{order.id}",
            order_id=order.id,
            tenant=order.tenant,
            article=order.article,
            by=OFFICE,
            wanted=order.wanted,
            due=None if order.due_ms is None else start_ms + order.due_ms,
            closed=False,
            issued=start_ms + number,
        )
        for number, order in enumerate(plant.orders)
    ]


def leases(plant: Plant, start_ms: int) -> list[Said]:
    """Every lease and every end of one that no other lease follows at once, in the order they are said."""
    said = sorted(_sayings(plant, start_ms), key=lambda each: (each.at, each.lease.machine))
    return [
        Said(each.at, replace(each.lease, id=f"lease-{n}", issued=start_ms + each.at + n))
        for n, each in enumerate(said)
    ]


def _sayings(plant: Plant, start_ms: int) -> Iterator[Said]:
    for lease in plant.leases:
        yield _said(lease.machine, lease.tenant, lease.from_ms, start_ms)
        followed = any(
            other.from_ms == lease.until_ms for other in plant.leases_of(lease.machine) if other is not lease
        )
        if not followed:
            yield _said(lease.machine, None, lease.until_ms, start_ms)


def _said(machine: str, tenant: str | None, offset: int, start_ms: int) -> Said:
    return Said(
        max(0, offset - LEAD_MS),
        Lease(
            id="unnumbered",
            machine=machine,
            by=OFFICE,
            tenant=tenant,
            order_id=None,
            effective=start_ms + offset,
            issued=0,
        ),
    )
