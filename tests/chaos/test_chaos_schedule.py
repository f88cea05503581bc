"""The schedule follows from the seed, and leaves every target time to stand up again."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos import layout
from tests.chaos.schedule import Choice, Fault, Kind, choices, draw


def menu(store: str = "influx", *, may_fill: bool = True) -> tuple[Choice, ...]:
    return choices(
        gateways=layout.GATEWAYS,
        collectors=layout.COLLECTORS,
        links=layout.links(store),
        store=store,
        may_fill=may_fill,
    )


def drawn(seed: int, seconds: float = 1800, faults: int = 200) -> tuple[Fault, ...]:
    return draw(seed, seconds=seconds, faults=faults, choices=menu())


@given(st.integers())
def test_the_same_seed_draws_the_same_schedule(seed: int) -> None:
    assert drawn(seed, 300, 30) == drawn(seed, 300, 30)


def test_another_seed_draws_another_schedule() -> None:
    assert drawn(1) != drawn(2)


@given(st.integers(), st.integers(1, 40))
def test_there_are_as_many_faults_as_asked_and_all_end_in_time(seed: int, faults: int) -> None:
    schedule = drawn(seed, 200, faults)
    assert len(schedule) == faults
    assert all(fault.at_s >= 0 and fault.at_s + fault.for_s <= 200.02 for fault in schedule)
    assert [fault.at_s for fault in schedule] == sorted(fault.at_s for fault in schedule)


@given(st.integers())
def test_two_faults_never_meet_on_one_target(seed: int) -> None:
    until: dict[str, float] = {}
    for fault in drawn(seed, 300, 60):
        assert fault.at_s >= until.get(fault.target, 0.0)
        until[fault.target] = fault.at_s + fault.for_s


def test_a_long_schedule_has_every_kind_of_fault() -> None:
    kinds = Counter(fault.kind for fault in drawn(7))
    assert set(kinds) == set(Kind) - {Kind.LOCK}


def test_no_disk_is_filled_where_none_may_be_mounted_and_no_server_killed_where_there_is_none() -> None:
    found = menu("sqlite", may_fill=False)
    assert {choice.kind for choice in found} >= {Kind.LOCK, Kind.KILL}
    assert Kind.FULL not in {choice.kind for choice in found}
    assert not any(target.endswith(">store") for choice in found for target in choice.targets)


def test_a_borrowed_store_is_never_killed_but_its_wires_are_cut() -> None:
    targets = {target for choice in menu("influx2") for target in choice.targets}
    assert "store" not in targets
    assert {"c1>store", "c2>store"} <= targets


def test_more_faults_than_find_a_place_are_refused() -> None:
    one = (Choice(kind=Kind.KILL, targets=("gw1",), shortest=5, longest=5),)
    with pytest.raises(ValueError, match="fewer"):
        draw(1, seconds=30, faults=10, choices=one)
