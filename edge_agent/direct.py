"""A link to what stands on the command line, without a site's configuration."""

from urllib.parse import urlsplit

from edge_agent.link import Link
from edge_agent.links import link_to
from edge_agent.settings import Endpoint


class BadAddressError(ValueError):
    """What is wrong with the address of an endpoint, and how to write it."""


def link_to_url(url: str, timeout_ms: int) -> Link:
    """Raises BadAddressError."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port or 502
    except ValueError:
        host, port = None, 0
    if parts.scheme != "tcp" or not host:
        raise BadAddressError(f"{url!r} is no address of an endpoint; write tcp://192.0.2.20:502")
    endpoint = Endpoint(
        name=url, host=host, port=port, timeout_ms=timeout_ms, backoff_ms=500, backoff_max_ms=15_000
    )
    return link_to(endpoint, patient=False)
