"""Reads a plant file, or says everything that is wrong with it at once."""

import re
import tomllib
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from simulators import tables
from simulators.agree import agree
from simulators.complaints import Complaints, Table
from simulators.records import Behaviour, Lease, Machine, Order, Plant, Tenant

__all__ = [
    "Behaviour",
    "Lease",
    "Machine",
    "Order",
    "Plant",
    "PlantError",
    "Tenant",
    "load_plant",
    "parse_plant",
]

KEYS: Final = (
    *("name", "site", "area", "timezone", "seed", "duration", "quiet_s", "poll_s"),
    *("tenant", "order", "lease", "machines"),
)
MAX_DURATION_MS: Final = 7 * 24 * 3_600_000


class PlantError(Exception):
    """A plant file that cannot be used; `complaints` are lines `file:line: key: problem; remedy`."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


def load_plant(path: str | Path) -> Plant:
    """Raises PlantError with every complaint about the file."""
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise PlantError([f"{path}:1: (file): {error.strerror}; name a readable plant file"]) from None
    except UnicodeDecodeError:
        raise PlantError([f"{path}:1: (file): is not UTF-8; save it as UTF-8 text"]) from None
    return parse_plant(text, str(path))


def parse_plant(text: str, file: str = "plant.toml") -> Plant:
    """As load_plant, from text; `file` is only the name to complain under."""
    complaints = Complaints(file, text)
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        raise PlantError([_syntax(file, text, str(error))]) from None
    plant = _plant(Table((), raw, complaints))
    if found := complaints.sorted():
        raise PlantError(found)
    return plant


def _syntax(file: str, text: str, message: str) -> str:
    at = re.search(r"line (\d+)", message)
    line = int(at[1]) if at else max(1, len(text.splitlines()))
    return f"{file}:{line}: (file): {message}; correct the TOML there"


def _plant(root: Table) -> Plant:
    root.only(KEYS)
    duration_ms, site = _duration(root), root.name("site")
    tenants = [(table, tables.tenant(table)) for table in root.tables("tenant")]
    machine_rows = _machines(root, site)
    machines = tuple(machine for _, group in machine_rows for machine in group)
    orders = [(table, tables.order(table, machines)) for table in root.tables("order")]
    leases = [(table, tables.leases(table, machines)) for table in root.tables("lease")]
    agree(root, tenants, machine_rows, orders, leases)
    quiet_ms, poll_ms = _margins(root)
    return Plant(
        name=root.text("name"),
        site=site,
        area=root.name("area"),
        timezone=_timezone(root),
        seed=root.integer("seed", 0, 2**63 - 1),
        duration_ms=duration_ms,
        quiet_ms=quiet_ms,
        poll_ms=poll_ms,
        tenants=tuple(tenant for _, tenant in tenants),
        orders=tuple(order for _, order in orders),
        leases=tuple(
            sorted((lease for _, of in leases for lease in of), key=lambda x: (x.machine, x.from_ms))
        ),
        machines=machines,
    )


def _machines(root: Table, site: str) -> list[tuple[Table, tuple[Machine, ...]]]:
    rows: list[tuple[Table, tuple[Machine, ...]]] = []
    group = 0
    for table in root.tables("machines"):
        made = tables.machines(table, site, group)
        rows.append((table, made))
        group = made[-1].group + 1
    if not rows:
        root.complain("machines", "there are none", "add at least one [[machines]]")
    return rows


def _duration(root: Table) -> int:
    duration_ms = root.offset_ms("duration")
    if not root.bad("duration") and not 60_000 <= duration_ms <= MAX_DURATION_MS:
        root.complain("duration", "is out of range", "write a span from 1m to 168h")
    return duration_ms


def _margins(root: Table) -> tuple[int, int]:
    quiet_s, poll_s = root.number("quiet_s", 1, 600, 30), root.number("poll_s", 0.1, 300, 10)
    if quiet_s < 2 * poll_s:
        root.complain(
            "quiet_s", "is shorter than two polls", f"make it {2 * poll_s:g} or more, or poll_s smaller"
        )
    return round(quiet_s * 1000), round(poll_s * 1000)


def _timezone(root: Table) -> str:
    name = root.text("timezone")
    if name and name not in zoneinfo.available_timezones():
        root.complain("timezone", f"{name!r} is unknown", 'use an IANA name such as "Asia/Shanghai"')
    return name
