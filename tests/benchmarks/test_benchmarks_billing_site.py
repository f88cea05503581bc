"""The synthetic site that billing is measured on is one that nothing is wrong with."""

from pathlib import Path

from benchmarks.billing_month import build, do
from benchmarks.billing_site import Plan, site
from billing import chains
from billing.config import load
from billing.findings import Rule
from billing.period import Period
from billing.run import assess
from contract.records import Interval, Meter
from contract.series import STATE, USAGE
from store.opening import open_store

PLAN = Plan(machines=6, tenants=3, days=2)


async def test_its_period_has_no_findings_and_its_chains_no_break(tmp_path: Path) -> None:
    build(PLAN, tmp_path)
    settings = load(tmp_path / "billing.toml")
    async with open_store(settings.store, read_only=True) as store:
        found = await assess(store, settings, PLAN.start, PLAN.end, now=PLAN.end)
        period = Period(start=PLAN.start, end=PLAN.end)
        walk = chains.Plan(site="bench", period=period, zone=settings.zone, now=PLAN.end)
        broken = [each for each in (await chains.walked(store, walk)).breaks if each.rule is Rule.CHAIN]
        stored = {series: await store.count(series, 0, PLAN.end + 1) for series in (USAGE, STATE)}
    usual = {Rule.UNPRICED, Rule.OPEN_STOP, Rule.STOP_TABLE}
    assert {finding.rule for finding in found.findings} <= usual
    assert (found.suspense, found.disputed, broken) == ((), (), [])
    made = [fact for cell in site(PLAN) for fact in cell]
    assert stored[USAGE] == sum(isinstance(fact, Interval) for fact in made) >= 6 * 96 * 3
    assert sum(isinstance(fact, Meter) for fact in made) == 6
    assert any(statement.total for statement in found.statements)


def test_a_step_says_what_it_took(tmp_path: Path) -> None:
    build(PLAN, tmp_path)
    for step in ("scan", "rows", "rate"):
        spent = do(step, tmp_path, days=1, jobs=2)
        assert (spent.step, spent.days) == (step, 1)
        assert spent.cpu_s > 0
        assert spent.peak_mb > 1
