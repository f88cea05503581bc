"""Takes custody of a batch: judged, written, quarantined, and only then answered (DESIGN 4, "Custody")."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from collector.answer import Judged, batch_fact, is_away, receipt, unreadable_receipt
from collector.condition import Condition
from collector.entry import Entry
from collector.isolate import Quarantine
from collector.judge import judge, read_batch
from collector.keeping import keep_records
from collector.quarantine import UNREADABLE, Case
from collector.report import LastHeard
from collector.rivals import Rivals
from collector.signatures import keep_signatures
from collector.verdict import Unreadable, Verdict, kept
from contract.messages import Batch, ExceptionReason, Outcome, Receipt, batch_id
from contract.records import Interval, Record
from contract.series import row_of
from contract.topics import Topic
from store.protocol import Store

log = logging.getLogger(__name__)

QUIET_MS: Final = 3_600_000
"""How long a gateway sends only acceptable records before this is said."""


class Ingest:
    """Keeps nothing between batches but counts and what it has already complained of."""

    def __init__(
        self, store: Store, quarantine: Quarantine, now: Callable[[], int], name: str, counts: Counter[str]
    ) -> None:
        self._store, self._quarantine, self._now, self._name = store, quarantine, now, name
        self._counts = counts
        self._refused: dict[str, int] = {}
        self._rivals = Rivals()
        self.heard = LastHeard()
        self.store_trouble = ""
        """Why the store takes no records; empty while it does."""
        self._away = Condition(log, "the store takes no records", "the store takes records again")
        self._refusing = Condition(log, "sends what cannot be accepted", "sends acceptable records again")

    @property
    def refusing(self) -> tuple[str, ...]:
        """Gateways that send what cannot be accepted."""
        return self._refusing.all()

    @property
    def machines(self) -> int:
        """Watched for a second meter."""
        return len(self._rivals)

    async def take(self, topic: Topic, payload: bytes) -> Receipt | None:
        """The receipt, or None when the sender has to send again: then nothing was taken.

        It never raises for anything in ``payload``, nor for a store that is away.
        """
        batch, name = read_batch(topic, payload), batch_id(payload)
        self._counts["batches"] += 1
        if isinstance(batch, Unreadable):
            return await self._refuse(topic, payload, name, batch.why)
        gateway = f"{batch.site}/{batch.gateway}"
        if self.heard.hear(gateway, self._now()):
            log.info("%s sends batches", gateway, extra={"subject": gateway, "kind": "sends batches"})
        judged = await self._isolate(batch, name, await keep_records(self._store, judge(batch, self._now())))
        signed = 0 if is_away(judged) else await keep_signatures(self._store, self._quarantine, batch, name)
        if signed:
            self._counts["signatures"] += signed
        await self._conclude(batch, name, judged)
        asks_ms = self._store.retry_after_ms
        return receipt(name, self._name, self._now(), judged, asks_ms, signatures=signed)

    async def _refuse(self, topic: Topic, payload: bytes, name: str, why: str) -> Receipt | None:
        case = Case(
            site=topic.site, gateway=topic.name, batch=name, reason=UNREADABLE, detail=why, payload=payload
        )
        self._counts["unreadable"] += 1
        self._complain(f"{topic.site}/{topic.name}", why)
        rests = await self._quarantine.put([case])
        return unreadable_receipt(name, self._name, self._now(), why) if rests else None

    async def _isolate(self, batch: Batch, name: str, judged: list[Judged]) -> list[Judged]:
        """Rejected records leave the gateway's outbox, so they are rejected only once they rest here."""
        cases = [case_of(batch, name, *one) for one in judged if one[1].outcome is Outcome.REJECTED]
        if not cases or (not is_away(judged) and await self._quarantine.put(cases)):
            return judged
        instead = kept(ExceptionReason.STORE, "cannot be quarantined now")
        return [(e, instead if v.outcome is Outcome.REJECTED else v) for e, v in judged]

    async def _conclude(self, batch: Batch, name: str, judged: Sequence[Judged]) -> None:
        self._count(batch, judged)
        if is_away(judged):
            self.store_trouble = next(v.detail for _, v in judged if v.reason is ExceptionReason.STORE)
            self._away.bad(self.store_trouble)
            return
        self.store_trouble = ""
        self._away.well()
        fact = batch_fact(name, self._name, batch, judged, self._now())
        [written] = await self._store.write([row_of(fact)])
        self._counts[f"batch_facts_{written.outcome}"] += 1

    def _count(self, batch: Batch, judged: Sequence[Judged]) -> None:
        gateway = f"{batch.site}/{batch.gateway}"
        self._compare([e.record for e, v in judged if v.outcome is Outcome.ACCEPTED])
        self._counts.update(str(verdict.reason or verdict.outcome) for _, verdict in judged)
        well = {None, ExceptionReason.STORE} if is_away(judged) else {None}
        refused = [verdict for _, verdict in judged if verdict.reason not in well]
        if refused:
            self._complain(gateway, f"{refused[0].reason}: {refused[0].detail}")
        elif self._refusing.is_bad(gateway) and self._now() - self._refused[gateway] > QUIET_MS:
            self._refusing.well(gateway)

    def _compare(self, records: Sequence[Record | None]) -> None:
        for record in records:
            for rivalry in self._rivals.news(record, self._now()) if isinstance(record, Interval) else ():
                self._counts["metered_twice"] += 1
                log.warning("%s; both are stored, and the time counts twice", rivalry)

    def _complain(self, gateway: str, why: str) -> None:
        """Good batches come between bad ones: the condition ends after a quiet time, not with the next."""
        self._refusing.bad(why, gateway)
        if self._refusing.is_bad(gateway):
            self._refused[gateway] = self._now()


def case_of(batch: Batch, name: str, entry: Entry, verdict: Verdict) -> Case:
    return Case(
        site=batch.site,
        gateway=batch.gateway,
        batch=name,
        machine=entry.machine,
        epoch=entry.epoch,
        sequence=entry.sequence,
        reason=str(verdict.reason),
        detail=verdict.detail,
        payload=entry.raw,
    )
