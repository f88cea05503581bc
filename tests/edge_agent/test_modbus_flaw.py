"""Which frame may answer which request: whatever is not exactly right is not an answer."""

import struct

from hypothesis import assume, given
from hypothesis import strategies as st

from edge_agent.modbus import flaw

words16 = st.integers(0, 0xFFFF)
requests = st.builds(
    lambda tid, unit, fc, address, count: struct.pack(">HHHBBHH", tid, 0, 6, unit, fc, address, count),
    words16,
    st.integers(0, 255),
    st.sampled_from([3, 4]),
    words16,
    st.integers(1, 125),
)


def right(request: bytes, fill: int = 0) -> bytes:
    length = 2 * int.from_bytes(request[10:12], "big")
    return (
        request[:4]
        + struct.pack(">HBBB", length + 3, request[6], request[7], length)
        + bytes([fill]) * length
    )


def refused(request: bytes, code: int) -> bytes:
    return request[:4] + struct.pack(">HBBB", 3, request[6], request[7] | 0x80, code)


@given(requests, st.integers(0, 255), st.data())
def test_a_right_answer_is_none_at_no_length_it_has_come_to(
    request_: bytes, fill: int, data: st.DataObject
) -> None:
    answer = right(request_, fill)
    assert flaw(request_, answer[: data.draw(st.integers(0, len(answer)))]) == ""
    assert flaw(request_, answer) == ""


@given(requests, st.integers(0, 255))
def test_a_refusal_is_an_answer(request_: bytes, code: int) -> None:
    assert flaw(request_, refused(request_, code)) == ""


@given(requests, st.integers(0, 8), st.integers(1, 255), st.booleans())
def test_any_other_byte_in_the_head_is_a_flaw(request_: bytes, at: int, change: int, refusal: bool) -> None:  # noqa: FBT001  a drawn value
    answer = bytearray(refused(request_, 2) if refusal else right(request_))
    assume(not (refusal and at == 8))  # the exception code may be anything
    assume(not (at == 7 and change == 0x80))  # becomes a refusal, whose length is wrong: see below
    answer[at] ^= change
    assert flaw(request_, bytes(answer)) != ""


@given(requests)
def test_a_refusal_as_long_as_an_answer_is_a_flaw(request_: bytes) -> None:
    answer = bytearray(right(request_))
    answer[7] |= 0x80
    assert flaw(request_, bytes(answer)) != ""


@given(requests, st.binary(min_size=1, max_size=20))
def test_more_than_the_answer_is_a_flaw(request_: bytes, more: bytes) -> None:
    assert flaw(request_, right(request_) + more) != ""
    assert flaw(request_, refused(request_, 2) + more) != ""


@given(requests, st.binary(max_size=300))
def test_no_bytes_whatever_break_it(request_: bytes, noise: bytes) -> None:
    assert isinstance(flaw(request_, noise), str)
