"""What somebody does next who stands before a machine that cannot be reached, or says nothing. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_agent.address import Address, Framing, Scheme
from edge_agent.link import LinkError, LinkLostError, NoConnectionError, SilentError, Unreached

_STEPS: Final[Mapping[Unreached, str]] = MappingProxyType(
    {
        Unreached.REFUSED: (
            "something is at that address, and nothing takes port {port}: is it another port? Switch the"
            " gateway's Modbus server on, and allow this computer where it has a list of who may connect"
        ),
        Unreached.NOBODY: (
            "nobody answers at that address: is it switched on, is the address right, does a firewall keep"
            " silent? `ping {host}` from here"
        ),
        Unreached.NO_WAY: (
            "there is no way from here to that address: the cable, another network, a VPN that is off?"
            " `ip route get {host}`"
        ),
        Unreached.NO_NAME: "nobody here knows that name: write the address in numbers, or mend the name",
        Unreached.HUNG_UP: (
            "it takes the connection and hangs up: many gateways allow one connection, and somebody has it"
            " (close the other program, or wait a minute); or it speaks another Modbus: {others}"
        ),
        Unreached.CERTIFICATES: "docs/endpoints.md says what ca, cert, key and name of such a URL are",
        Unreached.NO_PORT: "`ls /dev/serial/by-id/` shows the ports that are plugged in",
        Unreached.NOT_ALLOWED: "you may not use that port: `sudo adduser $USER dialout`, and log in anew",
        Unreached.TAKEN: "another program has the port, the agent perhaps: `sudo fuser {device}`",
        Unreached.OTHERWISE: "",
    }
)
_OTHERS: Final[Mapping[Framing, str]] = MappingProxyType(
    {
        Framing.MBAP: "rtu+tcp:// or tls://",
        Framing.RTU: "tcp:// or ascii+tcp://",
        Framing.ASCII: "tcp:// or rtu+tcp://",
    }
)
_ON_A_LINE: Final = (
    "the port opens, and there is no answer: is its unit id (station number) another? Speed, parity and stop"
    " bits as at the machine; A and B the right way round"
)
_BEHIND_TCP: Final = (
    "the connection stands, and there is no answer: is its unit id (station number) another? Behind a"
    " gateway: is the serial line set as the machine is, or slow (--timeout-ms 2000, or timeout_ms at its"
    " endpoint)?"
)
_BEHIND_BYTES: Final = (
    "the connection stands, and there is no answer: is its unit id (station number) another? Does the gateway"
    " pass bytes on, or is it {others}? Is the serial line set as the machine is, or slow (--timeout-ms 2000,"
    " or timeout_ms at its endpoint)?"
)


def next_step(error: LinkError, address: Address) -> str:
    """Empty where the error itself says it all."""
    if isinstance(error, SilentError):
        return silence(address)
    if not isinstance(error, LinkLostError):
        return ""
    unreached = error.unreached if isinstance(error, NoConnectionError) else Unreached.HUNG_UP
    return _filled(_STEPS[unreached], address)


def silence(address: Address) -> str:
    """There is a connection, and no unit behind it says anything."""
    if address.scheme.serial:
        return _ON_A_LINE
    return _BEHIND_TCP if address.scheme in {Scheme.TCP, Scheme.TLS} else _filled(_BEHIND_BYTES, address)


def _filled(step: str, address: Address) -> str:
    others = _OTHERS[address.scheme.framing]
    return step.format(host=address.host, port=address.port, device=address.device, others=others)
