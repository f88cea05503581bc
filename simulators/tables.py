"""The tables of a plant file, one function per table: TOML in, records out, complaints on the side."""

import re
import zlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, cast

import msgspec

from simulators.codes import Kind
from simulators.complaints import NAME, NAME_REMEDY, RESERVED, Table
from simulators.kinds import TYPES
from simulators.loom import MESHES
from simulators.records import Behaviour, Lease, Machine, Order, Tenant

MAX_UNITS: Final = 247
"""Unit ids that Modbus leaves to devices."""
MAX_U32: Final = 2**32 - 1

TENANT_KEYS: Final = ("id", "name_en", "name_zh")
ORDER_KEYS: Final = ("id", "tenant", "article", "pieces", "piece_s", "machines", "due", "mesh")
LEASE_KEYS: Final = ("machines", "tenant", "from", "until")
MACHINE_KEYS: Final = (
    *("kind", "count", "name", "first", "port", "units", "initial", "behaviour"),
    "profile",
)

_PLACE = re.compile(r"\{n(?::0(?P<width>[1-9]))?\}")
_SHARES = frozenset({"scrap_share", "rework_share", "test_share"})
_HIGHEST = {"setup_s": 7200.0, "jitter": 0.3}


def tenant(table: Table) -> Tenant:
    table.only(TENANT_KEYS)
    return Tenant(id=table.name("id"), name_en=table.text("name_en"), name_zh=table.text("name_zh"))


def order(table: Table, machines: Sequence[Machine]) -> Order:
    table.only(ORDER_KEYS)
    return Order(
        id=_order_id(table),
        tenant=table.text("tenant"),
        article=table.text("article"),
        pieces=table.integer("pieces", 1, 65535),  # the target register has 16 bits
        piece_ms=round(table.number("piece_s", 1, 86400) * 1000),
        machines=matching(table, machines),
        due_ms=table.offset_ms("due") if "due" in table else None,
        mesh=_mesh(table) if "mesh" in table else None,
    )


def leases(table: Table, machines: Sequence[Machine]) -> tuple[Lease, ...]:
    table.only(LEASE_KEYS)
    tenant_id, from_ms, until_ms = table.text("tenant"), table.offset_ms("from"), table.offset_ms("until")
    return tuple(
        Lease(machine=name, tenant=tenant_id, from_ms=from_ms, until_ms=until_ms)
        for name in matching(table, machines)
    )


def machines(table: Table, site: str, group: int) -> tuple[Machine, ...]:
    """All machines of one table; `group` is the first free port group. One group if they share a port."""
    table.only(MACHINE_KEYS)
    kind = cast("Kind", table.choice("kind", tuple(TYPES)))
    shared = table.choice("units", ("shared", "each"), "each") == "shared"
    count = table.integer("count", 1, MAX_UNITS if shared else 4096, 1)
    port = table.integer("port", 0, 65535, 0)
    if port and not shared and port + count - 1 > 65535:
        table.complain("port", f"{count} ports from {port} end beyond 65535", "start lower, or use port = 0")
    behaviour, initial = _behaviour(table.table("behaviour"), kind), _initial(table.table("initial"), kind)
    return tuple(
        Machine(
            name=name,
            kind=kind,
            unit=index + 1 if shared else 1,
            group=group if shared else group + index,
            port=port if shared or not port else port + index,
            serial=zlib.crc32(f"{site}/{name}".encode()) or 1,
            behaviour=behaviour,
            initial=initial,
            profile=table.name("profile") if "profile" in table else TYPES[kind].profile,
        )
        for index, name in enumerate(_names(table, count))
    )


def matching(table: Table, among: Sequence[Machine]) -> tuple[str, ...]:
    """The machines that the key `machines` names, in the plant's sequence; patterns have *, ? and [...]."""
    patterns = table.texts("machines")
    return tuple(m.name for m in among if any(fnmatchcase(m.name, pattern) for pattern in patterns))


def _order_id(table: Table) -> str:
    value = table.text("id")
    digits = value.isascii() and value.isdecimal()
    if value and not (
        digits and len(value) <= 10 and value == str(int(value)) and 1 <= int(value) <= MAX_U32
    ):
        table.complain("id", f"{value!r} does not fit the order register", f"use digits, 1 to {MAX_U32}")
        return "1"
    return value or "1"


def _mesh(table: Table) -> int:
    mesh = table.integer("mesh", MESHES[0], MESHES[-1])
    if mesh not in MESHES and not table.bad("mesh"):
        remedy = f"use one of {', '.join(map(str, MESHES))}"
        table.complain("mesh", f"no loom here weaves {mesh} picks an inch", remedy)
    return mesh


def _names(table: Table, count: int) -> tuple[str, ...]:
    pattern, first = table.text("name"), table.integer("first", 0, 100_000, 1)
    if count > 1 and not _PLACE.search(pattern):
        table.complain("name", f"{count} machines of one name", 'put the number in: name = "knit-{n:02}"')
    names = tuple(
        _PLACE.sub(lambda place, n=first + index: f"{n:0{place['width'] or 1}}", pattern)  # type: ignore[misc]
        for index in range(count)
    )
    if pattern and not NAME.fullmatch(names[0]):
        table.complain("name", f"{names[0]!r} is not a legal name", NAME_REMEDY)
    if names[0] in RESERVED:
        table.complain("name", f"{names[0]!r} is a reserved word", "choose another name")
    return names


def _initial(table: Table, kind: Kind) -> dict[str, int]:
    widths = TYPES[kind].counters
    table.only(widths)
    return {key: table.integer(key, 0, 2 ** widths[key] - 1) for key in table.items() if key in widths}


def _behaviour(table: Table, kind: Kind) -> Behaviour:
    default = msgspec.structs.asdict(TYPES[kind].behaviour)
    table.only(default)
    return Behaviour(**{key: table.number(key, 0, highest(key), value) for key, value in default.items()})


def highest(key: str) -> float:
    return 1.0 if key in _SHARES else _HIGHEST.get(key, 60.0)
