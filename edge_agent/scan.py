"""Looks for units behind an endpoint, and for what each lets be read; politely, for it is not alone there."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from edge_agent.block import Block, Table
from edge_agent.dump import Range, TableDump, UnitDump, joined
from edge_agent.link import Link, LinkError, LinkLostError, RefusedError
from edge_agent.survey import Answer, Answered, Area, Refused, Silent, Surveyed, survey


class Manners(Struct, frozen=True, kw_only=True):
    pause_s: float
    """Between an answer and the next question."""
    limit_s: float
    """After which the scan stops by itself."""
    requests: int
    """The most that one unit is asked."""
    wide: bool
    """Also look for islands in all of the address space."""


class Found(Struct, frozen=True, kw_only=True):
    """What a scan has found so far."""

    units: dict[int, dict[Table, Surveyed]]
    remarks: list[str]
    """For people: what was left out, and why."""


class StoppedError(Exception):
    """The scan ends before its end; what was found stays found. The text says why."""


MOST: Final[Mapping[Table, int]] = {
    Table.HOLDING: 100, Table.INPUT: 100, Table.COIL: 800, Table.DISCRETE: 800,
}  # fmt: skip
"""What one request asks for at first: less than the standard allows, since so little costs nothing."""
STRIDES: Final[Mapping[Table, int]] = {
    Table.HOLDING: 2, Table.INPUT: 2, Table.COIL: 8, Table.DISCRETE: 8,
}  # fmt: skip
"""The shortest island that is surely found: a 32-bit value, eight bits."""
_LANDMARKS: Final = sorted({*range(0, 65_536, 100), *range(0, 65_536, 256)})
_AROUND: Final = 128
_NOBODY: Final = frozenset({10, 11})
"""Said by a gateway for a unit that does not answer it."""
_UNSURE: Final = frozenset({4, *_NOBODY})
"""Some gateways say 4 (device failure) for a unit that is not there."""
_BUSY: Final = frozenset({5, 6})
_PATIENCE: Final = 3
_WAIT_S: Final = 1.0
_SAMPLE: Final = 8
"""So many units are asked one by one without any suspicion."""
_FIRST: Final = Block(Table.HOLDING, 0, 1)


class Scan:
    """One scan of one endpoint. ``tell`` is given each change of what it is at; ``stop`` ends it."""

    def __init__(
        self, link: Link, manners: Manners, tell: Callable[[str], None], stop: asyncio.Event
    ) -> None:
        self._link, self._manners, self._tell, self._stop = link, manners, tell, stop
        self._began = time.monotonic()
        self.requests = 0
        self.complete = False
        """All that was to be looked at was."""
        self.found = Found(units={}, remarks=[])

    async def run(self, units: Sequence[int], tables: Iterable[Table], areas: Sequence[Area]) -> None:
        """Fills ``found``. Raises StoppedError, and LinkLostError when there is no connection any more."""
        cut_short = False
        tables = tuple(tables)
        # Of few units more is asked: some are silent where they have no address, and 0 may be none.
        more = [Block(table, areas[0].start, 1) for table in tables] if len(units) <= _SAMPLE else []
        for unit in await self._present(units, [_FIRST, *(block for block in more if block != _FIRST)]):
            self.found.units[unit] = {}
            cut_short = not await self._look_into(unit, tables, areas) or cut_short
        self.complete = not cut_short

    async def _look_into(self, unit: int, tables: Iterable[Table], areas: Sequence[Area]) -> bool:
        """Whether all of it was looked at."""
        before = self.requests
        for table in tables:
            found = self.found.units[unit][table] = Surveyed(table=table)
            whole = await self._survey(unit, found, areas, before)
            if self._manners.wide and whole and not table.bits:
                landmarks = [Area(at, at + 1) for at in _LANDMARKS if at not in found.refused]
                whole = await self._survey(unit, found, landmarks, before)
                around = [Area(at, min(at + _AROUND, 65_536)) for at in _beyond(found, areas)]
                whole = whole and await self._survey(unit, found, around, before)
            if not whole:
                self._remark(f"unit {unit}: asked {self._manners.requests} times, the rest was not looked at")
                return False
            if found.silences:
                self._remark(
                    f"unit {unit}: silent for some of its {table} table; --addresses leaves them out"
                )
        if not self._manners.wide and (lacks := _lacks(self.found.units[unit].values())):
            self._remark(f"unit {unit}: {lacks} at these addresses; --wide looks at all of them")
        return True

    async def _survey(self, unit: int, found: Surveyed, areas: Sequence[Area], before: int) -> bool:
        """Whether it came to its end within the requests that a unit is asked."""
        asking = survey(found, areas, MOST[found.table], STRIDES[found.table])
        block = next(asking, None)
        while block is not None:
            if self.requests - before >= self._manners.requests:
                return False
            self._tell(f"unit {unit}, {block.table} {block.address}, {self.requests} requests")
            answer = await self._ask(block, unit)
            try:
                block = asking.send(answer)
            except StopIteration:
                block = None
        return True

    async def _present(self, units: Sequence[int], questions: Sequence[Block]) -> list[int]:
        """Those of ``units`` that answer one of ``questions`` at all."""
        if len(units) > _SAMPLE and (only := await self._deaf_to_units(units)):
            return only
        found: list[int] = []
        refused = 0
        for unit in units:
            self._tell(f"is there a unit {unit}? {len(found)} found")
            answer: Answer = Silent()
            for question in questions:
                if isinstance(answer, Silent):
                    answer = await self._ask(question, unit, patience=1)
            doubtful = isinstance(answer, Refused) and answer.code in _UNSURE and len(units) > _SAMPLE
            refused += doubtful
            if not doubtful and not isinstance(answer, Silent):
                found.append(unit)
        if refused and not found:
            self._remark(f"{refused} units answer exception 4 only; name one with --units to look closer")
        return found

    async def _deaf_to_units(self, units: Sequence[int]) -> list[int]:
        """A device that answers to any unit id is no bus: its first is enough."""
        first, *others = (units[0], units[-1], units[-2])
        heard = await self._ask(_FIRST, first, patience=1)
        if isinstance(heard, Silent) or heard == Refused(4):
            return []
        for other in others:
            if await self._ask(_FIRST, other, patience=1) != heard:
                return []
        self._remark(f"every unit id has the same answer: one device; taken as unit {first}")
        return [first]

    async def _ask(self, block: Block, unit: int, patience: int = _PATIENCE) -> Answer:
        """One question, and again while the device is busy or an answer was lost."""
        answer: Answer = Silent()
        for attempt in range(patience):
            await self._pause(_WAIT_S if attempt else self._manners.pause_s)
            try:
                return Answered(tuple(await self._link.read(block, unit)))
            except RefusedError as error:
                answer = Silent() if error.code in _NOBODY else Refused(error.code)
                if error.code not in _BUSY | _NOBODY:
                    break
            except LinkLostError:
                if attempt == patience - 1:
                    raise
            except LinkError:
                answer = Silent()
        return answer

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), pause_s)
        if self._stop.is_set():
            raise StoppedError("stopped")
        if time.monotonic() - self._began > self._manners.limit_s:
            raise StoppedError(f"stopped after {self._manners.limit_s:g} s; --limit-s allows more")
        self.requests += 1

    def _remark(self, text: str) -> None:
        self.found.remarks.append(text)


def _lacks(tables: Iterable[Surveyed]) -> str:
    """Bits alone are seldom all that a machine has, when it knows how to give registers."""
    found = list(tables)
    if not any(table.words for table in found):
        return "nothing to read"
    registers = [table for table in found if not table.table.bits]
    silent = any(table.supported for table in registers) and not any(table.words for table in registers)
    return "no registers" if silent else ""


def _beyond(found: Surveyed, areas: Sequence[Area]) -> list[int]:
    """Landmarks that can be read, outside of what was looked at already."""
    return [
        at
        for at in _LANDMARKS
        if at in found.words and not any(area.start <= at < area.end for area in areas)
    ]


async def again(link: Link, dump: UnitDump) -> UnitDump:
    """What ``dump`` could read of a unit, read anew. Raises a LinkError."""
    tables = []
    for table in dump.tables:
        ranges = []
        for block in blocks_of(table):
            words = await link.read(block, dump.unit)
            ranges.append(Range(address=block.address, words=list(words)))
        tables.append(msgspec.structs.replace(table, ranges=joined(ranges)))
    return msgspec.structs.replace(dump, tables=tables)


def blocks_of(table: TableDump) -> Iterator[Block]:
    """Requests that read all of it, by what the device allowed."""
    most = table.limit or table.most
    for range_ in table.ranges:
        at = range_.address
        while at < range_.end:
            border = next((border for border in table.borders if border > at), range_.end)
            end = min(at + most, range_.end, border)
            yield Block(table.table, at, end - at)
            at = end
