"""A machine that exists as dumps of its registers: what it answers follows from them and from the time. Pure.

A dump is a JSON file of one instant: units, their tables, and ranges of words that could be read. Several
dumps of one device, taken one after the other, are its movement: each holds until the next was taken. What
could not be read then is refused now; so is a request for more than the device gave at once, or over a border
that it did not let be crossed.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

TABLES: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
"""By function code."""
BITS: Final = (1, 2)
MOST: Final = {1: 2000, 2: 2000, 3: 125, 4: 125}
"""What one request may ask for (Modbus Application Protocol 1.1b3, 6.1 to 6.4)."""
NO_FUNCTION, NO_ADDRESS, TOO_MANY, NOBODY = 1, 2, 3, 11


class Range(Struct, frozen=True):
    address: int
    words: list[int]


class Table(Struct, frozen=True):
    table: Literal["coil", "discrete", "holding", "input"]
    ranges: list[Range]
    limit: int | None = None
    supported: bool = True
    borders: list[int] = []


class Unit(Struct, frozen=True):
    unit: int
    tables: list[Table]


class Dump(Struct, frozen=True):
    taken: int
    """UTC ms."""
    units: list[Unit]


class DumpError(Exception):
    """Not a dump, or dumps of different devices. The text says what is wrong."""


class Memory(Struct, frozen=True):
    """One table of one unit, over the time of the recording."""

    words: list[dict[int, int]]
    """By dump."""
    limit: int
    borders: frozenset[int]


class Recording(Struct, frozen=True):
    instants: list[int]
    """When each dump was taken, in ms after the first."""
    memory: dict[tuple[int, int], Memory]
    """By unit and function code; a function code that the unit does not know is missing."""
    units: tuple[int, ...]


def recording(files: Sequence[tuple[str, bytes]]) -> Recording:
    """From the names and contents of one or more dumps, in any sequence. Raises DumpError."""
    dumps = sorted((_read(name, data) for name, data in files), key=lambda dump: dump.taken)
    units = tuple(unit.unit for unit in dumps[0].units)
    for dump in dumps:
        if tuple(unit.unit for unit in dump.units) != units:
            raise DumpError("the dumps have different units: they are not of one device")
    memory = {
        (unit, function): made
        for unit in units
        for function in TABLES
        if (made := _memory(dumps, unit, function)) is not None
    }
    return Recording(instants=[dump.taken - dumps[0].taken for dump in dumps], memory=memory, units=units)


def _read(name: str, data: bytes) -> Dump:
    try:
        return msgspec.json.decode(data, type=Dump)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DumpError(f"{name}: {error}") from None


def _memory(dumps: Sequence[Dump], unit: int, function: int) -> Memory | None:
    found = [
        table
        for dump in dumps
        for its in dump.units
        for table in its.tables
        if its.unit == unit and table.table == TABLES[function] and table.supported
    ]
    if len(found) < len(dumps):
        return None
    return Memory(
        words=[
            {
                range_.address + place: word
                for range_ in table.ranges
                for place, word in enumerate(range_.words)
            }
            for table in found
        ],
        limit=min(MOST[function], found[0].limit or MOST[function]),
        borders=frozenset(found[0].borders),
    )


def dump_at(recorded: Recording, at_ms: int) -> int:
    """Which dump holds, ``at_ms`` after the first; the last one for ever."""
    return max(place for place, instant in enumerate(recorded.instants) if instant <= max(0, at_ms))


def answer(recorded: Recording, request: tuple[int, int, int, int], at_ms: int) -> list[int] | int:
    """To (unit, function, address, count): what the addresses held, or the code of a Modbus exception."""
    unit, function, address, count = request
    if unit not in recorded.units:
        return NOBODY
    memory = recorded.memory.get((unit, function))
    if memory is None:
        return NO_FUNCTION
    if not 1 <= count <= memory.limit:
        return TOO_MANY
    words = memory.words[dump_at(recorded, at_ms)]
    asked = range(address, address + count)
    if any(at not in words for at in asked) or memory.borders.intersection(asked[1:]):
        return NO_ADDRESS
    return [words[at] for at in asked]
