"""Whose work it is: leases by time, orders by register, tenants by either (DESIGN 4, "Attribution").

A lease takes effect at the later of its ``from`` and the moment the agent heard it: never back-dated, because
what was metered before it was heard has been handed over already.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from contract.messages import Lease
from contract.names import NONE


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """A lease as this agent applies it; tenant and order both ``none`` after an end."""

    lease_id: str
    tenant: str
    order_id: str
    effective: int
    issued: int


Leases = tuple[Held, ...]
"""By rising ``effective``. The first may be in force, the later ones are still to come."""


class Attribution(Struct, frozen=True, kw_only=True, gc=False):
    tenant: str
    order_id: str
    lease_id: str


NOBODY = Attribution(tenant=NONE, order_id=NONE, lease_id=NONE)


def hear(leases: Leases, lease: Lease, heard: int) -> Leases:
    """The leases after a message heard at ``heard`` (UTC ms on the meter's line).

    A repeated or an older message changes nothing. A newer one replaces whatever was to begin later than it.
    """
    if any(held.lease_id == lease.id or held.issued > lease.issued for held in leases):
        return leases
    effective = max(lease.effective, heard)
    ends = lease.tenant is None and lease.order_id is None
    new = Held(
        lease_id=lease.id,
        tenant=NONE if ends else lease.tenant or NONE,
        order_id=NONE if ends else lease.order_id or NONE,
        effective=effective,
        issued=lease.issued,
    )
    return (*(held for held in leases if held.effective < effective), new)


def in_force(leases: Leases, instant: int) -> Held | None:
    found = None
    for held in leases:
        if held.effective <= instant:
            found = held
    return found


def changes(leases: Leases, after: int, until: int) -> list[int]:
    """Instants in ``(after, until]`` at which another lease takes effect."""
    return [held.effective for held in leases if after < held.effective <= until]


def forget(leases: Leases, instant: int) -> Leases:
    """Without what was over before ``instant``; the lease in force then stays."""
    current = in_force(leases, instant)
    return tuple(held for held in leases if held is current or held.effective > instant)


def attribute(held: Held | None, order: str | None, announced: Mapping[str, str]) -> Attribution:
    """Tenant and order of a machine.

    ``order`` is the order register's word (None where the machine has no such register), ``announced`` the
    tenant of each announced order. The register beats the lease for the order, the lease beats the
    announcement for the tenant.
    """
    leased_order = held.order_id if held else NONE
    order_id = leased_order if order is None else order
    leased_tenant = held.tenant if held else NONE
    tenant = leased_tenant if leased_tenant != NONE else announced.get(order_id, NONE)
    ended = held is None or (held.tenant == NONE and held.order_id == NONE)
    lease_id = NONE if held is None or ended else held.lease_id
    return Attribution(tenant=tenant, order_id=order_id, lease_id=lease_id)


def differs(attributions: Iterable[Attribution]) -> tuple[bool, bool]:
    """Whether the tenants, and whether the orders, are not all the same."""
    seen = list(attributions)
    return len({a.tenant for a in seen}) > 1, len({a.order_id for a in seen}) > 1
