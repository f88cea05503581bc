"""Brings cases into the quarantine of the store."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from collector.quarantine import Case, lane, parts, timed
from collector.recall import MOST, Recall, Source, digest
from contract.facts import Quarantined
from contract.messages import ExceptionReason
from contract.series import QUARANTINE, row_of, whole_fact
from store.protocol import Store, StoreAwayError

LOOK_BACK_MS: Final = 3_600_000
"""A batch whose receipt was lost comes again within minutes; what it brought is quarantined once."""
ROUNDS: Final = 10
"""How often a taken millisecond is passed over. Only several collectors can take each other's."""


class Quarantine:
    """One case after the other, so that two do not reach for the same millisecond.

    Not every store refuses a row whose key was taken a moment ago by another process. So collectors of
    different ``name`` reach for different milliseconds. For names that hash alike every row is read back,
    which narrows their race and does not close it.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], int],
        *,
        name: str = "",
        look_back_ms: int = LOOK_BACK_MS,
        most: int = MOST,
    ) -> None:
        self._store, self._now, self._look_back_ms = store, now, look_back_ms
        self._lane = lane(name)
        self._recall = Recall(store, most)
        self._next = 0
        self._lock = asyncio.Lock()

    async def put(self, cases: Sequence[Case]) -> bool:
        """Whether all ``cases``, of one gateway, rest in the store now."""
        source = Source(cases[0].site, cases[0].gateway)
        async with self._lock:
            try:
                start = max(0, self._now() - self._look_back_ms)
                end = max(self._now(), self._next) + LOOK_BACK_MS
                known = await self._recall.digests(source, start, end)
                facts = [part for case in cases for part in parts(case)]
                return await self._write(source, [fact for fact in facts if digest(fact) not in known])
            except StoreAwayError:
                return False

    async def _write(self, source: Source, facts: list[Quarantined]) -> bool:
        """Raises StoreAwayError."""
        for _ in range(ROUNDS):
            if not facts:
                return True
            timely = timed(facts, self._lane.after(max(self._now(), self._next)), self._lane.step)
            self._next = timely[-1].received + 1
            written = await self._store.write([row_of(fact) for fact in timely])
            if any(one.reason not in {None, ExceptionReason.CONFLICT} for one in written):
                return False
            ours = await self._ours(timely)
            self._recall.add(source, ours)
            facts = [fact for fact in timely if fact not in ours]
        return not facts

    async def _ours(self, timely: Sequence[Quarantined]) -> list[Quarantined]:
        rows = self._store.read(QUARANTINE, timely[0].received, timely[-1].received + 1)
        stored = {whole_fact(row) async for row in rows}
        return [fact for fact in timely if fact in stored]
