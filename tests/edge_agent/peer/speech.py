"""How Modbus frames are wrapped, written from the specifications: nothing here is ours, nor a library's."""

import struct
from typing import NamedTuple, Protocol


class Frame(NamedTuple):
    """One whole request."""

    raw: bytes
    unit: int
    pdu: bytes

    @property
    def function(self) -> int:
        return self.pdu[0]

    @property
    def span(self) -> tuple[int, int]:
        """Address and count."""
        address, count = struct.unpack(">HH", self.pdu[1:5])
        return address, count


class Speech(Protocol):
    def take(self, heard: bytes) -> Frame | None:
        """The request that ``heard`` begins with, once it is whole."""

    def wrap(self, request: bytes, unit: int, pdu: bytes) -> bytes: ...


class Mbap:
    def take(self, heard: bytes) -> Frame | None:
        if len(heard) < 6 or len(heard) < (length := 6 + int.from_bytes(heard[4:6], "big")):
            return None
        return Frame(heard[:length], heard[6], heard[7:length])

    def wrap(self, request: bytes, unit: int, pdu: bytes) -> bytes:
        return request[:4] + struct.pack(">HB", len(pdu) + 1, unit) + pdu


class Rtu:
    def take(self, heard: bytes) -> Frame | None:
        if len(heard) < 8:  # all that may ever be asked here has this length
            return None
        assert crc(heard[:6]) == heard[6:8], f"no request: {heard.hex(' ')}"
        return Frame(heard[:8], heard[0], heard[1:6])

    def wrap(self, _: bytes, unit: int, pdu: bytes) -> bytes:
        return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)


class Ascii:
    def take(self, heard: bytes) -> Frame | None:
        text, end, _ = heard.partition(b"\r\n")
        if not end:
            return None
        assert text[:1] == b":", f"no request: {heard!r}"
        content = bytes.fromhex(text[1:].decode())
        assert sum(content) % 256 == 0, f"no request: {heard!r}"
        return Frame(text + end, content[0], content[1:-1])

    def wrap(self, _: bytes, unit: int, pdu: bytes) -> bytes:
        content = bytes([unit]) + pdu
        return b":" + (content + bytes([-sum(content) % 256])).hex().upper().encode() + b"\r\n"


def crc(data: bytes) -> bytes:
    """Bit by bit, as the specification draws it."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register, carry = register >> 1, register & 1
            if carry:
                register ^= 0xA001
    return bytes([register & 0xFF, register >> 8])
