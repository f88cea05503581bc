"""One epoch's chain, walked link by link from its stored records and held against its signatures. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.findings import Rule
from billing.period import shown
from contract.chain import GENESIS, canonical, link
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.signature import Signature

Life = tuple[str, str]
"""Machine and epoch."""


class Break(Struct, frozen=True, kw_only=True):
    rule: Rule = Rule.CHAIN
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
    at: int = 0
    """When the record began, UTC ms; 0 where an earlier version walked it and did not say."""

    def __str__(self) -> str:
        return f"{self.sequence} {self.digest} {self.at}" if self.at else f"{self.sequence} {self.digest}"


def head_of(text: str) -> Head:
    """What ``str`` of a head was."""
    sequence, digest, *at = text.split(" ")
    return Head(sequence=int(sequence), digest=digest, at=int(at[0]) if at else 0)


BEGINNING: Final = Head(sequence=-1, digest=GENESIS)


class Chain:
    def __init__(
        self,
        life: Life,
        rejected: Iterable[Record],
        before: Head | None = None,
        start: Head | None = None,
        cut_at: int | None = None,
    ) -> None:
        """``before``: how far it was when it was frozen. ``start``: the link that the walk goes on from.

        ``cut_at``: what came before this midnight (UTC ms) is out of reach, so it may begin with any record.
        """
        self._life, self._before, self._cut_at = life, before, cut_at
        self._spare = _by_first(rejected)
        self._waiting: dict[int, list[Record]] = {}
        self._missed: int | None = None
        self._is_known = True
        """Whether the digest before the next record is known: not behind a missing one."""
        self._signed: dict[int, Signature] = {}
        """Good signatures of records that have not come yet."""
        self.start = self.head = start or BEGINNING
        self._last: Record | None = None
        self.unsigned: Break | None = None
        """The first record that no signature covers so far."""
        self.breaks: list[Break] = []

    def add(self, record: Record) -> None:
        self._waiting.setdefault(first_of(record), []).append(record)

    def sign(self, signature: Signature, flaw: str) -> None:
        """``flaw``: what is wrong with it; then it binds nothing."""
        if flaw:
            self._break(signature.sequence, day_of(signature), f"its signature {flaw}", Rule.SIGNATURE)
        elif self._last and signature.sequence == self._last.sequence:
            self._compare(signature, self._last)
        else:
            self._signed[signature.sequence] = signature

    @property
    def lags(self) -> bool:
        """Whether it has not gone on from its start, though there are records."""
        return self.head is self.start and bool(self._waiting) and min(self._waiting) > self._expected

    def settle(self, *, last: bool) -> None:
        """A record that was missed a day ago and is still not there is missing."""
        if self._cut_at is not None and self._waiting:
            self._cut(self._cut_at)
        self._advance()
        while self._waiting and (last or self._missed == self._expected):
            self._skip()
            self._advance()
        self._missed = self._expected if self._waiting else None
        if last:
            self._finish()

    def _cut(self, at: int) -> None:
        """Begins with the first record that is within reach, unless the walk goes on from its start."""
        self._cut_at = None
        first = min(self._waiting)
        if first > self._expected and _is_cut_at(self._waiting[first], at):
            del self._waiting[first]  # what ended at that midnight stands behind it, and is out of reach
        if self._waiting and min(self._waiting) > self._expected:
            self.head = Head(sequence=min(self._waiting) - 1, digest=GENESIS)
            self._is_known = False

    def _finish(self) -> None:
        if self._before and self.head.sequence < self._before.sequence:
            text = f"the chain ends here; it went to record {self._before.sequence} when it was frozen"
            self._break(self.head.sequence, self.head.at, text)
        for signature in self._signed.values():
            if signature.sequence > self.start.sequence:
                text = f"{signature.gateway} signed it as the end of a day or an epoch, and it is not there"
                self._break(signature.sequence, day_of(signature), text, Rule.SIGNATURE)

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
        self._follow(record)

    def _follow(self, record: Record) -> None:
        at, self._is_known, self._last = instant_of(record), True, record
        frozen = self._before
        if frozen and frozen.sequence == record.sequence and frozen.digest != record.digest:
            self._break(record.sequence, at, "its digest is not the one that was frozen")
        if self.unsigned is None:
            text = "no gateway signed it, nor any record after it in its epoch"
            self.unsigned = self._made(record.sequence, at, text, Rule.UNSIGNED)
        self.head = Head(sequence=record.sequence, digest=record.digest, at=at)
        if signature := self._signed.pop(record.sequence, None):
            self._compare(signature, record)

    def _compare(self, signature: Signature, record: Record) -> None:
        at = instant_of(record)
        if signature.digest != record.digest:
            text = (
                f"{signature.gateway} signed another record in its place: it, or one before it, was changed"
            )
            self._break(record.sequence, at, text, Rule.SIGNATURE)
        elif signature.gateway != record.gateway:
            text = f"it is of {record.gateway}, and {signature.gateway} signed it"
            self._break(record.sequence, at, text, Rule.SIGNATURE)
        else:
            self.unsigned = None

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
        at = self.head.at or instant_of(until)
        self._break(expected, at, f"{missing} missing: removed, or never stored")
        self.head = Head(sequence=first - 1, digest=self.head.digest, at=self.head.at)
        self._is_known = False

    def _break(self, sequence: int, at: int, text: str, rule: Rule = Rule.CHAIN) -> None:
        self.breaks.append(self._made(sequence, at, text, rule))

    def _made(self, sequence: int, at: int, text: str, rule: Rule) -> Break:
        machine, epoch = self._life
        return Break(rule=rule, machine=machine, epoch=epoch, sequence=sequence, at=at, text=text)


def _is_cut_at(records: Iterable[Record], at: int) -> bool:
    return any(isinstance(record, Transition) and record.at == at for record in records)


def day_of(signature: Signature) -> int:
    """An instant of the local day that it closes, UTC ms: the end itself is the next day's midnight."""
    return max(0, signature.until - 1)


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
