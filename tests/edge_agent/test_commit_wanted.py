"""What waits in memory for the disk: nothing leaves it but to the disk, and its order stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.records import Loss
from edge_agent.held import Put
from edge_agent.wanted import Wanted, behind, retry_after_s
from tests.edge_agent.losses import loss


def test_a_later_put_goes_behind_and_its_checkpoint_replaces() -> None:
    before = Put(machine="m", records=(loss(0),), checkpoint=b"one")
    assert behind(before, Put(machine="m", records=(loss(1),))) == Put(
        machine="m", records=(loss(0), loss(1)), checkpoint=b"one"
    )
    assert behind(before, Put(machine="m", checkpoint=b"two")).checkpoint == b"two"


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (1, 2), (3, 8), (5, 30), (10_000, 30)])
def test_a_disk_that_refuses_is_asked_less_and_less_often(failures: int, seconds: float) -> None:
    assert retry_after_s(failures) == seconds


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "add", "write", "refuse"]), st.sampled_from("ab"), st.integers(0, 3)
        )
    )
)
def test_everything_reaches_the_disk_once_and_in_order(events: list[tuple[str, str, int]]) -> None:
    wanted = Wanted()
    put: dict[str, list[Loss]] = {"a": [], "b": []}
    disk: dict[str, list[object]] = {"a": [], "b": []}
    checkpoints: dict[str, bytes | None] = {}
    last: dict[str, bytes] = {}
    for number, (event, machine, count) in enumerate([*events, ("write", "a", 0)]):
        if event == "add":
            records = [loss(len(put[machine]) + n) for n in range(count)]
            put[machine] += records
            last[machine] = str(number).encode()
            wanted.add(Put(machine=machine, records=tuple(records), checkpoint=last[machine]))
            continue
        taken = wanted.take()
        if event == "refuse":
            wanted.restore()
            continue
        for one in taken:
            disk[one.machine] += one.records
            checkpoints[one.machine] = one.checkpoint
        wanted.done()
    assert disk == put
    assert checkpoints == last
    assert wanted.records == 0
