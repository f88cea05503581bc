"""A shift of every type of machine, metered from its registers and compared with what the machines did."""

import asyncio

import pytest

from contract.records import Interval
from demo.rehearsal import Shift, verdict
from simulators.ledger import ledger
from simulators.shown import as_shown
from tests.machines.cluster import profile, rehearsed

Stored = tuple[Shift, list[Interval]]


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    _, shift, stored = asyncio.run(rehearsed(tmp_path_factory.mktemp("cluster")))
    return shift, stored


def total(stored: list[Interval], machine: str, what: str) -> int:
    return sum(interval.quantities[what] for interval in stored if interval.machine == machine)


def test_a_shift_of_every_type_is_metered_exactly(shift: Stored) -> None:
    found = verdict(*shift)
    assert found.differences == ()
    assert (found.machines, found.unknown_ms, found.disputed) == (9, 0, 0)


def test_every_quantity_of_every_profile_was_counted(shift: Stored) -> None:
    """An equality of zeros would show nothing."""
    made, stored = shift
    for name, script in made.scripts.items():
        shipped = "acrel-adl" if script.machine.kind == "energy" else script.machine.profile
        for quantity in profile(shipped).quantities:
            assert total(stored, name, quantity.name) > 0, (name, quantity.name)


def test_a_meter_is_idle_while_it_answers(shift: Stored) -> None:
    _, stored = shift
    for interval in stored:
        if interval.kind == "energy":
            assert interval.idle_ms == interval.duration_ms


def test_a_meter_behind_transformers_is_read_by_a_copied_profile(shift: Stored) -> None:
    made, stored = shift
    drawn = total(stored, "feeder-01", "energy_wh")
    assert drawn % (40 * 10) == 0
    used = sum(max(0, s.level) * (s.end - s.start) for s in made.scripts["feeder-01"].story.segments)
    assert drawn == pytest.approx(used / 3_600_000, abs=2 * 40 * 10)


def test_litres_belong_to_whoever_has_the_outfall_when_they_flow(shift: Stored) -> None:
    """The lease changes at one hour. What flows between two samples belongs to the earlier one's tenant."""
    made, stored = shift
    script = made.scripts["outfall-01"]
    handed_over = made.start_ms + 3_600_000
    by_tenant: dict[str, int] = {}
    for interval in stored:
        if interval.machine == "outfall-01":
            flowed = interval.quantities["effluent_l"]
            by_tenant[interval.tenant] = by_tenant.get(interval.tenant, 0) + flowed
    assert set(by_tenant) == {"gaodye", "hengxin"}
    low, high = (script.counted(handed_over + late)["effluent_l"] for late in (0, made.poll_ms))
    assert low <= by_tenant["gaodye"] <= high
    assert sum(by_tenant.values()) == script.counted(made.end_ms)["effluent_l"]


def test_a_machine_behind_a_module_belongs_to_its_lease(shift: Stored) -> None:
    made, stored = shift
    shown = as_shown(ledger(made.scripts), made.scripts)
    assert {(i.tenant, i.order_id) for i in stored if i.machine in ("old-01", "mig-01")} == {
        ("hengxin", "none"),
        ("juntu", "none"),
    }
    pieces = shown.pieces(by=("machine", "tenant"))["old-01", "hengxin"]
    assert total(stored, "old-01", "produced") == pieces > 40


def test_the_party_of_a_stop_without_a_code_waits_for_a_person(shift: Stored) -> None:
    _, stored = shift
    mine = [interval for interval in stored if interval.machine == "old-01"]
    assert sum(interval.stop_unknown_ms for interval in mine) > 0
    assert sum(i.stop_tenant_ms + i.stop_host_ms + i.stop_utility_ms for i in mine) == 0


def test_a_machine_that_counts_nothing_says_so(shift: Stored) -> None:
    _, stored = shift
    mine = [interval for interval in stored if interval.machine == "mig-01"]
    assert {interval.measured for interval in mine} == {"none"}
    assert sum(interval.run_ms for interval in mine) > 0
