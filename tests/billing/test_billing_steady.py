"""Attribution with a memory answers as attribution does, whatever begins to hold in between."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.announcements import announcements
from billing.attribution import Books, Place, attribute
from billing.claims import interval_claim, span_claims
from billing.corrections import corrections
from billing.steady import Attributor
from billing.timeline import timelines
from tests.billing.rows import MIDNIGHT, make_correction, make_interval, make_lease, make_order, make_span

MINUTE = 60_000
AT = st.integers(-1500, 240).map(lambda minute: MIDNIGHT + minute * MINUTE)
TENANTS = st.sampled_from(["hongye", "rongda", "none"])
LEASES = st.lists(st.tuples(AT, st.sampled_from(["L1", "L2", "L3"]), TENANTS), max_size=4)
ORDERS = st.lists(st.tuples(st.sampled_from(["A-1", "A-2"]), TENANTS, AT), max_size=4)
DECIDED = st.lists(st.tuples(AT, AT, TENANTS), max_size=1)
SAID = st.tuples(
    st.sampled_from(["L1", "L2", "none"]), st.sampled_from(["A-1", "A-2", "none", "disputed"]), TENANTS
)


@given(LEASES, ORDERS, DECIDED, st.lists(SAID, min_size=1, max_size=8), st.integers(1, 3))
def test_it_answers_as_attribution_does(
    leases: list[Any], orders: list[Any], decided: list[Any], said: list[Any], each: int
) -> None:
    books = Books(
        leases=timelines([make_lease(at, name, tenant, issued=at) for at, name, tenant in leases]),
        orders=announcements([make_order(order, tenant, at) for order, tenant, at in orders]),
        corrections=corrections([make_correction(start, end, new) for start, end, new in decided]),
    )
    attributor, at = Attributor(books), MIDNIGHT
    for number in range(24):
        lease_id, order_id, tenant = said[number // each % len(said)]
        worth = {} if number % 5 else {"idle_ms": 10 * MINUTE}
        names = {"lease_id": lease_id, "order_id": order_id, "tenant": tenant}
        interval = make_interval(at, at + 10 * MINUTE, sequence=number, **names, **worth)
        assert attributor.interval(interval) == attribute(interval_claim(interval), books)
        at = interval.end


@given(LEASES, ORDERS, DECIDED, st.lists(SAID, min_size=1, max_size=8), st.integers(1, 3))
def test_of_stops_it_answers_as_attribution_does_or_not_at_all(
    leases: list[Any], orders: list[Any], decided: list[Any], said: list[Any], each: int
) -> None:
    books = Books(
        leases=timelines([make_lease(at, name, tenant, issued=at) for at, name, tenant in leases]),
        orders=announcements([make_order(order, tenant, at) for order, tenant, at in orders]),
        corrections=corrections([make_correction(start, end, new) for start, end, new in decided]),
    )
    attributor, at = Attributor(books), MIDNIGHT
    for number in range(24):
        lease_id, order_id, tenant = said[number // each % len(said)]
        span = make_span(at, at + 10 * MINUTE, lease_id=lease_id, order_id=order_id, tenant=tenant)
        found = attributor.span(span, at + 5, span.at)
        parts = [attribute(claim, books) for claim in span_claims(span, books, at + 5, span.at)]
        assert found is None or (parts == [found] and not decided and found.place is Place.TENANT)
        if len(parts) == 1 and parts[0].place is Place.TENANT and not decided:
            assert found == parts[0]
        at = span.at


def test_the_same_answer_is_the_same_object(make: SimpleNamespace) -> None:
    attributor = Attributor(Books(leases=timelines([make.lease(make.at("0:00"), tenant="hongye")])))
    intervals = [
        make.interval(make.at("8:00") + n * 1000, make.at("8:00") + (n + 1) * 1000, sequence=n, lease_id="L1")
        for n in range(3)
    ]
    first, *others = [attributor.interval(interval) for interval in intervals]
    assert all(other is first for other in others)
