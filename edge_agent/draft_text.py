"""A drafted profile as TOML that a person finishes. Pure.

What the dumps told is written down; what they cannot tell is marked with TODO. The draft is a good profile
all the same, and meters nothing wrong: its only state is unknown until somebody says which bits mean what.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from edge_agent.block import Table
from edge_agent.draft import Draft, Found, LeftOut
from edge_agent.dump import TableDump
from edge_agent.horizon import OUTAGE_H, wraps_too_soon
from edge_agent.register import RegisterType

TODO: Final = "TODO"
_COLUMN: Final = 34
_FASTER: Final = 4
"""A machine may count so many times as fast as it did while it was watched."""
_RANGES: Final = 12
"""Of more holes than that it is simpler not to read over any."""
_SECONDS: Final = 3600
"""An hour has."""
_SPANS: Final = 8
_NAME: Final = "NAME"
"""Of no register: there is none."""
_WIDE: Final = 2
_FLAGS: Final = {RegisterType.U16, RegisterType.BIT}
_SECONDS_MOST: Final = 4000
"""Of them in an hour: a clock of a machine may be a little fast."""
_UNSIGNED: Final = {RegisterType.U16: 16, RegisterType.U32: 32, RegisterType.U64: 64}


def draft_text(name: str, source: str, made: Draft) -> str:
    """``source`` says where it comes from."""
    lines = [*_head(name, source, made), *_holes(made)]
    for found in made.registers:
        lines += _register(found, made)
    lines += [*_left_out(made), *_states(made), *_counters(made), *_meaning(made)]
    return "\n".join(lines) + "\n"


def todos(text: str) -> list[tuple[int, str]]:
    """The places of a file that want a person: line (from 1) and what stands there."""
    return [
        (number, line[line.index(TODO) :].strip())
        for number, line in enumerate(text.splitlines(), 1)
        if TODO in line
    ]


def _said(setting: str, comment: str) -> str:
    return f"{setting:{_COLUMN - 1}} # {comment}" if comment else setting


def _head(name: str, source: str, made: Draft) -> Iterator[str]:
    yield f"# Drafted from {source}."
    yield "# Name the registers that you use and delete the others: what nothing refers to is not read."
    yield "# docs/bringup.md goes on from here; `gongfang-agent profile check` lists what is left to do."
    yield ""
    yield f'name = "{name}"'
    yield _said('version = "0"', f'{TODO}: "1" once it is right; change it with every change from then on')
    yield _said('kind = "machine"', f"{TODO}: what reports and tariffs call such machines: knit, weld, loom")
    yield _said(f'word_order = "{made.order}"', _why_so(made))
    if made.main is not None:
        yield _said(f'table = "{made.main.table}"', "what has no table of its own stands there")
    yield from _limits(made)


def _why_so(made: Draft) -> str:
    most, votes = made.votes
    if made.is_known:
        return "as was said"
    if not votes:
        return f"{TODO}: no number told; compare with the panel"
    if made.rival is None:
        return f"{most} of {votes} numbers of 32 bits make sense so"
    return f"{TODO}: {most} of {votes} numbers make sense so, others as {made.rival}; compare with the panel"


def _limits(made: Draft) -> Iterator[str]:
    for key, most, bits in (("max_registers", 125, False), ("max_coils", 2000, True)):
        found = [t.limit for t in made.tables if t.table.bits is bits and t.limit is not None]
        if found and min(found) < most:
            yield _said(f"{key} = {min(found)}", f"it refused {min(found) + 1} at once")
    if len(_refused(made)) > _RANGES:
        yield _said("max_gap = 0", f"it refuses {len(_refused(made))} holes between what can be read")


class Hole(NamedTuple):
    table: Table
    first: int
    last: int


def _refused(made: Draft) -> list[Hole]:
    """Each hole between what can be read."""
    return [
        Hole(table.table, before.end, after.address - 1)
        for table in made.tables
        for before, after in zip(table.ranges, table.ranges[1:], strict=False)
        if _was_refused(table, before.end, after.address)
    ]


def _was_refused(table: TableDump, start: int, end: int) -> bool:
    return any(refusal.address < end and start < refusal.end for refusal in table.refused)


def _holes(made: Draft) -> Iterator[str]:
    holes = _refused(made)
    for table, first, last in holes if len(holes) <= _RANGES else ():
        yield from _range(made, Hole(table, first, last), "forbidden", "it refuses requests over these")
    for dumped in made.tables:
        for border in dumped.borders:
            end = next(range_.end for range_ in dumped.ranges if range_.address <= border < range_.end)
            yield from _range(made, Hole(dumped.table, border, end - 1), "apart", "not with those before")


def _range(made: Draft, at: Hole, read: str, why: str) -> Iterator[str]:
    yield from ("", "[[range]]", f"first = {at.first}", f"last = {at.last}", _said(f'read = "{read}"', why))
    if made.main and at.table is not made.main.table:
        yield f'table = "{at.table}"'


def _register(found: Found, made: Draft) -> Iterator[str]:
    rose = f"; rose by {_plain(found.per_hour)} an hour" if found.per_hour else ""
    rose += ": seconds?" if _may_be_seconds(found) else ""
    yield from ("", "[[register]]", f'name = "{found.name}"', f"address = {found.address}")
    yield _said(f'type = "{found.type}"', f"held {found.held}{rose}")
    if found.type is RegisterType.ASCII:
        yield f"length = {found.count}"
    if found.count > 1 and found.order is not made.order and found.type is not RegisterType.ASCII:
        yield f'word_order = "{found.order}"'
    if made.main and found.table is not made.main.table:
        yield f'table = "{found.table}"'


def _left_out(made: Draft) -> Iterator[str]:
    """What could be read and is not in the draft: zeros tell nothing, and may be a state of tomorrow."""
    for fell, why in ((False, "held 0 in every dump"), (True, "held 0 in the last dump alone")):
        spans = [left for left in made.left_out if left.fell is fell]
        if spans:
            yield from ("", f"# Left out, since they {why}; a state or a counter may be among them:")
            yield from (f"#   {table} {told}" for table, told in _spans(spans))


def _spans(spans: Iterable[LeftOut]) -> Iterator[tuple[Table, str]]:
    """A few to a line."""
    for table, of in groupby(spans, key=lambda span: span.table):
        told = [str(s.first) if s.first == s.last else f"{s.first} to {s.last}" for s in of]
        for start in range(0, len(told), _SPANS):
            yield table, ", ".join(told[start : start + _SPANS])


def _states(made: Draft) -> Iterator[str]:
    flags = _like(made, _may_be_flags)
    yield from ("", "# [bits]")
    yield _said(f'# running = "{flags}.0"', f"{TODO}: which bit says what; the lowest is 0")
    yield from ("", "[[state]]")
    yield _said(
        'state = "unknown"', f"{TODO}: rules before this one, so that it runs, stops, is idle or has a fault"
    )


def _meaning(made: Draft) -> Iterator[str]:
    still = [found for found in made.registers if not found.per_hour and found.type in _UNSIGNED]
    number = next((found for found in still if found.count == _WIDE), still[0] if still else None)
    flags = _like(made, _may_be_flags)
    same = next((found for found in still if found is not number and found.name != flags), number)
    yield from ("", "# [roles]")
    yield _said(
        f'# serial = "{number.name if number else _NAME}"',
        f"{TODO}: serial number, order, stop_code, boot_count, heartbeat",
    )
    yield from ("", "# [expect]")
    yield _said(
        f"# {same.name} = [{same.held}]" if same else f"# {_NAME} = [1]",
        f"{TODO}: what never changes, and tells that it is such a machine",
    )


def _may_be_flags(found: Found) -> bool:
    return found.type in _FLAGS and not found.per_hour


def _like(made: Draft, wanted: Callable[[Found], bool]) -> str:
    """A register of the draft for an example, one that is ``wanted`` if there is any."""
    found = sorted(made.registers, key=lambda found: not wanted(found))
    return found[0].name if found else _NAME


def _counters(made: Draft) -> Iterator[str]:
    counting = [found for found in made.registers if found.per_hour]
    together = _together(made, counting)
    for found in counting:
        if found in together:
            yield from _counter(found)
        else:
            yield from ("", f"# {TODO}: {found.name} rose too, and no request reads it with the others;")
            yield '# meter it with state_read = "around_counts", or not at all'
    if not counting:
        yield ""
        yield f"# {TODO}: which registers count? `gongfang-agent probe URL --watch 60`, or a second dump"
        yield "# [[counter]]"
        yield f'# register = "{_like(made, lambda found: found.count == _WIDE)}"'
        yield '# keeps = "retained"              # or "volatile": begins again at 0 after a power cut'
        yield "# max_per_hour = 3600             # the most that it can count in an hour"
    yield ""
    yield "# [[quantity]]"
    first = counting[0].name if counting else _like(made, lambda found: found.count == _WIDE)
    yield _said('# name = "produced"', f"{TODO}: which counter counts pieces, scrap, energy_wh")
    yield f'# counter = "{first}"'


def _together(made: Draft, counting: list[Found]) -> list[Found]:
    """The most of them that one request may read."""
    groups: dict[tuple[Table, int], list[Found]] = {}
    for dumped in made.tables:
        most = dumped.limit or 125
        for found in (each for each in counting if each.table is dumped.table):
            start = next(r.address for r in dumped.ranges if r.address <= found.address < r.end)
            first = groups.get((found.table, start), [found])[0]
            if found.address + found.count - first.address <= most:
                groups.setdefault((found.table, start), []).append(found)
    return max(groups.values(), key=len, default=[])


def _counter(found: Found) -> Iterator[str]:
    most = _SECONDS_MOST if _may_be_seconds(found) else _rounded(found.per_hour * _FASTER)
    bits = _UNSIGNED.get(found.type)
    if bits is None:
        yield from ("", f"# {TODO}: {found.name} rose too, as {found.type}: say what one count is worth")
        yield f'# [[counter]]   register = "{found.name}"   resolution = 0.01   max_per_hour = ...'
        return
    if wraps_too_soon(1 << bits, most, OUTAGE_H):
        yield from (
            "",
            f"# {TODO}: {found.name} rose too, but of {bits} bits it wraps unnoticed at such a rate;",
        )
        yield "# is it the low word of a wider number?"
        return
    yield from ("", "[[counter]]", f'register = "{found.name}"')
    yield _said('keeps = "retained"', f'{TODO}: or "volatile", if it begins again at 0 after a power cut')
    why = "no faster than time" if _may_be_seconds(found) else "raise it to the most that it can"
    yield _said(f"max_per_hour = {most}", f"it counted {_plain(found.per_hour)}; {why}")


def _may_be_seconds(found: Found) -> bool:
    return abs(found.per_hour - _SECONDS) < _SECONDS / 20


def _plain(number: float) -> str:
    """To four digits, as people write numbers."""
    return f"{number:.4g}" if number < 1000 else f"{round(number, 4 - len(str(int(number)))):.0f}"


def _rounded(number: float) -> int:
    """Up, to two digits."""
    whole = max(10, int(number) + 1)
    step = int(10 ** (len(str(whole)) - 2))
    return -(-whole // step) * step
