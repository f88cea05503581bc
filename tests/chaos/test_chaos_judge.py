"""The judge is not lenient: what no fault explains is told, and what is late waits for a person."""

from collections.abc import Callable

import pytest

from contract.clock import ClockPair
from contract.messages import Lease
from contract.names import DISPUTED
from contract.records import Interval, Meter, Method, Reason, Record
from simulators.ledger import Account, Entry, Span
from tests.chaos import explain, layout
from tests.chaos.child import Fall
from tests.chaos.judge import Announced, Judgement, attributed, judge
from tests.chaos.report import growing
from tests.chaos.schedule import Fault, Kind
from tests.chaos.site import Outage
from tests.chaos.walk import Stored

Make = Callable[..., Interval]
Sealed = Callable[[list[Record]], tuple[Record, ...]]
CLOCK = ClockPair(real_ms=1_000_000, plant_ms=layout.START_MS, scale=layout.SCALE)
NOBODY = Announced(leases=(), orders={})
LEASE = Lease(
    id="lease-0",
    machine="knit-01",
    by="office",
    tenant="hengxin",
    order_id=None,
    effective=layout.START_MS,
    issued=1,
)
SAID = Announced(leases=(LEASE,), orders={"11000": "hengxin"})


def outage(kind: Kind, target: str, began_s: float = 0, ended_s: float = 5) -> Outage:
    fault = Fault(at_s=began_s, for_s=ended_s - began_s, kind=kind, target=target)
    began, ended = (CLOCK.real_ms + round(at * 1000) for at in (began_s, ended_s))
    return Outage(fault=fault, began=began, ended=ended)


@pytest.mark.parametrize(
    ("kind", "target", "is_explained"),
    [
        (Kind.KILL, "gw1", True),
        (Kind.PAUSE, "gw1", True),
        (Kind.FULL, "gw1", True),
        (Kind.HOLE, "gw1>hall-a", True),
        (Kind.PAUSE, "plant", True),
        (Kind.KILL, "gw2", False),
        (Kind.HOLE, "gw1>cell-a", False),
        (Kind.HOLE, "gw1>broker", False),
        (Kind.KILL, "broker", False),
        (Kind.KILL, "store", False),
        (Kind.KILL, "c1", False),
    ],
)
def test_a_fault_explains_the_gaps_of_those_machines_that_it_cuts_off(
    kind: Kind,
    target: str,
    is_explained: bool,  # noqa: FBT001  a column of the table above
) -> None:
    assert bool(explain.explained("knit-01", [outage(kind, target)], [])) is is_explained


def test_a_fall_of_the_agent_explains_a_gap() -> None:
    assert explain.explained("knit-01", [], [Fall("gw1", 5, 1)])
    assert not explain.explained("knit-01", [], [Fall("c1", 5, 1)])


@pytest.mark.parametrize(
    ("spans", "of", "left"),
    [
        ([(0, 10)], [], [(0, 10)]),
        ([(0, 10)], [(0, 10)], []),
        ([(0, 10)], [(3, 5)], [(0, 3), (5, 10)]),
        ([(0, 10), (20, 30)], [(5, 25)], [(0, 5), (25, 30)]),
        ([(5, 6)], [(0, 3), (8, 9)], [(5, 6)]),
    ],
)
def test_what_lies_outside(
    spans: list[tuple[int, int]], of: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    assert explain.outside(spans, of) == left


def test_spans_that_touch_are_one() -> None:
    assert explain.merged([(5, 9), (0, 5), (7, 8), (20, 21)]) == [(0, 9), (20, 21)]


def account(seconds: int, pieces_at: tuple[int, ...] = ()) -> Account:
    start = layout.START_MS
    ran = Span(
        start=start,
        end=start + seconds * 1000,
        state="run",
        party="none",
        stop_code=0,
        order="11000",
        tenant="hengxin",
    )
    made = (
        Entry(at=start + at * 1000, counter="produced", n=1, order="11000", tenant="hengxin")
        for at in pieces_at
    )
    return Account(spans=(ran,), events=tuple(made))


def judged(records: tuple[Record, ...], told: Account, outages: list[Outage] | None = None) -> Judgement:
    return judge(
        Stored(records=records),
        [record for record in records if isinstance(record, Interval)],
        {"knit-01": told},
        SAID,
        clock=CLOCK,
        outages=outages or [],
        falls=[],
        stalls=[],
    )


def test_what_is_true_is_true(interval: Make, opening: Meter, sealed: Sealed) -> None:
    found = judged(sealed([opening, interval(0, 300, made=2, total=2)]), account(300, (10, 200)))
    assert found.faults == ()
    assert found.worst_ms == 0


def test_a_piece_too_many_is_told_by_machine_order_and_tenant(
    interval: Make, opening: Meter, sealed: Sealed
) -> None:
    found = judged(sealed([opening, interval(0, 300, made=3, total=3)]), account(300, (10, 200)))
    assert [one.split(" ")[0] for one in found.faults] == ["machine", "order", "tenant"]


def gap(interval: Make, start_s: int, seconds: int) -> Interval:
    return interval(
        start_s,
        seconds,
        method=Method.COUNTERS,
        reason=Reason.SILENT,
        run_ms=seconds * 1000,
    )


def test_a_gap_that_no_fault_explains_is_told(interval: Make, opening: Meter, sealed: Sealed) -> None:
    records = sealed([opening, gap(interval, 0, 120)])
    assert any("no fault explains" in one for one in judged(records, account(120)).faults)
    assert judged(records, account(120), [outage(Kind.KILL, "gw1")]).faults == ()


def test_running_that_was_recovered_must_be_what_the_machine_ran(
    interval: Make, opening: Meter, sealed: Sealed
) -> None:
    invented = interval(
        0, 120, method=Method.COUNTERS, reason=Reason.SILENT, run_ms=120_000, unplaced_run_ms=100_000
    )
    found = judged(sealed([opening, invented]), account(120), [outage(Kind.KILL, "gw1")])
    assert any("ms of running recovered" in one for one in found.faults)


@pytest.mark.parametrize(
    ("lease_id", "tenant", "taken"),
    [
        ("lease-0", "hengxin", "hengxin"),
        ("none", "none", DISPUTED),
        ("lease-9", "ruifeng", DISPUTED),
    ],
)
def test_what_was_metered_under_another_lease_than_the_one_in_force_waits_for_a_person(
    interval: Make, lease_id: str, tenant: str, taken: str
) -> None:
    assert attributed(interval(lease_id=lease_id, tenant=tenant), SAID).tenant == taken


def test_a_lease_that_an_agent_did_not_follow_though_nothing_was_in_the_way_is_told(
    interval: Make, opening: Meter, sealed: Sealed
) -> None:
    records = sealed([opening, interval(0, 300, lease_id="none", tenant="none")])
    assert any("not for what was said" in one for one in judged(records, account(300)).faults)
    cut = [outage(Kind.HOLE, "gw1>broker")]
    assert judged(records, account(300), cut).faults == ()


def test_work_without_a_lease_is_its_orders_tenants(interval: Make) -> None:
    walk_in = interval(lease_id="none", tenant="none")
    assert attributed(walk_in, Announced(leases=(), orders={"11000": "sanhe"})).tenant == "sanhe"
    assert attributed(walk_in, NOBODY).tenant == "none"


def test_memory_that_grows_is_told_and_memory_that_rests_is_not() -> None:
    flat = [(1000 * n, 40_000 + n % 7) for n in range(200)]
    leak = [(1000 * n, 40_000 + 100 * n) for n in range(200)]
    assert growing({"gw1/1": flat}) == []
    assert growing({"gw1/1": leak}) != []
    assert growing({"gw1/1": leak[:30]}) == []
