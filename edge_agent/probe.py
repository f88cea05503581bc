"""Read each machine once and say what it means: for the day a machine is connected."""

import asyncio
from collections.abc import Iterator

from msgspec import Struct

from edge_agent.address import Address
from edge_agent.config import Settings
from edge_agent.interpret import Reader, surprises
from edge_agent.link import Link, LinkError, read_fast, read_slow
from edge_agent.links import link_to
from edge_agent.meaning import meaning
from edge_agent.next_step import next_step
from edge_agent.rules import Values
from edge_agent.sample import Fault, Sample
from edge_agent.settings import MachineSettings


class Probed(Struct, frozen=True, kw_only=True):
    """What one machine said."""

    lines: tuple[str, ...]
    good: bool
    """It answered, and nothing is wrong with the answer."""
    next: str = ""
    """What somebody does who wants it to answer."""


async def probe(settings: Settings, machines: tuple[MachineSettings, ...]) -> list[Probed]:
    """In the order of ``machines``; endpoints are asked side by side, their units one after the other."""
    links = {endpoint.name: link_to(endpoint, patient=False) for endpoint in settings.endpoints}
    places = {endpoint.name: endpoint.address for endpoint in settings.endpoints}
    try:
        return await asyncio.gather(
            *(_probe(links[machine.endpoint], machine, places[machine.endpoint]) for machine in machines)
        )
    finally:
        for link in links.values():
            link.close()


async def _probe(link: Link, machine: MachineSettings, address: Address) -> Probed:
    profile = machine.profile
    head = f"{machine.name}  ({machine.endpoint} unit {machine.unit}, {profile.label})"
    reader = Reader(profile)
    try:
        fast = await read_fast(link, reader.plan, machine.unit)
        slow = await read_slow(link, reader.plan, machine.unit)
    except LinkError as error:
        silent = (f"{head}: no reading: {error}",)
        return Probed(lines=silent, good=False, next=next_step(error, address))
    sample, values = reader.sample(fast, 0), reader.values([*fast, *slow])
    wrong = [*_wrong(machine, sample, values), *surprises(profile, values)]
    said = meaning(profile, sample, values)
    return Probed(lines=(head, *(f"  WRONG    {text}" for text in wrong), *said), good=not wrong)


def _wrong(machine: MachineSettings, sample: Sample | Fault, values: Values) -> Iterator[str]:
    profile = machine.profile
    if isinstance(sample, Fault):
        yield sample.detail
    serial = values[profile.roles.serial] if profile.roles.serial else None
    if machine.serial is not None and serial != machine.serial:
        yield f"serial is {serial}, configured is {machine.serial}: another machine, or a wrong word order"
