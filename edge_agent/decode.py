"""Words to values: the registers of a block are made ready once, then unpacked all at a stroke."""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct

from edge_agent.block import Answers, Block, holds
from edge_agent.register import Register, RegisterType


class NoValue(Struct, frozen=True):
    """What a register says that says nothing."""

    reason: str
    blank: bool = False
    """It means to say nothing: it holds what the profile calls no value."""

    def __str__(self) -> str:
        return f"no value ({self.reason})"


Value = int | float | str | NoValue
_REFUSED: Final = NoValue("the machine was not asked for it, or refused")

Decode = Callable[[Sequence[int]], Sequence[Value]]
"""The values of some registers of a block, from all of its words."""
_Finish = Callable[[Any], Value]

_CODES: Final = {
    RegisterType.U16: "H",
    RegisterType.I16: "h",
    RegisterType.U32: "I",
    RegisterType.I32: "i",
    RegisterType.U64: "Q",
    RegisterType.I64: "q",
    RegisterType.F32: "f",
    RegisterType.F64: "d",
    RegisterType.U8_HIGH: "Bx",
    RegisterType.U8_LOW: "xB",
    RegisterType.I8_HIGH: "bx",
    RegisterType.I8_LOW: "xb",
    RegisterType.BCD4: "H",
    RegisterType.BCD8: "I",
    RegisterType.BCD16: "Q",
    RegisterType.BIT: "H",
}
"""Of the module struct, big-endian."""


class Unpacking:
    """Registers and the requests that fetch them."""

    def __init__(self, registers: Iterable[Register], blocks: Sequence[Block]) -> None:
        self.registers: list[Register] = []
        """In the order of their values."""
        self._parts: list[tuple[int, Decode, list[Value]]] = []
        left = list(registers)
        for at, block in enumerate(blocks):
            inside = [register for register in left if holds(block, register.block)]
            left = [register for register in left if register not in inside]
            if inside:
                self._parts.append((at, decoder(block, inside), [_REFUSED] * len(inside)))
                self.registers += inside
        self._only = self._parts[0][1] if len(self._parts) == 1 and self._parts[0][0] == 0 else None
        """Most machines are read by one request; this is the way that is gone thousands of times a second."""
        self.place = {register.name: at for at, register in enumerate(self.registers)}
        """Where the value of each register stands."""

    def values(self, answers: Answers) -> list[Any]:
        """A Value for each register. ``answers`` to the blocks; what is beyond their end was not asked."""
        if self._only and (answer := answers[0]) is not None:
            return [*self._only(answer)]
        values: list[Any] = []
        for at, decode, nothing in self._parts:
            answer = answers[at] if at < len(answers) else None
            values += nothing if answer is None else decode(answer)
        return values


def decoder(block: Block, registers: Sequence[Register]) -> Decode:
    """Reads ``registers``, which lie in ``block``, in their order. Total: any words give values."""
    raw = _raw(block, registers)
    finishes = [(at, made) for at, register in enumerate(registers) if (made := _finish(register))]
    if not finishes:
        return raw

    def decode(words: Sequence[int]) -> Sequence[Value]:
        values = list(raw(words))
        for at, finish in finishes:
            values[at] = finish(values[at])
        return values

    return decode


def _raw(block: Block, registers: Sequence[Register]) -> Callable[[Sequence[int]], tuple[Any, ...]]:
    """Numbers and bytes as they stand there. The bytes of some registers may be swapped, so two ways meet."""
    order = sorted(range(len(registers)), key=lambda at: registers[at].word_order.swapped)
    plain = [registers[at] for at in order if not registers[at].word_order.swapped]
    swapped = [registers[at] for at in order if registers[at].word_order.swapped]
    if not swapped:
        return _unpacked(block, plain, ">")
    if not plain:
        return _unpacked(block, swapped, "<")
    first, second = _unpacked(block, plain, ">"), _unpacked(block, swapped, "<")
    sort = picker([order.index(at) for at in range(len(registers))])
    return lambda words: sort(first(words) + second(words))


def _unpacked(
    block: Block, registers: Iterable[Register], byte_order: str
) -> Callable[[Sequence[int]], tuple[Any, ...]]:
    codes = [_CODES.get(register.type) or f"{2 * register.length}s" for register in registers]
    pick = picker([place - block.address for register in registers for place in register.places])
    if byte_order == ">" and set(codes) == {"H"}:
        return pick
    words = sum(register.count for register in registers)
    pack, unpack = struct.Struct(f"{byte_order}{words}H").pack, struct.Struct(">" + "".join(codes)).unpack
    return lambda found: unpack(pack(*pick(found)))


def picker(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """``found`` to what stands at each of ``places``."""
    if not places:
        return lambda _: ()
    if len(places) == 1:
        only = places[0]
        return lambda found: (found[only],)
    return itemgetter(*places)


def _finish(register: Register) -> _Finish | None:
    """What is left to do once the number or the bytes are there; None where nothing is."""
    meaning = _meaning(register)
    if not register.no_value:
        return meaning
    blanks, blank = frozenset(register.no_value), NoValue("it holds what stands for no value", blank=True)
    if meaning is None:
        return lambda raw: blank if raw in blanks else raw
    if register.type.digits:  # whose blanks are bits that need not be digits
        return lambda raw: blank if raw in blanks else meaning(raw)

    def finish(raw: Any) -> Value:  # noqa: ANN401  a number or bytes, as the register has it
        value = meaning(raw)
        return blank if value in blanks else value

    return finish


def _meaning(register: Register) -> _Finish | None:
    if register.field:
        return _part(register)
    if register.type.digits:
        return _decimal
    if register.type.floating:
        return _finite
    return _text if register.type is RegisterType.ASCII else None


def _part(register: Register) -> _Finish:
    assert register.field  # noqa: S101  asked of a part only
    shift, mask = register.field[0], (1 << register.bits) - 1
    return lambda raw: raw >> shift & mask


def _decimal(raw: int) -> int | NoValue:
    digits = f"{raw:x}"
    return int(digits) if digits.isdecimal() else NoValue(f"{raw:#x} is no packed decimal")


def _finite(raw: float) -> float | NoValue:
    return raw if math.isfinite(raw) else NoValue(f"{raw} is no number")


def _text(raw: bytes) -> str | NoValue:
    """Without what fills it up: blanks and zero bytes around, and whatever follows a zero byte."""
    told = raw.lstrip(b"\0 ").partition(b"\0")[0].rstrip(b" ")
    return told.decode("ascii") if told.isascii() and told.decode("ascii").isprintable() else _no_text(raw)


def _no_text(raw: bytes) -> NoValue:
    return NoValue(f"{raw.hex(' ', 2)} is no ASCII text")
