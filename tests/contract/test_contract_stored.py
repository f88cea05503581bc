"""The short way from a stored row to its fact comes to what the long way comes to, whatever is in the row."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import Fact
from contract.records import Cause, Interval, MeterReason, Record, Transition
from contract.series import ALL, LEASE, METER, STATE, USAGE, Row, Series, fact_of, row_of
from contract.states import Party, State
from contract.stored import Facts, Stored, row_of_stored, stored_of
from tests.billing.rows import make_interval, make_lease, make_meter, make_span

COUNTS = {"quantities": {"produced": 3, "courses": 40}, "totals": {"produced": 9, "courses": 400}}
NAMES = st.sampled_from(["hongye", "rongda", "none", "not a name", "", "A-1", "a" * 65])
NUMBERS = st.sampled_from([0, 1, 7, 900_000, -1, 2**53, 2**63, 2**70])
VALUES = st.one_of(NAMES, NUMBERS, st.sampled_from(["actual", "recovered", "run", "stop", "{}"]))


def interval(number: int, **more: Any) -> Interval:
    made = make_interval(number * 300_000, (number + 1) * 300_000, sequence=number)
    return msgspec.structs.replace(made, **{**COUNTS, **more})


def long_way(stored: Stored, series: Series) -> Record | Fact | str:
    try:
        return fact_of(row_of_stored(stored, series))
    except msgspec.DecodeError as error:
        return str(error)


def short_way(facts: Facts, stored: Stored) -> Record | Fact | str:
    try:
        return facts.fact(stored)
    except msgspec.DecodeError as error:
        return str(error)


FIRST = row_of(interval(0))
KEYS = st.sampled_from([*sorted(FIRST.fields), "picks", "picks_total", "count_0", "of_tomorrow"])


@given(st.lists(st.tuples(st.sampled_from(["set", "drop", "tag"]), KEYS, VALUES), max_size=4))
def test_whatever_is_changed_of_a_row_both_ways_say_the_same(
    changes: list[tuple[str, str, int | str]],
) -> None:
    facts, row = Facts(USAGE), row_of(interval(1))
    facts.fact(stored_of(FIRST, USAGE))
    tags, fields = dict(row.tags), dict(row.fields)
    for what, key, value in changes:
        if what == "set":
            fields[key] = value
        elif what == "drop":
            fields.pop(key, None)
        else:
            tags[USAGE.tags[len(key) % len(USAGE.tags)]] = str(value)
    changed = stored_of(Row(series=USAGE.name, time=row.time, tags=tags, fields=fields), USAGE)
    assert short_way(facts, changed) == long_way(changed, USAGE)
    assert facts.fact(stored_of(row, USAGE)) == interval(1)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run_ms":1.5}', '{"a":{}}', "\u00ff"])
def test_fields_that_are_no_flat_object_are_refused_on_both(text: str) -> None:
    facts, row = Facts(USAGE), stored_of(FIRST, USAGE)
    facts.fact(row)
    broken = (*row[:-1], text)
    assert short_way(facts, broken) == long_way(broken, USAGE)


def test_machines_count_different_things_and_one_may_begin_to_count_another() -> None:
    facts = Facts(USAGE)
    weld = {"quantities": {"weld_mm": 5}, "totals": {"weld_mm": 55}}
    several: list[dict[str, Any]] = [
        {},
        {"machine": "weld-01", **weld},
        weld,
        {"quantities": {}, "totals": {}},
    ]
    rows = [interval(number, **more) for number, more in enumerate(several * 3)]
    assert [facts.fact(stored_of(row_of(row), USAGE)) for row in rows] == rows


def test_a_name_that_only_python_reserves_is_a_quantity_like_any_other() -> None:
    facts = Facts(USAGE)
    rows = [
        interval(number, quantities={"class": number, "if": 1}, totals={"class": 10, "if": number})
        for number in range(3)
    ]
    assert [facts.fact(stored_of(row_of(row), USAGE)) for row in rows] == rows


def test_transitions_with_another_lease_state_or_epoch_are_read_as_they_are() -> None:
    facts = Facts(STATE)
    rows: list[Transition] = [
        make_span(0, 10),
        make_span(10, 20, state=State.RUN, party=Party.NONE, cause=Cause.MIDNIGHT),
        make_span(20, 30, tenant="hongye", order_id="A-1", lease_id="L1"),
        msgspec.structs.replace(make_span(30, 40, lease_id="L1"), digest="a" * 64),
        make_span(40, 50, epoch="e2"),
    ]
    assert [facts.fact(stored_of(row_of(row), STATE)) for row in rows] == rows


def test_series_with_few_rows_go_the_long_way() -> None:
    meter = make_meter(5, reason=MeterReason.RESTORED, readings={"pieces": 7})
    assert Facts(METER).fact(stored_of(row_of(meter), METER)) == meter
    lease = make_lease(5, tenant="hongye")
    assert Facts(LEASE).fact(stored_of(row_of(lease), LEASE)) == lease


def test_a_row_laid_down_and_taken_up_is_the_same() -> None:
    assert {series.name for series in ALL} >= {USAGE.name}
    assert row_of_stored(stored_of(FIRST, USAGE), USAGE) == FIRST
