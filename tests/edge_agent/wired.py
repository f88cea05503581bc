"""Links for tests, with every piece of them in reach."""

import random as chance
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from edge_agent.address import Address, Scheme, parse
from edge_agent.endpoint_link import EndpointLink
from edge_agent.modbus import PymodbusTransport


def tcp_link(
    port: int, *, timeout_s: float = 5.0, random: Callable[[], float] = chance.random, **more: Any
) -> EndpointLink:
    address = Address(scheme=Scheme.TCP, host="127.0.0.1", port=port)
    return EndpointLink(
        PymodbusTransport(address, timeout_s=timeout_s, random=random),
        timeout_s=timeout_s,
        random=random,
        **more,
    )


@asynccontextmanager
async def linked(
    url: str, *, timeout_s: float = 5.0, settle_s: float = 0.01, **more: Any
) -> AsyncIterator[EndpointLink]:
    """A link that is not backed off, to an endpoint of any kind."""
    address = parse(url)
    link = EndpointLink(
        PymodbusTransport(address, timeout_s=timeout_s, settle_s=settle_s),
        **{"timeout_s": 2 * timeout_s + settle_s, "backoff_s": (0, 0)} | more,
    )
    try:
        yield link
    finally:
        link.close()


def inside(link: EndpointLink) -> Any:
    """The link's transport."""
    return link._transport
