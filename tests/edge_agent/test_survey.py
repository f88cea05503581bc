"""What a survey finds of a device that refuses as devices do, and how much it asks for it."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_agent.block import Block, Table
from edge_agent.survey import Answer, Answered, Area, Refused, Silent, Surveyed, survey

ASKS = 100
Device = Callable[[Block], Answer]


def device(
    readable: set[int], *, limit: int = 125, too_many: int = 3, borders: frozenset[int] = frozenset()
) -> Device:
    """Refuses as a whole what it cannot give whole. Each address holds its own number."""

    def answer(block: Block) -> Answer:
        asked = range(block.address, block.end)
        if block.count > limit:
            return Refused(too_many)
        if not readable.issuperset(asked) or borders.intersection(asked[1:]):
            return Refused(2)
        return Answered(tuple(asked))

    return answer


def surveyed(of: Device, areas: list[Area], stride: int = 2) -> tuple[Surveyed, list[Block]]:
    found, asked = Surveyed(table=Table.HOLDING), list[Block]()
    asking = survey(found, areas, ASKS, stride)
    block = next(asking, None)
    while block is not None:
        asked.append(block)
        try:
            block = asking.send(of(block))
        except StopIteration:
            block = None
    return found, asked


def addresses(*ranges: tuple[int, int]) -> set[int]:
    return {address for start, end in ranges for address in range(start, end)}


CASES = [
    # what it is; readable; limit; requests at most for 500 addresses
    ("all of it", addresses((0, 500)), 125, 5),
    ("one map from 0", addresses((0, 56)), 125, 250),
    ("a map in the middle", addresses((300, 356)), 125, 250),
    ("nothing", set[int](), 125, 270),
    ("a small limit", addresses((0, 500)), 16, 50),
    ("a limit that halving never meets", addresses((0, 500)), 7, 100),
    ("islands and a small limit", addresses((0, 20), (100, 130), (201, 203), (400, 410)), 16, 360),
    ("one register at a time", addresses((10, 30)), 1, 510),
]


@pytest.mark.parametrize("too_many", [2, 3])
@pytest.mark.parametrize(
    ("readable", "limit", "requests"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_survey_finds_every_edge_and_the_limit_with_few_requests(
    readable: set[int], limit: int, requests: int, too_many: int
) -> None:
    found, asked = surveyed(device(readable, limit=limit, too_many=too_many), [Area(0, 500)])
    assert found.words == {address: address for address in readable}
    assert found.limit == (limit if limit < ASKS else None)
    assert found.most <= limit
    assert not found.borders
    assert len(asked) <= requests


def test_a_border_that_no_request_may_cross_is_not_taken_for_a_limit() -> None:
    borders = frozenset({37, 90})
    found, _ = surveyed(device(addresses((0, 200)), borders=borders), [Area(0, 200)])
    assert set(found.words) == addresses((0, 200))
    assert found.limit is None
    assert set(found.borders) == borders


def test_an_unknown_function_is_asked_for_once() -> None:
    found, asked = surveyed(lambda _: Refused(1), [Area(0, 500), Area(4096, 4200)])
    assert not found.supported
    assert len(asked) == 1


def test_a_unit_that_falls_silent_is_left_alone() -> None:
    found, asked = surveyed(lambda _: Silent(), [Area(0, 10_000)])
    assert found.over
    assert len(asked) == 3


def test_what_is_known_stays_known_when_a_survey_is_broken_off() -> None:
    found = Surveyed(table=Table.HOLDING)
    asking = survey(found, [Area(0, 500)], ASKS, 2)
    first = next(asking)
    asking.send(Answered(tuple(range(first.count))))
    asking.close()
    assert len(found.words) == 100


islands = st.lists(st.tuples(st.integers(0, 390), st.integers(2, 60)), max_size=6)


@settings(deadline=None)
@given(islands=islands, limit=st.integers(2, 125), too_many=st.sampled_from([2, 3, 4]))
@example(islands=[(0, 3)], limit=2, too_many=2)
def test_every_island_of_two_registers_is_found_and_no_limit_is_invented(
    islands: list[tuple[int, int]], limit: int, too_many: int
) -> None:
    readable = addresses(*((start, start + length) for start, length in islands))
    found, asked = surveyed(device(readable, limit=limit, too_many=too_many), [Area(0, 500)])
    assert set(found.words) == readable
    assert found.limit in {None, limit}
    assert not found.borders
    assert all(block.address >= 0 and block.end <= 500 and block.count <= ASKS for block in asked)
    assert len(asked) <= 2 * 500


@settings(deadline=None)
@given(islands=st.lists(st.tuples(st.integers(0, 390), st.integers(8, 60)), max_size=4))
def test_a_wider_stride_asks_less_and_finds_islands_of_its_length(islands: list[tuple[int, int]]) -> None:
    readable = addresses(*((start, start + length) for start, length in islands))
    found, _ = surveyed(device(readable), [Area(0, 500)], stride=8)
    assert set(found.words) == readable
