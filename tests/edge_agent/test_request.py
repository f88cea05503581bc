"""The fewest requests: everything wanted is covered whole, no limit is broken, and no other way beats it."""

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from edge_agent.block import Block, Table, hull, keys_of, merged
from edge_agent.profile import Range, RangeRead
from edge_agent.request import Limits, objection, pack

H = Table.HOLDING


@st.composite
def spans_of(draw: st.DrawFn, most: int = 6, tables: int = 2) -> list[Block]:
    """Stretches that do not overlap, in any order, of one to four addresses."""
    found: list[Block] = []
    for table in draw(st.permutations(list(Table)))[:tables]:
        address = draw(st.integers(0, 20))
        for _ in range(draw(st.integers(0, most))):
            made = Block(table, address, draw(st.sampled_from([1, 2, 4])))
            found.append(made)
            address = made.end + draw(st.integers(0, 9))
    return draw(st.permutations(found))


@st.composite
def limits_for(draw: st.DrawFn, spans: list[Block]) -> Limits:
    """Some limits, and a range or two; what stands somewhere is what is wanted, and perhaps more."""
    ranges: list[Range] = []
    address = 0
    for _ in range(draw(st.integers(0, 2))):
        first = address + draw(st.integers(0, 20))
        last = first + draw(st.integers(0, 8))
        table = draw(st.sampled_from(sorted({span.table for span in spans}) or [H]))
        ranges.append(Range(table=table, first=first, last=last, read=draw(st.sampled_from(list(RangeRead)))))
        address = last + 1
    wholes = [each.block for each in ranges if each.read is RangeRead.WHOLE]
    return Limits(
        registers=draw(st.integers(4, 40)),
        coils=draw(st.integers(4, 40)),
        gap=draw(st.integers(0, 12)),
        ranges=tuple(ranges),
        known=tuple(merged([*spans, *wholes, *draw(spans_of(most=2))])),
    )


def is_legal(block: Block, limits: Limits) -> bool:
    """The rules again, address by address."""
    asked = {address for _, address in keys_of(block)}
    if len(asked) > (limits.coils if block.table in {Table.COIL, Table.DISCRETE} else limits.registers):
        return False
    for each in limits.ranges:
        special = set(range(each.first, each.last + 1))
        if each.table is block.table and asked & special:
            if each.read is RangeRead.FORBIDDEN or not asked <= special:
                return False
            if each.read is RangeRead.WHOLE and asked != special:
                return False
    known = {address for b in limits.known for table, address in keys_of(b) if table is block.table}
    run = longest = 0
    seen = False
    for address in sorted(asked):
        run = 0 if address in known else run + 1
        seen = seen or address in known
        if address in known or (seen and asked & known and max(asked & known) > address):
            longest = max(longest, run)
    return longest <= limits.gap


def alone(span: Block, limits: Limits) -> Block:
    """What has to be asked for when this is wanted: all of a range that is read as a whole."""
    wholes = [each.block for each in limits.ranges if each.read is RangeRead.WHOLE]
    mine = [w for w in wholes if w.table is span.table and w.address < span.end and span.address < w.end]
    return hull(span, *mine)


def partitions(things: list[Block]) -> Iterator[list[list[Block]]]:
    if not things:
        yield []
        return
    first, rest = things[0], things[1:]
    for parts in partitions(rest):
        yield [[first], *parts]
        for at, part in enumerate(parts):
            yield [*parts[:at], [first, *part], *parts[at + 1 :]]


@given(st.data())
def test_all_that_is_wanted_is_covered_whole_and_no_limit_is_broken(data: st.DataObject) -> None:
    spans = data.draw(spans_of(most=8))
    limits = data.draw(limits_for(spans))
    assume(all(is_legal(alone(span, limits), limits) for span in spans))
    blocks = pack(spans, limits)
    assert all(is_legal(block, limits) for block in blocks)
    for span in spans:
        assert any(b.table is span.table and b.address <= span.address and span.end <= b.end for b in blocks)
    read = [key for block in blocks for key in keys_of(block)]
    assert len(read) == len(set(read)), "nothing is read twice"


@given(st.data())
def test_no_way_to_group_them_takes_fewer_requests(data: st.DataObject) -> None:
    """Against every partition of the spans, those whose requests cross each other too."""
    spans = data.draw(spans_of(most=6, tables=1))
    limits = data.draw(limits_for(spans))
    twice = data.draw(st.sets(st.sampled_from(spans))) if spans else set()
    assume(all(is_legal(alone(span, limits), limits) for span in spans))

    def cost(blocks: list[Block]) -> tuple[int, int]:
        sent = [2 if any(t.address >= b.address and t.end <= b.end for t in twice) else 1 for b in blocks]
        return sum(sent), sum(n * b.count for n, b in zip(sent, blocks, strict=True))

    ways = (
        [hull(*(alone(span, limits) for span in part)) for part in parts]
        for parts in partitions(sorted(spans))
    )
    best = min(cost(way) for way in ways if all(is_legal(block, limits) for block in way))
    assert cost(list(pack(spans, limits, twice))) == best


@given(st.data())
def test_a_request_is_objected_to_exactly_when_it_breaks_a_limit(data: st.DataObject) -> None:
    spans = data.draw(spans_of(most=4, tables=1))
    assume(spans)
    limits = data.draw(limits_for(spans))
    block = hull(*data.draw(st.lists(st.sampled_from(spans), min_size=1)))
    assert (objection(block, limits) == "") == is_legal(block, limits)


NEAR, FAR = Block(H, 0, 1), Block(H, 11, 1)
PLAIN = Limits(known=(NEAR, FAR))


def test_a_gap_is_read_over_up_to_its_limit_and_no_further() -> None:
    assert pack([NEAR, FAR], replace(PLAIN, gap=10)) == (Block(H, 0, 12),)
    assert pack([NEAR, FAR], replace(PLAIN, gap=9)) == (NEAR, FAR)


def test_what_other_registers_of_the_profile_hold_is_no_gap() -> None:
    assert pack([NEAR, FAR], replace(PLAIN, gap=5, known=(NEAR, Block(H, 5, 2), FAR))) == (Block(H, 0, 12),)


def test_nothing_wanted_is_nothing_read() -> None:
    assert pack([], PLAIN) == ()


def ranged(read: RangeRead, first: int = 4, last: int = 7) -> Limits:
    return replace(PLAIN, ranges=(Range(table=H, first=first, last=last, read=read),))


def test_a_hole_that_is_forbidden_is_not_read_over() -> None:
    assert pack([NEAR, FAR], ranged(RangeRead.FORBIDDEN)) == (NEAR, FAR)
    assert objection(Block(H, 0, 12), ranged(RangeRead.FORBIDDEN)) == "holding 4 to 7 may not be read"


def test_a_range_that_is_apart_is_read_by_a_request_of_its_own_and_only_as_far_as_wanted() -> None:
    apart = ranged(RangeRead.APART)
    assert pack([NEAR, Block(H, 5, 2), FAR], apart) == (NEAR, Block(H, 5, 2), FAR)
    assert objection(Block(H, 0, 6), apart) == "holding 4 to 7 is read apart from others"


def test_a_range_that_is_whole_is_read_from_its_first_to_its_last() -> None:
    whole = ranged(RangeRead.WHOLE)
    assert pack([NEAR, Block(H, 5, 1), Block(H, 7, 1), FAR], whole) == (NEAR, Block(H, 4, 4), FAR)
    assert objection(Block(H, 5, 2), whole) == "holding 4 to 7 is read as a whole"


def test_bits_have_a_limit_of_their_own() -> None:
    limits = Limits(registers=4, coils=50, known=(Block(Table.COIL, 0, 1), Block(Table.COIL, 30, 1)))
    assert pack(limits.known, limits) == (Block(Table.COIL, 0, 31),)
    assert objection(Block(Table.COIL, 0, 51), limits) == "51 coils from 0, 50 fit"
    assert objection(Block(Table.DISCRETE, 0, 51), limits) == "51 inputs from 0, 50 fit"
    assert objection(Block(H, 0, 5), limits) == "5 registers from 0, 4 fit"


def test_of_two_ways_with_as_many_requests_the_shorter_is_taken() -> None:
    """From the left, as far as it goes, would read over the hole."""
    spans = (Block(H, 0, 1), Block(H, 6, 1), Block(H, 7, 4))
    assert pack(spans, Limits(registers=8, known=spans)) == (Block(H, 0, 1), Block(H, 6, 5))


def test_what_is_sent_twice_is_kept_together_and_apart_from_the_rest() -> None:
    """Two requests either way, and of those to be sent again one or two."""
    state, order, count = Block(H, 0, 1), Block(H, 8, 1), Block(H, 12, 1)
    limits = Limits(registers=9, known=(state, order, count))
    assert pack(limits.known, limits) == (state, Block(H, 8, 5))
    assert pack(limits.known, limits, {state, order}) == (Block(H, 0, 9), count)


@pytest.mark.parametrize("count", [1, 300])
def test_many_are_planned_in_no_time(count: int) -> None:
    spans = tuple(Block(H, 3 * n, 2) for n in range(count))
    assert len(pack(spans, Limits(known=spans))) == -(-count // 42)
