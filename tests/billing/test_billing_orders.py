"""Orders that run on from one period into the next, over a real store: what is charged only once."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from billing.config import Settings
from billing.findings import Rule
from billing.run import assess
from billing.statement import Assessment, Named
from billing.tariff_file import read_tariff
from contract.series import row_of
from store.config import SqliteConfig
from store.opening import open_store
from store.protocol import Store

DAY = 86_400_000
HEAD = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
FEE = 'setup_fee = [{ kind = "*", price = "25.00" }]\n'
RUN = 'rate = [{ kind = "*", class = "run", per_hour = "12.00" }]\n'
BOOKED = (
    'reservation = [{ kind = "*", per_hour = "60.00", no_show_percent = "100", unused_percent = "50" }]\n'
)
LEAST = 'minimum = [{ per = "order", amount = "60.00" }]\n'


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(SqliteConfig(kind="sqlite", path=tmp_path / "store.db")) as opened:
        yield opened


@pytest.fixture
def billed(store: Store, make: SimpleNamespace) -> Callable[..., Any]:
    """Gives the lines of a day; the first is day 0."""

    async def run(
        tariff: str, day: int, facts: Any = (), *, lookback_days: int = 31, now: float = 9
    ) -> list[str]:
        await store.write([row_of(fact) for fact in facts])
        found = await assessed(tariff, day, lookback_days=lookback_days, now=now)
        lines = [line for statement in found.statements for line in statement.charges]
        return [f"{line.order_id} {line.clause} {line.amount}" for line in lines]

    async def assessed(tariff: str, day: int, *, lookback_days: int, now: float) -> Assessment:
        settings = Settings(
            site=Named(id=make.site),
            timezone="Asia/Shanghai",
            store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
            tariff=read_tariff("t.toml", HEAD + tariff),
            lookback_ms=lookback_days * DAY,
        )
        start = make.midnight + day * DAY
        return await assess(store, settings, start, start + DAY, now=make.midnight + int(now * DAY))

    run.assessed = assessed  # type: ignore[attr-defined]
    return run


def work(make: SimpleNamespace, day: int, hours: float = 1, **more: Any) -> Any:
    """An hour of A-1 on a day, with a piece."""
    start = make.midnight + day * DAY + 8 * 3_600_000
    fields = {
        "tenant": "hongye",
        "order_id": "A-1",
        "quantities": {"produced": 1},
        "sequence": day + 10,
        **more,
    }
    return make.interval(start, start + int(hours * 3_600_000), **fields)


async def test_a_setup_fee_is_charged_in_the_period_in_which_the_order_begins(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [work(make, 0), work(make, 1), work(make, 5)]
    assert await billed(FEE, 0, facts) == ["A-1 setup_fee 25.00"]
    assert await billed(FEE, 1) == []
    assert await billed(FEE, 5) == []


async def test_an_order_whose_machine_only_idled_before_begins_now(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    idle = {"idle_ms": 3_600_000, "quantities": {}}
    assert await billed(FEE, 1, [work(make, 0, **idle), work(make, 1)]) == ["A-1 setup_fee 25.00"]


async def test_the_same_order_on_another_kind_of_machine_is_set_up_again(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [work(make, 0), work(make, 1, machine="weld-01")]
    assert await billed(FEE, 1, facts) == ["A-1 setup_fee 25.00"]


async def test_it_is_not_looked_further_back_than_the_configuration_says(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [work(make, 0), work(make, 5)]
    assert await billed(FEE, 5, facts, lookback_days=3) == ["A-1 setup_fee 25.00"]


async def test_nothing_of_an_announced_order_is_older_than_a_day_before_its_announcement(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Whoever announces an order of that name anew means another job."""
    facts = [work(make, 0), work(make, 5), make.order("A-1", "hongye", make.midnight + 5 * DAY)]
    assert await billed(FEE, 5, facts) == ["A-1 setup_fee 25.00"]
    early = [make.order("A-1", "hongye", make.midnight - DAY)]
    assert await billed(FEE, 5, early) == []


async def test_an_announced_order_is_looked_for_as_long_as_it_was_announced(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [work(make, 0), work(make, 5), make.order("A-1", "hongye", make.midnight - DAY)]
    assert await billed(FEE, 5, facts, lookback_days=3) == []


async def test_a_correction_of_the_past_counts_when_it_is_looked_back(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [work(make, 0, order_id="X-9"), work(make, 1)]
    assert await billed(FEE, 1, facts) == ["A-1 setup_fee 25.00"]
    decided = make.correction(make.midnight, make.midnight + DAY, "A-1", field="order_id")
    whose = make.correction(make.midnight, make.midnight + DAY, "hongye", issued=make.midnight + 1)
    assert await billed(FEE, 1, [decided, whose]) == []


async def test_a_minimum_of_an_order_is_paid_once_over_all_periods(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """1 h, 3 h and 2 h at 12.00: 12.00 and 48.00 on top; 36.00 and -36.00; 24.00 and the last -12.00."""
    facts = [work(make, 0), work(make, 1, 3), work(make, 2, 2)]
    assert await billed(RUN + LEAST, 0, facts) == ["A-1 run 12.00", "A-1 minimum 48.00"]
    assert await billed(RUN + LEAST, 1) == ["A-1 run 36.00", "A-1 minimum -36.00"]
    assert await billed(RUN + LEAST, 2) == ["A-1 run 24.00", "A-1 minimum -12.00"]


async def test_late_results_of_inspection_change_money_and_yield(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    good = 'piece = [{ kind = "*", basis = "good", price = "0.50" }]\n'
    facts = [work(make, 0, quantities={"produced": 10}), make.meter(make.midnight)]
    assert await billed(good, 0, facts) == ["A-1 good 5.00"]
    at = make.midnight + 8 * 3_600_000
    late = make.quality(at, tenant="hongye", order_id="A-1", scrap=3, issued=at + 2 * DAY)
    assert await billed(good, 0, [late]) == ["A-1 good 3.50"]
    found = await billed.assessed(good, 0, lookback_days=31, now=9)  # type: ignore[attr-defined]
    (row,) = found.reports["machine"]
    assert (row.scrap, row.good) == (3, 7)


async def test_a_result_about_nothing_that_was_made_is_a_finding(
    billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    at = make.midnight + 8 * 3_600_000
    facts = [work(make, 0), make.quality(at, tenant="rongda", order_id="Z-1", scrap=3)]
    assert await billed(RUN, 0, facts) == ["A-1 run 12.00"]
    found = await billed.assessed(RUN, 0, lookback_days=31, now=9)  # type: ignore[attr-defined]
    assert [finding.machine for finding in found.findings if finding.rule is Rule.QUALITY] == ["knit-01"]


async def test_before_a_booking_is_over_nobody_can_say_that_nobody_came(
    store: Store, billed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Booked from 8 to 10; at 9 it was idle for an hour, at 10 for two."""
    hour = 3_600_000
    start = make.midnight + 8 * hour
    fields = {"tenant": "hongye", "order_id": "A-1", "lease_id": "L1", "idle_ms": hour}
    booked = {"issued": start - DAY, "heard": start - DAY}
    facts = [
        make.lease(start, "L1", "hongye", "A-1", **booked),
        make.lease(start + 2 * hour, "E1", issued=start - DAY + 1),
        make.interval(start, start + hour, sequence=1, **fields),
    ]
    assert await billed(BOOKED, 0, facts, now=9 / 24) == ["A-1 unused 30.00"]
    later = [make.interval(start + hour, start + 2 * hour, sequence=2, **fields)]
    assert await billed(BOOKED, 0, later, now=10 / 24) == ["A-1 no_show 120.00"]
