"""What may still come on a line without transaction ids: late answers that could pass for the next one.

A unit answers in the order in which it was asked. So whatever it answers to a question of another length came
after every answer that it owed, and proves that none is outstanding. Pure.
"""

from typing import Final

from edge_agent.block import Block
from edge_agent.framing import Question, question

_MOST: Final = 126
"""More than the registers of one request. There is always a length that nothing is owed for: an attempt adds
one at most, and the first answer clears them all."""


class Doubts:
    """Questions that had no answer, or one too many."""

    def __init__(self) -> None:
        self._owed: set[Question] = set()

    def unanswered(self, asked: Question) -> None:
        """Its answer may still come."""
        self._owed.add(asked)

    def answered(self, asked: Question) -> None:
        """By what can be no answer to another question."""
        if asked not in self._owed:
            self._owed -= {owed for owed in self._owed if owed.unit == asked.unit}

    def fence(self, block: Block, unit: int) -> Block | None:
        """What to ask before ``block``, since a late answer would fit it; None when none is owed.

        As much as possible of the same registers, so that a machine which allows the one allows the other;
        more only when nothing else is left. A refusal is an answer too.
        """
        if question(block, unit) not in self._owed:
            return None
        step = 8 if block.table.bits else 1
        counts = (*range(block.count - step, 0, -step), *range(block.count + step, _MOST * step, step))
        fences = (Block(block.table, block.address, count) for count in counts)
        return next(fence for fence in fences if question(fence, unit) not in self._owed)
