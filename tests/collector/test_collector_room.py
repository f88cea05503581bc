"""The waiting room: bounded, fair, and without a memory of those who left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.room import Room


def test_who_has_a_backlog_does_not_keep_others_waiting() -> None:
    room: Room[str, int] = Room(100, 50)
    for number in range(40):
        assert room.enter("backlog", number)
    assert room.enter("live", 100)
    assert room.enter("other", 200)
    assert [room.leave() for _ in range(5)] == [0, 100, 200, 1, 2]


def test_an_owner_has_a_share_and_the_room_its_places() -> None:
    room: Room[str, int] = Room(5, 2)
    assert [room.enter(owner, 0) for owner in "aaabbc"] == [True, True, False, True, True, True]
    assert not room.enter("d", 0)
    room.leave()
    assert room.enter("d", 0)


def test_an_empty_room_has_nobody() -> None:
    room: Room[str, int] = Room(5, 2)
    with pytest.raises(IndexError):
        room.leave()


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60))
def test_everybody_leaves_once_in_the_order_of_his_own(steps: list[tuple[str, bool]]) -> None:
    room: Room[str, tuple[str, int]] = Room(8, 3)
    entered: list[tuple[str, int]] = []
    left: list[tuple[str, int]] = []
    for number, (owner, leaves) in enumerate(steps):
        if leaves and len(room):
            left.append(room.leave())
        elif room.enter(owner, (owner, number)):
            entered.append((owner, number))
        assert len(room) == len(entered) - len(left) <= 8
    left += [room.leave() for _ in range(len(room))]
    assert sorted(left) == sorted(entered)
    for owner in "abcd":
        assert [one for one in left if one[0] == owner] == [one for one in entered if one[0] == owner]
    assert not room._lines
