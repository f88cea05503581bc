"""Facts that people decide or find, written to the store: each gets a millisecond of its own."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from contract.facts import Correction, QualityResult
from contract.messages import ExceptionReason, Outcome
from contract.series import row_of
from store.protocol import Store

_TRIES: Final = 100
"""Facts of one machine in the same millisecond; each next one is issued a millisecond later."""

F = TypeVar("F", Correction, QualityResult)


class Refusal(Exception):  # noqa: N818  it is an answer to a person, with what to do
    """The fact cannot be written. The text says why and what to do."""


async def write(store: Store, facts: Sequence[F]) -> list[F]:
    """The facts as they were stored. Raises Refusal when the store would not take one."""
    return [await _write(store, fact) for fact in facts]


async def _write(store: Store, fact: F) -> F:
    for later in range(_TRIES):
        issued = fact.issued + later
        moved = msgspec.structs.replace(fact, issued=issued, id=f"{fact.machine}-{issued}")
        (written,) = await store.write([row_of(moved)])
        if written.outcome is Outcome.ACCEPTED:
            return moved
        if written.reason is not ExceptionReason.CONFLICT:
            raise Refusal(f"the store did not take it: {written.detail}")
    raise Refusal("the store holds other facts at this time; try again in a second")
