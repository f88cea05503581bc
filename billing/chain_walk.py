"""The digest chain of each epoch, walked again from the stored rows. Pure.

A record seals the one before it, so a field that was changed, a record that was taken out and one that was
put in show at that record. Behind a break the walk goes on from what the record itself says, so that every
break is found, not only the first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.period import shown
from contract.chain import GENESIS, canonical, link
from contract.facts import Quarantined, payload_bytes
from contract.messages import decode_record
from contract.records import Interval, Loss, Meter, Record, Transition

Life = tuple[str, str]
"""Machine and epoch."""


class Break(Struct, frozen=True, kw_only=True):
    machine: str
    epoch: str
    sequence: int
    at: int
    """UTC ms: when the record begins, or when the one before it began."""
    text: str

    @property
    def name(self) -> str:
        return f"{self.epoch}/{self.sequence}"

    def said(self, zone: ZoneInfo) -> str:
        return f"{self.machine} {self.name}, {shown(self.at, zone)}: {self.text}"


class Head(Struct, frozen=True, kw_only=True):
    """The end of a chain as it was walked."""

    sequence: int
    digest: str

    def __str__(self) -> str:
        return f"{self.sequence} {self.digest}"


def head_of(text: str) -> Head:
    """What ``str`` of a head was."""
    sequence, digest = text.split(" ")
    return Head(sequence=int(sequence), digest=digest)


class Walk:
    """Takes records of many epochs in rising time, in any order within a day; ``settle`` after each day.

    Holds what could not be put in its place yet. A record that is missing is given up when the day after it
    was settled too, so that little waits.
    """

    def __init__(
        self, rejected: Mapping[Life, list[Record]] | None = None, heads: Mapping[str, str] | None = None
    ) -> None:
        """``rejected``: what the store refused and the quarantine has; it may stand in a chain.

        ``heads``: of an earlier walk; who wrote a chain anew from some record on is found by them.
        """
        self._chains: dict[Life, _Chain] = {}
        self._rejected = rejected or {}
        self._heads = heads or {}

    def add(self, record: Record) -> None:
        life = (record.machine, record.epoch)
        if life not in self._chains:
            before = self._heads.get("/".join(life))
            self._chains[life] = _Chain(
                life, self._rejected.get(life, ()), head_of(before) if before else None
            )
        self._chains[life].add(record)

    def settle(self, *, last: bool = False) -> None:
        for chain in self._chains.values():
            chain.settle(last=last)

    @property
    def breaks(self) -> list[Break]:
        found = [each for chain in self._chains.values() for each in chain.breaks]
        return sorted(set(found), key=lambda each: (each.machine, each.at, each.epoch, each.sequence))

    @property
    def heads(self) -> dict[str, str]:
        """By ``machine/epoch``."""
        return {"/".join(life): str(chain.head) for life, chain in sorted(self._chains.items())}


class _Chain:
    def __init__(self, life: Life, rejected: Iterable[Record], before: Head | None) -> None:
        self._life, self._before = life, before
        self._spare = _by_first(rejected)
        self._waiting: dict[int, list[Record]] = {}
        self._missed: int | None = None
        self._at = 0
        self._is_known = True
        """Whether the digest before the next record is known: not behind a missing one."""
        self.head = Head(sequence=-1, digest=GENESIS)
        self.breaks: list[Break] = []

    def add(self, record: Record) -> None:
        self._waiting.setdefault(first_of(record), []).append(record)

    def settle(self, *, last: bool) -> None:
        """A record that was missed a day ago and is still not there is missing."""
        self._advance()
        while self._waiting and (last or self._missed == self._expected):
            self._skip()
            self._advance()
        self._missed = self._expected if self._waiting else None
        if last and self._before and self.head.sequence < self._before.sequence:
            text = f"the chain ends here; it went to record {self._before.sequence} when it was frozen"
            self._break(self.head.sequence, self._at, text)

    @property
    def _expected(self) -> int:
        return self.head.sequence + 1

    def _advance(self) -> None:
        """A rejected record stands in the chain only where it goes on behind it."""
        while self._expected in self._waiting or (self._waiting and self._expected in self._spare):
            stored = self._waiting.pop(self._expected, [])
            self._take(stored, self._spare.pop(self._expected, []))

    def _take(self, stored: list[Record], spare: list[Record]) -> None:
        """Of several the one that is linked."""
        here, digest = [*stored, *spare], self.head.digest
        linked = [record for record in here if record.digest == link(digest, canonical(record))]
        record = (linked or here)[0]
        if self._is_known and not linked:
            text = "its content is not what was sealed: a field of it, or the digest before it, was changed"
            self._break(record.sequence, instant_of(record), text)
        for other in stored:
            if other is not record:
                self._break(other.sequence, instant_of(other), "a second record stands in this place")
        self._at, self._is_known = instant_of(record), True
        frozen = self._before
        if frozen and frozen.sequence == record.sequence and frozen.digest != record.digest:
            self._break(record.sequence, self._at, "its digest is not the one that was frozen")
        self.head = Head(sequence=record.sequence, digest=record.digest)

    def _skip(self) -> None:
        first, expected = min(self._waiting), self._expected
        if first < expected:
            for record in self._waiting.pop(first):
                self._break(record.sequence, instant_of(record), "a second record stands in this place")
            return
        until = self._waiting[first][0]
        missing = (
            f"records {expected} to {first - 1} are" if first - expected > 1 else f"record {expected} is"
        )
        self._break(expected, self._at or instant_of(until), f"{missing} missing: removed, or never stored")
        self.head = Head(sequence=first - 1, digest=self.head.digest)
        self._is_known = False

    def _break(self, sequence: int, at: int, text: str) -> None:
        machine, epoch = self._life
        self.breaks.append(Break(machine=machine, epoch=epoch, sequence=sequence, at=at, text=text))


def first_of(record: Record) -> int:
    """The first sequence that a record stands for."""
    return record.sequence_first if isinstance(record, Interval | Loss) else record.sequence


def instant_of(record: Record) -> int:
    return record.at if isinstance(record, Meter | Transition) else record.start


def _by_first(records: Iterable[Record]) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        found[first_of(record)].append(record)
    return dict(found)


def rejected(facts: Iterable[Quarantined]) -> dict[Life, list[Record]]:
    """The quarantined records that can be read. Such as were cut into parts are put together."""
    parts: dict[tuple[str, str, str, int], list[Quarantined]] = defaultdict(list)
    for fact in facts:
        if fact.sequence >= 0 and not fact.replayed:  # such a row marks a case, and holds no record
            parts[fact.batch, fact.machine, fact.epoch, fact.sequence].append(fact)
    found: dict[Life, list[Record]] = defaultdict(list)
    for of in parts.values():
        for record in _whole(of):
            found[record.machine, record.epoch].append(record)
    return found


def _whole(parts: list[Quarantined]) -> Iterator[Record]:
    by_part = {part.part: part.payload for part in parts}
    text = "".join(payload for _, payload in sorted(by_part.items()))
    if len(by_part) == parts[0].parts:
        try:
            yield decode_record(payload_bytes(text))
        except ValueError:  # no record that could stand in a chain
            return
