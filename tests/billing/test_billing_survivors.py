"""Edges that a careless change of one word would move: each test was written against such a change."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.assign import Decision, corrections_of, find
from billing.attribution import Attribution, Books, Place
from billing.config import Settings
from billing.corrections import corrections
from billing.fold import Fold
from billing.known import Known
from billing.period import Period
from billing.rating import charges
from billing.reading import Reader
from billing.report import By, report
from billing.run import assess
from billing.statement import Named
from billing.tally import Tally
from billing.tariff_file import read_tariff
from billing.writing import write
from contract.facts import Correction
from contract.records import Loss, LossReason
from contract.series import row_of
from store.config import SqliteConfig
from store.opening import open_store

HOUR = 3_600_000
TARIFF = """
id = "t"
version = "1"
currency = "CNY"
valid_from = 2026-01-01
rate = [
  { kind = "*", class = "run", per_hour = "12.00" },
  { kind = "*", class = "stop_tenant", per_hour = "6.00", grace_s = 0 },
]
setup_fee = [{ kind = "*", price = "60.00" }]
"""


@dataclass
class World:
    """A store and settings."""

    store: Any
    settings: Settings

    async def put(self, *facts: Any) -> None:
        await self.store.write([row_of(fact) for fact in facts])


@pytest.fixture
async def world(tmp_path: Any, make: SimpleNamespace) -> Any:
    config = SqliteConfig(kind="sqlite", path=tmp_path / "store.db")
    tariff = read_tariff("t.toml", TARIFF)
    settings = Settings(
        site=Named(id=make.site), timezone="Asia/Shanghai", store=config, tariff=tariff, tolerance_ms=60_000
    )
    async with open_store(config) as store:
        yield World(store, settings)


async def test_a_stop_that_midnight_cuts_belongs_to_the_day_that_ends(
    world: World, make: SimpleNamespace
) -> None:
    """Its row stands at midnight exactly, one instant after the day."""
    await world.put(make.span(make.at("23:00"), make.at("24:00"), tenant="hongye"))
    day = (make.at("0:00"), make.at("24:00"))
    (statement,) = (await assess(world.store, world.settings, *day, now=day[1])).statements
    assert [(charge.clause, charge.quantity) for charge in statement.charges] == [("stop_tenant", HOUR)]


async def test_the_tolerance_is_the_configured_one(world: World, make: SimpleNamespace) -> None:
    half_a_minute_over = make.interval(make.at("8:00"), make.at("8:05"), lease_id="L1", tenant="hongye")
    leases = (make.lease(make.at("7:00"), "L1", "hongye"), make.lease(make.at("8:04:30"), "L2", "rongda"))
    await world.put(half_a_minute_over, *leases)
    found = await assess(world.store, world.settings, make.at("8:00"), make.at("8:05"), now=make.at("9:00"))
    assert [statement.tenant.id for statement in found.statements] == ["hongye"]


async def test_a_loss_before_the_period_is_not_told_again(world: World, make: SimpleNamespace) -> None:
    of = {"site": make.site, "area": "hall-1", "machine": "knit-01", "kind": "knit", "gateway": "gw-1"}
    for epoch, end, told in (("e1", HOUR, 0), ("e2", HOUR + 1, 1)):
        about = {"start": 0, "end": end, "records": 5, "reason": LossReason.CORRUPT}
        await world.put(Loss(**of, epoch=epoch, sequence=5, sequence_first=1, **about))
        assert len(await Reader(world.store, make.site).notices(HOUR, 2 * HOUR, 2 * HOUR)) == told


async def test_facts_of_one_millisecond_are_issued_one_after_the_other(
    world: World, make: SimpleNamespace
) -> None:
    await world.put(make.interval(make.at("8:00"), make.at("8:05")))
    stretch = Period(start=make.at("8:00"), end=make.at("8:05"))
    now, written = make.at("9:00"), list[Correction]()
    for tenant, order_id in (("hongye", None), ("rongda", "B-1")):
        said = {"tenant": tenant, "order_id": order_id, "by": "Li", "why": "x", "period": stretch}
        decision = Decision(machine="knit-01", **said)
        found = await find(world.store, make.site, decision, now)
        written += await write(world.store, corrections_of(decision, tenant, found, make.site, now))
    assert [(fact.new, fact.issued - now) for fact in written] == [("hongye", 0), ("rongda", 1), ("B-1", 2)]


def digest(make: SimpleNamespace, *decided: Correction) -> str:
    fold = Fold(Books(corrections=corrections(decided)), make.at("0:00"), make.at("24:00"))
    fold.interval(make.interval(make.at("8:00"), make.at("8:05"), digest="a" * 64))
    return fold.seal.sealed().digest()


def test_a_decision_changes_the_digest(make: SimpleNamespace) -> None:
    """Also one that changes no figure: the page was made from it."""
    first = make.correction(make.at("8:00"), make.at("9:00"), "hongye", id="C-1", issued=1)
    again = make.correction(make.at("8:00"), make.at("9:00"), "hongye", id="C-2", issued=2)
    assert len({digest(make), digest(make, first), digest(make, first, again)}) == 3


KNOWN = Known(period=Period(start=0, end=86_400_000), zone=ZoneInfo("Asia/Shanghai"))
PAID = Attribution(place=Place.TENANT, tenant="hongye", order_id="A-1")


@pytest.fixture
def tallied(make: SimpleNamespace) -> Callable[..., Any]:
    def tally(attribution: Attribution, *intervals: dict[str, Any]) -> Any:
        total, at = Tally(), make.midnight
        for sequence, fields in enumerate(intervals):
            total.add_interval(make.interval(at, at + HOUR, sequence=sequence, **fields), attribution)
            at += HOUR
        return total.usages()

    return tally


def test_a_counter_that_was_there_only_at_times_measures_nothing(tallied: Callable[..., Any]) -> None:
    (row,) = report(tallied(PAID, {}, {"measured": "produced"}), By.MACHINE)
    assert (row.produced, row.scrap, row.quality_ratio) == (0, None, None)


def test_a_setup_fee_is_for_an_order(tallied: Callable[..., Any]) -> None:
    tariff = read_tariff("t.toml", TARIFF)
    setup = {"setup_ms": HOUR}
    assert [line.clause for line in charges(tallied(PAID, setup), tariff, KNOWN)] == ["setup_fee"]
    nobody_s = Attribution(place=Place.TENANT, tenant="hongye")
    assert charges(tallied(nobody_s, setup), tariff, KNOWN) == []


@pytest.mark.parametrize("place", [Place.SUSPENSE, Place.DISPUTED, Place.UNALLOCATED])
def test_only_what_has_a_payer_is_charged(place: Place, tallied: Callable[..., Any]) -> None:
    assert charges(tallied(Attribution(place=place), {}), read_tariff("t.toml", TARIFF), KNOWN) == []


def test_rework_of_pieces_that_an_earlier_period_counted_is_taken_off_all_the_same(
    tallied: Callable[..., Any],
) -> None:
    text = TARIFF.replace(
        "setup_fee", 'piece = [{ kind = "*", basis = "produced", price = "6", rework = "once" }]\n#'
    )
    usages = tallied(PAID, {"quantities": {"rework": 2}, "idle_ms": HOUR})
    lines = charges(usages, read_tariff("t.toml", text), KNOWN)
    assert [(line.clause, line.quantity, dict(line.machines)) for line in lines] == [
        ("rework", -2, {"knit-01": -2})
    ]
