"""The digest chain of each epoch, walked again from the stored rows. Pure.

A record seals the one before it, so a field that was changed, a record that was taken out and one that was
put in show at that record. Behind a break the walk goes on from what the record itself says, so that every
break is found, not only the first. Signatures bind what the chain alone does not: one that was written anew.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from billing.chain import Break, Chain, Head, Life, instant_of
from contract.facts import Quarantined, payload_bytes
from contract.messages import decode_record
from contract.records import Record, Transition
from contract.signature import Signature


class Start(NamedTuple):
    """Where the walk of a chain begins that a frozen run walked before."""

    head: Head
    at: int
    """The midnight up to which it was walked, UTC ms. A transition at that very instant was walked too."""


class Walk:
    """Takes records of many epochs in rising time, in any order within a day; ``settle`` after each day.

    Signatures of a day come before its records. Holds what could not be put in its place yet. A record that
    is missing is given up when the day after it was settled too, so that little waits.
    """

    def __init__(
        self,
        rejected: Mapping[Life, list[Record]] | None = None,
        heads: Mapping[str, Head] | None = None,
        *,
        starts: Mapping[Life, Start] | None = None,
        flaw: Callable[[Signature], str] | None = None,
        cut_at: int | None = None,
    ) -> None:
        """``rejected``: what the store refused and the quarantine has; it may stand in a chain.

        ``heads``: of an earlier walk; who wrote a chain anew from some record on is found by them.
        ``starts``: where chains go on that were walked before. ``flaw``: what is wrong with a signature;
        None: nobody asks. ``cut_at``: what came before this midnight is out of reach, UTC ms.
        """
        self._chains: dict[Life, Chain] = {}
        self._rejected, self._heads = rejected or {}, heads or {}
        self._starts, self._flaw = starts or {}, flaw
        self._asked, self._cut_at = set[Life](), cut_at

    def add(self, record: Record) -> None:
        life = (record.machine, record.epoch)
        if not (life in self._starts and _was_walked(record, self._starts[life])):
            self._chain(life).add(record)

    def add_signature(self, head: Signature) -> None:
        if self._flaw:
            self._chain((head.machine, head.epoch)).sign(head, self._flaw(head))

    def add_before(self, record: Record) -> None:
        """A record of before the start of its chain: such as came late, or was walked already."""
        chain = self._chain((record.machine, record.epoch))
        if record.sequence > chain.start.sequence:
            chain.add(record)

    def lagging(self) -> list[Life]:
        """Chains that do not go on where they were walked to: what is between may have come late.

        Each is named once: its records from before the start are wanted then, before the next ``settle``.
        """
        found = [life for life in self._starts.keys() - self._asked if self._lags(life)]
        self._asked.update(found)
        return sorted(found)

    def _lags(self, life: Life) -> bool:
        return life in self._chains and self._chains[life].lags

    def settle(self, *, last: bool = False) -> None:
        for chain in self._chains.values():
            chain.settle(last=last)

    def _chain(self, life: Life) -> Chain:
        if life not in self._chains:
            start = self._starts[life].head if life in self._starts else None
            before = self._heads.get("/".join(life))
            self._chains[life] = Chain(life, self._rejected.get(life, ()), before, start, self._cut_at)
        return self._chains[life]

    @property
    def breaks(self) -> list[Break]:
        found = [each for chain in self._chains.values() for each in chain.breaks]
        return sorted(set(found), key=lambda each: (each.machine, each.at, each.epoch, each.sequence))

    def unsigned(self, over: int) -> list[Break]:
        """The first record of each chain that no signature covers, if it began before ``over`` (UTC ms)."""
        found = [chain.unsigned for chain in self._chains.values()]
        return sorted((one for one in found if one and one.at < over), key=lambda one: (one.machine, one.at))

    @property
    def heads(self) -> dict[str, str]:
        """By ``machine/epoch``."""
        known = {life: chain.head for life, chain in sorted(self._chains.items()) if chain.head.sequence >= 0}
        return {"/".join(life): str(head) for life, head in known.items()}


def _was_walked(record: Record, start: Start) -> bool:
    """What was put in later beside what was walked is not: it stands in a place that is taken."""
    if record.sequence > start.head.sequence:
        return False
    at = instant_of(record)
    return at < start.at or (at == start.at and isinstance(record, Transition))


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
