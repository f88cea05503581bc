"""The quarantine as read back: cases put together from their parts, and what was replayed. Pure.

A row of the quarantine is never changed. That a case was replayed is a further row: ``replayed`` 1, reason
``replayed``, its payload the id of the case, the rest of its name that of the case.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from collector.quarantine import UNREADABLE, Case, payloads
from contract.facts import Quarantined, payload_bytes
from contract.messages import batch_id
from contract.names import NONE

REPLAYED: Final = "replayed"
"""The reason of a row that says that a case was replayed."""


class Held(Struct, frozen=True, kw_only=True):
    """One case in quarantine."""

    parts: tuple[Quarantined, ...]
    """In their order; part 0 is there, others may be missing."""
    replayed: int | None = None
    """When it was replayed, UTC ms."""

    @property
    def first(self) -> Quarantined:
        return self.parts[0]

    @property
    def id(self) -> str:
        """Names a case by where and when its first part came to rest."""
        return f"{self.first.site}/{self.first.gateway}/{self.first.received}"

    @property
    def is_whole(self) -> bool:
        return len(self.parts) == self.first.parts


Key = tuple[str | int, ...]


def _key(fact: Quarantined) -> Key:
    named = (fact.site, fact.gateway, fact.batch, fact.machine, fact.epoch, fact.sequence)
    return (*named, fact.reason, fact.detail, fact.parts)


def held(facts: Iterable[Quarantined]) -> list[Held]:
    """Every case, by time. ``facts`` are by time too, though a late part may stand before an early one."""
    marks: dict[str, int] = {}
    groups: defaultdict[Key, dict[int, list[Quarantined]]] = defaultdict(dict)
    for fact in facts:
        if fact.replayed:
            marks.setdefault(fact.payload, fact.received)
        else:
            groups[_key(fact)].setdefault(fact.part, []).append(fact)
    found = [Held(parts=parts) for by_part in groups.values() for parts in _together(by_part)]
    marked = [Held(parts=one.parts, replayed=marks.get(one.id)) for one in found]
    return sorted(marked, key=lambda one: one.first.received)


def _together(by_part: Mapping[int, Sequence[Quarantined]]) -> Iterable[tuple[Quarantined, ...]]:
    """Things without a name of their own look alike: the n-th of each part belongs to the n-th of them."""
    for n in range(len(by_part.get(0, ()))):
        yield tuple(rows[n] for _, rows in sorted(by_part.items()) if n < len(rows))


def named(cases: Iterable[Held], name: str) -> Held | None:
    return next((one for one in cases if one.id == name), None)


def content(one: Held) -> bytes:
    """The payload, whole and as it came. Raises ValueError with the reason why it cannot be had."""
    if not one.is_whole:
        raise ValueError(f"only {len(one.parts)} of {one.first.parts} parts are stored")
    payload = payload_bytes(payloads(one.parts))
    came_whole = one.first.gateway == NONE or one.first.reason == UNREADABLE
    if came_whole and batch_id(payload) != one.first.batch:
        raise ValueError(f"its {len(payload)} stored bytes are not all that came")
    return payload


def mark(one: Held, detail: str) -> Case:
    """The row that says that ``one`` was replayed."""
    first = one.first
    return Case(
        site=first.site,
        gateway=first.gateway,
        batch=first.batch,
        machine=first.machine,
        epoch=first.epoch,
        sequence=first.sequence,
        reason=REPLAYED,
        detail=detail,
        payload=one.id.encode(),
        replayed=True,
    )
