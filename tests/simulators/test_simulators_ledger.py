"""A ledger adds up, wherever it is cut."""

import itertools
from collections import Counter

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.ledger import Ledger, ledger
from simulators.plant import Plant
from simulators.script import build_scripts

START = 1_772_409_600_000
ANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TENANT, HOST, UTILITY = range(10, 18), range(30, 38), range(50, 54)


def party(state: str, code: int) -> str:
    if state not in ("stop", "fault"):
        return "none"
    tables = {"tenant": TENANT, "host": HOST, "utility": UTILITY}
    return next((name for name, codes in tables.items() if code in codes), "unknown")


@ANY
@given(data=st.data())
def test_spans_tile_what_was_asked_for_and_neighbours_differ(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    around = st.integers(START - 3_600_000, START + plant.duration_ms + 3_600_000)
    since, until = sorted(data.draw(st.tuples(around, around)))
    for account in ledger(build_scripts(plant, START), since, until).machines.values():
        edges = [since, *(span.end for span in account.spans)]
        assert [span.start for span in account.spans] == edges[:-1]
        assert edges[-1] == until
        for one, other in itertools.pairwise(account.spans):
            assert msgspec.structs.replace(one, start=0, end=0) != msgspec.structs.replace(
                other, start=0, end=0
            )
        assert all(since < event.at <= until for event in account.events)


@ANY
@given(data=st.data())
def test_two_ledgers_that_meet_add_up_to_one(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    scripts = build_scripts(plant, START)
    cut = data.draw(st.integers(START, START + plant.duration_ms))
    halves = ledger(scripts, None, cut), ledger(scripts, cut, None)
    whole = ledger(scripts)
    for told in (Ledger.ms_by_state, Ledger.ms_by_work, Ledger.ms_by_work_and_state):
        parts = Counter(told(halves[0]))
        parts.update(told(halves[1]))
        assert parts == Counter(told(whole))
    for counter in ("produced", "scrap", "rework"):
        counts = [Counter(half.pieces(counter, ("machine", "order", "tenant"))) for half in halves]
        assert counts[0] + counts[1] == Counter(whole.pieces(counter, ("machine", "order", "tenant")))


@ANY
@given(data=st.data())
def test_every_sum_of_time_is_the_length_of_the_shift(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    found = ledger(build_scripts(plant, START))
    for machine in plant.machines:
        for sums in (found.ms_by_state(), found.ms_by_work(), found.ms_by_work_and_state()):
            assert sum(ms for key, ms in sums.items() if key[0] == machine.name) == plant.duration_ms


def test_the_party_follows_the_canonical_table(demo: Plant) -> None:
    spans = [
        span for account in ledger(build_scripts(demo, START)).machines.values() for span in account.spans
    ]
    assert all(span.party == party(span.state, span.stop_code) for span in spans)
    assert {span.party for span in spans} == {"tenant", "host", "utility", "unknown", "none"}


def test_transitions_are_where_neighbouring_spans_meet(mini: Plant) -> None:
    found = ledger(build_scripts(mini, START))
    for name, account in found.machines.items():
        assert found.transitions(name) == [span.end for span in account.spans[:-1]]


def test_a_lease_that_changes_hands_cuts_an_idle_span(mini: Plant) -> None:
    at = START + 28 * 60_000
    before, after = (ledger(build_scripts(mini, START), at - 1, at + 1)).machines["knit-02"].spans
    assert (before.state, before.tenant, before.end) == ("idle", "hengxin", at)
    assert (after.state, after.tenant, after.start) == ("idle", "ruifeng", at)


def test_outside_the_shift_a_machine_is_idle_for_nobody(mini: Plant) -> None:
    found = ledger(build_scripts(mini, START), START - 1000, START + mini.duration_ms + 5000)
    for account in found.machines.values():
        first, last = account.spans[0], account.spans[-1]
        assert (first.state, first.tenant, first.order, first.end) == ("idle", "none", "none", START)
        assert (last.state, last.tenant, last.order) == ("idle", "none", "none")
        assert last.end - last.start == 5000


def test_an_event_belongs_to_the_reading_that_first_shows_it(mini: Plant) -> None:
    scripts = build_scripts(mini, START)
    event = ledger(scripts).machines["weld-01"].events[0]
    assert ledger(scripts, event.at - 1, event.at).machines["weld-01"].events == (event,)
    assert event not in ledger(scripts, event.at, event.at + 1).machines["weld-01"].events


def test_a_range_that_ends_before_it_begins_is_empty(mini: Plant) -> None:
    found = ledger(build_scripts(mini, START), START + 5000, START)
    assert found.since_ms == found.until_ms
    assert all(not account.spans and not account.events for account in found.machines.values())


def test_pieces_are_counted_by_any_key(mini: Plant) -> None:
    found = ledger(build_scripts(mini, START))
    by_machine, by_tenant = found.pieces(), found.pieces("produced", ("tenant",))
    assert sum(by_machine.values()) == sum(by_tenant.values()) > 0
    assert set(by_tenant) == {("hengxin",), ("ruifeng",), ("juntu",)}


def test_a_ledger_survives_json(mini: Plant) -> None:
    found = ledger(build_scripts(mini, START))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Ledger) == found
