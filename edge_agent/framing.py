"""Which bytes answer which question: whatever is not exactly right is not an answer.

Stricter than pymodbus, which takes transaction id 0 and any function code for an answer, on a serial line any
length too, and searches what is garbled for something that looks like a frame.
"""

from binascii import a2b_hex
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from edge_agent.address import Framing
from edge_agent.block import Block
from edge_agent.link import FUNCTIONS


class Question(Struct, frozen=True):
    unit: int
    function: int
    size: int
    """Bytes of values in its answer. Without transaction ids these three are all that tells answers apart."""


def question(block: Block, unit: int) -> Question:
    return Question(unit, FUNCTIONS[block.table], answer_size(block))


def answer_size(block: Block) -> int:
    """Bytes of values: two a register, one for eight bits."""
    return (block.count + 7) // 8 if block.table.bits else 2 * block.count


class Verdict(Struct, frozen=True):
    """On what was heard so far. Neither flawed nor whole: it may become the answer, listen on."""

    flaw: str = ""
    whole: bytes = b""
    """The frame that is the answer, without anything stray around it."""


_MORE: Final = Verdict()
STRAY: Final = 2
"""So many bytes before or after a frame are noise of a line that changes its direction, not another frame."""


def judge(framing: Framing, request: bytes, asked: Question, heard: bytes) -> Verdict:
    """``request`` is the frame that was sent for ``asked``; ``heard`` all that came since."""
    return _JUDGES[framing](request, asked, heard)


def _mbap(request: bytes, asked: Question, heard: bytes) -> Verdict:
    if heard[:4] != request[: min(4, len(heard))]:
        return Verdict("an answer to another request")
    length = _length(asked, heard[6:])
    if isinstance(length, str):
        return Verdict(length)
    told = 6 + int.from_bytes(heard[4:6], "big")
    if length is None:
        return _MORE
    if told != 6 + length or len(heard) > told:
        return Verdict(f"{len(heard)} bytes of a frame of {told} for one of {6 + length}")
    return Verdict(whole=heard) if len(heard) == told else _MORE


def _rtu(_: bytes, asked: Question, heard: bytes) -> Verdict:
    """The first place that it may begin at, behind at most ``STRAY`` bytes."""
    verdicts = [_rtu_frame(asked, heard[at:]) for at in range(min(STRAY + 1, len(heard)))]
    whole = next((verdict for verdict in verdicts if verdict.whole), None)
    if whole is not None:
        return whole
    return next((verdict for verdict in verdicts if not verdict.flaw), verdicts[0] if verdicts else _MORE)


def _rtu_frame(asked: Question, heard: bytes) -> Verdict:
    length = _length(asked, heard)
    if isinstance(length, str):
        return Verdict(length)
    if length is None or len(heard) < length + 2:
        return _MORE
    frame = heard[: length + 2]
    if crc(frame[:-2]) != frame[-2:]:
        return Verdict("the CRC is wrong")
    if len(heard) > len(frame) + STRAY:
        return Verdict(f"{len(heard) - len(frame)} bytes behind the answer")
    return Verdict(whole=frame)


def _ascii(_: bytes, asked: Question, heard: bytes) -> Verdict:
    at = heard.find(b":")
    if at < 0 or at > STRAY:
        return Verdict("what is no ASCII frame") if len(heard) > STRAY else _MORE
    text, end, behind = heard[at + 1 :].partition(b"\r\n")
    try:
        content = a2b_hex(text[: len(text) // 2 * 2])
    except ValueError:
        return Verdict("what is not hexadecimal in an ASCII frame")
    length = _length(asked, content)
    if isinstance(length, str):
        return Verdict(length)
    if not end and (length is None or len(content) <= length + 1):
        return _MORE
    whole = length is not None and len(text) == 2 * length + 2 and end and len(behind) <= STRAY
    # An LRC makes the sum of all bytes 0 (Modbus over Serial Line 1.02, 2.5.2.2).
    if not whole or sum(content) & 0xFF:
        return Verdict("the LRC is wrong" if whole else f"{len(content)} bytes of a frame of another length")
    return Verdict(whole=heard[at : len(heard) - len(behind)])


_JUDGES: Final[dict[Framing, Callable[[bytes, Question, bytes], Verdict]]] = {
    Framing.MBAP: _mbap,
    Framing.RTU: _rtu,
    Framing.ASCII: _ascii,
}


def _length(asked: Question, content: bytes) -> int | str | None:
    """Of unit, function and what follows them; a flaw; or None when too little was heard to tell."""
    if content[:1] and content[0] != asked.unit:
        return f"unit {content[0]} answered for unit {asked.unit}"
    if content[1:2] and content[1] & 0x7F != asked.function:
        return f"function {content[1] & 0x7F} answered for function {asked.function}"
    if len(content) < 3:
        return None
    if content[1] & 0x80:
        return 3
    if content[2] != asked.size:
        return f"{content[2]} bytes of values answered for {asked.size}"
    return 3 + asked.size


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (0xA001 if rest & 1 else 0)
        table.append(rest)
    return tuple(table)


_CRC: Final = _crc_table()


def crc(data: bytes) -> bytes:
    """As sent, low byte first (Modbus over Serial Line 1.02, 2.5.1.2)."""
    rest = 0xFFFF
    for byte in data:
        rest = rest >> 8 ^ _CRC[(rest ^ byte) & 0xFF]
    return rest.to_bytes(2, "little")
