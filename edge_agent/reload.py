"""What another configuration asks of an agent that runs: who begins, who goes, who changes. Pure.

What does not differ is not touched: its meter, its poll and its link go on as if nothing had happened.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from edge_agent.profile import Profile
from edge_agent.settings import Endpoint, MachineSettings, Poll


class Fleet(Protocol):
    """The part of a configuration that can change while the agent runs."""

    @property
    def poll(self) -> Poll: ...
    @property
    def endpoints(self) -> Sequence[Endpoint]: ...
    @property
    def machines(self) -> Sequence[MachineSettings]: ...


class Plan(Struct, frozen=True, kw_only=True):
    """In the order in which it is done."""

    removed: tuple[str, ...] = ()
    """Machines that are not metered here any more."""
    renamed: tuple[MachineSettings, ...] = ()
    """Machines whose meter goes over to them from the one they were."""
    closed: tuple[str, ...] = ()
    """Endpoints that are gone, or are reached in another way from now on."""
    opened: tuple[Endpoint, ...] = ()
    added: tuple[MachineSettings, ...] = ()
    changed: tuple[MachineSettings, ...] = ()
    """Their meters go on, or end and begin anew where what an epoch is bound to differs."""
    kept: int = 0
    """Machines that are not touched."""

    @property
    def is_empty(self) -> bool:
        return not (self.removed or self.renamed or self.closed or self.opened or self.added or self.changed)

    def __str__(self) -> str:
        counts = {
            "added": self.added,
            "removed": self.removed,
            "renamed": self.renamed,
            "changed": self.changed,
        }
        said = [f"{len(members)} {word}" for word, members in counts.items() if members]
        return ", ".join([*said, f"{self.kept} untouched"])


def compare(before: Fleet, after: Fleet) -> Plan:
    """What leads from the configuration in force to another one."""
    old = {machine.name: machine for machine in before.machines}
    new = {machine.name: machine for machine in after.machines}
    was, now = _named(before.endpoints), _named(after.endpoints)
    differ = {name for name, endpoint in now.items() if name in was and was[name] != endpoint}
    renamed = [one for one in _only(new, old) if one.was in old and one.was not in new]
    taken = {one.was for one in renamed}
    same = _comparison(_same_profile())
    both = [(old[name], machine) for name, machine in new.items() if name in old]
    changed = [
        after_
        for before_, after_ in both
        if before.poll != after.poll or after_.endpoint in differ or not same(before_, after_)
    ]
    return Plan(
        removed=tuple(name for name in old if name not in new and name not in taken),
        renamed=tuple(renamed),
        closed=tuple(name for name in was if name not in now or name in differ),
        opened=tuple(endpoint for name, endpoint in now.items() if name not in was or name in differ),
        added=tuple(one for one in _only(new, old) if one.was not in taken),
        changed=tuple(changed),
        kept=len(both) - len(changed),
    )


def _named(endpoints: Iterable[Endpoint]) -> dict[str, Endpoint]:
    return {endpoint.name: endpoint for endpoint in endpoints}


def _only(new: Mapping[str, MachineSettings], old: Mapping[str, MachineSettings]) -> list[MachineSettings]:
    return [machine for name, machine in new.items() if name not in old]


def _comparison(
    same_profile: Callable[[Profile, Profile], bool],
) -> Callable[[MachineSettings, MachineSettings], bool]:
    """Whether two machines are read and metered in the same way. Names for people, and the name that a
    machine once had, are no difference.
    """

    def same(one: MachineSettings, other: MachineSettings) -> bool:
        place = (one.endpoint, one.unit, one.area, one.serial, one.controller)
        return place == (
            other.endpoint,
            other.unit,
            other.area,
            other.serial,
            other.controller,
        ) and same_profile(one.profile, other.profile)

    return same


def _same_profile() -> Callable[[Profile, Profile], bool]:
    """Looks at each pair once: thousands of machines share a handful of profiles."""
    known: dict[tuple[int, int], bool] = {}

    def same(one: Profile, other: Profile) -> bool:
        pair = id(one), id(other)
        if pair not in known:
            known[pair] = one == other
        return known[pair]

    return same


def fixed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What of a configuration differs and cannot change while the agent runs, by its keys in the file."""
    return [key for key, value in before.items() if after.get(key) != value]
