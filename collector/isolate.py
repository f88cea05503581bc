"""Brings cases into the quarantine of the store."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from collector.quarantine import Case, bare, parts, timed
from contract.facts import Quarantined
from contract.messages import ExceptionReason, Outcome
from contract.series import QUARANTINE, fact_of, row_of
from store.protocol import Store, StoreAwayError

LOOK_BACK_MS: Final = 3_600_000
"""A batch whose receipt was lost comes again within minutes; what it brought is quarantined once."""
ROUNDS: Final = 10
"""How often a taken millisecond is passed over. Only several collectors can take each other's."""


class Quarantine:
    """One case after the other, so that two do not reach for the same millisecond."""

    def __init__(self, store: Store, now: Callable[[], int], look_back_ms: int = LOOK_BACK_MS) -> None:
        self._store, self._now, self._look_back_ms = store, now, look_back_ms
        self._next = 0
        self._lock = asyncio.Lock()

    async def put(self, cases: Sequence[Case]) -> bool:
        """Whether all ``cases``, of one gateway, rest in the store now."""
        async with self._lock:
            try:
                known = await self._known(cases)
            except StoreAwayError:
                return False
            return await self._write([p for case in cases for p in parts(case) if bare(p) not in known])

    async def _known(self, cases: Sequence[Case]) -> set[Quarantined]:
        start = self._now() - self._look_back_ms
        end = max(self._now(), self._next) + LOOK_BACK_MS
        tags = {"site": cases[0].site, "gateway": cases[0].gateway}
        rows = self._store.read(QUARANTINE, max(0, start), end, tags)
        facts = [fact_of(row) async for row in rows]
        return {bare(fact) for fact in facts if isinstance(fact, Quarantined)}

    async def _write(self, facts: list[Quarantined]) -> bool:
        for _ in range(ROUNDS):
            timely = timed(facts, max(self._now(), self._next))
            if not timely:
                return True
            self._next = timely[-1].received + 1
            written = await self._store.write([row_of(fact) for fact in timely])
            facts = [f for f, one in zip(timely, written, strict=True) if one.outcome is not Outcome.ACCEPTED]
            if any(one.reason not in {None, ExceptionReason.CONFLICT} for one in written):
                return False
        return not facts
