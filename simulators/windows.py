"""Cuts a machine's shift into windows, in each of which one tenant, or nobody, has the machine.

An order is worked where its tenant holds a lease. Where nobody does, the machine takes walk-in work: orders
of tenants that never lease this machine. So no order ever runs inside another tenant's lease.
"""

from msgspec import Struct

from simulators.codes import NONE
from simulators.records import Order, Plant


class Window(Struct, frozen=True, kw_only=True):
    start: int
    end: int
    tenant: str
    """Who holds the lease; `none` outside leases."""
    orders: tuple[Order, ...]
    """What may run, in sequence."""


def windows(plant: Plant, machine: str) -> tuple[Window, ...]:
    """They tile [0, duration) in ms after the start."""
    leases, orders = plant.leases_of(machine), plant.orders_of(machine)
    lessees = {lease.tenant for lease in leases}
    walk_in = tuple(order for order in orders if order.tenant not in lessees)
    found: list[Window] = []
    at = 0
    for lease in leases:
        if lease.from_ms > at:
            found.append(Window(start=at, end=lease.from_ms, tenant=NONE, orders=walk_in))
        theirs = tuple(order for order in orders if order.tenant == lease.tenant)
        found.append(Window(start=lease.from_ms, end=lease.until_ms, tenant=lease.tenant, orders=theirs))
        at = lease.until_ms
    if at < plant.duration_ms:
        found.append(Window(start=at, end=plant.duration_ms, tenant=NONE, orders=walk_in))
    return tuple(found)
