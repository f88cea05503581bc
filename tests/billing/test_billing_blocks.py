"""Block rules, tiers and splits: tables that a person can check, and the laws that they keep."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money
from billing.block import Block, Rounding
from billing.tiers import Mode, Tier, Tiers

MINUTES = [
    ("plain", Block(), 17, 17),
    ("free at first", Block(free=10), 17, 7),
    ("free altogether", Block(free=10), 10, 0),
    ("nothing used costs nothing, whatever the minimum", Block(minimum=30), 0, 0),
    ("at least half an hour", Block(minimum=30, step=15), 1, 30),
    ("exactly half an hour", Block(minimum=30, step=15), 30, 30),
    ("then quarters begun", Block(minimum=30, step=15), 31, 45),
    ("steps count from the minimum: 10 and twice 4", Block(minimum=10, step=4), 18, 18),
    ("and not from the beginning", Block(minimum=10, step=4), 19, 22),
    ("free, then begun blocks", Block(free=10, step=20), 35, 40),
    ("only full blocks", Block(step=20, rounding=Rounding.DOWN), 39, 20),
    ("the nearest, from the half on", Block(step=20, rounding=Rounding.NEAREST), 30, 40),
    ("the nearest, below the half", Block(step=20, rounding=Rounding.NEAREST), 29, 20),
    ("a credit mirrors its charge", Block(step=20), -35, -40),
]


@pytest.mark.parametrize(("why", "block", "used", "billed"), MINUTES)
def test_a_block_rule_says_what_is_charged(why: str, block: Block, used: int, billed: int) -> None:
    assert block.billed(used) == billed, why


blocks = st.builds(
    Block,
    free=st.integers(0, 100),
    minimum=st.integers(0, 100),
    step=st.integers(1, 50),
    rounding=st.sampled_from(Rounding),
)


@given(block=blocks, used=st.integers(1, 1000), cuts=st.lists(st.integers(1, 999), max_size=5))
def test_however_a_use_is_cut_its_parts_sum_to_the_whole(block: Block, used: int, cuts: list[int]) -> None:
    edges = sorted({0, used, *(cut for cut in cuts if cut < used)})
    assert sum(block.between(first, last) for first, last in pairwise(edges)) == block.billed(used)


@given(block=blocks, used=st.integers(0, 1000))
def test_more_use_never_costs_less(block: Block, used: int) -> None:
    assert block.billed(used) <= block.billed(used + 1)


HOURS = Fraction(3600)
STEPS = (
    Tier(up_to=Decimal(10), price=Decimal(12)),
    Tier(up_to=Decimal(20), price=Decimal(11)),
    Tier(up_to=None, price=Decimal(10)),
)
REACHED = [
    (Mode.GRADUATED, 36_000, [(1, 36_000, 12)]),
    (Mode.GRADUATED, 36_001, [(1, 36_000, 12), (2, 1, 11)]),
    (Mode.GRADUATED, 90_000, [(1, 36_000, 12), (2, 36_000, 11), (3, 18_000, 10)]),
    (Mode.VOLUME, 36_000, [(1, 36_000, 12)]),
    (Mode.VOLUME, 36_001, [(2, 36_001, 11)]),
    (Mode.VOLUME, 90_000, [(3, 90_000, 10)]),
    (Mode.GRADUATED, 0, []),
    (Mode.VOLUME, 0, []),
    (Mode.GRADUATED, -3, [(1, -3, 12)]),
]


@pytest.mark.parametrize(("mode", "seconds", "parts"), REACHED)
def test_the_end_of_a_tier_belongs_to_it(mode: Mode, seconds: int, parts: list[tuple[int, int, int]]) -> None:
    assert Tiers(steps=STEPS, mode=mode).parts(seconds, HOURS) == [(*part, 0) for part in parts]


@given(quantity=st.integers(0, 200_000))
def test_tiers_leave_nothing_out(quantity: int) -> None:
    for mode in Mode:
        assert sum(part.quantity for part in Tiers(steps=STEPS, mode=mode).parts(quantity, HOURS)) == quantity


SHARES = [
    (100_00, {"a": 1, "b": 1, "c": 1}, {"a": 33_34, "b": 33_33, "c": 33_33}),
    (100_01, {"a": 1, "b": 1, "c": 1}, {"a": 33_34, "b": 33_34, "c": 33_33}),
    (-100_00, {"a": 1, "b": 1, "c": 1}, {"a": -33_34, "b": -33_33, "c": -33_33}),
    (10, {"a": 0, "b": 3, "c": 7}, {"a": 0, "b": 3, "c": 7}),
    (1, {"b": 1, "a": 1}, {"a": 1, "b": 0}),
    (7, {"a": 0, "b": 0}, {"a": 7, "b": 0}),
]


@pytest.mark.parametrize(("whole", "weights", "parts"), SHARES)
def test_a_split_goes_by_largest_remainder_and_a_tie_to_the_lowest(
    whole: int, weights: dict[str, int], parts: dict[str, int]
) -> None:
    assert money.shares(whole, weights) == parts


@given(
    whole=st.integers(-(10**12), 10**12),
    weights=st.dictionaries(st.text(max_size=3), st.integers(0, 10**9), min_size=1, max_size=9),
)
def test_a_split_loses_nothing_and_is_off_by_less_than_one(whole: int, weights: dict[str, int]) -> None:
    parts = money.shares(whole, weights)
    assert sum(parts.values()) == whole
    total = sum(weights.values())
    for key, part in parts.items() if total else ():
        assert abs(part - Fraction(whole * weights[key], total)) < 1
