"""A digest of everything a statement was made from: the same inputs give the same digest in any store."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from billing.spell import Spell
from contract.records import Interval, Transition

_Digests = Mapping[tuple[str, str], str]


class Sealed(Struct, frozen=True, kw_only=True):
    """By machine and epoch the SHA-256 of its records as hex, and the ids of all facts."""

    intervals: _Digests
    transitions: _Digests
    facts: frozenset[str]

    def digest(self, *more: str) -> str:
        """SHA-256 over records, facts and ``more`` (the period, the tariff)."""
        whole = hashlib.sha256("\n".join(more).encode())
        for kind, meters in ((Interval, self.intervals), (Transition, self.transitions)):
            for meter, found in sorted(meters.items()):
                whole.update(f"\n{kind.__name__}/{'/'.join(meter)} {found}".encode())
        for fact in sorted(self.facts):
            whole.update(f"\n{fact}".encode())
        return whole.hexdigest()


def sealed_together(parts: Iterable[Sealed]) -> Sealed:
    """Of parts that have no machine in common."""
    parts = tuple(parts)
    return Sealed(
        intervals={meter: digest for part in parts for meter, digest in part.intervals.items()},
        transitions={meter: digest for part in parts for meter, digest in part.transitions.items()},
        facts=frozenset().union(*(part.facts for part in parts)),
    )


class Seal:
    """Per meter in the order of its records, so that the order in which a store lists machines is free."""

    def __init__(self) -> None:
        self._intervals: dict[tuple[str, str], Any] = defaultdict(hashlib.sha256)
        self._transitions: dict[tuple[str, str], Any] = defaultdict(hashlib.sha256)
        self._facts: set[str] = set()

    def record(self, record: Interval | Transition) -> None:
        of = self._intervals if isinstance(record, Interval) else self._transitions
        of[record.machine, record.epoch].update(f"{record.sequence} {record.digest}\n".encode())

    def spell(self, spell: Spell) -> None:
        text = "".join(map("{} {}\n".format, spell.sequences, spell.digests))
        self._intervals[spell.meter].update(text.encode())

    def facts(self, ids: tuple[str, ...]) -> None:
        """The leases, orders and corrections that decided something."""
        self._facts.update(ids)

    def sealed(self) -> Sealed:
        return Sealed(
            intervals={meter: found.hexdigest() for meter, found in self._intervals.items()},
            transitions={meter: found.hexdigest() for meter, found in self._transitions.items()},
            facts=frozenset(self._facts),
        )
