"""Registers to integers: types, word orders, nothing else."""

from enum import StrEnum
from functools import cached_property
from typing import Final

from msgspec import Struct

from edge_agent.block import Key, Table, Words


class WordOrder(StrEnum):
    """Where the bytes of 0xAABBCCDD stand on the wire; A is the most significant.

    BADC and DCBA swap the bytes of every register, 16-bit ones too.
    """

    ABCD = "ABCD"
    DCBA = "DCBA"
    BADC = "BADC"
    CDAB = "CDAB"


_LOW_WORD_FIRST: Final = frozenset({WordOrder.DCBA, WordOrder.CDAB})
_BYTES_SWAPPED: Final = frozenset({WordOrder.DCBA, WordOrder.BADC})


class RegisterType(StrEnum):
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"

    @property
    def bits(self) -> int:
        return int(self[1:])

    @property
    def signed(self) -> bool:
        return self.startswith("i")


class Register(Struct, frozen=True, kw_only=True, dict=True):
    name: str
    table: Table
    address: int
    """Zero-based, as on the wire (a manual's 40001 is 0)."""
    type: RegisterType
    word_order: WordOrder

    @property
    def count(self) -> int:
        """How many 16-bit registers it takes."""
        return self.type.bits // 16

    @property
    def end(self) -> int:
        """The address after its last word."""
        return self.address + self.count

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Its words, most significant first."""
        keys = tuple((self.table, address) for address in range(self.address, self.end))
        return keys[::-1] if self.word_order in _LOW_WORD_FIRST else keys

    @cached_property
    def swapped(self) -> bool:
        return self.word_order in _BYTES_SWAPPED

    @cached_property
    def sign(self) -> int:
        """The value of the sign bit; 0 for an unsigned register."""
        return 1 << (self.type.bits - 1) if self.type.signed else 0


def _swap(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8


def decode(register: Register, words: Words) -> int:
    """The integer that the register holds. Raises KeyError when one of its words was not read."""
    value = 0
    swapped = register.swapped
    for key in register.keys:
        word = words[key]
        value = value << 16 | (_swap(word) if swapped else word)
    return value - (register.sign << 1) if value & register.sign else value
