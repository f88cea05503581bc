"""Stored rows of state as far as a bill needs them: of nearly all spans only that they are over. Pure.

Of a machine's spans half are no stops. They are decoded, so that what cannot be read is found, and where they
say of everybody what the row before said, no record is made of them.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from contract.records import Transition
from contract.series import STATE
from contract.states import State
from contract.stored import Facts, Seen, Stored

_MACHINE: Final = 1 + STATE.tags.index("machine")
_EPOCH: Final = 1 + STATE.tags.index("epoch")


class Folding(Protocol):
    def transition(self, transition: Transition) -> None:
        """One whose span was a stop, or that says something new of the machine."""

    def turned(self, meter: tuple[str, str], at: int, state: State, party: str) -> None:
        """Another state began, and what ended was no stop."""


class Turning:
    """Takes stored rows of state in rising time."""

    def __init__(self, facts: Facts, read: Callable[[Stored], Transition | None], fold: Folding) -> None:
        """``read``: a row as a record, or None when it cannot be read."""
        self._facts, self._read, self._fold = facts, read, fold

    def rows(self, page: Iterable[Stored]) -> None:
        for stored in page:
            seen = self._facts.seen(stored[_MACHINE])
            if (seen is None or not self._is_folded(stored, seen)) and (turned := self._read(stored)):
                self._fold.transition(turned)

    def _is_folded(self, stored: Stored, seen: Seen) -> bool:
        """Whether it says what the row before said; then it is."""
        if stored[1:-1] != seen.tags:
            return False
        try:
            flat = seen.shape.decode(stored[-1])
        except msgspec.DecodeError:
            return False
        if seen.shape.texts(flat) != seen.texts:
            return False
        if flat.span_state is not State.STOP:
            self._fold.turned((stored[_MACHINE], stored[_EPOCH]), stored[0], flat.state, flat.party)
        elif isinstance(turned := seen.shape.fact(seen.same, stored[0], flat), Transition):
            self._fold.transition(turned)
        return True
