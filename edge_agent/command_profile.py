"""``gongfang-agent profile``: make, look at and try out what a machine type's registers mean."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contract.complaint import BadConfigurationError
from edge_agent.block import Block, answers_from
from edge_agent.draft import Taken, draft
from edge_agent.draft_text import draft_text, todos
from edge_agent.dump import BadDumpError, Dump, UnitDump, read_dump
from edge_agent.interpret import Reader, surprises
from edge_agent.meaning import meaning
from edge_agent.plan import read_plan
from edge_agent.plan_view import plan_view
from edge_agent.profile import Profile, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.profile_places import find, named, places
from edge_agent.profile_view import brief, whole
from edge_agent.sample import Fault
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn


class NotThereError(Exception):
    """A file or a unit that was named and is not there. The text says what there is."""


def profile(given: argparse.Namespace) -> int:
    try:
        return _ACTIONS[given.action](given)
    except (NotThereError, BadDumpError, OSError) as error:
        warn(f"profile {given.action}: {error}")
        return BAD_USAGE


def _new(given: argparse.Namespace) -> int:
    dumps = [_dump(path) for path in given.words]
    taken = [Taken(dump.taken, _unit(dump, given.unit)) for dump in dumps]
    out: Path = given.out or given.dir / "profiles" / f"{given.name}.toml"
    if out.exists() and not given.force:
        raise NotThereError(f"{out} is there already; --force writes over it, --out names another")
    text = draft_text(given.name, _source(given.words, dumps, taken[-1].unit), draft(taken, given.order))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    say(f"{out}: drafted; {len(todos(text))} places want a person (`gongfang-agent profile check {out}`)")
    return FINE


def _source(paths: list[Path], dumps: list[Dump], unit: UnitDump) -> str:
    last = max(dumps, key=lambda dump: dump.taken)
    at = datetime.fromtimestamp(last.taken / 1000, UTC).isoformat(timespec="minutes")
    return f"{', '.join(path.name for path in paths)}: {last.endpoint}, unit {unit.unit}, {at}"


def _test(given: argparse.Namespace) -> int:
    tried = load_profile(_file(given.file, given.dir), _stop_table(given))
    good = True
    for path in given.words:
        dump = _dump(path)
        at = datetime.fromtimestamp(dump.taken / 1000, UTC).isoformat(timespec="seconds")
        unit = _unit(dump, given.unit)
        say(f"{path}  ({dump.endpoint} unit {unit.unit}, {at}, {tried.label})")
        wrong, lines = _decoded(tried, unit)
        for text in wrong:
            say(f"  WRONG    {text}")
        for line in lines:
            say(line)
        good = good and not wrong
    for line in plan_view(tried, read_plan(tried)):
        say(f"  {line}")
    return FINE if good else FAILED


def _decoded(tried: Profile, unit: UnitDump) -> tuple[list[str], list[str]]:
    """What is wrong with it, and what it says."""
    reader, words = Reader(tried), unit.words()
    fast, slow = (answers_from(blocks, words) for blocks in (reader.plan.fast, reader.plan.slow))
    sample, values = reader.sample(fast, 0), reader.values([*fast, *slow])
    wrong = [sample.detail] if isinstance(sample, Fault) else []
    if not any(rule.registers for rule in tried.rules):
        wrong = ["no rule of it tells a state yet"]
    wrong += [
        f"it gives at most {limit} at once, not {block.count} from {block.address}"
        for block, limit in _too_long((*reader.plan.fast, *reader.plan.slow), unit)
    ]
    return [*wrong, *surprises(tried, values)], list(meaning(tried, sample, values))


def _too_long(blocks: tuple[Block, ...], unit: UnitDump) -> Iterator[tuple[Block, int]]:
    limits = {table.table: table.limit for table in unit.tables if table.limit is not None}
    return (
        (block, limits[block.table]) for block in blocks if block.count > limits.get(block.table, 1 << 16)
    )


def _check(given: argparse.Namespace) -> int:
    path = _file(given.file, given.dir)
    checked = load_profile(path, _stop_table(given))
    left = todos(path.read_text("utf-8"))
    for line in brief(checked):
        say(line)
    for number, text in left:
        say(f"{path}:{number}: {text}")
    say(f"{len(left)} places want a person" if left else "nothing is left to do")
    return FAILED if left else FINE


def _list(given: argparse.Namespace) -> int:
    table, good = _stop_table(given), True
    for name, path in sorted(named(given.dir).items()):
        try:
            known = load_profile(path, table)
        except BadConfigurationError as error:
            good = False
            say(
                f"{name:20} WRONG: {len(error.complaints)} complaints (`gongfang-agent profile check {path}`)"
            )
            continue
        meters = ", ".join(quantity.name for quantity in known.quantities) or "time only"
        say(f"{name:20} {known.label}, kind {known.kind}, meters {meters}  ({path})")
    return FINE if good else FAILED


def _show(given: argparse.Namespace) -> int:
    for line in whole(load_profile(_file(given.file, given.dir), _stop_table(given))):
        say(line)
    return FINE


def _file(profile: str, directory: Path) -> Path:
    """A name among those of ``directory`` and the shipped ones, or a path. Raises NotThereError."""
    if profile.endswith(".toml"):
        return Path(profile)
    found = find(profile, directory)
    if found is None:
        searched = " and ".join(map(str, places(profile, directory)))
        raise NotThereError(f"there is no profile {profile!r}; searched {searched}")
    return found


def _stop_table(given: argparse.Namespace) -> StopTable:
    return load_stop_table(given.stop_codes or shipped() / "stop-codes.toml")


def _dump(path: Path) -> Dump:
    """Raises BadDumpError with the file's name, and OSError."""
    try:
        return read_dump(path.read_bytes())
    except BadDumpError as error:
        raise BadDumpError(f"{path} {error}") from None


def _unit(dump: Dump, wanted: int | None) -> UnitDump:
    """Raises NotThereError."""
    units = {unit.unit: unit for unit in dump.units}
    if wanted is None and len(units) == 1:
        return next(iter(units.values()))
    if wanted not in units:
        there = ", ".join(map(str, units)) or "none"
        raise NotThereError(f"say which unit: --unit; the dump has {there}")
    return units[wanted]


_ACTIONS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "new": _new,
    "test": _test,
    "check": _check,
    "list": _list,
    "show": _show,
}
