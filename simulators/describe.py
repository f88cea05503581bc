"""What a person reads about a plant, its machines and its ledger: text in columns."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from simulators.codes import STATES, Party, State
from simulators.kinds import TYPES
from simulators.ledger import Ledger
from simulators.records import Address, Machine, Plant


def columns(rows: Iterable[Sequence[object]]) -> str:
    """Rows of cells, aligned; a Chinese character is two columns wide."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def plant(it: Plant) -> str:
    head = (
        f"{it.name}: site {it.site}, area {it.area}, {it.timezone}, {offset(it.duration_ms)}, seed {it.seed}"
    )
    return "\n\n".join((head, _machines(it), _tenants(it), _orders(it), _leases(it)))


def addresses(it: Plant, found: Mapping[str, Address]) -> str:
    rows = ((m, *found[m.name]) for m in it.machines)
    return columns((m.name, m.kind, f"{host}:{port}", f"unit {unit}") for m, host, port, unit in rows)


def agent_machines(it: Plant, found: Mapping[str, Address]) -> str:
    """The endpoints and machines for a site's configuration of an agent, as TOML."""
    ports = dict.fromkeys(found[machine.name][:2] for machine in it.machines)
    endpoints = (
        f'[[endpoint]]\nname = "port-{port}"\nhost = "{host}"\nport = {port}\n' for host, port in ports
    )
    return "\n".join((*endpoints, *(_agent_machine(m, found[m.name]) for m in it.machines)))


def totals(it: Ledger) -> str:
    """Minutes by state, and pieces, of each machine; then pieces by order and tenant."""
    by_state, pieces = it.ms_by_state(), {c: it.pieces(c) for c in ("produced", "scrap", "rework")}
    header = ("machine", *(f"{state} min" for state in STATES), *pieces)
    rows = [
        (
            name,
            *(f"{_minutes(by_state, name, state):.1f}" for state in STATES),
            *(moved.get((name,), 0) for moved in pieces.values()),
        )
        for name in it.machines
    ]
    work = {c: it.pieces(c, ("order", "tenant")) for c in ("produced", "scrap", "rework")}
    done = [(*key, *(moved.get(key, 0) for moved in work.values())) for key in sorted(work["produced"])]
    head = f"from {instant(it.since_ms)} until {instant(it.until_ms)}"
    return "\n\n".join((head, columns([header, *rows]), columns([("order", "tenant", *work), *done])))


def offset(ms: int) -> str:
    """5 400 000 as `1h30m`."""
    hours, minutes, seconds = ms // 3_600_000, ms // 60_000 % 60, ms // 1000 % 60
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n) or "0h"


def instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _machines(it: Plant) -> str:
    head = ("machine", "kind", "port", "unit", "serial")
    rows = ((m.name, m.kind, m.port or f"any ({m.group})", m.unit, m.serial) for m in it.machines)
    return columns([head, *rows])


def _tenants(it: Plant) -> str:
    return columns([("tenant", "name", "名称"), *((t.id, t.name_en, t.name_zh) for t in it.tenants)])


def _orders(it: Plant) -> str:
    head = ("order", "tenant", "pieces", "each", "machines", "article")
    rows = ((o.id, o.tenant, o.wanted, offset(o.piece_ms), _brief(o.machines), o.article) for o in it.orders)
    return columns([head, *rows])


def _leases(it: Plant) -> str:
    rows = ((x.machine, x.tenant, offset(x.from_ms), offset(x.until_ms)) for x in it.leases)
    return columns([("lease of", "tenant", "from", "until"), *rows])


def _brief(names: Sequence[str]) -> str:
    return f"{names[0]} ... {names[-1]} ({len(names)})" if len(names) > 3 else " ".join(names)


def _agent_machine(machine: Machine, at: Address) -> str:
    serial = f"serial = {machine.serial}\n" if TYPES[machine.kind].map_id else ""
    return (
        f'[[machine]]\nname = "{machine.name}"\nendpoint = "port-{at[1]}"\nunit = {at[2]}\n'
        f'profile = "{machine.profile}"\n{serial}'
    )


def _minutes(by_state: Mapping[tuple[str, State, Party], int], name: str, state: State) -> float:
    return sum(ms for (machine, of, _), ms in by_state.items() if (machine, of) == (name, state)) / 60_000


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
