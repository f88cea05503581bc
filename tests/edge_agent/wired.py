"""Links for tests, with every piece of them in reach."""

import random as chance
from collections.abc import Callable
from typing import Any

from edge_agent.endpoint_link import EndpointLink
from edge_agent.modbus import PymodbusTransport


def tcp_link(
    port: int, *, timeout_s: float = 5.0, random: Callable[[], float] = chance.random, **more: Any
) -> EndpointLink:
    transport = PymodbusTransport("127.0.0.1", port, timeout_s=timeout_s, random=random)
    return EndpointLink(transport, timeout_s=timeout_s, random=random, **more)


def inside(link: EndpointLink) -> Any:
    """The link's transport."""
    return link._transport
