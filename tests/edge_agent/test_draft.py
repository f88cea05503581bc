"""A profile drafted from dumps: ``dumps/loom-*.json`` are the dumps, ``dumps/loom.toml`` the draft."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.complaint import BadConfigurationError
from edge_agent.block import Table
from edge_agent.draft import Taken, draft
from edge_agent.draft_text import draft_text, todos
from edge_agent.dump import Range, Refusal, TableDump, UnitDump, read_dump
from edge_agent.profile import Profile, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.register import WordOrder

DUMPS = Path(__file__).parent / "dumps"
NO_CODES = StopTable(label="none@1", codes=())


def taken(*names: str) -> list[Taken]:
    dumps = [read_dump((DUMPS / f"{name}.json").read_bytes()) for name in names]
    return [Taken(dump.taken, dump.units[0]) for dump in dumps]


def loaded(folder: Path, text: str, name: str) -> Profile:
    file = folder / f"{name}.toml"
    file.write_text(text, "utf-8")
    return load_profile(file, NO_CODES)


def test_the_loom_is_drafted_as_its_golden_file() -> None:
    made = draft(taken("loom-later", "loom-first"))
    assert draft_text("zj-200", "a scan", made) == (DUMPS / "loom.toml").read_text("utf-8")


def test_a_draft_is_a_good_profile_that_meters_nothing_wrong_and_lists_what_is_left(tmp_path: Path) -> None:
    text = draft_text("zj-200", "a scan", draft(taken("loom-first", "loom-later")))
    profile = loaded(tmp_path, text, "zj-200")
    assert [str(rule.state) for rule in profile.rules] == ["unknown"]
    assert [counter.name for counter in profile.counters] == ["r204", "r206", "r208"]
    assert not profile.quantities
    left = todos(text)
    assert left
    assert all(text.splitlines()[number - 1].endswith(what) for number, what in left)


def test_one_dump_tells_no_counter_and_says_how_to_find_one() -> None:
    made = draft(taken("loom-later"))
    text = draft_text("zj-200", "a scan", made)
    assert not any(found.per_hour for found in made.registers)
    assert "counter" not in tomllib.loads(text)
    assert "TODO: which registers count?" in text


def unit(ranges: dict[int, list[int]], table: Table = Table.HOLDING, **more: Any) -> UnitDump:
    dumped = TableDump(
        table=table,
        most=10,
        ranges=[Range(address=address, words=words) for address, words in ranges.items()],
        **more,
    )
    return UnitDump(unit=1, tables=[dumped])


@pytest.mark.parametrize("order", list(WordOrder)[:4])
def test_the_word_order_is_that_of_most_numbers(order: WordOrder, tmp_path: Path) -> None:
    words: list[int] = []
    for value in (86_462, 81_250, 777_001, 123_456):
        wire = bytes(value.to_bytes(4, "big")["ABCD".index(letter)] for letter in order)
        words += [int.from_bytes(wire[:2], "big"), int.from_bytes(wire[2:], "big")]
    made = draft([Taken(0, unit({10: words}))])
    assert made.order is order
    assert [found.held for found in made.registers] == ["86462", "81250", "777001", "123456"]
    assert loaded(tmp_path, draft_text("any", "a scan", made), "any").name == "any"


def test_limits_holes_and_borders_are_written_down(tmp_path: Path) -> None:
    refused = [Refusal(address=14, count=6, code=2)]
    dumped = unit({10: [1, 2, 3, 4], 20: [5, 6, 7, 8]}, limit=16, refused=refused, borders=[22])
    text = draft_text("any", "a scan", draft([Taken(0, dumped)]))
    given_ = tomllib.loads(text)
    assert given_["max_registers"] == 16
    assert given_["range"] == [
        {"first": 14, "last": 19, "read": "forbidden"},
        {"first": 22, "last": 23, "read": "apart"},
    ]
    loaded(tmp_path, text, "any")


def test_where_there_are_many_holes_none_is_read_over() -> None:
    ranges = {at: [at + 1] for at in range(0, 40, 2)}
    refused = [Refusal(address=at + 1, count=1, code=2) for at in ranges]
    given_ = tomllib.loads(draft_text("any", "a scan", draft([Taken(0, unit(ranges, refused=refused))])))
    assert given_["max_gap"] == 0
    assert "range" not in given_


def test_a_counter_that_is_too_narrow_or_a_float_is_told_and_not_made() -> None:
    """A 16-bit register at 3,600 an hour would wrap unnoticed within a day."""
    looks = [Taken(at * 60_000, unit({7: [500 + at * 60]})) for at in (0, 1, 2)]
    text = draft_text("any", "a scan", draft(looks))
    assert "counter" not in tomllib.loads(text)
    assert "r7 rose too, but of 16 bits it wraps unnoticed" in text


def test_counters_that_no_request_reads_together_are_told(tmp_path: Path) -> None:
    refused = [Refusal(address=14, count=46, code=2)]
    looks = [
        Taken(at * 60_000, unit({10: [1, 4_464 + at, 1, 9 + at], 60: [1, 9 * at + 5]}, refused=refused))
        for at in (0, 1, 2)
    ]
    text = draft_text("any", "a scan", draft(looks))
    assert [counter["register"] for counter in tomllib.loads(text)["counter"]] == ["r10", "r12"]
    assert "no request reads it with the others" in text
    loaded(tmp_path, text, "any")


def test_coils_and_inputs_have_a_table_of_their_own(tmp_path: Path) -> None:
    coils = TableDump(table=Table.COIL, most=8, ranges=[Range(address=3, words=[0, 1, 1, 0])])
    both = UnitDump(unit=1, tables=[*unit({0: [7]}, Table.INPUT).tables, coils])
    text = draft_text("any", "a scan", draft([Taken(0, both)]))
    profile = tomllib.loads(text)
    assert profile["table"] == "input"
    assert [register.get("table") for register in profile["register"]] == [None, "coil", "coil"]
    loaded(tmp_path, text, "any")


def test_nothing_to_read_gives_a_draft_that_says_what_is_missing(tmp_path: Path) -> None:
    text = draft_text("any", "a scan", draft([Taken(0, unit({}))]))
    with pytest.raises(BadConfigurationError, match="names no register"):
        loaded(tmp_path, text, "any")


words = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=14)


@settings(deadline=None)
@given(first=words, moved=st.integers(0, 3))
def test_any_dump_can_be_drafted_into_a_profile_that_loads(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], moved: int
) -> None:
    later = [min(0xFFFF, word + moved) for word in first]
    made = draft([Taken(0, unit({40: first})), Taken(60_000, unit({40: later}))])
    text = draft_text("any", "a scan", made)
    if made.registers:
        loaded(tmp_path_factory.getbasetemp(), text, "any")
    spans = [(found.address, found.address + found.count) for found in made.registers]
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_word_order_that_somebody_knows_is_taken_and_one_that_is_in_doubt_is_told() -> None:
    guessed, known = draft(taken("loom-first", "loom-later")), draft(taken("loom-later"), WordOrder.BADC)
    assert (guessed.order, guessed.rival) == (WordOrder.BADC, WordOrder.DCBA)
    assert "TODO: 3 of 5 numbers make sense so, others as DCBA" in draft_text("any", "a scan", guessed)
    assert [(found.address, found.held) for found in known.registers if found.type == "u32"] == [
        (104, "7001234"), (202, "4711"), (204, "22958"), (206, "91834"), (208, "459171"),
    ]  # fmt: skip
    assert 'word_order = "BADC"               # as was said' in draft_text("any", "a scan", known)


def test_a_machine_that_shows_its_registers_twice_is_drafted_once() -> None:
    words = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    both = UnitDump(
        unit=1, tables=[*unit({0: words}).tables, *unit({0: [*words[:9], 11]}, Table.INPUT).tables]
    )
    assert {found.table for found in draft([Taken(0, both)]).registers} == {Table.HOLDING}


EXAMPLE = re.compile(r"^# (?=\[|[a-z_]+[0-9]* = )", re.MULTILINE)
"""A line that somebody may take into the profile by taking its mark away."""


@pytest.mark.parametrize("names", [("loom-later",), ("loom-first", "loom-later")], ids=["one", "two"])
def test_the_examples_of_a_draft_name_registers_that_are_there(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """A person who uncomments all of them has a profile that loads, however silly it is."""
    text = draft_text("any", "a scan", draft(taken(*names)))
    taken_in = EXAMPLE.sub("", text)
    assert len(EXAMPLE.findall(text)) >= 9
    profile = loaded(tmp_path, taken_in, "any")
    assert profile.quantities
    assert profile.roles.serial


def test_examples_of_a_draft_without_a_register_of_the_kind_name_another(tmp_path: Path) -> None:
    coils = TableDump(table=Table.COIL, most=8, ranges=[Range(address=3, words=[0, 1, 1, 0])])
    text = draft_text("any", "a scan", draft([Taken(0, UnitDump(unit=1, tables=[coils]))]))
    assert '# running = "c4.0"' in text
    assert (
        loaded(tmp_path, EXAMPLE.sub("", text.split("# TODO: which registers count")[0]), "any").name == "any"
    )


def test_what_held_nothing_is_named_and_not_silently_left_out() -> None:
    looks = [Taken(0, unit({10: [7, 0, 3, 0, 0, 0, 9]})), Taken(60_000, unit({10: [7, 0, 0, 0, 0, 0, 9]}))]
    text = draft_text("any", "a scan", draft(looks))
    assert "# Left out, since they held 0 in every dump; a state or a counter may be among them:\n" in text
    assert "#   holding 11, 13 to 15\n" in text
    assert "# Left out, since they held 0 in the last dump alone;" in text
    assert "#   holding 12\n" in text


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 0, 1, 3, 0x4A5A, 0xFFFF]), min_size=1, max_size=40))
def test_every_address_is_drafted_or_named_as_left_out(values: list[int]) -> None:
    made = draft([Taken(0, unit({40: values}))])
    drafted = [at for found in made.registers for at in range(found.address, found.address + found.count)]
    left = [at for span in made.left_out for at in range(span.first, span.last + 1)]
    assert sorted(drafted + left) == list(range(40, 40 + len(values)))
    assert not any(values[at - 40] for at in left)


def test_a_draft_in_which_all_was_drafted_says_nothing_of_what_was_left_out() -> None:
    assert "Left out" not in draft_text("any", "a scan", draft([Taken(0, unit({10: [1, 2, 3]}))]))


def test_where_what_counts_leaves_the_word_order_open_the_numbers_at_rest_decide(tmp_path: Path) -> None:
    """The word before a counter is 0 or 1 as a rule, and then it counts in the other order too."""

    def words_at(pieces: int, run_s: int) -> dict[int, list[int]]:
        wide = [half for n in (pieces, run_s, 20_231_107) for half in (n & 0xFFFF, n >> 16)]
        return {4096: [3, 0, 12, 0, *wide]}

    looks = [Taken(0, unit(words_at(70_000, 500_000))), Taken(60_000, unit(words_at(70_030, 500_060)))]
    made = draft(looks)
    assert made.order is WordOrder.CDAB
    assert {found.held: found.per_hour for found in made.registers if found.per_hour} == {
        "70030": pytest.approx(1800),
        "500060": pytest.approx(3600),
    }
    assert "TODO" in draft_text("any", "a scan", made).split("word_order", 1)[1].splitlines()[0]
