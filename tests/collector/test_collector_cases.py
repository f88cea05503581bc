"""Cases are put together from their parts, whatever stands between; a mark says which were replayed."""

import random
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import tables
from collector.cases import content, held, mark, named
from collector.quarantine import Case, parts, timed
from contract.facts import PART_BYTES, Quarantined
from contract.messages import batch_id


def case(payload: bytes, machine: str = "none", reason: str = "unreadable", gateway: str = "g") -> Case:
    return Case(
        site="s",
        gateway=gateway,
        batch=batch_id(payload),
        machine=machine,
        reason=reason,
        detail="why",
        payload=payload,
    )


def long(letter: bytes) -> bytes:
    return letter * (PART_BYTES + 1)


def test_a_case_is_found_whole_between_others_and_not_half() -> None:
    first, other, second = (
        list(parts(case(long(letter), machine)))
        for letter, machine in ((b"a", "none"), (b"b", "knit-01"), (b"c", "none"))
    )
    facts = timed([first[0], other[0], first[1], other[1], *second], 100)
    found = held(facts)
    assert [(one.id, content(one)[:1]) for one in found] == [
        ("s/g/100", b"a"),
        ("s/g/101", b"b"),
        ("s/g/104", b"c"),
    ]
    assert named(found, "s/g/7") is None
    half = named(held(facts[:2]), "s/g/100")
    assert half is not None
    with pytest.raises(ValueError, match="only 1 of 2 parts"):
        content(half)
    assert tables.quarantine(found, ZoneInfo("UTC")).remarks == ["3 in all."]


def test_a_part_that_had_to_take_a_later_millisecond_is_still_found() -> None:
    one, other = parts(case(long(b"a")))
    facts = [replaced(other, 100), replaced(one, 101)]
    [found] = held(facts)
    assert (found.id, content(found)) == ("s/g/101", long(b"a"))


def replaced(fact: Quarantined, received: int) -> Quarantined:
    return msgspec.structs.replace(fact, received=received)


def test_things_without_a_name_of_their_own_are_told_apart() -> None:
    alike = [msgspec.structs.replace(case(p, reason="invalid"), batch="0" * 64) for p in (b"1", b"2")]
    facts = timed([fact for one in alike for fact in parts(one)], 100)
    assert [content(one) for one in held(facts)] == [b"1", b"2"]


def test_a_payload_that_was_cut_or_changed_is_not_believed() -> None:
    [fact] = timed(parts(case(b"some batch")), 5)
    [spoiled] = held([msgspec.structs.replace(fact, payload="some other")])
    with pytest.raises(ValueError, match="not all that came"):
        content(spoiled)
    [of_a_record] = held([msgspec.structs.replace(fact, payload="a record", reason="invalid")])
    assert content(of_a_record) == b"a record", "the digest is that of its batch"
    [cut] = held(timed(parts(case(b"x" * 200_000)), 5))
    with pytest.raises(ValueError, match="not all that came"):
        content(cut)


def test_a_mark_says_when_a_case_was_replayed_and_is_no_case() -> None:
    facts = timed([*parts(case(b"a")), *parts(case(b"b"))], 100)
    marks = timed(parts(mark(held(facts)[1], "accepted")), 900)
    again = held([*facts, *marks])
    assert [(one.id, one.replayed) for one in again] == [("s/g/100", None), ("s/g/101", 900)]
    table = tables.quarantine(again, ZoneInfo("UTC"))
    assert [row[-1] for row in table.rows] == ["no", "1970-01-01 00:00:00+00:00"]
    assert table.remarks == ["2 in all, 1 replayed."]


@given(st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=4, unique=True), st.randoms())
def test_cases_come_back_in_whatever_order_their_parts_were_stored(
    letters: Sequence[bytes], chance: random.Random
) -> None:
    rows = [fact for letter in letters for fact in parts(case(long(letter)))]
    chance.shuffle(rows)
    assert {content(one) for one in held(timed(rows, 5))} == {long(letter) for letter in letters}
