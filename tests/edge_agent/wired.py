"""Links for tests, with every piece of them in reach."""

import random as chance
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge_agent.address import Address, Scheme, parse
from edge_agent.endpoint_link import EndpointLink, Manners
from edge_agent.modbus import PymodbusTransport
from edge_agent.tcp import TcpTransport

MADE = {"pymodbus": PymodbusTransport, "ours": TcpTransport}
"""Two ways to read over Modbus TCP, which must not differ in anything that their owner sees."""
chosen = {"tcp": "ours"}
"""Who speaks Modbus TCP; all other kinds are pymodbus's."""


@pytest.fixture(params=MADE)
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs with each transport for Modbus TCP. Returns which it is."""
    name: str = request.param
    monkeypatch.setitem(chosen, "tcp", name)
    return name


def tcp_link(
    port: int,
    *,
    timeout_s: float = 5.0,
    backoff_s: tuple[float, float] = (0.5, 30.0),
    random: Callable[[], float] = chance.random,
    **more: Any,
) -> EndpointLink:
    address = Address(scheme=Scheme.TCP, host="127.0.0.1", port=port)
    return EndpointLink(
        MADE[chosen["tcp"]](address, timeout_s=timeout_s, random=random),
        Manners(stale_s=timeout_s, backoff_s=backoff_s),
        random=random,
        **more,
    )


def hurry(link: EndpointLink, limit_s: float = 0.1) -> None:
    """Only for the connection there is: under load, the next one must not fail for lack of time."""
    transport = inside(link)
    if isinstance(transport, PymodbusTransport):
        assert transport._client is not None
        transport._client.ctx.comm_params.timeout_connect = limit_s
        return
    patient_ms, connect = transport._timeout_ms, transport.connect

    async def connect_patiently() -> None:
        transport._timeout_ms = patient_ms
        await connect()

    transport._timeout_ms, transport.connect = round(1000 * limit_s), connect_patiently


@asynccontextmanager
async def linked(
    url: str, *, timeout_s: float = 5.0, settle_s: float = 0.01, **manners: Any
) -> AsyncIterator[EndpointLink]:
    """A link that is not backed off, to an endpoint of any kind."""
    address = parse(url)
    link = EndpointLink(
        MADE[chosen["tcp"]](address, timeout_s=timeout_s)
        if address.scheme is Scheme.TCP
        else PymodbusTransport(address, timeout_s=timeout_s, settle_s=settle_s),
        Manners(
            **{
                "stale_s": 3 * timeout_s,
                "backoff_s": (0, 0),
                "throw_away": not address.scheme.serial,
                **manners,
            }
        ),
    )
    try:
        yield link
    finally:
        link.close()


def inside(link: EndpointLink) -> Any:
    """The link's transport."""
    return link._transport
