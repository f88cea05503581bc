"""Key figures: ISO 22400-2's formulas over sums, and nothing where they would not be true."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import kpi
from billing.attribution import Attribution, Place
from billing.report import By, ReportRow, report
from billing.tally import Tally

HOUR = 3_600_000

GOLDEN = kpi.Elements(apt=360, aust=30, adet=50, pbt=480)
"""A day of one machine, as the reference works it out: 360 producing, 30 setting up, 50 delayed, 40 down."""
FIGURES = {
    kpi.availability: "0.75",
    kpi.utilisation_efficiency: "0.818182",
    kpi.allocation_efficiency: "0.916667",
    kpi.technical_efficiency: "0.878049",
    kpi.setup_ratio: "0.076923",
}


@pytest.mark.parametrize(("formula", "expected"), FIGURES.items(), ids=lambda of: getattr(of, "__name__", of))
def test_the_golden_day_has_its_golden_figures(formula: Any, expected: str) -> None:
    assert round(float(formula(GOLDEN)), 6) == float(expected)


def test_the_golden_pieces_have_their_golden_ratios() -> None:
    assert round(float(kpi.quality_ratio(55, 57) or 0), 6) == 0.964912
    assert round(float(kpi.scrap_ratio(1, 57) or 0), 6) == 0.017544


def test_nothing_divided_by_nothing_is_nothing() -> None:
    empty = kpi.Elements(apt=0, aust=0, adet=0, pbt=0)
    assert [formula(empty) for formula in FIGURES] == [None] * len(FIGURES)
    assert kpi.quality_ratio(0, 0) is None
    assert kpi.quality_ratio(None, 5) is None


def paid(tenant: str = "hongye", order_id: str = "A-1") -> Attribution:
    return Attribution(place=Place.TENANT, tenant=tenant, order_id=order_id)


def rows(by: By, *parts: tuple[Any, Attribution], **more: Any) -> list[ReportRow]:
    tally = Tally()
    for interval, attribution in parts:
        tally.add_interval(interval, attribution)
    return report(tally.usages(), by, **more)


def test_the_states_fall_where_the_standard_puts_them(make: SimpleNamespace) -> None:
    """Of ten hours: 3 run, 1 setup, 1 test, 1 stop, 1 fault with an order, 1 idle, 1 maintenance, 1 off."""
    names = ("setup_ms", "test_ms", "stop_host_ms", "fault_ms", "idle_ms", "maint_ms", "off_ms")
    interval = make.interval(0, 10 * HOUR, **dict.fromkeys(names, HOUR))
    (row,) = rows(By.MACHINE, (interval, paid()))
    assert row.busy_ms == 8 * HOUR
    assert row.availability == Fraction(3, 8)
    assert row.utilisation_efficiency == Fraction(3, 7)
    assert row.allocation_efficiency == Fraction(7, 8)
    (idle,) = rows(By.MACHINE, (interval, paid(order_id="none")))
    assert idle.allocation_efficiency == Fraction(6, 8)


def test_ratios_are_of_sums_and_never_averages_of_ratios(make: SimpleNamespace) -> None:
    one = make.interval(0, HOUR, machine="knit-01", quantities={"produced": 1, "scrap": 1})
    other = make.interval(0, 9 * HOUR, machine="knit-02", idle_ms=9 * HOUR, quantities={"produced": 99})
    (row,) = rows(By.KIND, (one, paid()), (other, paid()))
    assert row.availability == Fraction(1, 10)
    assert row.quality_ratio == Fraction(99, 100)


def test_too_little_observed_leaves_every_figure_empty(make: SimpleNamespace) -> None:
    for unknown, is_known in ((5, True), (6, False)):
        interval = make.interval(0, 100, unknown_ms=unknown, quantities={"produced": 3})
        (row,) = rows(By.MACHINE, (interval, paid()))
        assert row.coverage == Fraction(100 - unknown, 100)
        assert (row.availability is not None) is is_known
        assert (row.quality_ratio is not None) is is_known
    (row,) = rows(By.MACHINE, (interval, paid()), threshold=Fraction(1, 2))
    assert row.availability == Fraction(94, 100)


def test_coverage_is_of_the_planned_busy_time(make: SimpleNamespace) -> None:
    """Twenty hours off, three of running, one unknown: three of four hours are known, not 23 of 24."""
    interval = make.interval(0, 24 * HOUR, off_ms=19 * HOUR, maint_ms=HOUR, unknown_ms=HOUR)
    (row,) = rows(By.MACHINE, (interval, paid()))
    assert (row.coverage, row.busy_ms, row.availability) == (Fraction(3, 4), 4 * HOUR, None)
    (off,) = rows(By.MACHINE, (make.interval(0, HOUR, off_ms=HOUR), paid()))
    assert (off.coverage, off.availability, off.quality_ratio) == (None, None, None)


def test_a_hole_between_records_lowers_the_coverage_of_its_machine(make: SimpleNamespace) -> None:
    interval = make.interval(0, 100)
    holes = {("knit", "knit-01"): 100}
    (row,) = rows(By.MACHINE, (interval, paid()), holes=holes)
    assert (row.coverage, row.unknown_ms, row.busy_ms, row.availability) == (Fraction(1, 2), 100, 200, None)
    (row,) = rows(By.TENANT, (interval, paid()), holes=holes)
    assert row.coverage == 1


def test_a_machine_without_any_record_has_a_row_that_says_so(make: SimpleNamespace) -> None:
    holes = {("knit", "knit-02"): 100}
    (first, silent) = rows(By.MACHINE, (make.interval(0, 100), paid()), holes=holes)
    assert (first.coverage, silent.name, silent.coverage, silent.unknown_ms) == (1, "knit-02", 0, 100)
    assert (silent.availability, silent.produced) == (None, None)
    (kind,) = rows(By.KIND, (make.interval(0, 100), paid()), holes=holes)
    assert (kind.coverage, kind.availability) == (Fraction(1, 2), None)


def test_no_scrap_counter_is_not_a_perfect_yield(make: SimpleNamespace) -> None:
    counted = make.interval(0, HOUR, quantities={"produced": 5})
    blind = make.interval(0, HOUR, machine="knit-02", quantities={"produced": 5}, measured="produced")
    (first, second) = rows(By.MACHINE, (counted, paid()), (blind, paid()))
    assert (first.good, first.quality_ratio) == (5, 1)
    assert (second.produced, second.scrap, second.good, second.quality_ratio) == (5, None, None, None)
    (row,) = rows(By.KIND, (counted, paid()), (blind, paid()))
    assert row.good is None


def test_an_order_is_named_with_its_tenant_and_the_rest_by_its_place(make: SimpleNamespace) -> None:
    parts = (
        (make.interval(0, HOUR), paid("a", "X")),
        (make.interval(HOUR, 2 * HOUR), paid("b", "X")),
        (make.interval(2 * HOUR, 3 * HOUR), Attribution(place=Place.SUSPENSE, order_id="X")),
        (make.interval(3 * HOUR, 4 * HOUR), Attribution(place=Place.UNALLOCATED)),
    )
    assert [(row.tenant, row.name) for row in rows(By.ORDER, *parts)] == [
        ("none", "(suspense)"),
        ("none", "(unallocated)"),
        ("a", "X"),
        ("b", "X"),
    ]
    assert [row.name for row in rows(By.TENANT, *parts)] == ["(suspense)", "(unallocated)", "a", "b"]


PARTS = st.tuples(st.integers(1, HOUR), st.sampled_from(list(Place)), st.integers(0, 9))


@given(parts=st.lists(PARTS, min_size=1))
def test_every_report_shares_out_the_same_whole(
    parts: list[tuple[int, Place, int]], make: SimpleNamespace
) -> None:
    """Tenants, suspense, disputed and unallocated together are what the meters counted."""
    at, made = 0, []
    for ms, place, pieces in parts:
        tenant = "a" if place is Place.TENANT else "none"
        interval = make.interval(at, at + ms, quantities={"produced": pieces})
        made.append((interval, Attribution(place=place, tenant=tenant)))
        at += ms
    for by in By:
        found = rows(by, *made)
        assert sum(row.total_ms for row in found) == at
        assert sum(row.produced or 0 for row in found) == sum(pieces for _, _, pieces in parts)
