"""Rows of a table of leases, read into stretches of time: machine, tenant, order, start, end. Pure."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from contract.complaint import Complaint
from contract.names import TIME_LIMIT, is_name, is_order_id
from contract.sheet import Sheet, SheetRow

COLUMNS: Final = MappingProxyType(
    {name: name for name in ("machine", "tenant", "order", "start", "end")}
    | {"机台": "machine", "承租方": "tenant", "订单": "order", "开始": "start", "结束": "end"}
)
"""What a column of leases may be called."""
_REQUIRED: Final = ("machine", "tenant", "start")
_WRITTEN: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?(.*)")
_NAMED: Final = "a-z and 0-9, then also . _ - (64 at most; not none, not disputed)"


class Wanted(Struct, frozen=True, kw_only=True):
    """A row: ``tenant`` holds ``machine`` in ``[start, end)``, UTC ms; without an end until the next word."""

    line: int
    machine: str
    tenant: str
    order_id: str | None
    start: int
    end: int | None


class Table(Struct, frozen=True, kw_only=True):
    rows: tuple[Wanted, ...]
    complaints: tuple[Complaint, ...]


def read_rows(sheet: Sheet, zone: ZoneInfo | None) -> Table:
    """``zone``: of instants that are written without their offset; None where that is a mistake."""
    found = list(sheet.complaints)
    lacking = [name for name in _REQUIRED if sheet.headings and name not in sheet.headings]
    for column in lacking:
        problem = f"is no column of this file, which has {', '.join(sheet.headings.values())}"
        found.append(
            Complaint(file=sheet.file, line=sheet.line, key=column, problem=problem, remedy="add it")
        )
    rows = []
    for row in () if lacking else sheet.rows:
        reading = _Reading(sheet, row, zone)
        wanted = reading.wanted()
        found += reading.complaints
        rows += [wanted] if wanted else []
    found += _overlaps(sheet, rows)
    return Table(rows=tuple(rows), complaints=tuple(found))


class _Reading:
    """One row, with everything that is wrong with it."""

    def __init__(self, sheet: Sheet, row: SheetRow, zone: ZoneInfo | None) -> None:
        self._sheet, self._row, self._zone = sheet, row, zone
        self.complaints: list[Complaint] = []

    def wanted(self) -> Wanted | None:
        machine = self._cell("machine", is_name, f"write a name: {_NAMED}")
        tenant = self._cell("tenant", is_name, f"write a name: {_NAMED}")
        order = None
        if "order" in self._row.cells:
            order = self._cell("order", is_order_id, "write the order's id: letters, digits, . _ -")
        start = self._instant("start")
        end = self._instant("end") if "end" in self._row.cells else None
        if start is not None and end is not None and end <= start:
            self._complain("end", "is not after the start", "exchange the two, or leave the end empty")
        if self.complaints or start is None:
            return None
        return Wanted(
            line=self._row.line, machine=machine, tenant=tenant, order_id=order, start=start, end=end
        )

    def _cell(self, column: str, holds: Callable[[str], bool], remedy: str) -> str:
        cell = self._row.cells.get(column, "")
        if not cell:
            self._complain(column, "is empty", remedy)
        elif not holds(cell):
            self._complain(column, f"is {cell!r}", remedy)
        return cell

    def _instant(self, column: str) -> int | None:
        cell = self._row.cells.get(column, "")
        if not cell:
            self._complain(column, "is empty", "write when, like 2026-11-23 08:00")
            return None
        moment = _moment(cell)
        if moment is None:
            self._complain(column, f"is {cell!r}", "write an instant, like 2026-11-23 08:00")
        elif moment.tzinfo is None and self._zone is None:
            remedy = f"write {cell}+08:00, or say once --timezone Asia/Shanghai"
            self._complain(column, f"is {cell!r}, which could be any time zone", remedy)
        else:
            placed = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            at = round(placed.timestamp() * 1000)
            if 0 <= at < TIME_LIMIT:
                return at
            self._complain(column, f"is {cell!r}", "give a time from 1970 to before 2262")
        return None

    def _complain(self, column: str, problem: str, remedy: str) -> None:
        heading = self._sheet.headings.get(column, column)
        found = Complaint(
            file=self._sheet.file, line=self._row.line, key=heading, problem=problem, remedy=remedy
        )
        self.complaints.append(found)


def _moment(cell: str) -> datetime | None:
    """Also as spreadsheets write it: 2026/11/3 8:00."""
    found = _WRITTEN.fullmatch(cell)
    if not found:
        return None
    year, month, day, hour, minute, second, rest = found.groups()
    text = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second or '00'}{rest.strip()}"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _overlaps(sheet: Sheet, rows: list[Wanted]) -> Iterator[Complaint]:
    """Two tenants cannot hold one machine; nor does one row say that it ends when the next begins."""
    ordered = sorted(rows, key=lambda row: (row.machine, row.start, row.line))
    for one, other in pairwise(ordered):
        if one.machine != other.machine or (one.end is not None and one.end <= other.start):
            continue
        until = "has no end" if one.end is None else "goes on after that"
        problem = f"begins while {one.machine} is held by {one.tenant} (line {one.line}), which {until}"
        yield Complaint(
            file=sheet.file,
            line=other.line,
            key=sheet.headings.get("start", "start"),
            problem=problem,
            remedy="mend one of the two rows",
        )
