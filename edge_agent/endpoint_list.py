"""The endpoints of a site's configuration, and what they say wrongly although each table is well formed."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from contract.complaint import Complaint
from edge_agent.address import Address, Framing, Tls
from edge_agent.config_shape import EndpointShape, MannersShape, PollShape
from edge_agent.machine_checks import same_host
from edge_agent.machine_list import Listed
from edge_agent.readable import unreadable
from edge_agent.settings import Endpoint
from edge_agent.toml_tables import Reading


def listed_endpoints(reading: Reading, directory: Path, poll: PollShape | None) -> list[Endpoint]:
    """Complaints go to ``reading``. Files of certificates are found from ``directory``."""
    shapes = reading.tables("endpoint", EndpointShape)
    named = ((i, shape.name) for i, shape in shapes.items())
    reading.unique("endpoint", named, "name", "give each endpoint its name")
    _apart(reading, shapes)
    found = []
    for index, shape in shapes.items():
        address = shape.address
        if address.tls is not None:
            tls = _from(directory, address.tls)
            address = msgspec.structs.replace(address, tls=tls)
            for problem, remedy in _unusable(tls):
                reading.complain(("endpoint", index, "url"), problem, remedy)
        complain_of_period(reading, ("endpoint", index), shape, poll)
        given = shape.model_dump(exclude={"url", "host", "port"})
        found.append(Endpoint(**given, address=address))
    return found


def complain_of_period(
    reading: Reading, table: tuple[str | int, ...], manners: MannersShape | None, poll: PollShape | None
) -> None:
    """When an interval would end before its machine is polled again."""
    if manners and poll and (manners.period_ms or 0) > poll.grid_ms:
        remedy = f"choose one that is not longer than grid_ms ({poll.grid_ms})"
        reading.complain((*table, "period_ms"), f"is {manners.period_ms}", remedy)


def _apart(reading: Reading, shapes: dict[int, EndpointShape]) -> None:
    first: dict[tuple[str, int], int] = {}
    for index, shape in shapes.items():
        earlier = first.setdefault(place(shape.address), index)
        if earlier != index:
            problem = f"is the same as in line {reading.file.line_of(('endpoint', earlier))}"
            key = "port" if shape.url is None else "url"
            remedy = "put all units behind one address into one endpoint"
            reading.complain(("endpoint", index, key), problem, remedy)


def place(address: Address) -> tuple[str, int]:
    """What two endpoints cannot share, in one spelling."""
    if address.scheme.serial:
        return os.path.realpath(address.device), 0
    return same_host(address.host), address.port


def unreachable(machines: Iterable[Listed], endpoints: Sequence[Endpoint]) -> Iterator[Complaint]:
    """Units that no machine on a serial line can have."""
    on_a_line = {e.name for e in endpoints if e.address.scheme.framing is not Framing.MBAP}
    for machine in (machine for machine in machines if machine.says("endpoint", "unit")):
        if machine.shape.endpoint in on_a_line and not 1 <= machine.shape.unit <= 247:
            problem = f"is {machine.shape.unit}, and nobody on a serial line answers to that"
            yield machine.complain("unit", problem, "use 1 to 247, as set at the machine")


def _from(directory: Path, tls: Tls) -> Tls:
    files = {name: str(directory / given) for name in ("ca", "cert", "key") if (given := getattr(tls, name))}
    return msgspec.structs.replace(tls, **files)


def _unusable(tls: Tls) -> Iterator[tuple[str, str]]:
    for file in (tls.ca, tls.cert, tls.key):
        if file is not None and (wrong := unreadable(Path(file))):
            yield wrong
