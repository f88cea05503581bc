"""Reads a batch and judges each of its records, before any of them meets the store. Pure.

The envelope first, then each record on its own, then what only neighbours can show: the links of the digest
chain, and names or times that stand twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from collector.entry import Entry, read_entry
from collector.rules import breach, end_of, first_sequence, time_of
from collector.verdict import Unreadable, Verdict, brief, kept, rejected
from contract.chain import GENESIS, is_linked
from contract.clock import PLAUSIBLE_MS
from contract.messages import BATCH_LIMIT, Batch, ExceptionReason
from contract.records import Record
from contract.topics import Topic

AHEAD_MS: Final = 60_000
"""Records that end up to this far ahead of the collector's clock are accepted (DESIGN 8)."""
FAR_AHEAD_MS: Final = 86_400_000
"""Up to this far they are kept; beyond, rejected, but for a collector whose clock was never set."""
RECORDS_LIMIT: Final = 1000
"""A real record has some 300 bytes at least, so more of them than this do not fit a batch."""

Digests = Mapping[tuple[str, str, int], set[str]]
"""The digests of a batch by name of record: two, where a name stands twice."""


def read_batch(topic: Topic, payload: bytes) -> Batch | Unreadable:
    if len(payload) > BATCH_LIMIT:
        return Unreadable(why=f"{len(payload)} bytes are more than the {BATCH_LIMIT} of a batch")
    try:
        batch = msgspec.json.decode(payload, type=Batch)
        payload.decode("utf-8")
    except (ValueError, RecursionError) as error:
        return Unreadable(why=brief(str(error)))
    if (batch.site, batch.gateway) != (topic.site, topic.name):
        return Unreadable(why=f"says {batch.site}/{batch.gateway}, its topic {topic.site}/{topic.name}")
    if len(batch.records) > RECORDS_LIMIT:
        return Unreadable(why=f"{len(batch.records)} records are more than {RECORDS_LIMIT}")
    return batch


def judge(batch: Batch, now: int) -> list[Entry]:
    """The batch's records in its order; those without a verdict may be written.

    ``now`` is UTC ms by the collector's clock.
    """
    entries = [read_entry(raw) for raw in batch.records]
    digests: defaultdict[tuple[str, str, int], set[str]] = defaultdict(set)
    for entry in entries:
        digests[entry.name].add(entry.digest)
    judged = [_judge(entry, batch, digests, now) for entry in entries]
    return list(_without_doubles(judged))


def _judge(entry: Entry, batch: Batch, digests: Digests, now: int) -> Entry:
    if entry.record is None:
        return entry
    problem = _stranger(entry.record, batch) or breach(entry.record) or _unlinked(entry.record, digests)
    if problem:
        return _against(entry, rejected(ExceptionReason.INVALID, problem))
    return _against(entry, _too_early(entry.record, now))


def _against(entry: Entry, verdict: Verdict | None) -> Entry:
    return msgspec.structs.replace(entry, verdict=verdict)


def _stranger(record: Record, batch: Batch) -> str:
    if (record.site, record.gateway) == (batch.site, batch.gateway):
        return ""
    return f"belongs to {record.site}/{record.gateway}, its batch to {batch.site}/{batch.gateway}"


def _unlinked(record: Record, digests: Digests) -> str:
    known = _before(record, digests) - {""}
    if not known or any(is_linked(record, digest) for digest in known):
        return ""
    return f"its digest does not follow from that of the record before sequence {record.sequence}"


def _before(record: Record, digests: Digests) -> set[str]:
    """The digests that the record may follow; none where that is not certain.

    Records that were kept travel again without their neighbours, so a missing neighbour proves nothing. Of
    what a merged interval stands for only the first and the last are certainly intervals: what lies between
    may be transitions, which keep their names and stand before it in the chain.
    """
    first, life = first_sequence(record), (record.machine, record.epoch)
    if record.sequence and (beside := digests.get((*life, record.sequence - 1))):
        return beside
    if record.sequence - first > 1:
        return set()
    return digests.get((*life, first - 1), set()) if first else {GENESIS}


def _too_early(record: Record, now: int) -> Verdict | None:
    ahead = end_of(record) - now
    if ahead <= AHEAD_MS:
        return None
    verdict = kept if ahead <= FAR_AHEAD_MS or now < PLAUSIBLE_MS else rejected
    return verdict(ExceptionReason.FUTURE, f"ends {ahead} ms ahead of the collector's clock")


def _without_doubles(entries: Iterable[Entry]) -> Iterable[Entry]:
    """The first of each name and of each stored time stays; one with other content is rejected."""
    named: dict[object, Record] = {}
    for entry in entries:
        if entry.record is None or entry.verdict is not None:
            yield entry
            continue
        record = entry.record
        place = (type(record), record.machine, record.epoch, time_of(record))
        first = named.get(entry.name) or named.get(place) or record
        if first == record:
            named[entry.name] = named[place] = record
            yield entry
        else:
            detail = f"sequence {first.sequence} of the same batch has this name or time and other content"
            yield _against(entry, rejected(ExceptionReason.CONFLICT, detail))
