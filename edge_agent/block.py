"""What one Modbus request asks for: a stretch of one table."""

from collections.abc import Iterable, Mapping, Sequence
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


def merged(blocks: Iterable[Block]) -> list[Block]:
    """The same addresses in blocks that do not overlap, ascending."""
    found: list[Block] = []
    for block in sorted(blocks):
        if found and touch(found[-1], block):
            found[-1] = hull(found[-1], block)
        else:
            found.append(block)
    return found


def hull(*blocks: Block) -> Block:
    """The one block over all of these, which are of one table."""
    low, high = min(block.address for block in blocks), max(block.end for block in blocks)
    return Block(blocks[0].table, low, high - low)


def touch(left: Block, right: Block) -> bool:
    """Whether they have an address in common."""
    return left.table is right.table and left.address < right.end and right.address < left.end


def holds(outer: Block, inner: Block) -> bool:
    return outer.table is inner.table and outer.address <= inner.address and inner.end <= outer.end


Answer = Sequence[int] | None
"""The words of a block, in order; None where the machine refused a request that it may refuse."""
Answers = Sequence[Answer]
"""To the requests of a plan, in their order."""


def answers_from(blocks: Iterable[Block], words: Words) -> list[Answer]:
    """What a machine that holds ``words`` and nothing else answers."""
    return [_answer(keys_of(block), words) for block in blocks]


def _answer(keys: tuple[Key, ...], words: Words) -> Answer:
    return [words[key] for key in keys] if all(key in words for key in keys) else None
