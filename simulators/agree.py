"""What single tables cannot see: whether the tables of a plant file agree with each other.

A table that is wrong in itself is not compared: one mistake is one complaint, not one per table that
refers to it.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from simulators.complaints import Table
from simulators.kinds import TYPES
from simulators.records import Lease, Machine, Order, Tenant

TenantRows = Sequence[tuple[Table, Tenant]]
MachineRows = Sequence[tuple[Table, tuple[Machine, ...]]]
OrderRows = Sequence[tuple[Table, Order]]
LeaseRows = Sequence[tuple[Table, tuple[Lease, ...]]]


def agree(
    root: Table, tenants: TenantRows, machines: MachineRows, orders: OrderRows, leases: LeaseRows
) -> None:
    _unique(((table, tenant.id) for table, tenant in tenants), "id")
    _unique(((table, order.id) for table, order in orders), "id")
    _unique(((table, machine.name) for table, group in machines for machine in group), "name")
    _ports(machines)
    referring = [table for table, _ in (*orders, *leases)]
    _references(referring, tenants, machines)
    _makers(machines, orders)
    _overlaps(leases)
    if not root.bad("duration"):
        _ends(leases, root.offset_ms("duration"))


def _references(referring: Sequence[Table], tenants: TenantRows, machines: MachineRows) -> None:
    if not any(table.bad("id") for table, _ in tenants):
        _tenants(referring, sorted({tenant.id for _, tenant in tenants}))
    if not any(table.bad() for table, _ in machines):
        _patterns(referring, [machine.name for _, group in machines for machine in group])


def _tenants(referring: Sequence[Table], known: Sequence[str]) -> None:
    remedy = f"use one of {', '.join(known)}" if known else "add it as [[tenant]]"
    for table in referring:
        if not table.bad("tenant") and table.text("tenant") not in known:
            table.complain("tenant", f"there is no tenant {table.text('tenant')!r}", remedy)


def _patterns(referring: Sequence[Table], names: Sequence[str]) -> None:
    for table in referring:
        for pattern in () if table.bad("machines") else table.texts("machines"):
            if not any(fnmatchcase(name, pattern) for name in names):
                table.complain("machines", f"{pattern!r} matches no machine", "name machines of this plant")


def _makers(machines: MachineRows, orders: OrderRows) -> None:
    meters = {machine.name for _, group in machines for machine in group if TYPES[machine.kind].flow}
    for table, order in orders:
        named = [name for name in order.machines if name in meters]
        if named and not table.bad("machines"):
            problem = f"{named[0]} is a meter and works no orders"
            table.complain("machines", problem, "name machines that make something")


def _ports(rows: MachineRows) -> None:
    taken: dict[int, int] = {}
    for table, group in rows:
        clashes = [m for m in group if m.port and taken.setdefault(m.port, m.group) != m.group]
        if clashes:
            table.complain("port", f"{clashes[0].port} is taken already", "choose a free port, or port = 0")


def _overlaps(rows: LeaseRows) -> None:
    held: dict[str, list[Lease]] = {}
    for table, group in rows:
        if table.bad("from", "until"):
            continue
        if group and group[0].from_ms >= group[0].until_ms:
            table.complain("until", "ends before it begins", "write until later than from")
            continue
        clashes = [(lease, other) for lease in group for other in held.get(lease.machine, ())]
        clash = next(((lease, other) for lease, other in clashes if _overlap(lease, other)), None)
        if clash:
            told = f"{clash[0].machine} is leased to {clash[1].tenant} then"
            table.complain("from", told, "let leases follow each other")
        for lease in group:
            held.setdefault(lease.machine, []).append(lease)


def _overlap(one: Lease, other: Lease) -> bool:
    return one.from_ms < other.until_ms and other.from_ms < one.until_ms


def _ends(rows: LeaseRows, duration_ms: int) -> None:
    for table, group in rows:
        if group and not table.bad("until") and group[0].until_ms > duration_ms:
            table.complain("until", "ends after the plant does", "end it at the duration or before")


def _unique(found: Iterable[tuple[Table, str]], key: str) -> None:
    seen: set[str] = set()
    for table, value in found:
        if value in seen and not table.bad(key):
            table.complain(key, f"{value!r} is there twice", "give each its own")
        seen.add(value)
