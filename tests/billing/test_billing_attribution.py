"""Whose it was: by correction, lease in force, stored tenant or the order's announcement, else nobody's."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.announcements import announcements
from billing.attribution import Attribution, Books, Claim, Doubt, Place, Source, attribute
from billing.claims import interval_claim, span_claims
from billing.corrections import corrections
from billing.timeline import is_used, timeline, timelines
from contract.facts import CorrectedField, Target

HOUR = 3_600_000


def claim(start: int = 0, end: int = HOUR, **more: Any) -> Claim:
    fields = {"tenant": "none", "order_id": "none", "lease_id": "none", "has_worth": True, **more}
    fixed = {"machine": "knit-01", "epoch": "e1", "sequence": 7, "target": Target.USAGE}
    return Claim(start=start, end=end, **{**fixed, **fields})


def books(make: SimpleNamespace, *facts: Any) -> Books:
    of = {name: [f for f in facts if type(f).__name__ == name] for name in ("LeaseFact", "Correction")}
    orders = announcements(f for f in facts if type(f).__name__ == "OrderFact")
    return Books(leases=timelines(of["LeaseFact"]), orders=orders, corrections=corrections(of["Correction"]))


DAY = 24 * HOUR
ANNOUNCED = [
    ("before and again later", [(0, "a"), (2 * HOUR, "b")], HOUR, "a"),
    ("again before", [(0, "a"), (HOUR, "b")], HOUR, "b"),
    ("a day late", [(HOUR + DAY, "a")], HOUR, "a"),
    ("the first of two late ones", [(HOUR + 2, "b"), (HOUR + 1, "a")], HOUR, "a"),
    ("too late", [(HOUR + DAY + 1, "a")], HOUR, "none"),
    ("never", [], HOUR, "none"),
]


@pytest.mark.parametrize(("name", "said", "at", "tenant"), ANNOUNCED)
def test_the_announcement_in_force_names_the_tenant_and_a_later_one_changes_no_past(
    name: str, said: list[tuple[int, str]], at: int, tenant: str, make: SimpleNamespace
) -> None:
    facts = [make.order("3001", who, issued) for issued, who in said]
    found = attribute(claim(at, at + 300_000, order_id="3001"), books(make, *facts))
    assert found.tenant == tenant
    assert (found.place is Place.SUSPENSE) == (tenant == "none"), name


def test_a_number_given_again_to_another_tenant_disputes_nothing_that_was_billed(
    make: SimpleNamespace,
) -> None:
    facts = [make.order("3001", "a", 0), make.order("3001", "b", 400 * DAY)]
    said = claim(HOUR, 2 * HOUR, tenant="a", order_id="3001")
    assert attribute(said, books(make, *facts)) == attribute(said, books(make, facts[0]))


def test_each_rung_counts_only_when_those_above_are_empty(make: SimpleNamespace) -> None:
    order = make.order("A-1", "byorder", 0)
    lease = make.lease(0, "L1", "bylease")
    correction = make.correction(0, HOUR, "bycorrection")
    rungs = [
        ((order,), {"order_id": "A-1"}, "byorder", Source.ORDER),
        ((), {"tenant": "bystore"}, "bystore", Source.STORED),
        ((lease,), {"tenant": "bystore", "lease_id": "L1"}, "bylease", Source.LEASE),
        ((lease, correction), {"tenant": "bystore", "lease_id": "L1"}, "bycorrection", Source.CORRECTION),
    ]
    for facts, said, tenant, source in rungs:
        found = attribute(claim(**said), books(make, *facts))
        assert (found.place, found.tenant, found.source) == (Place.TENANT, tenant, source)


def test_without_anybody_work_goes_to_suspense_and_idling_to_nobody(make: SimpleNamespace) -> None:
    work = attribute(claim(), books(make))
    assert (work.place, work.doubt) == (Place.SUSPENSE, Doubt.NO_PAYER)
    assert attribute(claim(has_worth=False), books(make)).place is Place.UNALLOCATED


def test_five_seconds_under_another_lease_are_borne_and_no_more(make: SimpleNamespace) -> None:
    leases = (make.lease(0, "L1", "hongye"), make.lease(HOUR, "L2", "rongda"))
    for beyond, place in ((5000, Place.TENANT), (5001, Place.SUSPENSE)):
        found = attribute(claim(0, HOUR + beyond, lease_id="L1"), books(make, *leases))
        assert found.place is place
    found = attribute(claim(0, 2 * HOUR, lease_id="L1"), books(make, *leases))
    assert found.candidates == ("hongye", "rongda")


def test_a_lease_that_no_store_has_is_not_believed(make: SimpleNamespace) -> None:
    found = attribute(claim(tenant="hongye", lease_id="L9"), books(make))
    assert (found.place, found.doubt) == (Place.SUSPENSE, Doubt.OTHER_LEASE)


def test_after_the_end_of_a_lease_no_lease_and_the_end_itself_both_fit(make: SimpleNamespace) -> None:
    facts = (make.lease(0, "L1", "hongye"), make.lease(HOUR, "L2"))
    for lease_id in ("none", "L2"):
        later = claim(HOUR, 2 * HOUR, lease_id=lease_id)
        assert attribute(later, books(make, *facts)).doubt is Doubt.NO_PAYER
    late = claim(HOUR, 2 * HOUR, lease_id="L1")
    assert attribute(late, books(make, *facts)).doubt is Doubt.OTHER_LEASE


def test_an_order_of_another_tenant_is_not_guessed(make: SimpleNamespace) -> None:
    facts = (make.lease(0, "L1", "hongye"), make.order("B-1", "rongda", 0))
    found = attribute(claim(lease_id="L1", order_id="B-1"), books(make, *facts))
    assert (found.doubt, found.candidates) == (Doubt.ORDER_OF_ANOTHER, ("hongye", "rongda"))


def test_the_order_is_the_record_s_and_never_the_lease_s(make: SimpleNamespace) -> None:
    """A register that says 0 says that there was no order; else the agent wrote the lease's."""
    lease = make.lease(0, "L1", "hongye", "A-1")
    for order_id in ("none", "A-2"):
        assert attribute(claim(lease_id="L1", order_id=order_id), books(make, lease)).order_id == order_id


def test_a_disputed_order_needs_an_order_and_not_only_a_tenant(make: SimpleNamespace) -> None:
    gap = claim(tenant="disputed", order_id="disputed")
    tenant = make.correction(0, HOUR, "hongye")
    order = make.correction(0, HOUR, "A-1", field=CorrectedField.ORDER_ID, id="C-2")
    assert attribute(gap, books(make, tenant)).place is Place.DISPUTED
    decided = attribute(gap, books(make, tenant, order))
    assert (decided.tenant, decided.order_id, decided.facts) == ("hongye", "A-1", (tenant.id, "C-2"))


def test_the_host_may_take_it_on_itself(make: SimpleNamespace) -> None:
    found = attribute(claim(), books(make, make.correction(0, HOUR, "none")))
    assert (found.place, found.source) == (Place.UNALLOCATED, Source.CORRECTION)


def test_a_correction_names_a_record_of_one_series_or_a_stretch_of_time(make: SimpleNamespace) -> None:
    named = make.correction(0, 0, "hongye", target=Target.USAGE, epoch="e1", sequence=7)
    found = books(make, named)
    assert attribute(claim(), found).tenant == "hongye"
    assert attribute(claim(sequence=8), found).place is Place.SUSPENSE
    assert attribute(claim(target=Target.STATE), found).place is Place.SUSPENSE
    assert (
        attribute(claim(HOUR, 2 * HOUR), books(make, make.correction(0, HOUR, "x"))).place is Place.SUSPENSE
    )


def test_the_latest_decision_wins_whatever_the_order_of_reading(make: SimpleNamespace) -> None:
    first = make.correction(0, HOUR, "hongye", issued=1)
    second = make.correction(0, HOUR, "rongda", issued=2, target=Target.USAGE, epoch="e1", sequence=7)
    for facts in ((first, second), (second, first)):
        assert attribute(claim(), books(make, *facts)).tenant == "rongda"


def test_a_later_plan_overrules_an_earlier_one_from_its_own_beginning(make: SimpleNamespace) -> None:
    facts = [
        make.lease(0, "L1", "a", issued=0),
        make.lease(10, "L2", "b", issued=1),
        make.lease(5, "L3", "c", issued=2),
    ]
    found = [(s, e, lease.id) for s, e, lease in timeline(facts).pieces(0, 20) if lease]
    assert found == [(0, 5, "L1"), (5, 20, "L3")]


LEASES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8)


@given(plans=LEASES, one=st.integers(0, 60), other=st.integers(0, 60))
def test_the_pieces_of_a_timeline_tile_the_time_asked_for(
    plans: list[tuple[int, int]], one: int, other: int, make: SimpleNamespace
) -> None:
    start, end = sorted((one, other))
    facts = [make.lease(at, f"L{n}", "a", issued=issued) for n, (at, issued) in enumerate(plans)]
    pieces = list(timeline(facts).pieces(start, end))
    assert sum(e - s for s, e, _ in pieces) == end - start
    assert all(before[1] == after[0] for before, after in pairwise(pieces))
    for s, _, lease in pieces:
        begun = [fact for fact in facts if fact.effective <= s]
        newest = max(begun, key=lambda fact: (fact.issued, fact.id), default=None)
        assert lease == newest


@given(
    plans=LEASES,
    start=st.integers(0, 40),
    lasts=st.integers(1, 40),
    edges=st.lists(st.integers(0, 80), max_size=4),
)
def test_a_span_is_cut_exactly_and_loses_nothing(
    plans: list[tuple[int, int]], start: int, lasts: int, edges: list[int], make: SimpleNamespace
) -> None:
    leases = [make.lease(at, f"L{n}", "a", issued=issued) for n, (at, issued) in enumerate(plans)]
    decided = [make.correction(first, last, "a") for first, last in pairwise(sorted(edges))]
    span = make.span(start, start + lasts)
    claims = list(span_claims(span, books(make, *leases, *decided), 10, 60))
    assert sum(c.end - c.start for c in claims) == max(0, min(60, start + lasts) - max(10, start))
    for found in claims:
        inside = books(make, *leases).leases.get("knit-01", timeline([])).pieces(found.start, found.end)
        assert len(list(inside)) == 1
    assert all(before.end == after.start for before, after in pairwise(claims))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Claim, list[dict[str, Any]], dict[str, str]]:
    tenants = st.sampled_from(["none", "hongye", "rongda"])
    orders = st.sampled_from(["none", "A-1", "B-1"])
    said = {
        "tenant": draw(st.sampled_from(["none", "hongye", "rongda", "disputed"])),
        "order_id": draw(st.sampled_from(["none", "A-1", "B-1", "disputed"])),
        "lease_id": draw(st.sampled_from(["none", "L0", "L1", "L9"])),
        "has_worth": draw(st.booleans()),
    }
    leases = [
        {
            "effective": draw(st.integers(0, HOUR)),
            "name": f"L{n}",
            "tenant": draw(tenants),
            "order_id": draw(orders),
        }
        for n in range(draw(st.integers(0, 3)))
    ]
    announced = draw(st.dictionaries(st.sampled_from(["A-1", "B-1"]), st.sampled_from(["hongye", "rongda"])))
    return claim(**said), leases, announced


@given(world=worlds())
def test_nothing_is_charged_to_nobody_and_nothing_of_worth_is_dropped(
    world: tuple[Claim, list[dict[str, Any]], dict[str, str]], make: SimpleNamespace
) -> None:
    said, leases, announced = world
    facts = [make.lease(**lease) for lease in leases]
    known = books(make, *facts, *(make.order(order, tenant, 0) for order, tenant in announced.items()))
    found: Attribution = attribute(said, known)
    if found.place is Place.TENANT:
        assert found.tenant not in {"none", "disputed"}
        assert found.order_id != "disputed"
        assert announced.get(found.order_id, found.tenant) == found.tenant
        lease = {fact.id: fact for fact in facts}.get(said.lease_id)
        assert lease is None or lease.tenant in {"none", found.tenant}
    else:
        assert found.tenant == "none"
        assert (found.place is Place.UNALLOCATED) == (not said.has_worth)


WORTH = [
    ("produced", {"quantities": {"produced": 1}}),
    ("scrap alone", {"quantities": {"scrap": 3}}),
    ("rework alone", {"quantities": {"rework": 1}}),
    ("test time", {"idle_ms": HOUR - 1, "test_ms": 1}),
    ("setup time", {"idle_ms": HOUR - 1, "setup_ms": 1}),
    ("a stop by the tenant", {"idle_ms": HOUR - 1, "stop_tenant_ms": 1}),
    ("run time", {"idle_ms": HOUR - 1}),
]


@pytest.mark.parametrize(("what", "said"), WORTH)
def test_what_has_worth_waits_for_a_person_when_nobody_is_named(
    what: str, said: dict[str, Any], make: SimpleNamespace
) -> None:
    idle = {"idle_ms": HOUR}
    for whose, place in (("none", Place.SUSPENSE), ("disputed", Place.DISPUTED)):
        worth = interval_claim(make.interval(0, HOUR, tenant=whose, **{**idle, **said}))
        assert attribute(worth, books(make)).place is place, what
        worthless = interval_claim(make.interval(0, HOUR, tenant=whose, **idle))
        assert attribute(worthless, books(make)).place is Place.UNALLOCATED


def test_no_lease_fits_only_a_record_without_one(make: SimpleNamespace) -> None:
    assert is_used(None, "none")
    assert not is_used(None, "L1")
    assert not is_used(make.lease(0, "L1", "hongye"), "none")


def test_where_a_witness_is_demanded_usage_without_one_waits_for_a_person(make: SimpleNamespace) -> None:
    lease, said = make.lease(0, "L1", "hongye"), claim(lease_id="L1")
    free = books(make, lease)
    assert attribute(said, free).place is Place.TENANT
    demanded = msgspec.structs.replace(free, witnesses={("knit-01", "e0"): "W-1"})
    found = attribute(said, demanded)
    assert (found.place, found.doubt, found.candidates) == (Place.SUSPENSE, Doubt.NO_WITNESS, ("hongye",))
    assert attribute(claim(lease_id="L1", has_worth=False), demanded).place is Place.UNALLOCATED


def test_a_witness_is_among_the_facts_that_a_bill_rests_on(make: SimpleNamespace) -> None:
    free = books(make, make.lease(0, "L1", "hongye"))
    seen = msgspec.structs.replace(free, witnesses={("knit-01", "e1"): "W-1"})
    found = attribute(claim(lease_id="L1"), seen)
    assert (found.place, found.facts) == (Place.TENANT, ("L1", "W-1"))


def test_a_person_may_decide_without_a_witness(make: SimpleNamespace) -> None:
    decided = books(make, make.correction(0, HOUR, "hongye"))
    found = attribute(claim(), msgspec.structs.replace(decided, witnesses={}))
    assert (found.place, found.source) == (Place.TENANT, Source.CORRECTION)
