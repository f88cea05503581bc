"""Keeps every lease, order and witness message as a fact, once, from its first hearing."""

import logging
from collections import Counter
from collections.abc import Callable

from collector.announcement import Announced, read_announcement
from collector.condition import Condition
from collector.isolate import Quarantine
from collector.keeping import keep_announcement
from collector.quarantine import UNREADABLE, Case
from collector.verdict import Unreadable
from contract.messages import Outcome, batch_id
from contract.names import NONE
from contract.topics import Topic
from store.protocol import Store, StoreAwayError

log = logging.getLogger(__name__)


class Hearing:
    def __init__(
        self, store: Store, quarantine: Quarantine, now: Callable[[], int], counts: Counter[str]
    ) -> None:
        self._store, self._quarantine, self._now, self._counts = store, quarantine, now, counts
        self._refusing = Condition(log, "announces what cannot be kept as a fact", "is announced well again")

    async def hear(self, topic: Topic, payload: bytes, heard: int | None = None) -> bool:
        """Whether the message rests in the store, as a fact or in the quarantine; if not, hear it again.

        ``heard`` is when it was heard for the first time (UTC ms), if that is not now. An empty payload
        clears a topic and says nothing.
        """
        self._counts[f"{topic.kind}_messages"] += 1
        if not payload:
            return True
        fact = read_announcement(topic, payload, self._now() if heard is None else heard)
        if isinstance(fact, Unreadable):
            return await self._refuse(topic, payload, UNREADABLE, fact.why)
        try:
            return await self._keep(topic, payload, fact)
        except StoreAwayError:
            return False

    async def _keep(self, topic: Topic, payload: bytes, fact: Announced) -> bool:
        verdict = await keep_announcement(self._store, fact)
        if verdict.outcome is Outcome.REJECTED:
            return await self._refuse(topic, payload, str(verdict.reason), verdict.detail)
        if verdict.outcome is Outcome.ACCEPTED:
            self._refusing.well(_named(topic))
        return verdict.outcome is Outcome.ACCEPTED

    async def _refuse(self, topic: Topic, payload: bytes, reason: str, detail: str) -> bool:
        self._counts["refused_announcements"] += 1
        self._refusing.bad(f"{reason}: {detail}", _named(topic))
        case = Case(
            site=topic.site,
            batch=batch_id(payload),
            machine=NONE if topic.kind == "order" else topic.name,
            reason=str(reason),
            detail=detail,
            payload=payload,
        )
        return await self._quarantine.put([case])


def _named(topic: Topic) -> str:
    return f"{topic.kind} of {topic.name}"
