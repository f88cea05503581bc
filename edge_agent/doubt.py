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

    def unanswered(self, asked: Question, now: float) -> None:
        """Its answer may still come."""
        self._owed[asked] = now

    def answered(self, asked: Question) -> None:
        """It proves nothing when it may have been the answer to an earlier question."""
        if self._owed and asked not in self._owed:
            self.settled(asked.unit)

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
        """A shorter part of ``block`` whose answer proves that none is owed; None when there is none.

        Nothing is asked for that is not within the block: elsewhere a read may do something.
        """
        step = 8 if block.table.bits else 1
        counts = range(block.count - step, max(0, block.count - step * (_FENCES + 1)), -step)
        fences = (Block(block.table, block.address, count) for count in counts)
        return next((fence for fence in fences if not self.is_owed(question(fence, unit), now)), None)
