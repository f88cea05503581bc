"""A link to what stands on the command line, without a site's configuration."""

from edge_agent.address import parse
from edge_agent.link import Link
from edge_agent.links import link_to
from edge_agent.settings import Endpoint


def link_to_url(url: str, timeout_ms: int) -> Link:
    """Raises AddressError. A person waits: what cannot be reached is tried again at once."""
    return link_to(Endpoint(name=url, address=parse(url), timeout_ms=timeout_ms), patient=False)
