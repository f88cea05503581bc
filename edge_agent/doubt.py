"""What may still come on a line without transaction ids: late answers that could pass for the next one. Pure.

A unit answers in the order in which it was asked. So whatever it answers to a question of another length came
after every answer that it owed, and proves that none is outstanding.
"""

from typing import Final

from edge_agent.block import Block
from edge_agent.framing import Question, question

_HELD_S: Final = 60.0
"""No gateway hands out an answer that is older."""
_FENCES: Final = 2
"""So many shorter questions are tried: some machines do not answer for a part of what belongs together."""


class Doubts:
    """Questions that had no answer, or one too many. ``now`` is in seconds of one clock."""

    def __init__(self) -> None:
        self._owed: dict[Question, float] = {}
        """And when each was asked."""
        self._known: dict[Question, Block] = {}
        """What was answered before, of each unit one block of each length."""

    def unanswered(self, asked: Question, now: float) -> None:
        """Its answer may still come."""
        self._owed[asked] = now

    def answered(self, block: Block, unit: int) -> None:
        """It proves nothing when it may have been the answer to an earlier question."""
        asked = question(block, unit)
        self._known[asked] = block
        if self._owed and asked not in self._owed:
            self.settled(unit)

    def settled(self, unit: int) -> None:
        """It owes nothing."""
        for owed in [owed for owed in self._owed if owed.unit == unit]:
            del self._owed[owed]

    def is_owed(self, asked: Question, now: float) -> bool:
        """Whether a late answer would fit the question."""
        asked_at = self._owed.get(asked)
        if asked_at is not None and now - asked_at > _HELD_S:
            del self._owed[asked]
            return False
        return asked_at is not None

    def fence(self, block: Block, unit: int, now: float) -> Block | None:
        """What proves by its answer that none is owed; None when there is nothing.

        A shorter part of ``block``, or another block that was answered before. Nothing else is asked for:
        elsewhere a read may do something.
        """
        step = 8 if block.table.bits else 1
        counts = range(block.count - step, max(0, block.count - step * (_FENCES + 1)), -step)
        shorter = [Block(block.table, block.address, count) for count in counts]
        others = [known for asked, known in self._known.items() if asked.unit == unit]
        fences = (fence for fence in (*shorter, *others) if not self.is_owed(question(fence, unit), now))
        return next(fences, None)
