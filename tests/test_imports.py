"""The shape of the source: who may import whom, what is pure, what files are called and how long they are.

Read from the source with ``ast``, so that an import inside a function or a branch counts too.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.protections import table

ROOT = Path(__file__).parent.parent

ALLOWED = {
    "contract": set[str](),
    "daemon": set[str](),
    "store": {"contract"},
    "edge_agent": {"contract", "daemon"},
    "collector": {"contract", "daemon", "store"},
    "billing": {"contract", "store"},
    "simulators": set[str](),  # a decoder bug shared with the simulator would cancel out
    "demo": {"contract", "store", "edge_agent", "collector", "billing", "simulators"},
}
"""Which of our packages each may import, beside itself. ``demo`` wires everything and is imported by none."""

CORE, ADAPTER, WIRING, MAIN = range(4)
WORDS = ("core", "adapter", "wiring", "__main__")
"""Imports go from higher to lower or equal, never up; nothing imports a ``__main__``."""

ADAPTERS = {
    "daemon": {"http", "journal", "mqtt_client", "systemd"},
    "store": {
        "config",
        "credentials",
        "examples",
        "gauge_influx",
        "gauge_sqlite",
        "gauge_store",
        "influx",
        "influx_http",
        "influx_place",
        "sqlite",
        "sqlite_file",
    },
    "edge_agent": {
        "breath",
        "connecting",
        "alarm",
        "arguments",
        "clock",
        "cancel",
        "commit",
        "conditions",
        "config_shape",
        "endpoint_link",
        "descriptors",
        "endpoint_list",
        "gateway_key",
        "inventory",
        "lasting",
        "lock",
        "machine_checks",
        "machine_endpoints",
        "machine_load",
        "machine_list",
        "modbus",
        "modbus_client",
        "mqtt",
        "outbox",
        "outbox_file",
        "counter_checks",
        "profile_build",
        "profile_checks",
        "profile_file",
        "profile_places",
        "profile_parts",
        "profile_shape",
        "queued",
        "readable",
        "register_checks",
        "relief",
        "schema",
        "setaside",
        "sheets",
        "shipped",
        "signatures",
        "stop_codes",
        "terminal",
        "tcp",
        "toml_tables",
    },
    "collector": {
        "amqtt",
        "announce",
        "arguments",
        "clock",
        "condition",
        "ledger",
        "mqtt",
        "terminal",
    },
    "billing": {
        "account_arguments",
        "arguments",
        "aside",
        "crew",
        "beside",
        "clock",
        "damage",
        "documents",
        "evidence",
        "frozen",
        "inspection_arguments",
        "job_arguments",
        "life_arguments",
        "out",
        "past",
        "put_aside",
        "reading",
        "render_table",
        "render_totals_table",
        "shelf",
        "shipped",
        "terminal",
        "writing",
        "xlsx",
    },
    "simulators": {"clock", "crowd_server", "modbus", "plant", "replay_server", "schema"},
}
"""Each touches one peer: a library, a file, the clock, the log."""

WIRING_MODULES = {
    "store": {"gauge_opening", "opening"},
    "edge_agent": {
        "agent",
        "batches",
        "board",
        "check",
        "command_key",
        "command_outbox",
        "command_probe",
        "command_profile",
        "command_run",
        "command_scan",
        "command_site",
        "command_witness",
        "config",
        "direct",
        "gaze",
        "handover",
        "hearing",
        "links",
        "poll",
        "probe",
        "reloading",
        "roster",
        "watch",
        "watchdog",
        "scan",
        "window",
        "muster",
    },
    "collector": {
        "announcing",
        "collector",
        "config",
        "daemon",
        "gauge_feed",
        "hearing",
        "importing",
        "ingest",
        "isolate",
        "keeping",
        "measured",
        "replaying",
        "schema",
        "session",
        "signatures",
        "watch",
        "watching",
    },
    "billing": {
        "again",
        "assign",
        "audit",
        "chains",
        "closing",
        "command_close",
        "command_estimate",
        "command_explain",
        "command_inspect",
        "command_life",
        "command_totals",
        "commands",
        "conclude",
        "config",
        "config_shape",
        "filling",
        "freeze",
        "history",
        "pack_settings",
        "run",
        "share",
        "side_by_side",
        "schema",
        "verify",
    },
    "simulators": {"run"},
}
"""They put adapters and core together. A module in neither table is core; ``demo`` is wiring throughout."""

WORLD = {
    "aiohttp",
    "aiomqtt",
    "amqtt",
    "asyncio",
    "concurrent",
    "glob",
    "http",
    "influxdb_client",
    "logging",
    "multiprocessing",
    "os",
    "paho",
    "pathlib",
    "pymodbus",
    "random",
    "requests",
    "rich",
    "secrets",
    "select",
    "selectors",
    "serial",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
}
"""What core may not import: I/O, clocks, chance, threads and logging."""

WORLD_CALLS = {"open", "print", "input", "datetime.now", "datetime.today", "datetime.utcnow", "date.today"}
"""What core may not call, since it needs no telling import."""

EXEMPT = {("simulators", "random")}
"""Machines misbehave at random on purpose, from a seed that is handed in."""

BANNED_NAMES = {"utils", "common", "base", "helpers", "helper", "manager", "handler", "service"}
LONGEST = 300


def packages() -> list[str]:
    return [package for package in ALLOWED if (ROOT / package).is_dir()]


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for package in packages() for path in files(package)}


def role(module: str) -> int:
    package, _, rest = module.partition(".")
    if rest == "__main__":
        return MAIN
    if package == "demo" or rest in WIRING_MODULES.get(package, ()):
        return WIRING
    return ADAPTER if rest in ADAPTERS.get(package, ()) else CORE


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


def imports(module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported; ``from edge_agent import plan`` is ``edge_agent.plan``."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import hides where it goes"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in MODULES else str(node.module)


def is_world(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[: n + 1]) in WORLD for n in range(len(parts)))


def told(found: list[str], why: str) -> str:
    return "\n".join([*found, why])


@pytest.mark.parametrize("package", packages())
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    found = [
        f"{MODULES[module]}:{line}: imports {name}"
        for module in MODULES
        if module.split(".")[0] == package
        for line, name in imports(module)
        if (top := name.split(".")[0]) in ALLOWED and top != package and top not in ALLOWED[package]
    ]
    assert not found, told(found, f"{package} may import of ours: {sorted(ALLOWED[package]) or 'nothing'}")


def test_contract_needs_nothing_but_the_standard_library_and_msgspec() -> None:
    known = sys.stdlib_module_names | {"contract", "msgspec"}
    found = [
        f"{MODULES[module]}:{line}: imports {name}"
        for module in MODULES
        if module.split(".")[0] == "contract"
        for line, name in imports(module)
        if name.split(".")[0] not in known
    ]
    assert not found, told(found, "every process imports contract: it stays light")


@pytest.mark.parametrize("module", [module for module in MODULES if role(module) == CORE])
def test_core_does_not_touch_the_world(module: str) -> None:
    package = module.partition(".")[0]
    found = [
        f"{MODULES[module]}:{line}: imports {name}"
        for line, name in imports(module)
        if is_world(name) and (package, name.split(".")[0]) not in EXEMPT
    ]
    found += [
        f"{MODULES[module]}:{node.lineno}: calls {ast.unparse(node.func)}()"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WORLD_CALLS
    ]
    why = (
        f"{module} is core: it decides, and touches nothing. Take the value as an argument (`now`, the text"
        " of the file), or move the touching part to an adapter or to wiring, and list that module in the"
        " tables of tests/test_imports.py"
    )
    assert not found, told(found, why)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_from_main_to_wiring_to_adapters_to_core(module: str) -> None:
    found = [
        f"{MODULES[module]}:{line}: imports {name}, which is {WORDS[role(name)]}"
        for line, name in imports(module)
        if name in MODULES and (role(name) > role(module) or role(name) == MAIN)
    ]
    why = (
        f"{module} is {WORDS[role(module)]}; a module of ours imports its own kind or a lower one:"
        " __main__, wiring, adapter, core"
    )
    assert not found, told(found, why)


def test_every_module_of_the_tables_exists() -> None:
    listed = [
        (package, name)
        for table in (ADAPTERS, WIRING_MODULES)
        for package, names in table.items()
        for name in names
    ]
    gone = [f"{package}.{name}" for package, name in listed if f"{package}.{name}" not in MODULES]
    assert not gone, told(gone, "take it out of the tables of tests/test_imports.py")
    assert len(listed) == len(set(listed)), "a module is either adapter or wiring"


def test_no_module_is_named_after_nothing() -> None:
    found = [str(path) for path in MODULES.values() for word in path.stem.split("_") if word in BANNED_NAMES]
    assert not found, told(found, "name the file after what it does or after its peer")


def test_every_file_fits_in_one_head() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in MODULES.values()}
    sizes = [length for length in lengths.values() if length]
    print(f"{len(sizes)} files, median {statistics.median(sizes)} lines, longest {max(sizes)}")  # noqa: T201  for the reader of `pytest -s`
    found = [f"{path}: {length} lines" for path, length in lengths.items() if length > LONGEST]
    assert not found, told(found, f"split it: no file has more than {LONGEST} lines")


def test_the_table_of_protections_fits_the_source() -> None:
    """Who moves or rewords one of these lines is told here, and not only by the long test of the table."""
    misfits = []
    for one in table.read(table.FILE.read_text("utf-8")):
        try:
            table.removed(one, (ROOT / one.file).read_text("utf-8"))
        except table.MendError as told:
            misfits.append(str(told))
        assert not one.file.startswith("tests/"), one.name
    assert not misfits, "\n".join(misfits)
