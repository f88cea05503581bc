"""What another configuration asks of an agent that runs."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from edge_agent.address import parse
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.reload import compare, fixed
from edge_agent.settings import Endpoint, MachineSettings, Poll
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table

POLL = Poll(
    period_ms=1_000,
    hold_polls=3,
    grid_ms=300_000,
    checkpoint_ms=10_000,
    state_repeat_ms=60_000,
    outage_h=24,
)


class Site(Struct, frozen=True):
    machines: tuple[MachineSettings, ...]
    endpoints: tuple[Endpoint, ...] = ()
    poll: Poll = POLL


def profile(name: str = "knit-flat") -> Profile:
    """A new one each time, as each reading of the files makes it."""
    return load_profile(shipped() / f"profiles/{name}.toml", load_stop_table(shipped() / "stop-codes.toml"))


KNIT = profile()


def machine(name: str, **changes: Any) -> MachineSettings:
    given_: dict[str, Any] = {
        "endpoint": "bus",
        "unit": 1,
        "profile": KNIT,
        "area": "hall-a",
        "serial": None,
        "controller": 1,
        "was": None,
        "name_en": "",
        "name_zh": "",
    }
    return MachineSettings(name=name, **(given_ | changes))


def endpoint(name: str = "bus", port: int = 502, timeout_ms: int = 500) -> Endpoint:
    return Endpoint(name=name, address=parse(f"tcp://192.0.2.1:{port}"), timeout_ms=timeout_ms)


def test_the_same_configuration_read_again_asks_nothing() -> None:
    before = Site((machine("a"), machine("b")), (endpoint(),))
    after = Site((machine("b", profile=profile()), machine("a", profile=profile())), (endpoint(),))
    plan = compare(before, after)
    assert (plan.is_empty, plan.kept, str(plan)) == (True, 2, "2 untouched")


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": 2},
        {"endpoint": "other"},
        {"area": "hall-b"},
        {"serial": 7},
        {"controller": 2},
        {"profile": profile("weld-cell")},
        {"profile": msgspec.structs.replace(KNIT, max_registers=4)},
    ],
)
def test_whatever_a_machine_is_read_or_metered_by_makes_it_a_changed_one(changes: dict[str, Any]) -> None:
    other = machine("b")
    plan = compare(Site((machine("a"), other)), Site((machine("a", **changes), other)))
    assert (plan.changed, plan.kept) == ((machine("a", **changes),), 1)
    assert (plan.added, plan.removed, plan.renamed) == ((), (), ())


@pytest.mark.parametrize("changes", [{"name_en": "Knitter"}, {"name_zh": "横机"}, {"was": "long-gone"}])
def test_names_for_people_touch_nobody(changes: dict[str, Any]) -> None:
    assert compare(Site((machine("a"),)), Site((machine("a", **changes),))).is_empty


def test_a_stop_code_table_of_another_version_is_another_profile() -> None:
    table = msgspec.structs.replace(KNIT.stop_table, label="stops@9")
    other = msgspec.structs.replace(KNIT, stop_table=table)
    assert len(compare(Site((machine("a"),)), Site((machine("a", profile=other),))).changed) == 1


def test_machines_come_and_go() -> None:
    plan = compare(Site((machine("a"), machine("b"))), Site((machine("b"), machine("c"))))
    assert (plan.removed, plan.added, plan.kept) == (("a",), (machine("c"),), 1)
    assert str(plan) == "1 added, 1 removed, 1 untouched"


def test_an_endpoint_that_is_reached_in_another_way_changes_only_the_machines_behind_it() -> None:
    both = (machine("a"), machine("b", endpoint="other"))
    before = Site(both, (endpoint("bus"), endpoint("other")))
    after = Site(both, (endpoint("bus", port=1502), endpoint("other")))
    plan = compare(before, after)
    assert (plan.closed, plan.opened) == (("bus",), (endpoint("bus", port=1502),))
    assert (plan.changed, plan.kept) == ((machine("a"),), 1)


def test_endpoints_come_and_go() -> None:
    before, after = Site((), (endpoint("x"), endpoint("y"))), Site((), (endpoint("y"), endpoint("z")))
    plan = compare(before, after)
    assert (plan.closed, plan.opened) == (("x",), (endpoint("z"),))


def test_another_rate_of_polling_changes_every_machine() -> None:
    both = (machine("a"), machine("b"))
    plan = compare(Site(both), Site(both, poll=msgspec.structs.replace(POLL, period_ms=2_000)))
    assert plan.changed == both


def test_a_machine_that_was_another_takes_its_meter_over() -> None:
    renamed = machine("b", was="a")
    plan = compare(Site((machine("a"),)), Site((renamed,)))
    assert (plan.renamed, plan.removed, plan.added) == ((renamed,), (), ())


def test_a_machine_that_was_one_that_nobody_meters_is_a_new_one() -> None:
    plan = compare(Site(()), Site((machine("b", was="a"),)))
    assert (plan.renamed, plan.added) == ((), (machine("b", was="a"),))


def test_what_cannot_change_while_it_runs_is_named() -> None:
    before = {"site": "qinghe", "gateway": "gw1", "[outbox]": 1}
    assert fixed(before, before | {"gateway": "gw2", "[outbox]": 2}) == ["gateway", "[outbox]"]
    assert fixed(before, dict(before)) == []


names = st.sampled_from("abcdef")
places = st.tuples(st.integers(1, 3), st.sampled_from(["x", "y"]), st.none() | names)


def fleet(given_: dict[str, tuple[int, str, str | None]]) -> Site:
    """As the checks of the configuration let it through: no name that somebody has, and none twice."""
    taken: set[str | None] = set(given_)
    machines = []
    for name, (unit, at, was) in given_.items():
        machines.append(machine(name, unit=unit, endpoint=at, was=None if was in taken else was))
        taken.add(was)
    return Site(tuple(machines), (endpoint("x"), endpoint("y")))


fleets = st.dictionaries(names, places, max_size=6).map(fleet)


@given(fleets, fleets)
def test_following_a_plan_leads_from_one_fleet_to_the_other(before: Site, after: Site) -> None:
    plan = compare(before, after)
    running = {one.name: one for one in before.machines}
    for name in plan.removed:
        del running[name]
    for one in plan.renamed:
        del running[str(one.was)]
        assert one.name not in running
        running[one.name] = one
    for one in plan.added:
        assert one.name not in running
        running[one.name] = one
    for one in plan.changed:
        assert one.name in running
        running[one.name] = one
    place = {name: (one.unit, one.endpoint) for name, one in running.items()}
    assert place == {one.name: (one.unit, one.endpoint) for one in after.machines}
    touched = len(plan.added) + len(plan.changed) + len(plan.renamed)
    assert plan.kept == len(after.machines) - touched
