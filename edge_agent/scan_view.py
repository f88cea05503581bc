"""What a scan has found, for a person. Pure."""

from collections.abc import Iterable, Iterator

from edge_agent.block import Table
from edge_agent.dump import Dump, TableDump, UnitDump

_WHAT = {
    Table.COIL: "coils",
    Table.DISCRETE: "discrete inputs",
    Table.HOLDING: "holding registers",
    Table.INPUT: "input registers",
}
_FEW = 12
"""So many ranges of a table a person still wants to read."""


def view(dump: Dump, remarks: Iterable[str], *, connected: bool = True) -> Iterator[str]:
    units = ", ".join(str(unit.unit) for unit in dump.units)
    nothing = "no unit answers" if connected else "no connection"
    yield f"{dump.endpoint}: {f'units that answer: {units}' if units else nothing}"
    for unit in dump.units:
        yield f"unit {unit.unit}"
        yield from _unit(unit)
    for remark in remarks:
        yield f"note: {remark}"


def _unit(unit: UnitDump) -> Iterator[str]:
    for table in unit.tables:
        if table.ranges:
            yield from _table(table)
    nothing = [_WHAT[table.table] for table in unit.tables if not table.ranges]
    if nothing:
        yield f"  nothing to read among its {' and '.join(nothing)}"


def _table(table: TableDump) -> Iterator[str]:
    count = sum(len(range_.words) for range_ in table.ranges)
    limit = f", at most {table.limit} a request" if table.limit is not None else ""
    yield f"  {_WHAT[table.table]}: {count}{limit}"
    for range_ in table.ranges[:_FEW]:
        busy = sum(word != 0 for word in range_.words)
        yield f"    {_span(range_.address, range_.end):16} {len(range_.words):5}, of them {busy} not zero"
    if len(table.ranges) > _FEW:
        yield f"    and {len(table.ranges) - _FEW} more ranges, up to {table.ranges[-1].end - 1}"
    if table.borders:
        yield f"    no request may reach over the border before {', '.join(map(str, table.borders))}"
    if table.refused:
        yield f"    refused: {', '.join(_span(r.address, r.end) for r in table.refused[:_FEW])}"


def _span(start: int, end: int) -> str:
    return f"{start} to {end - 1}" if end - start > 1 else str(start)
