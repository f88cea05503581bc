"""What a register may hold, and how it lies on the wire."""

import struct
from enum import StrEnum
from typing import Final

from msgspec import Struct

from edge_agent.block import Block, Table


class WordOrder(StrEnum):
    """Where the bytes of a value stand on the wire, A the most significant: ABCD of 32 bits, A to H of 64.

    The four short names go for every width. Of 16 bits they say whether the bytes are swapped, of 64 they
    stand for the long names beside them. The other long names are for 64 bits only.
    """

    ABCD = "ABCD"
    """High word first, high byte first. ABCDEFGH."""
    DCBA = "DCBA"
    """All bytes backwards. HGFEDCBA."""
    BADC = "BADC"
    """High word first, the bytes of each swapped. BADCFEHG."""
    CDAB = "CDAB"
    """Low word first. GHEFCDAB."""
    CDABGHEF = "CDABGHEF"
    """Two halves of 32 bits, the high one first, each low word first."""
    EFGHABCD = "EFGHABCD"
    """Two halves of 32 bits, the low one first, each high word first."""
    DCBAHGFE = "DCBAHGFE"
    """Two halves of 32 bits, the high one first, each backwards."""
    FEHGBADC = "FEHGBADC"
    """Two halves of 32 bits, the low one first, each with swapped bytes."""

    @property
    def swapped(self) -> bool:
        """Whether the low byte of a register comes first."""
        return self[0] > self[1]

    def places(self, count: int) -> tuple[int, ...]:
        """Where the words of a value of ``count`` registers (1, 2 or 4) stand, most significant first."""
        letters = _LONG.get(self, self) if count == 4 else self[: 2 * count]
        words = ["".join(sorted(letters[at : at + 2])) for at in range(0, len(letters), 2)]
        return tuple(sorted(range(count), key=words.__getitem__))


_LONG: Final[dict[str, str]] = {
    "ABCD": "ABCDEFGH",
    "DCBA": "HGFEDCBA",
    "BADC": "BADCFEHG",
    "CDAB": "GHEFCDAB",
}
ALIASES: Final = {long: short for short, long in _LONG.items()}
"""Long names of the orders that have a short one."""


class RegisterType(StrEnum):
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    """IEEE 754 binary32."""
    F64 = "f64"
    U8_HIGH = "u8_high"
    """The more significant byte of a register."""
    U8_LOW = "u8_low"
    I8_HIGH = "i8_high"
    I8_LOW = "i8_low"
    BCD4 = "bcd4"
    """Packed decimal: four bits a digit."""
    BCD8 = "bcd8"
    BCD16 = "bcd16"
    ASCII = "ascii"
    """Text, two characters a register, as many registers as the register says."""
    BIT = "bit"
    """A coil or a discrete input: 0 or 1."""

    @property
    def digits(self) -> int:
        """Decimal ones, of a packed decimal; else 0."""
        return int(self[3:]) if self.startswith("bcd") else 0

    @property
    def bits(self) -> int:
        """How many it takes of its register or registers; 0 for a text."""
        if self in {RegisterType.ASCII, RegisterType.BIT}:
            return int(self is RegisterType.BIT)
        return 4 * self.digits or int(self[1:].partition("_")[0])

    @property
    def signed(self) -> bool:
        return self.startswith("i")

    @property
    def floating(self) -> bool:
        return self.startswith("f")

    @property
    def integer(self) -> bool:
        return self is not RegisterType.ASCII and not self.floating

    @property
    def whole(self) -> bool:
        """Whether it is an integer that is never negative."""
        return self.integer and not self.signed


class Register(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    table: Table
    address: int
    """Zero-based, as on the wire (a manual's 40001 is 0)."""
    type: RegisterType
    word_order: WordOrder
    length: int = 0
    """Of a text, in registers; other types have a length of their own."""
    field: tuple[int, int] | None = None
    """The lowest and the highest bit of a number that is a part of the value; None for the whole value."""
    no_value: tuple[int | float | str, ...] = ()
    """What it holds when it has nothing to say; of a packed decimal, as bits."""

    @property
    def count(self) -> int:
        """How many registers, coils or inputs it takes."""
        return self.length or -(-self.type.bits // 16)

    @property
    def end(self) -> int:
        """The address after its last word."""
        return self.address + self.count

    @property
    def block(self) -> Block:
        return Block(self.table, self.address, self.count)

    @property
    def bits(self) -> int:
        """The width of its number; 0 for a text."""
        return self.field[1] - self.field[0] + 1 if self.field else self.type.bits

    @property
    def places(self) -> tuple[int, ...]:
        """The addresses of its words, most significant first. A text runs with the addresses."""
        if self.type is RegisterType.ASCII:
            return tuple(range(self.address, self.end))
        return tuple(self.address + place for place in self.word_order.places(self.count))

    @property
    def fallible(self) -> bool:
        """Whether it may hold what is no value at all."""
        type_ = self.type
        odd = type_.floating or type_ is RegisterType.ASCII or (type_.digits > 0 and self.field is None)
        return odd or bool(self.no_value)


def held(type_: RegisterType, given: object, width: int = 0) -> int | float | str | None:
    """What a register holds where a manual says that it holds ``given``; None if it never does.

    Manuals give the bits: 0x8000 of an i16 is -32768, 0xFFFF of four packed digits is no number at all.
    ``width`` is that of a part of the bits.
    """
    if isinstance(given, str):
        return given if type_ is RegisterType.ASCII else None
    if type_.floating and isinstance(given, int | float):
        return _as_float(type_, given)
    if not isinstance(given, int) or not type_.integer:
        return None
    return _as_bits(type_, given, width or type_.bits)


def _as_float(type_: RegisterType, given: float) -> float | None:
    try:
        code = ">f" if type_ is RegisterType.F32 else ">d"
        return float(struct.unpack(code, struct.pack(code, given))[0])
    except OverflowError:
        return None


def _as_bits(type_: RegisterType, given: int, bits: int) -> int | None:
    if type_.digits and 0 <= given < 10**type_.digits:
        return int(str(given), 16)
    half = 1 << (bits - 1)
    if not (-half if type_.signed else 0) <= given < 2 * half:
        return None
    return given - 2 * half if type_.signed and given >= half else given
