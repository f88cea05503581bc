"""Which bytes may answer which question: whatever is not exactly right is not an answer."""

import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_agent.address import Framing
from edge_agent.block import Block, Table
from edge_agent.framing import STRAY, Verdict, crc, judge, question
from edge_agent.link import FUNCTIONS
from tests.edge_agent.peer import speech

SPEECHES = {Framing.MBAP: speech.Mbap(), Framing.RTU: speech.Rtu(), Framing.ASCII: speech.Ascii()}
LIMIT = {True: 2000, False: 125}
every_framing = pytest.mark.parametrize("framing", Framing)
on_a_line = pytest.mark.parametrize("framing", [Framing.RTU, Framing.ASCII])


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    table = draw(st.sampled_from(Table))
    return Block(table, draw(st.integers(0, 0xFFFF)), draw(st.integers(1, LIMIT[table.bits])))


units = st.integers(1, 247)


class Asked:
    """A question, as it was sent."""

    def __init__(self, framing: Framing, block: Block, unit: int, transaction: int = 0x1234) -> None:
        self.framing, self.unit = framing, unit
        self.question = question(block, unit)
        pdu = struct.pack(">BHH", FUNCTIONS[block.table], block.address, block.count)
        head = struct.pack(">HH", transaction, 0) if framing is Framing.MBAP else b""
        self.request = SPEECHES[framing].wrap(head, unit, pdu)

    def wrap(self, pdu: bytes, unit: int | None = None) -> bytes:
        return SPEECHES[self.framing].wrap(self.request, self.unit if unit is None else unit, pdu)

    def right(self, fill: int = 0) -> bytes:
        size = self.question.size
        return self.wrap(bytes([self.question.function, size]) + bytes([fill]) * size)

    def refusal(self, code: int) -> bytes:
        return self.wrap(bytes([self.question.function | 0x80, code]))

    def judge(self, heard: bytes) -> Verdict:
        return judge(self.framing, self.request, self.question, heard)


@every_framing
@given(blocks(), units, st.integers(0, 255), st.data())
def test_a_right_answer_is_whole_at_its_end_and_flawed_nowhere(
    framing: Framing, block: Block, unit: int, fill: int, data: st.DataObject
) -> None:
    asked = Asked(framing, block, unit)
    answer = asked.right(fill)
    assert asked.judge(answer) == Verdict(whole=answer)
    assert asked.judge(answer[: data.draw(st.integers(0, len(answer) - 1))]) == Verdict()


@every_framing
@given(blocks(), units, st.integers(0, 255))
def test_a_refusal_is_an_answer(framing: Framing, block: Block, unit: int, code: int) -> None:
    asked = Asked(framing, block, unit)
    assert asked.judge(asked.refusal(code)) == Verdict(whole=asked.refusal(code))


@every_framing
@pytest.mark.parametrize(
    ("unit", "function", "size"),
    [(2, 3, 4), (1, 4, 4), (1, 3, 2), (1, 3, 6)],
    ids=["another unit", "another function", "too short", "too long"],
)
def test_a_sound_frame_that_answers_another_question_is_a_flaw(
    framing: Framing, unit: int, function: int, size: int
) -> None:
    asked = Asked(framing, Block(Table.HOLDING, 0, 2), unit=1)
    assert asked.judge(asked.wrap(bytes([function, size, *bytes(size)]), unit=unit)).flaw


def test_the_answer_to_the_question_before_is_a_flaw() -> None:
    before, now = (Asked(Framing.MBAP, Block(Table.HOLDING, 0, 2), 1, transaction) for transaction in (8, 9))
    assert now.judge(before.right()).flaw


@every_framing
@given(blocks(), units, st.data())
def test_no_answer_of_another_unit_function_or_length_is_taken(
    framing: Framing, block: Block, unit: int, data: st.DataObject
) -> None:
    """Each is a whole and sound frame."""
    asked = Asked(framing, block, unit)
    function, size = asked.question.function, asked.question.size
    other = data.draw(st.integers(0, 255).filter(lambda n: n != size))
    found = {
        "unit": asked.wrap(
            bytes([function, size, *bytes(size)]), unit=data.draw(units.filter(lambda n: n != unit))
        ),
        "function": asked.wrap(
            bytes([data.draw(st.integers(0, 127).filter(lambda n: n != function)), size, *bytes(size)])
        ),
        "length": asked.wrap(bytes([function, other, *bytes(other)])),
        "a length that lies": asked.wrap(bytes([function, size, *bytes(other)])),
        "a refusal to another": asked.wrap(bytes([0x90, 2])),
        "a refusal as long as an answer": asked.wrap(bytes([function | 0x80, size, *bytes(size)])),
    }
    if size == 0:
        del found["a refusal as long as an answer"]
    for what, frame in found.items():
        assert not asked.judge(frame).whole, what
        assert asked.judge(frame).flaw or len(frame) < len(asked.right()), what


@every_framing
@given(blocks(), units, st.data())
def test_one_wrong_byte_is_never_an_answer(
    framing: Framing, block: Block, unit: int, data: st.DataObject
) -> None:
    """Inside what a checksum covers or a length tells; a frame of Modbus TCP leaves that to TCP."""
    asked = Asked(framing, block, unit)
    answer = bytearray(asked.right(data.draw(st.integers(0, 255))))
    at = data.draw(st.integers(0, 8 if framing is Framing.MBAP else len(answer) - 1))
    changed = data.draw(st.integers(0, 255))
    assume(changed != answer[at])
    answer[at] = changed
    # In ASCII frames a small letter means the same as a capital one.
    assume(bytes(answer).upper() != asked.right().upper() or framing is not Framing.ASCII)
    verdict = asked.judge(bytes(answer))
    if verdict.whole:
        assert framing is Framing.ASCII
        assert verdict.whole.upper() == asked.right(_fill(verdict.whole)).upper()


def _fill(frame: bytes) -> int:
    return bytes.fromhex(frame[1:-2].decode())[3]


@given(blocks(), units, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_the_answer_to_another_transaction_is_a_flaw(block: Block, unit: int, one: int, two: int) -> None:
    assume(one != two)
    asked, other = Asked(Framing.MBAP, block, unit, one), Asked(Framing.MBAP, block, unit, two)
    assert asked.judge(other.right()).flaw == "an answer to another request"


@given(blocks(), units, st.binary(min_size=1, max_size=20))
def test_more_than_the_answer_is_a_flaw(block: Block, unit: int, more: bytes) -> None:
    asked = Asked(Framing.MBAP, block, unit)
    assert asked.judge(asked.right() + more).flaw
    assert asked.judge(asked.refusal(2) + more).flaw


@on_a_line
@given(blocks(), units, st.binary(max_size=STRAY), st.binary(max_size=STRAY))
def test_a_line_that_changes_its_direction_may_make_a_little_noise(
    framing: Framing, block: Block, unit: int, before: bytes, behind: bytes
) -> None:
    asked = Asked(framing, block, unit)
    assume(b":" not in before)  # would be the beginning of a frame
    assume(unit not in before)  # likewise
    assert asked.judge(before + asked.right() + behind) == Verdict(whole=asked.right())


@on_a_line
@given(blocks(), units, st.binary(min_size=STRAY + 1, max_size=20))
def test_more_noise_than_that_is_a_flaw(framing: Framing, block: Block, unit: int, noise: bytes) -> None:
    asked = Asked(framing, block, unit)
    assert asked.judge(asked.right() + noise).flaw
    assert not asked.judge(noise + asked.right()).whole


@every_framing
@given(blocks(), units)
def test_the_answer_twice_is_a_flaw(framing: Framing, block: Block, unit: int) -> None:
    asked = Asked(framing, block, unit)
    assert asked.judge(asked.right() * 2).flaw


@every_framing
@given(blocks(), units, st.binary(max_size=300))
def test_no_bytes_whatever_break_it(framing: Framing, block: Block, unit: int, noise: bytes) -> None:
    assert isinstance(Asked(framing, block, unit).judge(noise), Verdict)


@on_a_line
def test_the_checksum_must_be_right(framing: Framing) -> None:
    asked = Asked(framing, Block(Table.HOLDING, 0, 2), 1)
    answer = bytearray(asked.right())
    answer[-3] = ord("0") if answer[-3] != ord("0") else ord("1")
    assert asked.judge(bytes(answer)).flaw in {"the CRC is wrong", "the LRC is wrong"}


@given(st.binary(max_size=300))
def test_the_crc_is_that_of_the_specification(data: bytes) -> None:
    assert crc(data) == speech.crc(data)


def test_the_crc_of_the_specifications_example() -> None:
    """Modbus over Serial Line 1.02, 6.2.2: a frame 02 07 has the CRC 41 12."""
    assert crc(b"\x02\x07") == b"\x41\x12"
