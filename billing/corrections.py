"""What people decided about records: the latest issued correction that names a record or its time wins."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from contract.facts import CorrectedField, Correction, Target

Name = tuple[str, str, int]
"""Machine, epoch, sequence."""


class Corrections(Struct, frozen=True, kw_only=True):
    named: Mapping[Name, tuple[Correction, ...]] = {}
    ranges: Mapping[str, tuple[Correction, ...]] = {}
    """By machine: corrections of everything that begins in ``[start, end)``."""

    def latest(self, name: Name, target: Target, at: int, field: CorrectedField) -> Correction | None:
        """The correction of ``field`` of the record ``name`` of series ``target`` that begins at ``at``."""
        found = [
            *self.named.get(name, ()),
            *(c for c in self.ranges.get(name[0], ()) if c.start <= at < c.end),
        ]
        fitting = [c for c in found if c.field is field and _covers(c, target)]
        return max(fitting, key=lambda c: (c.issued, c.id), default=None)

    def cuts(self, machine: str, start: int, end: int) -> list[int]:
        """Where a corrected stretch begins or ends inside ``(start, end)``."""
        edges = {edge for c in self.ranges.get(machine, ()) for edge in (c.start, c.end)}
        return sorted(edge for edge in edges if start < edge < end)


def _covers(correction: Correction, target: Target) -> bool:
    """A correction of the lease says who had the machine: it holds for usage and for state alike."""
    return correction.target in {target, Target.LEASE}


def corrections(facts: Iterable[Correction]) -> Corrections:
    named: dict[Name, list[Correction]] = defaultdict(list)
    ranges: dict[str, list[Correction]] = defaultdict(list)
    for fact in facts:
        if fact.sequence >= 0:
            named[fact.machine, fact.epoch, fact.sequence].append(fact)
        else:
            ranges[fact.machine].append(fact)
    return Corrections(
        named={name: tuple(found) for name, found in named.items()},
        ranges={machine: tuple(found) for machine, found in ranges.items()},
    )
