"""From an endpoint of the configuration to the link that reads from it."""

from edge_agent.address import Address, Scheme
from edge_agent.alarm import Alarm
from edge_agent.endpoint_link import EndpointLink
from edge_agent.link import Link, Transport
from edge_agent.modbus import PymodbusTransport
from edge_agent.settings import Endpoint
from edge_agent.tcp import TcpTransport


def link_to(endpoint: Endpoint, *, patient: bool = True, alarm: Alarm | None = None) -> Link:
    """``patient``: backs off an endpoint that cannot be reached. A person at a command line wants each
    machine asked, also behind an endpoint that has just refused a connection. One ``alarm`` may watch over
    the time limits of all links.
    """
    return EndpointLink(
        transport_to(endpoint, alarm),
        timeout_s=endpoint.timeout_ms / 1000,
        backoff_s=(endpoint.backoff_ms / 1000, endpoint.backoff_max_ms / 1000) if patient else (0, 0),
    )


def transport_to(endpoint: Endpoint, alarm: Alarm | None = None) -> Transport:
    address = Address(scheme=Scheme.TCP, host=endpoint.host, port=endpoint.port)
    timeout_s = endpoint.timeout_ms / 1000
    if address.scheme is Scheme.TCP:
        return TcpTransport(address, timeout_s=timeout_s, alarm=alarm)
    return PymodbusTransport(address, timeout_s=timeout_s)
