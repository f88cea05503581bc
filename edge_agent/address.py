"""Where a Modbus endpoint is and how it is spoken to, as people write it: a URL.

tcp://192.0.2.20:502                              Modbus TCP
tls://press-4.plant:802?ca=ca.pem&cert=gw1.pem&key=gw1.key   Modbus/TCP Security
rtu+tcp://192.0.2.20:4001?baud=9600&parity=N      RTU frames through a TCP gateway that passes bytes on
ascii+tcp://192.0.2.20:4001                       likewise, ASCII frames
rtu:///dev/ttyUSB0?baud=9600&parity=E             RTU on a serial port
ascii:///dev/ttyUSB0?baud=9600&parity=E&bits=7    ASCII on a serial port
"""

import re
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from msgspec import Struct


class Framing(StrEnum):
    """How a question and its answer are wrapped."""

    MBAP = "mbap"
    """With a transaction id (Modbus Messaging on TCP/IP 1.0b, 3.1.3)."""
    RTU = "rtu"
    """With a CRC (Modbus over Serial Line 1.02, 2.5.1)."""
    ASCII = "ascii"
    """In hexadecimal, with an LRC (Modbus over Serial Line 1.02, 2.5.2)."""


class Scheme(StrEnum):
    TCP = "tcp"
    TLS = "tls"
    RTU_TCP = "rtu+tcp"
    ASCII_TCP = "ascii+tcp"
    RTU = "rtu"
    ASCII = "ascii"

    @property
    def framing(self) -> Framing:
        return Framing(name) if (name := self.partition("+")[0]) in {"rtu", "ascii"} else Framing.MBAP

    @property
    def serial(self) -> bool:
        """A serial port of this box."""
        return self in {Scheme.RTU, Scheme.ASCII}


class SerialLine(Struct, frozen=True, kw_only=True):
    baud: int
    parity: str
    """N, E or O."""
    stop_bits: int
    data_bits: int
    echo: bool = False
    """The adapter hears what it sends."""

    @property
    def bits(self) -> int:
        """Of one byte on the wire, with its start bit."""
        return 1 + self.data_bits + (self.parity != "N") + self.stop_bits

    def __str__(self) -> str:
        return f"{self.baud} baud {self.data_bits}{self.parity}{self.stop_bits}"


class Tls(Struct, frozen=True, kw_only=True):
    """Files, as written: relative ones count from where the URL stands."""

    ca: str | None = None
    """None: the system's authorities."""
    cert: str | None = None
    key: str | None = None
    name: str | None = None
    """In the server's certificate; None: the host."""


class Address(Struct, frozen=True, kw_only=True):
    scheme: Scheme
    host: str = ""
    port: int = 0
    device: str = ""
    """The path of the serial port."""
    line: SerialLine | None = None
    """This serial port, or what is known of the line behind a gateway."""
    tls: Tls | None = None

    @property
    def place(self) -> tuple[str, int]:
        """What only one connection at a time can have."""
        return (self.device, 0) if self.scheme.serial else (self.host, self.port)

    def __str__(self) -> str:
        """For people. Tells where the key is, never what is in it."""
        if self.scheme.serial:
            return f"{self.scheme}://{self.device}, {self.line}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        line = f", {self.line} behind it" if self.line else ""
        return f"{self.scheme}://{host}:{self.port}{line}"


class AddressError(ValueError):
    """What is wrong with a URL, and how to write it."""


PORTS: Final = {Scheme.TCP: 502, Scheme.TLS: 802}
"""The registered ones. What passes bytes on has no port of its own, and the URL must name one."""
_LINE_KEYS: Final = frozenset({"baud", "parity", "stop", "bits"})
_PORT_KEYS: Final = frozenset({*_LINE_KEYS, "echo"})
_TLS_KEYS: Final = frozenset({"ca", "cert", "key", "name"})
_BAUD: Final = range(300, 4_000_001)


def parse(url: str) -> Address:
    """Raises AddressError."""
    name, mark, _ = url.partition("://")
    if not mark or name not in set(Scheme):
        others = ", ".join(f"{scheme}://" for scheme in Scheme if scheme is not Scheme.TCP)
        raise AddressError(f"write tcp://192.0.2.20:502, or begin with one of {others}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise AddressError("an address of IPv6 stands in brackets: tcp://[2001:db8::1]:502") from None
    scheme = Scheme(name)
    query = _query(parts.query, scheme)
    return _serial(parts, scheme, query) if scheme.serial else _network(parts, scheme, query)


def _query(text: str, scheme: Scheme) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    known = _PORT_KEYS if scheme.serial else _LINE_KEYS | (_TLS_KEYS if scheme is Scheme.TLS else set())
    for key, value in pairs:
        if key not in known:
            raise AddressError(f"{key!r} is not known here; after the ? may stand {', '.join(sorted(known))}")
        if not value:
            raise AddressError(f"give {key} a value")
    if len({key for key, _ in pairs}) < len(pairs):
        raise AddressError("give each value after the ? once")
    return dict(pairs)


def _serial(parts: SplitResult, scheme: Scheme, query: dict[str, str]) -> Address:
    if parts.netloc or not parts.path.startswith("/") or parts.path == "/":
        raise AddressError(f"name the port by its whole path, with three slashes: {scheme}:///dev/ttyUSB0")
    line = _line(scheme, query)
    if line is None:
        raise AddressError(f"give the speed and the parity: {scheme}://{parts.path}?baud=9600&parity=N")
    return Address(scheme=scheme, device=parts.path, line=line)


def _network(parts: SplitResult, scheme: Scheme, query: dict[str, str]) -> Address:
    if parts.path not in {"", "/"} or parts.fragment or "@" in parts.netloc:
        raise AddressError(f"write {scheme}://host:port, with nothing else before the ?")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressError("the port is a number from 1 to 65535") from None
    port = PORTS.get(scheme) if port is None else port
    if not host:
        raise AddressError(f"name a host: {scheme}://192.0.2.20:{port or 4001}")
    if not port:
        raise AddressError(f"name the port of the gateway: {scheme}://{host}:4001")
    tls = Tls(**{key: query[key] for key in _TLS_KEYS & set(query)}) if scheme is Scheme.TLS else None
    if tls and (tls.cert is None) != (tls.key is None):
        raise AddressError("a certificate (cert=) and its key (key=) go together")
    return Address(scheme=scheme, host=host, port=port, line=_line(scheme, query), tls=tls)


def _line(scheme: Scheme, query: dict[str, str]) -> SerialLine | None:
    given = _LINE_KEYS & set(query)
    if not given:
        return None
    if not {"baud", "parity"} <= given:
        raise AddressError("baud and parity go together, as the machine has them: baud=9600&parity=N")
    bits = "7" if scheme.framing is Framing.ASCII else "8"  # Modbus over Serial Line 1.02, 2.5.1 and 2.5.2
    data_bits = _number("bits", query.get("bits", bits), range(7, 9))
    if data_bits == 7 and scheme.framing is not Framing.ASCII:
        raise AddressError("bits=7 is for ASCII frames only")
    if query["parity"] not in {"N", "E", "O"}:
        raise AddressError("parity is N (none), E (even) or O (odd)")
    return SerialLine(
        baud=_number("baud", query["baud"], _BAUD),
        parity=query["parity"],
        stop_bits=_number("stop", query.get("stop", "1"), range(1, 3)),
        data_bits=data_bits,
        echo=bool(_number("echo", query.get("echo", "0"), range(2))),
    )


def _number(key: str, text: str, allowed: range) -> int:
    if not re.fullmatch("[0-9]{1,8}", text, re.ASCII) or int(text) not in allowed:
        raise AddressError(f"{key} is a number from {allowed.start} to {allowed.stop - 1}")
    return int(text)
