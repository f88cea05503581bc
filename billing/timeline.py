"""Which lease was in force when: the lease facts of one machine as a step function of time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from contract.facts import LeaseFact
from contract.names import NONE


class Timeline(Struct, frozen=True, kw_only=True):
    """``leases[i]`` is in force from ``starts[i]`` to the next start; before the first there is none."""

    starts: tuple[int, ...] = ()
    leases: tuple[LeaseFact, ...] = ()
    by_id: Mapping[str, LeaseFact] = {}
    """Every lease of the machine, also those that were overruled before they began."""

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, LeaseFact | None]]:
        """``[start, end)`` cut where another lease comes into force."""
        at = bisect_right(self.starts, start)
        while start < end:
            stop = min(end, self.starts[at]) if at < len(self.starts) else end
            yield start, stop, self.leases[at - 1] if at else None
            start, at = stop, at + 1


NO_LEASES = Timeline()


def timeline(facts: Iterable[LeaseFact]) -> Timeline:
    """A lease issued later overrules what was issued before it, from its ``effective`` on.

    So a re-planned lease replaces the plan, as the agent does, which holds only the newest message.
    """
    steps: list[tuple[int, LeaseFact]] = []
    known = sorted(facts, key=lambda fact: (fact.issued, fact.id))
    for fact in known:
        while steps and steps[-1][0] >= fact.effective:
            steps.pop()
        steps.append((fact.effective, fact))
    return Timeline(
        starts=tuple(start for start, _ in steps),
        leases=tuple(fact for _, fact in steps),
        by_id={fact.id: fact for fact in known},
    )


def timelines(facts: Iterable[LeaseFact]) -> dict[str, Timeline]:
    """By machine."""
    of: dict[str, list[LeaseFact]] = defaultdict(list)
    for fact in facts:
        of[fact.machine].append(fact)
    return {machine: timeline(leases) for machine, leases in of.items()}


def is_used(lease: LeaseFact | None, lease_id: str) -> bool:
    """Whether a record that names ``lease_id`` was written under ``lease`` (None: there is no lease)."""
    if lease is None:
        return lease_id == NONE
    return lease.id == lease_id or (lease.ends and lease_id == NONE)
