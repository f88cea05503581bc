"""From an endpoint of the configuration to the link that reads from it."""

from edge_agent.address import Address, Scheme
from edge_agent.endpoint_link import EndpointLink
from edge_agent.link import Link, Transport
from edge_agent.modbus import PymodbusTransport
from edge_agent.settings import Endpoint


def link_to(endpoint: Endpoint, *, patient: bool = True) -> Link:
    """``patient``: backs off an endpoint that cannot be reached. A person at a command line wants each
    machine asked, also behind an endpoint that has just refused a connection.
    """
    return EndpointLink(
        transport_to(endpoint),
        timeout_s=endpoint.timeout_ms / 1000,
        backoff_s=(endpoint.backoff_ms / 1000, endpoint.backoff_max_ms / 1000) if patient else (0, 0),
    )


def transport_to(endpoint: Endpoint) -> Transport:
    address = Address(scheme=Scheme.TCP, host=endpoint.host, port=endpoint.port)
    return PymodbusTransport(address, timeout_s=endpoint.timeout_ms / 1000)
