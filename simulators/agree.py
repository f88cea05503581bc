"""What single tables cannot see: whether the tables of a plant file agree with each other."""

from collections.abc import Iterable, Sequence

from simulators.complaints import Table
from simulators.records import Lease, Machine, Order, Tenant

Rows = Sequence[tuple[Table, tuple[Machine, ...]]]


def tenants(rows: Sequence[tuple[Table, Tenant]]) -> None:
    _unique(((table, tenant.id) for table, tenant in rows), "id")


def machines(rows: Rows) -> None:
    _unique(((table, machine.name) for table, group in rows for machine in group), "name")
    _ports(rows)


def _ports(rows: Rows) -> None:
    taken: dict[int, int] = {}
    for table, group in rows:
        for machine in group:
            if machine.port and taken.setdefault(machine.port, machine.group) != machine.group:
                table.complain("port", f"{machine.port} is taken already", "choose a free port, or port = 0")


def orders(rows: Sequence[tuple[Table, Order]], known: Iterable[str]) -> None:
    _unique(((table, order.id) for table, order in rows), "id")
    _tenants(((table, order.tenant) for table, order in rows), known)


def leases(rows: Sequence[tuple[Table, tuple[Lease, ...]]], known: Iterable[str], duration_ms: int) -> None:
    _tenants(((table, of[0].tenant) for table, of in rows if of), known)
    held: dict[str, list[Lease]] = {}
    for table, group in rows:
        _range(table, group, duration_ms)
        for lease in group:
            for other in held.setdefault(lease.machine, []):
                if lease.from_ms < other.until_ms and other.from_ms < lease.until_ms:
                    _overlap(table, lease, other)
            held[lease.machine].append(lease)


def _overlap(table: Table, lease: Lease, other: Lease) -> None:
    table.complain(
        "from", f"{lease.machine} is leased to {other.tenant} then", "let leases follow each other"
    )


def _range(table: Table, group: tuple[Lease, ...], duration_ms: int) -> None:
    if group and not group[0].from_ms < group[0].until_ms:
        table.complain("until", "ends before it begins", "write until later than from")
    if group and group[0].until_ms > duration_ms:
        table.complain("until", "ends after the plant does", "end it at the duration or before")


def _unique(found: Iterable[tuple[Table, str]], key: str) -> None:
    seen: set[str] = set()
    for table, value in found:
        if value and value in seen:
            table.complain(key, f"{value!r} is there twice", "give each its own")
        seen.add(value)


def _tenants(found: Iterable[tuple[Table, str]], known: Iterable[str]) -> None:
    names = sorted(known)
    for table, tenant in found:
        if tenant and tenant not in names:
            remedy = f"use one of {', '.join(names)}" if names else "add it as [[tenant]]"
            table.complain("tenant", f"there is no tenant {tenant!r}", remedy)
