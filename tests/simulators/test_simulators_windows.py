"""Who has a machine when, and what it may work on; and what gets in the way of it."""

import random

import pytest

from simulators.interrupt import interruption, per_ms, seconds
from simulators.kinds import TYPES
from simulators.plant import Plant, parse_plant
from simulators.records import Machine
from simulators.story import Segment
from simulators.windows import windows

HEAD = """
name = "W"
site = "s"
area = "a"
timezone = "UTC"
seed = 1
duration = "4h"
machines = [{ kind = "knit", name = "m" }, { kind = "weld", name = "w" }]
tenant = [
  { id = "red", name_en = "R", name_zh = "红" },
  { id = "blue", name_en = "B", name_zh = "蓝" },
]
order = [
  { id = "1", tenant = "red", article = "x", pieces = 1, piece_s = 1, machines = ["m"] },
  { id = "2", tenant = "blue", article = "x", pieces = 1, piece_s = 1, machines = ["m"] },
  { id = "3", tenant = "red", article = "x", pieces = 1, piece_s = 1, machines = ["m", "w"] },
]
"""


def plant(*leases: tuple[str, str, str]) -> Plant:
    rows = (f'{{ machines = ["m"], tenant = "{t}", from = "{a}", until = "{b}" }}' for t, a, b in leases)
    return parse_plant(f"{HEAD}lease = [{', '.join(rows)}]\n")


def told(it: Plant, machine: str = "m") -> list[tuple[float, float, str, str]]:
    return [
        (w.start / 3_600_000, w.end / 3_600_000, w.tenant, "".join(order.id for order in w.orders))
        for w in windows(it, machine)
    ]


@pytest.mark.parametrize(
    ("leases", "expected"),
    [
        ([], [(0, 4, "none", "123")]),
        ([("red", "0h", "4h")], [(0, 4, "red", "13")]),
        ([("red", "1h", "2h")], [(0, 1, "none", "2"), (1, 2, "red", "13"), (2, 4, "none", "2")]),
        ([("red", "0h", "2h"), ("blue", "2h", "4h")], [(0, 2, "red", "13"), (2, 4, "blue", "2")]),
        (
            [("blue", "3h", "3h30m"), ("red", "30m", "1h")],
            [
                (0, 0.5, "none", ""),
                (0.5, 1, "red", "13"),
                (1, 3, "none", ""),
                (3, 3.5, "blue", "2"),
                (3.5, 4, "none", ""),
            ],
        ),
        ([("red", "0h", "1h"), ("red", "1h", "4h")], [(0, 1, "red", "13"), (1, 4, "red", "13")]),
    ],
)
def test_leases_cut_a_shift_into_windows(
    leases: list[tuple[str, str, str]], expected: list[tuple[float, float, str, str]]
) -> None:
    assert told(plant(*leases)) == expected


def test_a_lease_of_one_machine_leaves_the_others_alone() -> None:
    assert told(plant(("blue", "0h", "4h")), "w") == [(0, 4, "none", "3")]


WORK = Segment(start=0, end=0, state="run", order=5, tenant="red", operator=110)


@pytest.fixture(params=["m", "w"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return next(machine for machine in plant().machines if machine.name == request.param)


def test_an_interruption_stands_still_first_and_then_runs_slowly_for_what_is_left(machine: Machine) -> None:
    dice = random.Random(1)
    for left in (0, 1, 5_000, 600_000):
        for _ in range(200):
            still, *rest = interruption(dice, machine, WORK, left)
            assert still.like.state in ("stop", "fault", "maint")
            assert 4_000 <= still.ms <= 45 * 60_000
            running = [step for step in rest if step.like.state == "run"]
            assert sum(step.ms for step in running) <= left
            assert all(step.like.slow for step in running)
            assert all((step.like.order, step.like.tenant) == (5, "red") for step in (still, *rest))


def test_every_cause_of_the_kind_comes_up_and_no_other(machine: Machine) -> None:
    dice = random.Random(2)
    steps = [step.like for _ in range(6_000) for step in interruption(dice, machine, WORK, 0)]
    seen = {(like.state, like.stop_code) for like in steps if like.state != "run"}
    causes = TYPES[machine.kind].stops + TYPES[machine.kind].faults
    assert seen == {(cause.state, cause.code) for cause in causes} | {("maint", 37)}


def test_an_absent_operator_has_no_badge(machine: Machine) -> None:
    dice = random.Random(3)
    steps = [step.like for _ in range(2_000) for step in interruption(dice, machine, WORK, 0)]
    assert all((like.operator == 0) == (like.stop_code == 36) for like in steps)


def test_rates_of_all_kinds_add_up(machine: Machine) -> None:
    rates = TYPES[machine.kind].behaviour
    hourly = rates.stops_per_hour + rates.faults_per_hour + rates.maint_per_hour
    assert per_ms(machine) == pytest.approx(hourly / 3_600_000)


def test_durations_scatter_around_their_median_and_stay_within_reason() -> None:
    dice = random.Random(4)
    drawn = sorted(seconds(dice, 120, 0.9) for _ in range(4_001))
    assert drawn[2_000] == pytest.approx(120_000, rel=0.08)
    assert (drawn[0] >= 4_000, drawn[-1] <= 45 * 60_000) == (True, True)
    assert {seconds(dice, 0, 0.9), seconds(dice, 1e9, 0)} == {4_000, 45 * 60_000}


def test_each_kind_has_figures_for_all_that_is_drawn() -> None:
    for each in TYPES.values():
        assert (each.behaviour.setup_s > 0) == (each.flow is None)
        assert bool(each.stops and each.faults) == (each.flow is None)
        assert all(cause.weight > 0 and cause.median_s > 0 for cause in each.stops + each.faults)
