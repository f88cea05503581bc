"""What a machine's tables held at one instant, as a file: found by ``scan``, read by ``profile``, replayed by
the simulator. JSON, made to be read by people and by other programs:

    {"format": "gongfang-dump/1", "endpoint": "tcp://192.0.2.20:502", "taken": 1795305902001,
     "units": [{"unit": 1,
                "tables": [{"table": "holding", "most": 16, "limit": 16, "supported": true, "borders": [],
                            "ranges": [{"address": 0, "words": [19278, 256]}],
                            "refused": [{"address": 2, "count": 98, "code": 2}]}]}]}

``taken`` is UTC ms. Words are what the wire had: 0 to 65535, of coils and discrete inputs 0 and 1.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from edge_agent.block import Table, Words
from edge_agent.survey import Surveyed

FORMAT: Final = "gongfang-dump/1"

Address = Annotated[int, Meta(ge=0, le=65_535)]
Word = Annotated[int, Meta(ge=0, le=65_535)]
Count = Annotated[int, Meta(ge=1, le=65_536)]


class Range(Struct, frozen=True, kw_only=True):
    address: Address
    words: list[Word]

    @property
    def end(self) -> int:
        return self.address + len(self.words)


class Refusal(Struct, frozen=True, kw_only=True):
    """Addresses that were asked for and refused."""

    address: Address
    count: Count
    code: int

    @property
    def end(self) -> int:
        return self.address + self.count


class TableDump(Struct, frozen=True, kw_only=True):
    table: Table
    most: int
    """The most that one request was given; 0 where nothing can be read."""
    limit: int | None = None
    """The most that one request is given; None where no limit was met."""
    supported: bool = True
    """Whether the device knows the function code that reads this table."""
    borders: list[Address] = []
    """Addresses that cannot be read in one request with the one before."""
    ranges: list[Range]
    refused: list[Refusal] = []


class UnitDump(Struct, frozen=True, kw_only=True):
    unit: Annotated[int, Meta(ge=0, le=255)]
    tables: list[TableDump]

    def words(self) -> Words:
        return {
            (table.table, range_.address + place): word
            for table in self.tables
            for range_ in table.ranges
            for place, word in enumerate(range_.words)
        }


class Dump(Struct, frozen=True, kw_only=True):
    format: Literal["gongfang-dump/1"] = FORMAT
    endpoint: str
    taken: int
    """UTC ms."""
    units: list[UnitDump]


class BadDumpError(Exception):
    """Not a dump. The text says where it is wrong."""


def read_dump(data: bytes) -> Dump:
    """Raises BadDumpError."""
    try:
        return msgspec.json.decode(data, type=Dump)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadDumpError(f"is no dump as `scan --out` makes it ({error})") from None


def write_dump(dump: Dump) -> bytes:
    """One line a range, so that two dumps can be compared line by line."""
    head = f'{{"format": {_json(dump.format)}, "endpoint": {_json(dump.endpoint)}, "taken": {dump.taken},\n'
    return f'{head} "units": [{_lines(map(_unit, dump.units), 2)}]}}\n'.encode()


def _unit(unit: UnitDump) -> str:
    return f'{{"unit": {unit.unit}, "tables": [{_lines(map(_table, unit.tables), 4)}]}}'


def _table(table: TableDump) -> str:
    head = (
        f'"table": {_json(table.table)}, "most": {table.most}, "limit": {_json(table.limit)},'
        f' "supported": {_json(table.supported)}, "borders": {_json(table.borders)}'
    )
    ranges, refused = _lines(map(_json, table.ranges), 7), _lines(map(_json, table.refused), 7)
    return f'{{{head},\n     "ranges": [{ranges}],\n     "refused": [{refused}]}}'


def _lines(texts: Iterable[str], indent: int) -> str:
    told = list(texts)
    return ("\n" + " " * indent + f",\n{' ' * indent}".join(told)) if told else ""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def table_dump(found: Surveyed) -> TableDump:
    return TableDump(
        table=found.table,
        most=found.most,
        limit=found.limit,
        supported=found.supported,
        borders=sorted(set(found.borders)),
        ranges=_ranges(found.words),
        refused=list(_refusals(found)),
    )


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Neighbours made one."""
    words = {range_.address + at: word for range_ in ranges for at, word in enumerate(range_.words)}
    return _ranges(words)


def _ranges(words: Mapping[int, int]) -> list[Range]:
    return [
        Range(address=start, words=[words[address] for address in range(start, end)])
        for start, end in runs(words)
    ]


def runs(addresses: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring addresses as ``[start, end)``."""
    for _, group in groupby(enumerate(sorted(addresses)), key=lambda pair: pair[1] - pair[0]):
        members = [address for _, address in group]
        yield members[0], members[-1] + 1


def _refusals(found: Surveyed) -> Iterator[Refusal]:
    """With the exception that most of the addresses got that were asked for alone, if any was."""
    for start, end in runs(address for address in found.refused if address not in found.words):
        alone = Counter(found.refused[address] for address in range(start, end) if address in found.alone)
        code = alone.most_common(1)[0][0] if alone else found.refused[start]
        yield Refusal(address=start, count=end - start, code=code)
