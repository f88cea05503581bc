"""A link to what stands on the command line, without a site's configuration."""

from edge_agent.address import parse
from edge_agent.endpoint_link import EndpointLink
from edge_agent.link import Link
from edge_agent.modbus import PymodbusTransport


def link_to_url(url: str, timeout_ms: int) -> Link:
    """Raises AddressError. A person waits: what cannot be reached is tried again at once."""
    transport = PymodbusTransport(parse(url), timeout_s=timeout_ms / 1000)
    return EndpointLink(transport, timeout_s=timeout_ms / 1000, backoff_s=(0, 0))
