"""How long questions and answers take on a serial line, here or behind a gateway. Pure.

Modbus over Serial Line 1.02: a byte has a start bit, its data bits, parity and stop bits (2.5.1); frames in
RTU mode stand apart by 3.5 bytes, or by 1.75 ms above 19,200 baud (2.5.1.1).
"""

from collections.abc import Iterable
from math import ceil
from typing import Final

from edge_agent.address import Address, Framing, SerialLine
from edge_agent.block import Block
from edge_agent.framing import answer_size
from edge_agent.settings import Endpoint

_FAST_BAUD: Final = 19_200
_FAST_GAP_US: Final = 1_750
_QUESTION: Final = 6
"""Bytes of unit, function, address and count."""


def line_ms(blocks: Iterable[Block], address: Address, reaction_ms: int) -> float:
    """All the questions of a read plan and their answers, until the line is free again; ``reaction_ms`` is
    what a machine takes between the two. 0 where nothing is known of a line.
    """
    line, framing = address.line, address.scheme.framing
    if line is None:
        return 0.0
    return sum(_exchange_us(block, line, framing) / 1000 + reaction_ms for block in blocks)


def answer_ms(block: Block, address: Address) -> float:
    """On the line, from the question's first byte to the answer's last, of a machine that reacts at once."""
    return line_ms([block], address, 0)


def gap_ms(address: Address) -> float:
    """What frames stand apart at least; 0 where nothing is known of a line."""
    return _gap_us(address.line) / 1000 if address.line else 0.0


def pause_ms(endpoint: Endpoint) -> int:
    """Between an answer and the next question: as told, else what this box's own serial line asks for."""
    if endpoint.pause_ms is not None:
        return endpoint.pause_ms
    return ceil(gap_ms(endpoint.address)) if endpoint.address.scheme.serial else 0


def settle_ms(endpoint: Endpoint) -> int:
    return endpoint.timeout_ms // 4 if endpoint.settle_ms is None else endpoint.settle_ms


def _exchange_us(block: Block, line: SerialLine, framing: Framing) -> float:
    question, answer = (_frame_us(size, line, framing) for size in (_QUESTION, 3 + answer_size(block)))
    return question + _gap_us(line) + answer + _gap_us(line)


def _frame_us(size: int, line: SerialLine, framing: Framing) -> float:
    """``size`` bytes of unit, function and data. Behind a gateway for Modbus TCP they are sent as RTU."""
    wrapped = 1 + 2 * (size + 1) + 2 if framing is Framing.ASCII else size + 2
    return wrapped * line.bits * 1_000_000 / line.baud


def _gap_us(line: SerialLine) -> float:
    return _FAST_GAP_US if line.baud > _FAST_BAUD else 3.5 * line.bits * 1_000_000 / line.baud
