"""Golden values of every type and word order, against encoders that are not ours: struct and pymodbus."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from edge_agent.block import Block, Table
from edge_agent.decode import NoValue, Unpacking, decoder
from edge_agent.register import ALIASES, Register, RegisterType, WordOrder, held


def register(type_: str, order: str = "ABCD", address: int = 0, **more: Any) -> Register:
    table = Table.COIL if type_ == "bit" else Table.HOLDING
    order = ALIASES.get(order, order)
    return Register(
        name=more.pop("name", "r"),
        table=table,
        address=address,
        type=RegisterType(type_),
        word_order=WordOrder(order),
        **more,
    )


def decoded(given: Register, *words: int) -> Any:
    (value,) = decoder(given.block, [given])(words)
    return value


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
    ("u64", "CDABGHEF", (2, 1, 4, 3), 0x0001000200030004),
    ("u64", "EFGHABCD", (3, 4, 1, 2), 0x0001000200030004),
    ("i64", "ABCD", (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE), -2),
    ("f32", "ABCD", (0x4248, 0x0000), 50.0),
    ("f32", "CDAB", (0x0FDB, 0x4049), 3.1415927410125732),
    ("f32", "DCBA", (0x0000, 0x4842), 50.0),
    ("f64", "ABCD", (0x4009, 0x21FB, 0x5444, 0x2D18), math.pi),
    ("f64", "CDAB", (0x2D18, 0x5444, 0x21FB, 0x4009), math.pi),
    ("u8_high", "ABCD", (0x12FE,), 0x12),
    ("u8_low", "ABCD", (0x12FE,), 0xFE),
    ("u8_low", "BADC", (0x12FE,), 0x12),
    ("i8_low", "ABCD", (0x12FE,), -2),
    ("i8_high", "ABCD", (0x80FF,), -128),
    ("bcd4", "ABCD", (0x0815,), 815),
    ("bcd8", "ABCD", (0x1234, 0x5678), 12_345_678),
    ("bcd8", "CDAB", (0x5678, 0x1234), 12_345_678),
    ("bcd8", "BADC", (0x3412, 0x7856), 12_345_678),
    ("bcd16", "ABCD", (0x9999, 0x9999, 0x9999, 0x9999), 9_999_999_999_999_999),
    ("bit", "ABCD", (1,), 1),
]
"""The two values for [0001h, 86A0h] are those of the domain reference, 3.5."""


@pytest.mark.parametrize(("type_", "order", "wire", "value"), GOLDEN)
def test_golden_values(type_: str, order: str, wire: tuple[int, ...], value: float) -> None:
    assert decoded(register(type_, order), *wire) == value


PUBLISHED = [
    # Acrel DDSY1352 and ADL3000: 0000h, u32, high word first, 0.01 kWh.
    ("u32", "ABCD", (0x0001, 0xE240), 123_456),
    # MFE600H: 4112 flow, a float; 4120 the whole part and 4122 the fraction of the total, "inverse" types.
    ("f32", "CDAB", (0x8000, 0x42F6), 123.25),
    ("u32", "CDAB", (0x04D2, 0x0000), 1_234),
    ("f32", "CDAB", (0x4189, 0x3F60), 0.8759999871253967),
    # The loom's style number of the domain reference: eight packed digits, low word first.
    ("bcd8", "CDAB", (0x0042, 0x2026), 20_260_042),
]


@pytest.mark.parametrize(("type_", "order", "wire", "value"), PUBLISHED)
def test_values_of_published_maps(type_: str, order: str, wire: tuple[int, ...], value: float) -> None:
    assert decoded(register(type_, order), *wire) == value


FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d"}
NUMBERS = sorted(FORMATS)
LONG = [*ALIASES, "CDABGHEF", "EFGHABCD", "DCBAHGFE", "FEHGBADC"]


def drawn(data: st.DataObject, type_: str) -> float:
    bits, kind = int(type_[1:]), type_[0]
    if kind == "f":
        return data.draw(st.floats(width=bits, allow_nan=False, allow_infinity=False))  # type: ignore[arg-type]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind == "i" else (0, 2**bits - 1)
    return data.draw(st.integers(low, high))


def laid_out(raw: bytes, order: str) -> tuple[int, ...]:
    """Big-endian bytes where the letters of the order say, as registers."""
    long = {short: long for long, short in ALIASES.items()}
    shown = {2: "AB" if order in {"ABCD", "CDAB"} else "BA", 4: order, 8: long[order]}[len(raw)]
    placed = bytes(raw["ABCDEFGH".index(letter)] for letter in shown)
    return struct.unpack(f">{len(raw) // 2}H", placed)


@given(st.sampled_from(NUMBERS), st.sampled_from(["ABCD", "DCBA", "BADC", "CDAB"]), st.data())
def test_each_letter_of_an_order_is_where_the_byte_lies(type_: str, order: str, data: st.DataObject) -> None:
    value = drawn(data, type_)
    wire = laid_out(struct.pack(f">{FORMATS[type_]}", value), order)
    assert decoded(register(type_, order), *wire) == value


@given(st.sampled_from(["u64", "i64", "f64"]), st.sampled_from(LONG), st.data())
def test_each_letter_of_a_long_order_too(type_: str, order: str, data: st.DataObject) -> None:
    value = drawn(data, type_)
    raw = struct.pack(f">{FORMATS[type_]}", value)
    placed = bytes(raw["ABCDEFGH".index(letter)] for letter in order)
    assert decoded(register(type_, order), *struct.unpack(">4H", placed)) == value


PYMODBUS = {
    "u16": "UINT16",
    "i16": "INT16",
    "u32": "UINT32",
    "i32": "INT32",
    "u64": "UINT64",
    "i64": "INT64",
    "f32": "FLOAT32",
    "f64": "FLOAT64",
}


@given(st.sampled_from(NUMBERS), st.sampled_from(["big", "little"]), st.data())
def test_what_pymodbus_writes_is_read(type_: str, words: Any, data: st.DataObject) -> None:
    """It knows two word orders: high and low word first."""
    value = drawn(data, type_)
    kind = ModbusClientMixin.DATATYPE[PYMODBUS[type_]]
    wire = ModbusClientMixin.convert_to_registers(value, kind, word_order=words)
    assert decoded(register(type_, "ABCD" if words == "big" else "CDAB"), *wire) == value


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20))
def test_a_text_that_pymodbus_writes_is_read_in_both_byte_orders(text: str) -> None:
    wire = ModbusClientMixin.convert_to_registers(text, ModbusClientMixin.DATATYPE.STRING)
    wire = wire or [0]
    swapped = [word >> 8 | (word & 0xFF) << 8 for word in wire]
    assert decoded(register("ascii", "ABCD", length=len(wire)), *wire) == text
    assert decoded(register("ascii", "CDAB", length=len(wire)), *wire) == text, "it runs with the addresses"
    assert decoded(register("ascii", "BADC", length=len(wire)), *swapped) == text
    assert decoded(register("ascii", "DCBA", length=len(wire)), *swapped) == text


TEXTS = [
    ((0x004E,), "N"),  # an HJ212 flag in the low byte
    ((0x4E00,), "N"),
    ((0x4E20,), "N"),
    ((0x204E,), "N"),
    ((0x0000,), ""),
    ((0x2020, 0x2020), ""),
    ((0x4142, 0x0043), "AB"),  # what stands behind the end of a text is rubbish
    ((0x4D46, 0x4536, 0x3030, 0x4800), "MFE600H"),
    ((0x2041, 0x2042), "A B"),
]


@pytest.mark.parametrize(("wire", "text"), TEXTS)
def test_texts_are_trimmed(wire: tuple[int, ...], text: str) -> None:
    assert decoded(register("ascii", length=len(wire)), *wire) == text


NONSENSE = [
    ("bcd4", (0x00A0,), "0xa0 is no packed decimal"),
    ("bcd8", (0x1234, 0x567F), "0x1234567f is no packed decimal"),
    ("bcd16", (0xFFFF, 0, 0, 0), "no packed decimal"),
    ("f32", (0x7FC0, 0x0000), "nan is no number"),
    ("f32", (0xFF80, 0x0000), "-inf is no number"),
    ("f64", (0x7FF0, 0, 0, 0), "inf is no number"),
]


@pytest.mark.parametrize(("type_", "wire", "why"), NONSENSE)
def test_nonsense_is_no_value_and_says_why(type_: str, wire: tuple[int, ...], why: str) -> None:
    value = decoded(register(type_), *wire)
    assert isinstance(value, NoValue)
    assert why in value.reason
    assert not value.blank


@pytest.mark.parametrize("wire", [(0x80FF,), (0x0141,), (0x417F,)])
def test_bytes_that_are_no_text_are_no_value(wire: tuple[int, ...]) -> None:
    assert "no ASCII text" in decoded(register("ascii", length=1), *wire).reason


@given(st.integers(0, 9_999_999_999_999_999), st.sampled_from([4, 8, 16]))
def test_packed_digits_are_the_digits_one_reads(number: int, digits: int) -> None:
    number %= 10**digits
    words = struct.unpack(f">{digits // 4}H", bytes.fromhex(f"{number:0{digits}d}"))
    assert decoded(register(f"bcd{digits}"), *words) == number


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 31), st.integers(0, 31))
def test_some_bits_are_a_number_of_their_own(raw: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    part = register("u32", "CDAB", field=(low, high))
    bits = f"{raw:032b}"[::-1][low : high + 1][::-1]
    assert decoded(part, raw & 0xFFFF, raw >> 16) == int(bits, 2)
    assert part.bits == high - low + 1


BLANKS = [
    ("u16", 0xFFFF, (0xFFFF,)),
    ("i16", 0x8000, (0x8000,)),
    ("i16", -32768, (0x8000,)),
    ("u32", 0xFFFFFFFF, (0xFFFF, 0xFFFF)),
    ("i32", 0x80000000, (0x8000, 0x0000)),
    ("f32", -9999.9, (0xC61C, 0x3F9A)),
    ("f32", -9999, (0xC61C, 0x3C00)),
    ("f64", -9999.9, struct.unpack(">4H", struct.pack(">d", -9999.9))),
    ("bcd4", 9999, (0x9999,)),
    ("bcd4", 0xFFFF, (0xFFFF,)),
    ("u8_low", 0xFF, (0x12FF,)),
    ("i8_high", 0x80, (0x8000,)),
    ("bit", 1, (1,)),
]


@pytest.mark.parametrize(("type_", "manual", "wire"), BLANKS)
def test_what_stands_for_no_value_is_none(type_: str, manual: float, wire: tuple[int, ...]) -> None:
    value = held(RegisterType(type_), manual)
    assert value is not None
    found = decoded(register(type_, no_value=(value,)), *wire)
    assert isinstance(found, NoValue)
    assert found.blank
    assert decoded(register(type_, no_value=(value,)), *(0 for _ in wire)) == 0


def test_a_text_and_some_bits_can_stand_for_no_value() -> None:
    assert decoded(register("ascii", length=2, no_value=("----",)), 0x2D2D, 0x2D2D).blank
    assert decoded(register("ascii", length=2, no_value=("----",)), 0x2D2D, 0x2D00) == "---"
    assert decoded(register("u16", field=(4, 7), no_value=(15,)), 0x00F0).blank
    assert decoded(register("u16", field=(4, 7), no_value=(15,)), 0x00E0) == 14


@pytest.mark.parametrize(
    ("type_", "manual"),
    [
        ("u16", 65536),
        ("u16", -1),
        ("i16", 65536),
        ("u16", 1.5),
        ("u16", "x"),
        ("ascii", 1),
        ("f32", 1e39),
        ("bit", 2),
    ],
)
def test_what_a_register_never_holds_stands_for_nothing(type_: str, manual: Any) -> None:
    assert held(RegisterType(type_), manual) is None


@given(st.data())
def test_many_registers_are_read_at_a_stroke_as_each_alone(data: st.DataObject) -> None:
    """Of mixed types and byte orders, in any order."""
    types = [each for each in RegisterType if each is not RegisterType.BIT]
    kinds = data.draw(st.lists(st.tuples(st.sampled_from(types), st.sampled_from(list(WordOrder)[:4]))))
    registers, address = [], 7
    for number, (type_, order) in enumerate(kinds):
        length = 2 if type_ is RegisterType.ASCII else 0
        made = register(type_, order, address, name=f"r{number}", length=length)
        registers.append(made)
        address = made.end + data.draw(st.integers(0, 2))
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=address - 7, max_size=address - 7))
    shuffled = data.draw(st.permutations(registers))
    block = Block(Table.HOLDING, 7, address - 7)
    alone = [decoded(each, *words[each.address - 7 : each.end - 7]) for each in shuffled]
    assert list(decoder(block, shuffled)(words)) == alone if shuffled else True
    unpacking = Unpacking(shuffled, [block])
    assert unpacking.values([words]) == alone


def test_values_of_a_block_that_was_refused_or_not_asked_are_none() -> None:
    near, far = register("u16", name="near"), register("u32", address=100, name="far")
    unpacking = Unpacking([far, near], [near.block, far.block])
    for answers in ([[5], None], [[5]]):
        five, nothing = unpacking.values(answers)  # type: ignore[arg-type]
        assert (five, unpacking.place) == (5, {"near": 0, "far": 1})
        assert isinstance(nothing, NoValue)


def test_a_float_of_a_manual_is_the_one_of_the_register() -> None:
    assert held(RegisterType.F32, -9999.9) != -9999.9
    assert held(RegisterType.F64, -9999.9) == -9999.9
