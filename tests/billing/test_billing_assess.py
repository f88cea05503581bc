"""An assessment over a real store: what is read, at which edges, and what becomes of rows nobody can read."""

from collections.abc import AsyncIterator, Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from billing.attribution import Doubt
from billing.config import Settings
from billing.findings import Rule
from billing.progress import Read
from billing.report import By
from billing.run import assess
from billing.statement import Assessment, Named, Statement
from billing.tariff_file import read_tariff
from contract.complaint import BadConfigurationError
from contract.facts import Quarantined
from contract.records import Loss, LossReason, MeterReason
from contract.series import USAGE, Row, row_of
from contract.states import Party, State
from store.config import SqliteConfig
from store.opening import open_store
from store.protocol import Store

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
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(SqliteConfig(kind="sqlite", path=tmp_path / "store.db")) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, make: SimpleNamespace) -> Settings:
    return Settings(
        site=Named(id=make.site),
        timezone="Asia/Shanghai",
        store=SqliteConfig(kind="sqlite", path=tmp_path / "store.db"),
        tariff=read_tariff("t.toml", TARIFF),
        tenants=(Named(id="hongye"),),
    )


@pytest.fixture
def assessed(store: Store, settings: Settings, make: SimpleNamespace) -> Callable[..., Any]:
    async def run(facts: Sequence[Any], start: str = "0:00", end: str = "24:00", **more: Any) -> Assessment:
        await store.write([row_of(fact) if not isinstance(fact, Row) else fact for fact in facts])
        now = more.pop("now", make.at(end))
        return await assess(store, settings, make.at(start), make.at(end), now=now, **more)

    return run


WHOSE = {"tenant": "hongye", "order_id": "A-1", "lease_id": "L1"}


async def test_an_interval_belongs_to_the_period_in_which_it_begins(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [
        make.lease(make.at("0:00"), tenant="hongye"),
        make.interval(make.at("7:58"), make.at("8:03"), sequence=1, **WHOSE),
        make.interval(make.at("8:03"), make.at("8:08"), sequence=2, **WHOSE),
    ]
    early = await assessed(facts, "7:00", "8:00")
    late = await assessed([], "8:00", "9:00")
    assert [s.charges[0].quantity for s in (*early.statements, *late.statements)] == [300_000, 300_000]


async def test_a_stop_over_the_edge_is_shared_by_both_periods_to_the_millisecond(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """Its row stands at its end, in the second period; the first finds it all the same."""
    facts = [
        make.lease(make.at("0:00"), tenant="hongye"),
        make.interval(make.at("7:50"), make.at("8:00"), sequence=1, stop_tenant_ms=600_000, **WHOSE),
        make.interval(make.at("8:00"), make.at("8:10"), sequence=2, stop_tenant_ms=600_000, **WHOSE),
        make.span(make.at("7:50"), make.at("8:10"), sequence=3, **WHOSE),
    ]
    early = await assessed(facts, "7:50", "8:00")
    late = await assessed([], "8:00", "8:10")
    for part in (early, late):
        (charge,) = part.statements[0].charges
        assert (charge.clause, charge.quantity) == ("stop_tenant", 600_000)
        assert charge.records == ("knit-01/e1/3",)
        assert part.findings == ()


async def test_a_stop_that_began_before_the_period_and_goes_on_is_known_to_be_open(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    running = make.span(make.at("7:00"), make.at("7:30"), state=State.RUN, party=Party.NONE)
    facts = [
        make.lease(make.at("0:00"), tenant="hongye"),
        msgspec.structs.replace(running, state=State.STOP, party=Party.TENANT),
        make.interval(make.at("8:00"), make.at("9:00"), sequence=2, stop_tenant_ms=HOUR, **WHOSE),
    ]
    found = await assessed(facts, "8:00", "9:00")
    assert [finding.rule for finding in found.findings] == [Rule.OPEN_STOP]
    assert found.statements[0].charges == ()


async def test_leases_count_however_long_ago_or_late_they_were_issued(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [
        make.lease(make.at("0:00"), tenant="hongye", issued=5, heard=5),
        make.interval(make.at("8:00"), make.at("9:00"), **WHOSE),
    ]
    assert (await assessed(facts)).statements[0].tenant.id == "hongye"


async def test_what_was_used_without_money_has_a_statement_too(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [
        make.lease(make.at("0:00"), tenant="hongye"),
        make.interval(make.at("8:00"), make.at("9:00"), idle_ms=HOUR, **WHOSE),
    ]
    (statement,) = (await assessed(facts)).statements
    assert (statement.charges, str(statement.total), statement.whole.idle_ms) == ((), "0.00", HOUR)


async def test_the_digest_follows_the_inputs_and_nothing_else(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    lease = make.lease(make.at("0:00"), tenant="hongye")
    first = make.interval(make.at("8:00"), make.at("9:00"), **WHOSE, digest="a" * 64)
    before = (await assessed([lease, first])).heading.digest
    later = await assessed([make.lease(make.at("30:00"), "L2", "rongda")], now=make.at("48:00"))
    assert later.heading.digest == before
    second = make.interval(make.at("9:00"), make.at("9:05"), sequence=2, **WHOSE, digest="b" * 64)
    assert (await assessed([second])).heading.digest != before


async def test_a_row_that_cannot_be_read_is_a_finding(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    good = row_of(make.interval(make.at("8:00"), make.at("9:00"), **WHOSE))
    bad = Row(
        series=USAGE.name,
        time=make.at("9:00"),
        tags=good.tags,
        fields={**good.fields, "run_ms": "much", "sequence": 9, "sequence_first": 9},
    )
    found = await assessed([make.lease(make.at("0:00"), tenant="hongye"), good, bad], "8:00", "9:00")
    assert Rule.UNREADABLE not in {finding.rule for finding in found.findings}
    whole = await assessed([], "8:00", "10:00")
    assert Rule.UNREADABLE in {finding.rule for finding in whole.findings}
    assert whole.statements[0].total == found.statements[0].total


async def test_losses_new_epochs_and_conflicts_are_reported(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    of = {"site": make.site, "area": "hall-1", "machine": "knit-01", "kind": "knit", "gateway": "gw-1"}
    loss = Loss(
        **of,
        epoch="e1",
        sequence=5,
        sequence_first=1,
        start=make.at("8:00"),
        end=make.at("9:00"),
        records=5,
        reason=LossReason.OUTBOX_FULL,
    )
    again = {"reason": MeterReason.STATE_LOST, "previous_epoch": "e1"}
    meter = make.meter(make.at("9:00"), epoch="e2", **again)
    refused = Quarantined(
        site=make.site,
        gateway="gw-1",
        received=make.at("9:30"),
        batch="0" * 64,
        part=0,
        parts=1,
        machine="knit-01",
        epoch="e1",
        sequence=4,
        reason="conflict",
        detail="other content",
        payload="{}",
        replayed=0,
    )
    found = await assessed([loss, meter, refused])
    assert [finding.rule for finding in found.findings] == [Rule.CONFLICT, Rule.EDGE, Rule.EPOCH, Rule.LOSS]


async def test_a_dead_gateway_is_not_fully_covered(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """One hour of a day was heard of one machine, nothing of the other."""
    hour = make.interval(make.at("0:00"), make.at("1:00"), **WHOSE)
    facts = [make.meter(make.at("0:00")), make.meter(make.at("0:00") - 1, machine="knit-02"), hour]
    found = await assessed([make.lease(make.at("0:00"), tenant="hongye"), *facts], now=make.at("48:00"))
    by_machine = [(row.name, row.coverage, row.availability) for row in found.report(By.MACHINE)]
    assert by_machine == [("knit-01", Fraction(1, 24), None), ("knit-02", 0, None)]
    assert [finding.rule for finding in found.findings] == [Rule.EDGE, Rule.EDGE, Rule.UNWITNESSED]


async def test_what_has_not_happened_yet_is_not_missing(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    hour = make.interval(make.at("0:00"), make.at("1:00"), **WHOSE)
    facts = [make.lease(make.at("0:00"), tenant="hongye"), make.meter(make.at("0:00")), hour]
    (row,) = (await assessed(facts, now=make.at("1:00"))).report(By.MACHINE)
    assert (row.coverage, row.availability) == (1, 1)
    (row,) = (await assessed([], now=make.at("1:15"))).report(By.MACHINE)
    assert row.coverage == Fraction(4, 5)


async def test_another_site_in_the_same_store_is_not_billed(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    other = make.interval(make.at("8:00"), make.at("9:00"), site="anping", tenant="hongye")
    assert (await assessed([other])).statements == ()


async def test_progress_ends_with_the_whole(assessed: Callable[..., Any], make: SimpleNamespace) -> None:
    steps: list[Read] = []
    intervals = [
        make.interval(make.at("0:00") + n * 60_000, make.at("0:00") + (n + 1) * 60_000, sequence=n)
        for n in range(1200)
    ]
    await assessed(intervals, progress=steps.append)
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert [step.rows for step in steps] == [1000, 1200, 1200]
    assert (steps[-1].done, steps[-1].days, steps[-1].share) == (1, 1, 1)


async def test_a_period_that_the_tariff_does_not_cover_is_not_billed(
    assessed: Callable[..., Any], settings: Settings, store: Store
) -> None:
    with pytest.raises(BadConfigurationError, match=r"holds from 2026-01-01 to further notice"):
        await assess(store, settings, 0, HOUR, now=HOUR)


async def test_a_statement_made_before_its_period_is_over_says_so(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    assert (await assessed([], now=make.at("23:59"))).heading.is_preliminary
    assert not (await assessed([])).heading.is_preliminary


async def test_a_finding_names_the_billed_machines_whose_panel_nobody_compared(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """A witness of other meanings, or of another controller, is none of this one."""
    day = make.at("0:00")
    knit = [make.interval(day, make.at("24:00"), machine=f"knit-0{n}", **WHOSE) for n in range(1, 6)]
    facts = [
        *(make.lease(day, f"L{n}", "hongye", machine=f"knit-0{n}") for n in range(1, 5)),
        *(make.meter(day, machine=f"knit-0{n}") for n in range(1, 6)),
        make.witness(day, machine="knit-01"),
        make.witness(day, machine="knit-02", profile_digest="y"),
        make.witness(day, machine="knit-03", serial=2),
    ]
    leased = [msgspec.structs.replace(one, lease_id=f"L{n}") for n, one in enumerate(knit, 1)]
    found = await assessed([*facts, *leased[:4], msgspec.structs.replace(leased[4], tenant="none")])
    (finding,) = [each for each in found.findings if each.rule is Rule.UNWITNESSED]
    assert finding.text.endswith("with what is metered: knit-02, knit-03, knit-04")
    assert not [item for item in found.suspense if item.machine != "knit-05"]


async def test_where_it_is_demanded_such_usage_waits_until_somebody_has_compared_it(
    store: Store, settings: Settings, make: SimpleNamespace
) -> None:
    day, night = make.at("0:00"), make.at("24:00")
    strict = msgspec.structs.replace(settings, require_witness=True)
    usage = make.interval(day, night, **WHOSE)
    await store.write([row_of(fact) for fact in (make.meter(day), make.lease(day, tenant="hongye"), usage)])
    before = await assess(store, strict, day, night, now=night)
    assert before.statements == ()
    assert [item.doubt for item in before.suspense] == [Doubt.NO_WITNESS]
    await store.write([row_of(make.witness(night))])
    after = await assess(store, strict, day, night, now=night)
    assert [statement.tenant.id for statement in after.statements] == ["hongye"]
    assert after.suspense == ()
    assert after.heading.digest != before.heading.digest


async def test_of_a_day_that_is_not_over_only_a_long_silence_is_a_finding(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    """The agents' grid is five minutes: a machine's latest record is always some minutes old."""
    facts = [
        make.meter(make.at("0:00")),
        make.meter(make.at("0:00"), machine="knit-02"),
        make.interval(make.at("0:00"), make.at("9:55"), sequence=1),
        make.interval(make.at("0:00"), make.at("9:40"), sequence=1, machine="knit-02"),
    ]
    day = await assessed(facts, now=make.at("9:59"))
    assert [(each.rule, each.machine) for each in day.findings] == [(Rule.EDGE, "knit-02")]
    over = await assessed([])
    assert {each.machine for each in over.findings if each.rule is Rule.EDGE} == {"knit-01", "knit-02"}


async def test_statements_are_handed_over_one_by_one_and_summed_all_the_same(
    assessed: Callable[..., Any], make: SimpleNamespace
) -> None:
    facts = [
        make.lease(make.at("0:00"), tenant="hongye"),
        make.interval(make.at("8:00"), make.at("8:05"), sequence=1, **WHOSE),
        make.lease(make.at("0:00"), "L9", tenant="rongda", machine="knit-09"),
        make.interval(
            make.at("8:00"), make.at("8:05"), machine="knit-09", sequence=1, tenant="rongda", lease_id="L9"
        ),
    ]
    taken = list[Statement]()
    kept = await assessed(facts)
    found = await assessed([], take=taken.append, reports=(By.TENANT,))
    assert tuple(taken) == kept.statements
    assert (found.statements, [*found.reports]) == ((), [By.TENANT])
    assert found.dues == kept.dues
    assert [(each.tenant.id, each.total) for each in found.dues] == [(s.tenant.id, s.total) for s in taken]
    assert (found.revenue, found.findings) == (kept.revenue, kept.findings)
