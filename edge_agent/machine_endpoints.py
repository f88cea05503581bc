"""Machines that name their endpoint by its address: a URL where others have a name."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from edge_agent.address import Address, AddressError, parse
from edge_agent.config_shape import MannersShape
from edge_agent.endpoint_list import place
from edge_agent.machine_list import Listed
from edge_agent.settings import Endpoint
from edge_agent.toml_tables import Reading

_MARK = "://"


def resolved(
    reading: Reading, machines: Iterable[Listed], named: Sequence[Endpoint], manners: MannersShape | None
) -> tuple[list[Listed], list[Endpoint]]:
    """The machines, each naming an endpoint, and all the endpoints.

    A machine is at the named endpoint that has its address, if there is one, since one address is one
    connection. Whose address is none has a complaint, and no endpoint.
    """
    places = {place(endpoint.address): endpoint for endpoint in named}
    known: dict[str, Endpoint | AddressError] = {}
    kept = (manners or MannersShape()).model_dump()
    found: list[Listed] = []
    endpoints = list(named)
    for machine in machines:
        url = machine.shape.endpoint
        if not machine.says("endpoint") or _MARK not in url:
            found.append(machine)
            continue
        if url not in known:
            known[url] = _at(url, places, kept, endpoints)
        endpoint = known[url]
        if isinstance(endpoint, Endpoint):
            shape = machine.shape.model_copy(update={"endpoint": endpoint.name})
            found.append(msgspec.structs.replace(machine, shape=shape))
        else:
            problem, remedy = endpoint.args if len(endpoint.args) > 1 else (f"is {url!r}", str(endpoint))
            reading.complaints.append(machine.complain("endpoint", problem, remedy))
            found.append(msgspec.structs.replace(machine, wrong=machine.wrong | {"endpoint"}))
    return found, endpoints


def _at(
    url: str, places: dict[tuple[str, int], Endpoint], manners: dict[str, Any], endpoints: list[Endpoint]
) -> Endpoint | AddressError:
    try:
        address = parse(url)
    except AddressError as error:
        return error
    where = place(address)
    if where not in places:
        places[where] = Endpoint(name=_named(address), address=address, **manners)
        endpoints.append(places[where])
    elif _manner((known := places[where]).address) != _manner(address):
        remedy = "one address is one connection: write it in one way"
        return AddressError(f"is {url!r}, which is spoken to as {known.address} elsewhere", remedy)
    return places[where]


def _manner(address: Address) -> tuple[object, ...]:
    """How it is spoken to; its host may have several spellings."""
    return address.scheme, address.line, address.tls


def _named(address: Address) -> str:
    if address.scheme.serial:
        return f"{address.scheme}://{address.device}"
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{address.scheme}://{host}:{address.port}"
