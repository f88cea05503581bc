"""What may still come: when a late answer would pass for the next one, and what proves that none will."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.block import Block, Table
from edge_agent.doubt import Doubts
from edge_agent.framing import Question, question

TEN, OTHER = Block(Table.HOLDING, 0, 10), Block(Table.HOLDING, 500, 10)
NINE, EIGHT = Block(Table.HOLDING, 500, 9), Block(Table.HOLDING, 500, 8)


def owing(*asked: Question) -> Doubts:
    doubts = Doubts()
    for one in asked:
        doubts.unanswered(one, now=0.0)
    return doubts


def test_where_nothing_is_owed_nothing_needs_proof() -> None:
    assert not Doubts().is_owed(question(TEN, 1), 0.0)


def test_a_late_answer_fits_whatever_has_its_unit_function_and_length() -> None:
    doubts = owing(question(TEN, 1))
    assert doubts.is_owed(question(OTHER, 1), 1.0)
    assert not doubts.is_owed(question(OTHER, 2), 1.0)
    assert not doubts.is_owed(question(NINE, 1), 1.0)
    assert not doubts.is_owed(question(Block(Table.INPUT, 0, 10), 1), 1.0)


def test_the_proof_is_a_shorter_question_within_the_same_block() -> None:
    assert owing(question(TEN, 1)).fence(OTHER, 1, 1.0) == NINE


def test_when_the_shorter_one_had_no_answer_either_another_is_taken_and_then_none() -> None:
    assert owing(question(TEN, 1), question(NINE, 1)).fence(OTHER, 1, 1.0) == EIGHT
    assert owing(question(TEN, 1), question(NINE, 1), question(EIGHT, 1)).fence(OTHER, 1, 1.0) is None


def test_of_a_single_register_there_is_no_shorter_part() -> None:
    one = Block(Table.HOLDING, 7, 1)
    assert owing(question(one, 1)).fence(one, 1, 1.0) is None


def test_where_there_is_no_shorter_part_another_block_that_was_answered_will_do() -> None:
    one = Block(Table.HOLDING, 7, 1)
    doubts = Doubts()
    for block in (TEN, one):
        doubts.answered(block, 1)
    doubts.unanswered(question(one, 1), 0.0)
    assert doubts.fence(one, 1, 1.0) == TEN
    doubts.unanswered(question(TEN, 1), 0.0)
    assert doubts.fence(one, 1, 1.0) is None
    assert doubts.fence(one, 2, 1.0) is None, "another unit's is none of its own"


def test_bits_are_shortened_by_bytes() -> None:
    bits = Block(Table.COIL, 3, 20)
    assert owing(question(bits, 1)).fence(bits, 1, 1.0) == Block(Table.COIL, 3, 12)
    short = Block(Table.COIL, 3, 8)
    assert owing(question(short, 1)).fence(short, 1, 1.0) is None


def test_an_answer_of_another_length_proves_that_its_unit_owes_nothing() -> None:
    doubts = owing(question(TEN, 1), question(TEN, 2))
    doubts.answered(NINE, 1)
    assert not doubts.is_owed(question(TEN, 1), 1.0)
    assert doubts.is_owed(question(TEN, 2), 1.0), "another unit's answer proves nothing"


def test_an_answer_that_may_be_a_late_one_proves_nothing() -> None:
    doubts = owing(question(TEN, 1))
    doubts.answered(OTHER, 1)
    assert doubts.is_owed(question(TEN, 1), 1.0)


def test_after_a_minute_nothing_is_expected_any_more() -> None:
    doubts = owing(question(TEN, 1))
    assert doubts.is_owed(question(TEN, 1), 60.0)
    assert not doubts.is_owed(question(TEN, 1), 60.5)


class Unit:
    """It answers in order; each answer comes in time, or is owed, and comes when it likes."""

    def __init__(self) -> None:
        self.owed: deque[tuple[Question, Block]] = deque()


BLOCKS = [TEN, OTHER, NINE, Block(Table.HOLDING, 800, 9), Block(Table.COIL, 0, 20), Block(Table.COIL, 50, 20)]


@given(
    st.lists(
        st.tuples(st.sampled_from(BLOCKS), st.sampled_from(["in time", "late"]), st.booleans()), max_size=40
    )
)
def test_whatever_comes_late_no_question_takes_the_answer_to_another(
    story: list[tuple[Block, str, bool]],
) -> None:
    """As a transport goes about it: what had no answer is owed, and what is owed is fenced or not asked."""
    doubts, unit = Doubts(), Unit()

    def exchange(block: Block, fate: str, *, hurried: bool) -> Block | None:
        """Whose answer was taken; None when none was, or one that did not fit."""
        asked = question(block, 1)
        unit.owed.append((asked, block))
        if fate == "late":
            doubts.unanswered(asked, 0.0)
            return None
        # What is owed comes first; what comes while nobody listens any more is lost to us as well.
        first = unit.owed.popleft() if hurried else unit.owed[-1]
        if not hurried:
            unit.owed.clear()
        if first[0] != asked:
            doubts.unanswered(asked, 0.0)
            return None
        doubts.answered(block, 1)
        return first[1]

    for block, fate, hurried in story:
        if doubts.is_owed(question(block, 1), 0.0):
            fence = doubts.fence(block, 1, 0.0)
            if fence is None or exchange(fence, fate, hurried=hurried) is None:
                continue
            doubts.settled(1)
        taken = exchange(block, fate, hurried=hurried)
        assert taken in {None, block}
