"""What words may mean, and what moves as a counter would. ``readings.txt`` is the table of cases."""

import struct
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.block import Table
from edge_agent.motion import Kind, Look, Motion, motions
from edge_agent.panel_search import MOST, search
from edge_agent.probe_view import motion_view, places_view, said, view
from edge_agent.readings import ORDERS, likely, readings, texts
from edge_agent.register import RegisterType, WordOrder

ROWS = [
    line.split("#")[0].partition("|")[::2]
    for line in (Path(__file__).parent / "readings.txt").read_text().splitlines()
    if "|" in line and not line.startswith("#")
]
H = Table.HOLDING


def words_of(text: str) -> dict[int, int]:
    return {address: int(word, 16) for address, word in enumerate(text.split())}


@pytest.mark.parametrize(("words", "told"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_what_is_likely_is_shown_and_what_is_not_is_left_out(words: str, told: str) -> None:
    found = [
        f"{reading.register.address} {reading.label} {said(reading.value)}"
        for reading in likely(H, words_of(words))
        if reading.register.type is not RegisterType.U16
    ]
    assert "; ".join(found) == told.strip()


@settings(deadline=None)
@given(value=st.integers(1 << 16, 1 << 28), order=st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]))
def test_a_count_of_more_than_a_word_is_always_among_what_is_likely(value: int, order: str) -> None:
    """Unless another word order makes it less than a quarter."""
    data = struct.pack(">I", value)
    wire = bytes(data["ABCD".index(letter)] for letter in order)
    words = dict(enumerate(struct.unpack(">2H", wire)))
    orders = [
        int.from_bytes(bytes(wire[o.index(x)] for x in "ABCD"), "big")
        for o in ("ABCD", "CDAB", "BADC", "DCBA")
    ]
    found = {(r.register.type, r.register.word_order): r.value for r in likely(H, words)}
    if value <= 4 * min(other for other in orders if other):
        assert found[RegisterType.U32, order] == value  # type: ignore[index]


@settings(deadline=None)
@given(st.lists(st.integers(0, 0xFFFF), max_size=12))
def test_any_words_can_be_looked_at(words: list[int]) -> None:
    table = dict(enumerate(words))
    assert len(list(view(H, table, everything=True))) == len(words) + 1
    assert {r.register.address for r in likely(H, table)} == set(table)
    list(texts(table))


def test_text_is_shown_with_its_length_and_the_other_way_round() -> None:
    (text,) = texts(dict(enumerate(struct.unpack(">5H", b"LOOM-60 \0\0"))))
    assert (text.address, text.count, text.text, text.swapped) == (0, 4, "LOOM-60 ", "OLMO6- 0")
    assert not list(texts({0: 0x4142, 1: 0x0041, 2: 0x4344}))


def test_holes_are_not_read_over() -> None:
    assert {r.register.count for r in readings(H, {0: 1, 2: 3})} == {1}


def looks(*series: list[int], every_ms: int = 1_000) -> list[Look]:
    """Words from address 0, one list an address, one look a second."""
    return [
        Look(at, dict(enumerate(words)))
        for at, words in zip(count(0, every_ms), zip(*series, strict=True), strict=False)
    ]


def ways(motion: Motion) -> list[str]:
    return [f"{way.reading.register.address} {way.reading.label}" for way in motion.ways]


def test_a_counter_is_recognised_in_its_right_order_with_its_rate() -> None:
    """Low word first, over a carry; beside it something that rests and a float that wobbles."""
    low = [0xFFFE, 0xFFFF, 0, 1]
    high = [1, 1, 2, 2]
    gauge = [struct.unpack(">2H", struct.pack(">f", value)) for value in (20.5, 20.625, 20.375, 20.5)]
    (counter, wobble) = motions(H, looks(low, high, [7] * 4, [g[0] for g in gauge], [g[1] for g in gauge]))
    assert (counter.kind, counter.steps, counter.per_minute) == (Kind.UP, (1, 1, 1), 60)
    assert ways(counter) == ["0 u32 CDAB"]
    assert wobble.kind is Kind.BOTH
    assert "3 f32 ABCD" in ways(wobble)


def test_an_empty_high_word_leaves_it_open_which_neighbour_belongs_to_the_counter() -> None:
    (counter,) = motions(H, looks([0, 0, 0], [812, 813, 815], [0, 0, 0]))
    assert counter.steps == (1, 2)
    assert sorted(ways(counter)) == ["0 u32 ABCD", "1 u16", "1 u32 CDAB"]


def test_a_total_as_a_float_counts_too() -> None:
    totals = [struct.unpack(">2H", struct.pack(">f", 1000 + n / 4)) for n in range(4)]
    (counter,) = motions(H, looks([t[1] for t in totals], [t[0] for t in totals]))
    assert (counter.kind, ways(counter)) == (Kind.UP, ["0 f32 CDAB"])
    assert counter.per_minute == 15


def test_what_falls_is_no_counter_and_a_bit_that_changes_is_seen() -> None:
    (fall,) = motions(H, looks([9, 8, 6]))
    assert (fall.kind, fall.per_minute) == (Kind.DOWN, -90)
    (bit,) = motions(Table.COIL, looks([0, 1, 0], [1, 1, 1]))
    assert (bit.kind, ways(bit)) == (Kind.BOTH, ["0 bit"])


def test_nothing_moves_where_nothing_moved() -> None:
    assert motions(H, looks([1, 1], [2, 2])) == []
    assert any("nothing moved" in line for line in motion_view([], 10, 11))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 0xFFFF), min_size=3, max_size=3), min_size=1, max_size=6))
def test_any_movement_can_be_looked_at(series: list[list[int]]) -> None:
    seen = looks(*series)
    assert len(motions(H, seen)) <= len(motions(H, seen, everything=True))
    list(motion_view(motions(H, seen), 2, 3))


LOOM = words_of("0001 51be 2603 0000 0000 6492 0000 0000 41a5 0000 0003 03e7")
"""86462 high word first, 9731 low word first, 25746, a float of 20.625, 259.047 as thousandths behind 3."""

SEARCHES = [
    # what the panel shows | where it stands, the best first
    ("86462", ["0 u32 ABCD 86462"]),
    ("86460", ["0 u32 ABCD 86462"]),  # it counted on meanwhile
    ("9731", ["2 u16 9731", "2 u32 CDAB 9731 hardly"]),
    ("20.6", ["7 f32 CDAB 20.625", "8 f32 ABCD 20.625"]),
    ("7.15", ["4 u32 ABCD 25746 (seconds of hours)", "5 u32 CDAB 25746 (seconds of hours)"]),
    ("8646.2", ["0 u32 ABCD 86462 (tenths)"]),
    ("777777", []),
]


@pytest.mark.parametrize(("number", "places"), SEARCHES, ids=[row[0] for row in SEARCHES])
def test_a_number_of_the_panel_is_found_in_its_register(number: str, places: list[str]) -> None:
    told = [" ".join(line.split()) for line in places_view(number, search(H, LOOM, number))]
    assert told[1 : len(places) + 1] == places
    assert places or "nowhere here" in told[0]


def test_a_small_number_stands_in_many_places_and_that_is_said() -> None:
    found = search(H, dict.fromkeys(range(40), 3), "3")
    assert len(found) > MOST
    assert list(places_view("3", found))[-1].endswith("a larger number would tell better")


@settings(deadline=None)
@given(value=st.integers(1_000, 1 << 28), moved=st.integers(0, 2), order=st.sampled_from(list(ORDERS)))
def test_whatever_a_register_holds_is_found_by_what_the_panel_showed(
    value: int, moved: int, order: WordOrder
) -> None:
    wire = bytes((value + moved).to_bytes(4, "big")["ABCD".index(letter)] for letter in order)
    found = search(H, dict(enumerate(struct.unpack(">2H", wire))), str(value))
    assert any(
        place.reading.register.word_order is order and place.reading.value == value + moved for place in found
    )


def test_a_float_that_rises_is_not_taken_for_a_count_in_its_high_word() -> None:
    """The high word goes up by one, once; the float in every look."""
    totals = [struct.unpack(">2H", struct.pack(">f", 1255 + n / 4)) for n in range(9)]
    low, high = [t[1] for t in totals], [t[0] for t in totals]
    assert len(set(high)) == 2
    (counter,) = motions(H, looks(low, high))
    assert (ways(counter), len(counter.steps)) == (["0 f32 CDAB"], 8)


def test_a_float_that_rises_is_not_taken_for_a_count_in_its_low_word() -> None:
    totals = [struct.unpack(">2H", struct.pack(">f", 1230 + n * 0.2437)) for n in range(9)]
    assert len({high for high, _ in totals}) == 1
    (counter,) = motions(H, looks([low for _, low in totals], [high for high, _ in totals]))
    assert ways(counter) == ["0 f32 CDAB"]
