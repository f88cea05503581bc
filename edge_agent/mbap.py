"""Requests and answers of Modbus TCP, laid out once and compared whole. Pure.

The first nine bytes of a right answer are known before it comes: transaction, protocol, length, unit,
function and byte count. So one comparison tells it from all that is not; ``framing.py`` says why.
"""

from collections.abc import Callable, Sequence
from functools import cache
from struct import Struct as Layout
from struct import pack
from typing import Final

from msgspec import Struct

from edge_agent.block import Block
from edge_agent.framing import Question, question

HEAD: Final = 9
"""Bytes of an answer before its values (Modbus Messaging on TCP/IP 1.0b, 3.1.3)."""
LONGEST: Final = 260
"""Bytes of a frame (Modbus Messaging on TCP/IP 1.0b, 4.1)."""


class Form(Struct, frozen=True):
    """A request and its right answer, but for the two bytes of the transaction before each."""

    question: Question
    request: bytes
    head: bytes
    size: int
    """Bytes of the whole answer."""
    values: Callable[[bytes], Sequence[int]]
    """What a right answer says."""


@cache
def form(block: Block, unit: int) -> Form:
    asked = question(block, unit)
    return Form(
        question=asked,
        request=pack(">HHBBHH", 0, 6, unit, asked.function, block.address, block.count),
        head=pack(">HHBBB", 0, 3 + asked.size, unit, asked.function, asked.size),
        size=HEAD + asked.size,
        values=_bits(block.count) if block.table.bits else _words(block.count),
    )


def refusal(answer: bytes) -> int:
    """The exception code of a right answer; 0 when it is none."""
    return answer[8] if answer[7] & 0x80 else 0


def _words(count: int) -> Callable[[bytes], Sequence[int]]:
    layout = Layout(f">{HEAD}x{count}H")
    return layout.unpack


def _bits(count: int) -> Callable[[bytes], Sequence[int]]:
    """The first is the least significant of the first byte (Modbus Application Protocol 1.1b3, 6.1)."""
    places = [divmod(place, 8) for place in range(count)]
    return lambda answer: tuple(answer[HEAD + byte] >> bit & 1 for byte, bit in places)
