"""What one Modbus request asks for: a stretch of one table."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from msgspec import Struct


class Table(StrEnum):
    """What a machine shows (Modbus Application Protocol 1.1b3, 4.3): two tables of bits, two of registers."""

    COIL = "coil"
    """Function code 1."""
    DISCRETE = "discrete"
    """Discrete inputs, function code 2."""
    HOLDING = "holding"
    """Function code 3."""
    INPUT = "input"
    """Function code 4."""

    # That of Enum is written in Python and would be half the cost of looking up a word.
    __hash__ = str.__hash__

    @property
    def bits(self) -> bool:
        """Whether its members are 0 or 1; else they are registers, words of 16 bits."""
        return self in _BITS


_BITS = frozenset({Table.COIL, Table.DISCRETE})

Key = tuple[Table, int]
Words = Mapping[Key, int]
"""What a machine said by table and zero-based address: 0..65535, or 0 and 1 where the table has bits."""


class Block(Struct, frozen=True, order=True):
    """One request."""

    table: Table
    address: int
    """Zero-based, as on the wire (a manual's 40001 is 0)."""
    count: int

    @property
    def end(self) -> int:
        """The address after its last."""
        return self.address + self.count


@cache
def keys_of(block: Block) -> tuple[Key, ...]:
    """The table and address of each word that the block fetches, in order."""
    return tuple((block.table, address) for address in range(block.address, block.end))
