"""Counts are exact or they are none: of floats as far as floats go, of whole parts and fractions."""

import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.count import faithful, of_float, of_pair, of_whole
from edge_agent.decode import NoValue
from edge_agent.register import RegisterType

F32, F64 = RegisterType.F32, RegisterType.F64


def as_f32(value: float) -> float:
    """What a machine's register makes of it."""
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


LIMITS = [
    (F32, "1", 2**24),
    (F32, "2", 2**24),
    (F32, "0.5", 2**24),
    (F32, "0.1", 10_485_760),
    (F32, "0.01", 13_107_200),
    (F32, "1000", 8_589_934_592 // 1000),
    (F64, "1", 2**53),
    (F64, "0.001", 8_796_093_022_208_000),
]
"""Floats between 65,536 and 131,072 lie 1/128 apart, which is less than 0.01; above, 1/64, which is more."""


@pytest.mark.parametrize(("type_", "resolution", "limit"), LIMITS)
def test_how_far_a_float_tells_each_count_from_the_next(
    type_: RegisterType, resolution: str, limit: int
) -> None:
    assert faithful(type_, Fraction(resolution)) == limit


RESOLUTIONS = st.sampled_from([Fraction(text) for text in ("1", "0.1", "0.01", "0.001", "0.25", "10", "7")])


@given(RESOLUTIONS, st.data())
def test_each_count_up_to_the_limit_comes_back_from_a_register(resolution: Fraction, data: Any) -> None:
    limit = faithful(F32, resolution)
    count = data.draw(st.integers(0, limit) | st.integers(limit - 99, limit))
    told = as_f32(float(count * resolution))
    assert of_float(F32, resolution.denominator, resolution.numerator)(told) == count


@given(RESOLUTIONS)
def test_beyond_the_limit_two_counts_share_a_float(resolution: Fraction) -> None:
    """Or the limit would be too careful."""
    limit = faithful(F32, resolution)
    beyond = [as_f32(float(count * resolution)) for count in range(limit, limit + 2_000)]
    assert len(set(beyond)) < len(beyond)


def test_a_float_that_is_too_large_or_below_0_is_no_count() -> None:
    count = of_float(F32, 100, 1)
    assert count(131_072.0) == 13_107_200
    for value, why in [
        (131_072.015625, "beyond 13107200 counts f32 leaves some out"),
        (3e38, "too large"),
        (-0.01, "below 0"),
    ]:
        told = count(value)
        assert isinstance(told, NoValue)
        assert why in told.reason
    assert count(-0.0) == 0


@given(st.integers(0, 2**32 - 1), st.integers(0, 999))
def test_a_whole_part_and_a_fraction_are_the_litres_that_the_panel_shows(cubic: int, litres: int) -> None:
    """0.129 as a float is 0.12899999: cut off, it would be 128."""
    assert of_pair(1000)(cubic, as_f32(litres / 1000)) == cubic * 1000 + litres


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_pair_never_falls_while_what_it_measures_rises(whole: int, fine: int, more: int) -> None:
    """Rounding goes over the carry: 7 and 0.9996 is as many litres as 8 and 0.0003."""
    before = of_pair(1000)(whole, as_f32(min(fine / 10**6, 0.99999)))
    after_ = whole + fine / 10**6 + more / 10**7
    after = of_pair(1000)(int(after_), as_f32(min(after_ % 1, 0.99999)))
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert after >= before


@pytest.mark.parametrize("fraction", [1.0, -0.001, 1e30, float("nan"), float("inf")])
def test_a_fraction_that_is_none_makes_no_count(fraction: float) -> None:
    told = of_pair(1000)(12, fraction)
    assert isinstance(told, NoValue)
    assert "not within 0 and 1" in told.reason


def test_a_count_that_no_store_holds_is_none() -> None:
    assert of_whole(2**63 - 1) == 2**63 - 1
    assert isinstance(of_whole(2**63), NoValue)
    assert isinstance(of_pair(1000)(2**60, 0.5), NoValue)
