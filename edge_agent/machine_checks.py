"""What a list of machines says wrongly although each cell is well formed; those that are not are left out."""

import ipaddress
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from contract.complaint import Complaint
from edge_agent.horizon import horizon_h, wraps_too_soon
from edge_agent.machine_list import Listed
from edge_agent.profile import Profile

Address = tuple[str, int]
_FEW: Final = 20
"""So many names a person still wants to read."""


@lru_cache(20_000)
def same_host(host: str) -> str:
    """One spelling for the spellings of a host that can be told apart without asking anybody."""
    name = host.strip().rstrip(".").lower()
    if name == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def doubles(machines: Sequence[Listed], addresses: Mapping[str, Address]) -> Iterator[Complaint]:
    """Names, units and serial numbers that two machines have. ``addresses``: of each endpoint, by its name.

    Units are compared by address, so that two names of one connection do not hide that they overlap.
    """

    def place(machine: Listed) -> object:
        endpoint = machine.shape.endpoint
        return addresses.get(endpoint, endpoint), machine.shape.unit

    def plate(machine: Listed) -> object:
        serial = machine.shape.serial
        return id(machine) if serial is None else (machine.shape.profile, serial)

    named = [machine for machine in machines if machine.says("name")]
    yield from _unique(named, "name", lambda machine: machine.shape.name, "give each its own name")
    placed = [machine for machine in machines if machine.says("endpoint", "unit")]
    yield from _unique(placed, "unit", place, "two machines cannot share one unit of one endpoint")
    plated = [machine for machine in machines if machine.says("profile", "serial")]
    yield from _unique(
        plated, "serial", plate, "look at the plates: two machines of one type have two numbers"
    )


def _unique(
    machines: Sequence[Listed], key: str, value: Callable[[Listed], object], remedy: str
) -> Iterator[Complaint]:
    first: dict[object, Listed] = {}
    for machine in machines:
        earlier = first.setdefault(value(machine), machine)
        if earlier is not machine:
            yield machine.complain(key, f"is the same as in {earlier.seen_from(machine)}", remedy)


def strangers(
    machines: Iterable[Listed], endpoints: Iterable[str], addressed: Collection[str], file: str
) -> Iterator[Complaint]:
    """Endpoints that ``file`` does not have. ``addressed``: those that are there without a name in it."""
    known = set(endpoints)
    listed = ", ".join(sorted(known)) if len(known) <= _FEW else f"the {len(known)} endpoints of {file}"
    for machine in (machine for machine in machines if machine.says("endpoint")):
        if machine.shape.endpoint not in known and machine.shape.endpoint not in addressed:
            problem = f"{machine.shape.endpoint!r} is no endpoint of {_this(machine, file)}"
            remedy = f"name one of: {listed}" if known else "add an [[endpoint]], or write tcp://host:port"
            yield machine.complain("endpoint", problem, remedy)


def _this(machine: Listed, file: str) -> str:
    return "this file" if machine.file == file else file


def unread_serials(machines: Iterable[Listed], profiles: Mapping[str, Profile]) -> Iterator[Complaint]:
    """Serial numbers that no register could be compared with."""
    for machine in (machine for machine in machines if machine.says("profile", "serial")):
        profile = profiles.get(machine.shape.profile)
        if machine.shape.serial is not None and profile is not None and profile.roles.serial is None:
            remedy = "take it out, or name a serial register in the profile's [roles]"
            yield machine.complain("serial", f"{profile.label} reads no serial number", remedy)


def short_horizons(profiles: Iterable[Profile], outage_h: int) -> Iterator[str]:
    """Counters that may wrap unnoticed when nobody has looked at a machine for ``outage_h``."""
    for profile in profiles:
        for counter in profile.counters:
            if wraps_too_soon(counter.modulus, counter.max_per_hour, outage_h):
                hours = horizon_h(counter.modulus, counter.max_per_hour)
                yield f"is {outage_h}, but {counter.name} of {profile.label} wraps after {hours} h"


def unclear_successions(machines: Sequence[Listed]) -> Iterator[Complaint]:
    """A meter goes over to one other name, and only when nobody else has the old one."""
    names = {machine.shape.name: machine for machine in machines if machine.says("name")}
    renamed = [machine for machine in machines if machine.says("was") and machine.shape.was is not None]
    for machine in renamed:
        other = names.get(machine.shape.was or "")
        if other is not None:
            problem = f"is the name of the machine in {other.seen_from(machine)}"
            yield machine.complain("was", problem, "a name that a machine gave up is nobody's: mend one")
    yield from _unique(
        renamed, "was", lambda machine: machine.shape.was, "a meter goes over to one name only"
    )
