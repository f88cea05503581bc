"""From an endpoint of the configuration to the link that reads from it."""

from collections.abc import Callable
from typing import Final

from edge_agent.address import Framing, Scheme
from edge_agent.alarm import Alarm
from edge_agent.breaker import Breakers, Patience
from edge_agent.endpoint_link import EndpointLink, Manners
from edge_agent.gate import Gate
from edge_agent.line_time import pause_ms, settle_ms
from edge_agent.link import Link, Transport
from edge_agent.modbus import PymodbusTransport
from edge_agent.settings import Endpoint
from edge_agent.tcp import TcpTransport

_GATE: Final = Gate(256)
"""Of this process."""


def link_to(
    endpoint: Endpoint,
    *,
    patient: bool = True,
    alarm: Alarm | None = None,
    now_ms: Callable[[], int] | None = None,
) -> Link:
    """``patient``: backs off an endpoint that cannot be reached, and by ``now_ms`` units that are silent. A
    person at a command line wants each machine asked, also behind an endpoint that has just refused a
    connection. One ``alarm`` may watch over the time limits of all links.
    """
    limit_ms = endpoint.timeout_ms + settle_ms(endpoint)
    patience = Patience(longest_ms=endpoint.silence_max_ms, limit_ms=limit_ms)
    return EndpointLink(
        transport_to(endpoint, alarm),
        manners_on(endpoint, patient=patient),
        breakers=Breakers(patience) if patient else None,
        gate=_GATE,
        now_ms=now_ms,
    )


def transport_to(endpoint: Endpoint, alarm: Alarm | None = None) -> Transport:
    timeout_s = endpoint.timeout_ms / 1000
    if endpoint.address.scheme is Scheme.TCP:
        return TcpTransport(endpoint.address, timeout_s=timeout_s, alarm=alarm)
    return PymodbusTransport(endpoint.address, timeout_s=timeout_s, settle_s=settle_ms(endpoint) / 1000)


def manners_on(endpoint: Endpoint, *, patient: bool) -> Manners:
    # Where frames carry no transaction id, it may first be proved that no answer is owed, and listened.
    limits = 1 if endpoint.address.scheme.framing is Framing.MBAP else 3
    backoff_ms = (endpoint.backoff_ms, endpoint.backoff_max_ms) if patient else (0, 0)
    return Manners(
        stale_s=limits * endpoint.timeout_ms / 1000,
        backoff_s=(backoff_ms[0] / 1000, backoff_ms[1] / 1000),
        pause_s=pause_ms(endpoint) / 1000,
        connect_pause_s=endpoint.connect_pause_ms / 1000,
        keep_open=endpoint.keep_open,
        throw_away=not endpoint.address.scheme.serial,
    )
