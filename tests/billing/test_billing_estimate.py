"""An estimate is what the statement will say: a job, estimated and then metered, has the same lines."""

from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charge import Charge
from billing.clauses import Clause
from billing.estimate import Hours, Job, estimate
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from tests.billing.case_file import Case
from tests.billing.case_rating import rated

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3_600_000
HEAD = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
NIGHT = """
[[calendar]]
name = "night"
band = [{ name = "day", factor = "1.7" }, { name = "night", factor = "0.3" }]
day = [{ hours = ["0-6 night", "6-22 day", "22-24 night"] }]
"""
PRICES = """
rate = [
  { kind = "*", class = "run", per_hour = "12.00", minimum_s = 1800, block_s = 900, each = "lease" },
  { kind = "*", class = "setup", per_hour = "7.77" },
  { kind = "*", class = "stop_tenant", per_hour = "6.00" },
]
piece = [{ kind = "*", basis = "good", price = "0.35" }]
quantity = [{ kind = "*", name = "gas_l", price = "0.0417" }]
energy = [{ kind = "*", price = "0.40", calendar = "night", adders = [{ price = "0.25", en = "grid" }] }]
surcharge = [{ of = ["run"], calendar = "night", band = "night", percent = "50" }]
minimum = [{ per = "order", amount = "20.00" }]
"""
TARIFF = HEAD + PRICES + NIGHT


@pytest.fixture(scope="module")
def tariff() -> Tariff:
    return read_tariff("t.toml", TARIFF)


def said(lines: tuple[Charge, ...]) -> list[tuple[Clause, int, Decimal]]:
    return [(line.clause, line.quantity, line.amount) for line in lines]


GRID = 300_000
steps = st.fixed_dictionaries(
    {
        "start": st.integers(0, 20 * 12),
        "setup": st.integers(0, 12),
        "run": st.integers(1, 36),
        "stop": st.integers(0, 5),
        "pieces": st.integers(0, 300),
        "gas_l": st.integers(0, 900),
    }
)


@given(n=steps)
def test_a_job_costs_what_was_estimated(n: dict[str, int], tariff: Tariff, make: SimpleNamespace) -> None:
    """In steps of five minutes, over the evening and over midnight; cut as a meter cuts it."""
    begin = make.midnight + n["start"] * GRID
    counted = {"produced": n["pieces"], "scrap": n["pieces"] // 10, "gas_l": n["gas_l"]}
    job = Job(
        tenant="hongye",
        order_id="A-1",
        kind="knit",
        machine="knit-01",
        start=begin,
        setup_ms=n["setup"] * GRID,
        run_ms=n["run"] * GRID,
        stops_ms=(n["stop"] * GRID,) if n["stop"] else (),
        quantities=counted,
    )
    found = estimate(job, tariff, ZONE)
    case = Case(period=(found.period.start, found.period.end))
    case.leases.append(make.lease(begin - 1, "L1", "hongye", "A-1"))
    whose = {"tenant": "hongye", "order_id": "A-1", "lease_id": "L1"}
    slots = [{"setup_ms": GRID}] * n["setup"] + [{}] * n["run"] + [{"stop_tenant_ms": GRID}] * n["stop"]
    for number, times in enumerate(slots):
        first, is_last = begin + number * GRID, number == n["setup"] + n["run"] - 1
        more = {**whose, **times, "sequence": number, "measured": "gas_l,produced,rework,scrap"}
        counts = counted if is_last else {}
        case.intervals.append(make.interval(first, first + GRID, quantities=counts, **more))
    if n["stop"]:
        since = begin + (n["setup"] + n["run"]) * GRID
        case.transitions.append(make.span(since, since + n["stop"] * GRID, sequence=999, **whose))
    (statement,) = rated(case, tariff).statements
    assert said(statement.charges) == said(found.charges)


def test_electricity_is_estimated_over_the_hours_that_are_given(
    tariff: Tariff, make: SimpleNamespace
) -> None:
    """14 kWh from 20 to 24, half of it at night, and 18 kWh from 0 to 6, of a job from 20:00 to 6:00."""
    hours = (Hours(start=20 * 60, end=24 * 60, wh=14_000), Hours(start=0, end=360, wh=18_000))
    job = Job(tenant="a", order_id="A-1", kind="knit", start=make.at("20:00"), run_ms=10 * HOUR, hours=hours)
    lines = [line for line in estimate(job, tariff, ZONE).charges if line.clause is Clause.ENERGY]
    assert [(line.part.en, line.quantity, line.price, line.amount) for line in lines] == [
        ("day", 7_000, Decimal("0.930"), Decimal("6.51")),
        ("night", 25_000, Decimal("0.370"), Decimal("9.25")),
    ]


def test_hours_that_the_job_does_not_meet_are_of_its_first_day(tariff: Tariff, make: SimpleNamespace) -> None:
    hours = (Hours(start=0, end=60, wh=1_000),)
    job = Job(tenant="a", order_id="A-1", kind="knit", start=make.at("8:00"), run_ms=HOUR, hours=hours)
    (line,) = [line for line in estimate(job, tariff, ZONE).charges if line.clause is Clause.ENERGY]
    assert (line.part.en, line.quantity) == ("night", 1_000)


def test_what_depends_on_the_rest_of_a_month_is_left_out_and_named(make: SimpleNamespace) -> None:
    monthly = 'base = [{ per = "month", price = "30.00" }]\ncap = [{ per = "month", amount = "1.00" }]\n'
    job = Job(tenant="a", order_id="A-1", kind="knit", start=make.at("8:00"), run_ms=HOUR)
    found = estimate(job, read_tariff("t.toml", HEAD + monthly + PRICES + NIGHT), ZONE)
    assert found.left_out == ("base.month", "cap.month")
    assert {line.clause for line in found.charges} == {Clause.RUN, Clause.MINIMUM}


def test_a_machine_with_a_price_of_its_own_is_estimated_at_it(make: SimpleNamespace) -> None:
    everybody = '{ kind = "*", class = "run", per_hour = "1" }'
    alone = '{ machine = "knit-09", class = "run", per_hour = "2" }'
    of = read_tariff("t.toml", f"{HEAD}rate = [{everybody}, {alone}]")
    for machine, amount in (("knit-09", "2.00"), ("knit-10", "1.00")):
        job = Job(tenant="a", order_id="A", kind="knit", machine=machine, start=make.at("8:00"), run_ms=HOUR)
        assert [str(line.amount) for line in estimate(job, of, ZONE).charges] == [amount]
