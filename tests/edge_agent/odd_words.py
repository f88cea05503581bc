"""The registers of profiles/odd.toml, laid out by struct and by hand."""

import struct
from typing import Any

from edge_agent.block import Table

H = Table.HOLDING


def words_of(**given: Any) -> dict[tuple[Table, int], int]:
    """By table and address: low word first, texts as they run."""
    said = {
        "valve": 1,
        "pump": 1,
        "flow": 12.5,
        "whole": 1234,
        "part": 0.875,
        "energy": 678.91,
        "style": "20260042",
        "model": b"MFE600H\0",
        "modes": 0x0210,
        "flag": b"\0N",
        "temperature": 655,
    } | given
    high, low = struct.pack(">d", said["energy"])[:4], struct.pack(">d", said["energy"])[4:]
    data = {
        4112: struct.pack(">f", said["flow"])[2:] + struct.pack(">f", said["flow"])[:2],
        4120: struct.pack(">HH", said["whole"] & 0xFFFF, said["whole"] >> 16),
        4122: struct.pack(">f", said["part"])[2:] + struct.pack(">f", said["part"])[:2],
        4124: low + high,
        4128: bytes.fromhex(said["style"][4:] + said["style"][:4]),
        4130: said["model"],
        4134: struct.pack(">H", said["modes"]),
        4135: said["flag"],
    }
    words = {
        (H, address + n): word
        for address, raw in data.items()
        for n, (word,) in enumerate(struct.iter_unpack(">H", raw))
    }
    bits = {(Table.COIL, 3): said["valve"], (Table.DISCRETE, 7): said["pump"]}
    return words | bits | {(Table.INPUT, n): said["temperature"] * (n == 0) for n in range(4)}
