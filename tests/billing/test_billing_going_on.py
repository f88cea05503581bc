"""Orders and leases that run on from one period into the next, over a real store: rules go on with them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from billing.config import Settings
from billing.run import assess
from billing.statement import Named
from billing.tariff_file import read_tariff
from contract.series import row_of
from store.config import SqliteConfig
from store.opening import open_store
from store.protocol import Store

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
HEAD = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(SqliteConfig(kind="sqlite", path=tmp_path / "store.db")) as opened:
        yield opened


@pytest.fixture
def billed(store: Store, make: SimpleNamespace) -> Callable[..., Any]:
    """The lines of a period in hours; 0 is the midnight of the case."""

    async def run(tariff: str, first: float, last: float, *facts: Any) -> list[str]:
        await store.write([row_of(fact) for fact in facts])
        settings = Settings(
            site=Named(id=make.site),
            timezone="Asia/Shanghai",
            store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
            tariff=read_tariff("t.toml", HEAD + tariff),
        )
        start, end = (make.midnight + int(hours * HOUR) for hours in (first, last))
        found = await assess(store, settings, start, end, now=make.midnight + 9 * DAY)
        lines = [line for statement in found.statements for line in statement.charges]
        return [f"{line.order_id} {line.clause} {line.amount}" for line in lines]

    return run


@pytest.fixture
def used(make: SimpleNamespace) -> Callable[..., Any]:
    """An interval of A-1 by Hongye, from and to in hours."""

    def interval(first: float, last: float, **more: Any) -> Any:
        start, end = (make.midnight + round(hours * HOUR) for hours in (first, last))
        fields = {"tenant": "hongye", "order_id": "A-1", "sequence": int(first * 60) + 10_000, **more}
        return make.interval(start, end, **fields)

    return interval


FREE = 'rate = [{ kind = "*", class = "run", per_hour = "60.00", free_s = 600, each = "EACH" }]\n'


@pytest.mark.parametrize("each", ["lease", "order", "machine"])
async def test_free_minutes_are_given_once_however_often_a_bill_is_made(
    each: str, billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """8 min before midnight, 6 after it: 14 in all, 4 of them beyond the free ones."""
    lease = make.lease(make.midnight - 2 * HOUR, "L1", "hongye", "A-1")
    before, after = used(-8 / 60, 0, lease_id="L1"), used(0, 6 / 60, lease_id="L1")
    tariff = FREE.replace("EACH", each)
    assert await billed(tariff, -24, 0, lease, before, after) == []
    assert await billed(tariff, 0, 24) == ["A-1 run 4.00"]
    assert await billed(tariff, -24, 24) == ["A-1 run 4.00"]


async def test_what_a_lease_used_is_looked_for_back_to_its_beginning(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Three days before, which no order has to have been announced for."""
    lease = make.lease(make.midnight - 3 * DAY, "L1", "hongye")
    rows = [used(-71, -70, lease_id="L1", order_id="none"), used(0, 6 / 60, lease_id="L1", order_id="none")]
    assert await billed(FREE.replace("EACH", "lease"), 0, 24, lease, *rows) == ["none run 6.00"]


async def test_another_lease_of_the_same_order_is_another_use(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    leases = [
        make.lease(make.midnight - 2 * HOUR, "L1", "hongye", "A-1"),
        make.lease(make.midnight, "L2", "hongye", "A-1"),
    ]
    rows = [used(-1, 0, lease_id="L1"), used(0, 12 / 60, lease_id="L2")]
    assert await billed(FREE.replace("EACH", "lease"), 0, 24, *leases, *rows) == ["A-1 run 2.00"]


STOPS = """
[[rate]]
kind = "*"
class = "stop_tenant"
per_hour = "60.00"
grace_s = 0
free_s = 600
each = "order"
"""


async def test_a_stop_over_midnight_has_its_part_on_either_side(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Ten minutes of an order's stops are free; 8 lie before midnight, 5 after: 3 are charged."""
    rows = [used(-8 / 60, 0, stop_tenant_ms=8 * MINUTE), used(0, 5 / 60, stop_tenant_ms=5 * MINUTE)]
    about = {"tenant": "hongye", "order_id": "A-1", "since": make.midnight - 8 * MINUTE}
    spans = [
        make.span(make.midnight - 8 * MINUTE, make.midnight, sequence=1, **about),
        make.span(make.midnight, make.midnight + 5 * MINUTE, sequence=2, **about),
    ]
    assert await billed(STOPS, 0, 24, *rows, *spans) == ["A-1 stop_tenant 3.00"]


async def test_stops_that_the_host_caused_use_nothing_up(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Eight minutes before midnight were the host's: of the tenant's eleven after it ten are free."""
    rows = [used(-8 / 60, 0, stop_host_ms=8 * MINUTE), used(0, 11 / 60, stop_tenant_ms=11 * MINUTE)]
    about = {"tenant": "hongye", "order_id": "A-1"}
    spans = [
        make.span(make.midnight - 8 * MINUTE, make.midnight, sequence=1, party="host", **about),
        make.span(make.midnight, make.midnight + 11 * MINUTE, sequence=2, **about),
    ]
    assert await billed(STOPS, 0, 24, *rows, *spans) == ["A-1 stop_tenant 1.00"]


LEAST = 'minimum = [{ per = "order", amount = "60.00" }]\n'
KINDS = """
rate = [
  { kind = "knit", class = "run", per_hour = "40.00" },
  { kind = "weld", class = "run", per_hour = "30.00" },
]
"""


async def test_a_minimum_counts_what_the_order_came_to_on_machines_of_any_kind(
    billed: Callable[..., Any], used: Callable[..., Any]
) -> None:
    """An hour of knitting at 40.00, topped up by 20.00; then one of welding: 70.00, and the 20.00 go back."""
    rows = [used(-2, -1, machine="knit-01"), used(1, 2, machine="weld-01")]
    assert await billed(KINDS + LEAST, -24, 0, *rows) == ["A-1 run 40.00", "A-1 minimum 20.00"]
    assert await billed(KINDS + LEAST, 0, 24) == ["A-1 run 30.00", "A-1 minimum -20.00"]


async def test_what_an_order_came_to_has_its_rush_surcharge(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """An hour at 40.00 and half of it for the rush are 60.00: nothing was topped up, nothing goes back."""
    rush = 'surcharge = [{ id = "rush", of = ["run"], due_within_h = 48, percent = "50" }]\n'
    order = make.order("A-1", "hongye", make.midnight - DAY, due=make.midnight)
    rows = [used(-2, -1, machine="knit-01"), used(1, 2, machine="knit-01")]
    lines = await billed(KINDS + rush + LEAST, 0, 24, order, *rows)
    assert lines == ["A-1 run 40.00", "A-1 surcharge 20.00"]


LOT = """
[[piece]]
kind = "*"
basis = "good"
tiered = "volume"
tiers = [{ up_to = "9", price = "2" }, { price = "1" }]
"""


async def test_what_inspection_took_away_later_is_not_in_the_lot(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Eight and two are ten, which cost 1.00 each; when one of the eight was bad, nine cost 2.00 each."""
    rows = [
        used(-2, -1, quantities={"produced": 8}),
        used(1, 2, quantities={"produced": 2}),
    ]
    assert await billed(LOT, 0, 24, *rows) == ["A-1 good 2.00", "A-1 good -8.00"]
    bad = make.quality(make.midnight - 90 * MINUTE, tenant="hongye", order_id="A-1", scrap=1)
    assert await billed(LOT, 0, 24, bad) == ["A-1 good 4.00"]


BOOKED = """
[[reservation]]
kind = "*"
per_hour = "60.00"
unused_percent = "50"
no_show_percent = "100"
"""


async def test_whether_anybody_came_is_known_when_the_booking_is_over(
    billed: Callable[..., Any], used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Two hours before midnight were charged as unused; an hour after it says that nobody came at all."""
    booked = [
        make.lease(make.midnight - 2 * HOUR, "L1", "hongye", "A-1", issued=make.midnight - DAY),
        make.lease(make.midnight + HOUR, "E1", issued=make.midnight - DAY + 1),
    ]
    idle = [used(-2, 0, lease_id="L1", idle_ms=2 * HOUR), used(0, 1, lease_id="L1", idle_ms=HOUR)]
    assert await billed(BOOKED, -24, 0, *booked, *idle) == ["A-1 unused 60.00"]
    assert await billed(BOOKED, 0, 24) == ["A-1 no_show 60.00", "A-1 no_show 60.00"]
    assert await billed(BOOKED, -24, 24) == ["A-1 no_show 180.00"]


VERSIONS = {
    "t1.toml": ("2026-01-01", "2026-11-22", "8.00", "150.00"),
    "t2.toml": ("2026-11-23", None, "9.00", "MINIMUM"),
}
PRICES = """
[[rate]]
kind = "*"
class = "run"
per_hour = "{0}"

[[minimum]]
per = "order"
amount = "{1}"
"""


@pytest.mark.parametrize(
    ("minimum", "later"),
    [
        # 7.5 h at 8.00, 60.00, was topped up by 90.00; 10 h at 9.00 make it 150.00: all of that goes back
        ("150.00", ["A-1 run 90.00", "A-1 minimum -90.00"]),
        # the second version wants 200.00: 50.00 are still missing, so 40.00 go back
        ("200.00", ["A-1 run 90.00", "A-1 minimum -40.00"]),
    ],
)
async def test_what_an_order_came_to_before_prices_changed_is_what_was_billed_then(
    minimum: str, later: list[str], store: Store, used: Callable[..., Any], make: SimpleNamespace
) -> None:
    """The case's midnight is the one on which the prices change."""
    versions = []
    for valid_from, valid_to, *prices in VERSIONS.values():
        until = f"valid_to = {valid_to}\n" if valid_to else ""
        text = PRICES.format(*prices).replace("MINIMUM", minimum)
        head = f'id = "t"\nversion = "{valid_from}"\ncurrency = "CNY"\nvalid_from = {valid_from}\n{until}'
        versions.append(read_tariff("t.toml", head + text))
    settings = Settings(
        site=Named(id=make.site),
        timezone="Asia/Shanghai",
        store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
        tariff=versions[-1],
        versions={"": tuple(versions)},
    )
    change = make.midnight + DAY
    facts = [make.order("A-1", "hongye", issued=make.midnight), used(8, 15.5), used(24, 34)]
    await store.write([row_of(fact) for fact in facts])
    found = []
    for start, end in ((make.midnight, change), (change, change + DAY)):
        bill = await assess(store, settings, start, end, now=make.midnight + 9 * DAY)
        found.append(
            [f"{each.order_id} {each.clause} {each.amount}" for s in bill.statements for each in s.charges]
        )
    assert found == [["A-1 run 60.00", "A-1 minimum 90.00"], later]
