"""Golden values of every type and word order, and what the orders have in common."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.block import Table
from edge_agent.decode import Register, RegisterType, WordOrder, decode


def register(type_: str, order: str = "ABCD", address: int = 0) -> Register:
    return Register(
        name="r",
        table=Table.HOLDING,
        address=address,
        type=RegisterType(type_),
        word_order=WordOrder(order),
    )


def words(*values: int, first: int = 0) -> dict[Any, int]:
    return {(Table.HOLDING, first + n): value for n, value in enumerate(values)}


GOLDEN = [
    ("u16", "ABCD", (0xFFFE,), 65534),
    ("u16", "CDAB", (0xFFFE,), 65534),
    ("u16", "BADC", (0x1234,), 0x3412),
    ("u16", "DCBA", (0x1234,), 0x3412),
    ("i16", "ABCD", (0xFFFE,), -2),
    ("i16", "DCBA", (0xFEFF,), -2),
    ("i16", "ABCD", (0x7FFF,), 32767),
    ("u32", "ABCD", (0x0001, 0x86A0), 100_000),
    ("u32", "CDAB", (0x0001, 0x86A0), 2_258_632_705),
    ("u32", "CDAB", (0x3344, 0x1122), 0x11223344),
    ("u32", "BADC", (0x2211, 0x4433), 0x11223344),
    ("u32", "DCBA", (0x4433, 0x2211), 0x11223344),
    ("i32", "ABCD", (0xFFFF, 0xFFFF), -1),
    ("i32", "CDAB", (0x0000, 0x8000), -(2**31)),
    ("u64", "ABCD", (1, 2, 3, 4), 0x0001000200030004),
    ("u64", "CDAB", (4, 3, 2, 1), 0x0001000200030004),
    ("u64", "DCBA", (0x0400, 0x0300, 0x0200, 0x0100), 0x0001000200030004),
    ("i64", "ABCD", (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE), -2),
]
"""The two values for [0001h, 86A0h] are those of the domain reference, 3.5."""


@pytest.mark.parametrize(("type_", "order", "wire", "value"), GOLDEN)
def test_golden_values(type_: str, order: str, wire: tuple[int, ...], value: int) -> None:
    assert decode(register(type_, order), words(*wire)) == value


FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q"}


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(list(WordOrder)), st.data())
def test_what_the_machine_laid_out_is_what_is_read(type_: str, order: WordOrder, data: st.DataObject) -> None:
    """The encoder here is struct's, byte by byte as the order's name says."""
    bits, signed = int(type_[1:]), type_[0] == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    value = data.draw(st.integers(low, high))
    raw = struct.pack(f"{'<' if order in ('DCBA', 'CDAB') else '>'}{FORMATS[type_]}", value)
    if order in ("CDAB", "BADC"):
        raw = b"".join(raw[n : n + 2][::-1] for n in range(0, len(raw), 2))
    wire = struct.unpack(f">{len(raw) // 2}H", raw)
    assert decode(register(type_, order, address=9), words(*wire, first=9)) == value


def test_a_word_that_was_not_read_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        decode(register("u32"), words(1))
