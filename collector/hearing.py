"""Keeps every lease and order message as a fact, once, from its first hearing."""

import logging
from collections import Counter
from collections.abc import Callable

from collector.announcement import Announced, is_same, read_announcement
from collector.condition import Condition
from collector.isolate import Quarantine
from collector.quarantine import UNREADABLE, Case
from collector.verdict import Unreadable
from contract.facts import LeaseFact
from contract.messages import ExceptionReason, Outcome, batch_id
from contract.names import NONE
from contract.series import LEASE, ORDER, fact_of, row_of
from contract.topics import Topic
from store.protocol import Store, StoreAwayError

log = logging.getLogger(__name__)


class Hearing:
    def __init__(
        self, store: Store, quarantine: Quarantine, now: Callable[[], int], counts: Counter[str]
    ) -> None:
        self._store, self._quarantine, self._now, self._counts = store, quarantine, now, counts
        self._refusing = Condition(log, "announces what cannot be kept as a fact", "is announced well again")

    async def hear(self, topic: Topic, payload: bytes) -> bool:
        """Whether the message rests in the store, as a fact or in the quarantine; if not, hear it again.

        An empty payload clears a topic and says nothing.
        """
        self._counts[f"{topic.kind}_messages"] += 1
        if not payload:
            return True
        fact = read_announcement(topic, payload, self._now())
        if isinstance(fact, Unreadable):
            return await self._refuse(topic, payload, UNREADABLE, fact.why)
        try:
            return await self._keep(topic, payload, fact)
        except StoreAwayError:
            return False

    async def _keep(self, topic: Topic, payload: bytes, fact: Announced) -> bool:
        stored = await self._stored(fact)
        if stored is None:
            [written] = await self._store.write([row_of(fact)])
            if written.outcome is Outcome.KEPT:
                return False
            if written.outcome is Outcome.REJECTED and written.reason is not ExceptionReason.CONFLICT:
                return await self._refuse(topic, payload, str(written.reason), written.detail)
            stored = await self._stored(fact)
        if stored is None or is_same(stored, fact):
            self._refusing.well(_named(topic))
            return True
        detail = f"id {stored.id} of {stored.by} was heard first with the same issued instant"
        return await self._refuse(topic, payload, ExceptionReason.CONFLICT, detail)

    async def _stored(self, fact: Announced) -> Announced | None:
        row, series = row_of(fact), LEASE if isinstance(fact, LeaseFact) else ORDER
        async for known in self._store.read(series, row.time, row.time + 1, row.tags):
            found = fact_of(known)
            return found if isinstance(found, type(fact)) else None
        return None

    async def _refuse(self, topic: Topic, payload: bytes, reason: str, detail: str) -> bool:
        self._counts["refused_announcements"] += 1
        self._refusing.bad(f"{reason}: {detail}", _named(topic))
        case = Case(
            site=topic.site,
            batch=batch_id(payload),
            machine=topic.name if topic.kind == "lease" else NONE,
            reason=str(reason),
            detail=detail,
            payload=payload,
        )
        return await self._quarantine.put([case])


def _named(topic: Topic) -> str:
    return f"{topic.kind} of {topic.name}"
