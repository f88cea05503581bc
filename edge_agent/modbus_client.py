"""A client of pymodbus for each kind of address. The patience is its owner's: it never tries twice."""

import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.client.base import ModbusBaseClient

from edge_agent.address import Address, Framing, Tls

_FRAMERS: Final = {
    Framing.MBAP: FramerType.SOCKET,
    Framing.RTU: FramerType.RTU,
    Framing.ASCII: FramerType.ASCII,
}


def client_for(address: Address, timeout_s: float) -> ModbusBaseClient:
    """Not connected yet. Raises OSError when the files of a TLS connection cannot be used."""
    more: dict[str, Any] = {"timeout": timeout_s, "retries": 0, "reconnect_delay": 0}
    framer = _FRAMERS[address.scheme.framing]
    if address.tls is not None:
        context = tls_context(address.tls)
        tls = AsyncModbusTlsClient(address.host, port=address.port, sslctx=context, **more)
        if address.tls.name is not None:
            create: Callable[..., Coroutine[Any, Any, Any]] = tls.ctx.call_create
            tls.ctx.call_create = partial(create, server_hostname=address.tls.name)
        return tls
    if not address.scheme.serial:
        return AsyncModbusTcpClient(address.host, port=address.port, framer=framer, **more)
    line = address.line
    assert line is not None  # noqa: S101  a serial address has one
    return AsyncModbusSerialClient(
        address.device,
        framer=framer,
        baudrate=line.baud,
        parity=line.parity,
        stopbits=line.stop_bits,
        bytesize=line.data_bits,
        **more,
    )


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Both sides show certificates (Modbus/TCP Security 36, 8). Raises OSError.

    Made anew for each connection, so that renewed files are used without a restart.
    """
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert is not None:
        # A key behind a password would make OpenSSL ask on the terminal of whoever started the agent.
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context
