"""What is put aside between days is what it would have been in memory, and tenants are priced one by one."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.aside import Aside
from billing.attribution import Books
from billing.concerns import Concerns, tariff_for
from billing.conclude import by_tenant
from billing.days import Days
from billing.fold import Fold, Folded
from billing.needs import grain_of
from billing.out import UnwritableError
from billing.put_aside import PutAside
from billing.rating import charges
from billing.reservations import missed_leases
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from contract.facts import QualityResult
from contract.records import Interval, Transition
from tests.billing.case_file import Case
from tests.billing.case_rating import rated
from tests.billing.random_use import (
    BASE,
    HEAD,
    LEASES,
    PERIOD,
    ZONE,
    Slot,
    basis,
    days,
    intervals_of,
    names,
    stops,
    tariff,
)
from tests.billing.rows import MIDNIGHT, make_correction, make_interval, make_lease, make_quality, make_span

DAY = 86_400_000
QUARTER = DAY // 4
Facts = Sequence[Interval | Transition | QualityResult]


def facts_of(day: Sequence[Slot]) -> list[Interval | Transition | QualityResult]:
    """In the order in which they are read: by day intervals, then stops; at last what inspection found."""
    found: list[Interval | Transition | QualityResult] = []
    for start in (MIDNIGHT, MIDNIGHT + DAY):
        found += [each for each in intervals_of(day) if start <= each.start < start + DAY]
        found += [each for each in stops(day) if start < each.at <= start + DAY]
    first = intervals_of(day)[0]
    named = {"machine": first.machine, "order_id": first.order_id, "produced_at": first.start + 1}
    return [*found, make_quality(**named, scrap=2, rework=1, cause="host")]


def a_fold(of: Tariff) -> Fold:
    books = Books(leases=timelines(LEASES), priced=of.priced)
    return Fold(books, PERIOD.start, PERIOD.end, grain=grain_of(of, ZONE), days=Days(ZONE))


def put(fold: Fold, fact: Interval | Transition | QualityResult) -> None:
    match fact:
        case Interval():
            fold.interval(fact)
        case Transition():
            fold.transition(fact)
        case _:
            fold.quality(fact)


def said(found: Folded) -> tuple[Any, ...]:
    usages = [msgspec.structs.replace(usage, stops=list(usage.stops)) for usage in found.usages]
    return usages, found.items, found.findings, found.holes, found.kinds, dict(found.days)


@settings(max_examples=60, deadline=None)
@given(day=days, chosen=names, every=st.integers(1, 5))
def test_what_was_put_aside_is_what_it_would_have_been_in_memory(
    day: list[Slot], chosen: list[str], every: int
) -> None:
    """Whenever it is put aside: sums at any time, the picture of a day when it is over."""
    of, facts = tariff(chosen), facts_of(day)
    whole, parted = a_fold(of), a_fold(of)
    for fact in facts:
        put(whole, fact)
    with PutAside() as aside:
        for number, fact in enumerate(facts):
            put(parted, fact)
            if isinstance(fact, Interval) and number % every == 0:
                aside.of(parted, fact.start)
        assert said(aside.finish(parted)) == said(whole.finish())


def test_what_a_tenant_had_before_and_has_again_is_one_sum_with_two_ranges() -> None:
    of, (fold, whole) = tariff([]), (a_fold(tariff([])), a_fold(tariff([])))
    orders = [("A-1", 0), ("B-7", 1), ("A-1", 2)]
    rows = [
        make_interval(
            MIDNIGHT + at * 300_000,
            MIDNIGHT + (at + 1) * 300_000,
            machine="knit-01",
            sequence=at,
            order_id=order,
            lease_id="L-knit-01",
        )
        for order, at in orders
    ]
    with PutAside() as aside:
        for row in rows:
            fold.interval(row)
            aside.of(fold, row.start)
            whole.interval(row)
        found = aside.finish(fold)
        assert [(each.order_id, each.records) for each in found.usages] == [
            ("A-1", ("knit-01/e1/0", "knit-01/e1/2")),
            ("B-7", ("knit-01/e1/1",)),
        ]
        assert said(found) == said(whole.finish())
    assert of.id == "t"


def test_of_what_goes_on_a_part_is_put_aside_when_it_has_grown() -> None:
    """A machine under one order all month, with a hundred stops a day."""
    fold, whole = a_fold(tariff(["rate"])), a_fold(tariff(["rate"]))
    named = {"machine": "knit-01", "order_id": "A-1", "lease_id": "L-knit-01"}
    with PutAside() as aside:
        for day in range(2):
            start = MIDNIGHT + day * DAY
            rows = [
                make_interval(
                    start + at * 600_000, start + (at + 1) * 600_000, sequence=at + 500 * day, **named
                )
                for at in range(100)
            ]
            spans = [make_span(row.start, row.start + 60_000, sequence=300, **named) for row in rows]
            for fact in (*rows, *spans):
                put(fold, fact)
                put(whole, fact)
            parts = list(fold.sums_put_aside(is_over=False))
            assert [len(part.stops) for _, part in parts] == [100]
            for key, part in parts:
                aside.keep(key, part)
        found = aside.finish(fold)
        assert [usage.records for usage in found.usages] == [("knit-01/e1/0-599",)]
        assert said(found)[0] == said(whole.finish())[0]


def test_what_inspection_finds_of_an_order_that_was_put_aside_is_booked() -> None:
    fold, whole = a_fold(tariff([])), a_fold(tariff([]))
    named = {"machine": "knit-01", "lease_id": "L-knit-01"}
    rows = [
        make_interval(
            MIDNIGHT + at * 300_000, MIDNIGHT + (at + 1) * 300_000, sequence=at, order_id=order, **named
        )
        for at, order in enumerate(("A-1", "B-7"))
    ]
    found = make_quality(MIDNIGHT + 1, machine="knit-01", order_id="A-1", scrap=2, cause="host")
    with PutAside() as aside:
        for row in rows:
            fold.interval(row)
            aside.of(fold, row.start)
            whole.interval(row)
        fold.quality(found)
        whole.quality(found)
        told = aside.finish(fold)
        assert [usage.inspected for usage in told.usages] == [{"host": 2}, {}]
        assert said(told) == said(whole.finish())


def test_a_day_that_is_over_takes_no_room_but_what_still_grows() -> None:
    fold = a_fold(tariff([]))
    for at in range(200):
        start = MIDNIGHT + at * 300_000
        order = f"A-{at // 10}"
        fold.interval(make_interval(start, start + 300_000, machine="knit-01", sequence=at, order_id=order))
    assert {key.order_id for key, _ in fold.sums_put_aside(is_over=False)} == {
        f"A-{number}" for number in range(19)
    }
    assert list(fold.sums_put_aside(is_over=False)) == []
    assert [key.order_id for key, _ in fold.sums_put_aside(is_over=True)] == ["A-19"]


@settings(max_examples=80, deadline=None)
@given(day=days, chosen=names)
def test_each_tenant_alone_has_the_lines_that_he_has_among_all(day: list[Slot], chosen: list[str]) -> None:
    of = tariff(chosen)
    usages, known = basis(of, intervals_of(day), stops(day))
    known = msgspec.structs.replace(known, missed=missed_leases(usages, known))
    concerns = Concerns(known, [of])
    alone = [
        line
        for tenant, own in by_tenant(usages, concerns.tenants)
        for line in charges(own, tariff_for(of, tenant), concerns.known(tenant, own))
    ]
    assert alone == charges(usages, of, known)


def test_a_clause_that_names_one_tenant_is_nobody_elses() -> None:
    """A discount of hongye's, and a minimum that somebody who used nothing agreed to."""
    of = tariff(["agreed", "contract"])
    slots = [A_SLOT, replace(A_SLOT, machine="weld-01", at=101)]
    usages, known = basis(of, intervals_of(slots), [])
    concerns = Concerns(known, [of])
    lines = {
        tenant: [line.clause_id for line in charges(own, tariff_for(of, tenant), concerns.known(tenant, own))]
        for tenant, own in by_tenant(usages, concerns.tenants)
    }
    assert lines == {"absent": ["contract"], "hongye": ["run", "agreed"], "rongda": ["run"]}
    assert sorted(line.clause_id for line in charges(usages, of, known)) == sorted(chain(*lines.values()))


def test_who_used_nothing_stands_in_the_order_of_names() -> None:
    usages, _ = basis(tariff([]), intervals_of([A_SLOT]), [])
    found = [(tenant, len(own)) for tenant, own in by_tenant(usages, ["zhou", "absent", "hongye"])]
    assert found == [("absent", 0), ("hongye", 1), ("zhou", 0)]


A_SLOT = Slot(
    machine="knit-01",
    at=100,
    tenant="none",
    order_id="A-1",
    run=200_000,
    setup=1,
    test=1,
    idle=1,
    counts=(1, 0, 0, 0, 0, 0),
)
NO_SHOW = """
[[reservation]]
id = "held"
kind = "*"
per_hour = "10"
unused_percent = "50"
no_show_percent = "100"
no_show_fee = "20"
"""


def test_the_line_sees_in_everybodys_use_whether_somebody_came() -> None:
    """The lease is hongye's; the work under it was given to rongda. So hongye did not stay away."""
    of = read_tariff("t.toml", HEAD + BASE + NO_SHOW)
    named = {"machine": "knit-01", "lease_id": "L1"}
    waited = make_interval(MIDNIGHT, MIDNIGHT + QUARTER, idle_ms=QUARTER, sequence=0, **named)
    worked = make_interval(MIDNIGHT + QUARTER, MIDNIGHT + 2 * QUARTER, sequence=1, **named)
    leases = [
        make_lease(MIDNIGHT, "L1", "hongye", machine="knit-01"),
        make_lease(MIDNIGHT + 2 * QUARTER, "L2", "none", machine="knit-01"),
    ]
    given = make_correction(worked.start, worked.end, "rongda", machine="knit-01")
    hers, his = rated(Case(intervals=[waited, worked], leases=leases, corrections=[given]), of).statements
    assert [(hers.tenant.id, his.tenant.id)] == [("hongye", "rongda")]
    assert [line.clause for line in hers.charges] == ["unused"]
    assert [line.clause for line in his.charges] == ["run"]
    (alone,) = rated(Case(intervals=[waited], leases=leases), of).statements
    assert [line.clause for line in alone.charges] == ["no_show", "no_show"]


def _text(value: str) -> bytes:
    return value.encode()


def _value(data: bytes) -> str:
    return data.decode()


def test_values_come_back_by_their_owners_in_the_order_in_which_they_were_put() -> None:
    with Aside(_text, _value) as aside:
        for owner, value in (("b", "one"), ("a", "two"), ("b", "three"), ("b", "")):
            aside.put(owner, value)
        assert aside.owners() == ["a", "b"]
        assert [*aside.of("b")] == ["one", "three", ""]
        assert [*aside.of("b")] == ["one", "three", ""]
        aside.put("a", "four")
        assert [*aside.of("a")] == ["two", "four"]
        assert not [*aside.of("nobody")]


def test_where_there_is_no_room_to_put_aside_a_person_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    with Aside(_text, _value) as aside, pytest.raises(UnwritableError, match="TMPDIR=DIR"):
        aside.put("a", "x" * 5 * 1024 * 1024)
