"""Frames of Modbus TCP, held against pymodbus's: the same bytes out, the same values in."""

import struct

from hypothesis import assume, given
from hypothesis import strategies as st
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from edge_agent.address import Framing
from edge_agent.block import Block, Table
from edge_agent.framing import judge
from edge_agent.mbap import form, refusal

ASKS = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
    Table.HOLDING: ReadHoldingRegistersRequest,
    Table.INPUT: ReadInputRegistersRequest,
}
transactions = st.integers(1, 0xFFFF)
units = st.integers(0, 255)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    table = draw(st.sampled_from(list(Table)))
    count = draw(st.integers(1, 2000 if table.bits else 125))
    return Block(table, draw(st.integers(0, 0x10000 - count)), count)


@st.composite
def answered(draw: st.DrawFn, block: Block) -> bytes:
    """What a machine may say of a block: any words, or any bits with the rest of the last byte zero."""
    if not block.table.bits:
        return draw(st.binary(min_size=2 * block.count, max_size=2 * block.count))
    bits = draw(st.integers(0, (1 << block.count) - 1))
    return bits.to_bytes((block.count + 7) // 8, "little")


def right(transaction: int, unit: int, block: Block, data: bytes) -> bytes:
    function = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}[block.table]
    return struct.pack(">HHHBBB", transaction, 0, len(data) + 3, unit, function, len(data)) + data


@given(blocks(), units, transactions)
def test_the_request_is_pymodbus_own_to_the_byte(block: Block, unit: int, transaction: int) -> None:
    asked = ASKS[block.table](address=block.address, count=block.count, dev_id=unit)
    asked.transaction_id = transaction
    theirs = FramerSocket(DecodePDU(False)).buildFrame(asked)
    assert transaction.to_bytes(2, "big") + form(block, unit).request == theirs


@given(st.data(), blocks(), units, transactions)
def test_the_values_are_those_that_pymodbus_reads_from_the_same_bytes(
    data: st.DataObject, block: Block, unit: int, transaction: int
) -> None:
    frame = right(transaction, unit, block, data.draw(answered(block)))
    theirs: ModbusPDU | None = DecodePDU(False).decode(frame[7:])
    assert theirs is not None
    values = [int(bit) for bit in theirs.bits[: block.count]] if block.table.bits else theirs.registers
    asked = form(block, unit)
    assert (frame.startswith(asked.head, 2), len(frame)) == (True, asked.size)
    assert list(asked.values(frame)) == values


@given(st.data(), blocks(), units, transactions)
def test_nothing_passes_that_the_judge_of_all_frames_would_not_let_pass(
    data: st.DataObject, block: Block, unit: int, transaction: int
) -> None:
    asked, number = form(block, unit), transaction.to_bytes(2, "big")
    frame = bytearray(right(transaction, unit, block, data.draw(answered(block))))
    at, change = data.draw(st.integers(0, len(frame) - 1)), data.draw(st.integers(0, 255))
    frame[at] ^= change
    heard = bytes(frame[: data.draw(st.integers(1, len(frame)))])
    passes = heard[:2] == number and heard.startswith(asked.head, 2) and len(heard) == asked.size
    verdict = judge(Framing.MBAP, number + asked.request, asked.question, heard)
    assert passes == bool(verdict.whole)


@given(blocks(), units, st.integers(1, 255))
def test_a_refusal_is_told_by_its_code_and_an_answer_is_none(block: Block, unit: int, code: int) -> None:
    function = form(block, unit).question.function
    assert refusal(struct.pack(">HHHBBB", 7, 0, 3, unit, function | 0x80, code)) == code
    assume(not block.table.bits)
    assert refusal(right(7, unit, block, bytes(2 * block.count))) == 0
