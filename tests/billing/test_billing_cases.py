"""Every folder under cases/ is stored rows, a tariff, and what a person worked out by hand."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

from billing.announcements import announcements
from billing.attribution import Books
from billing.charge import Charge
from billing.config import Settings
from billing.corrections import corrections
from billing.findings import Rule
from billing.fold import Fold
from billing.money import shown_down
from billing.period import Period
from billing.run import conclude
from billing.statement import Assessment, Heading, Named
from billing.suspense import Item
from billing.tariff import HOURLY
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from store.config import SqliteConfig


def assessed(folder: Path, make: SimpleNamespace) -> tuple[Assessment, dict[str, list[str]]]:
    case = make.case((folder / "case.txt").read_text("utf-8"))
    tariff = read_tariff(str(folder / "tariff.toml"), (folder / "tariff.toml").read_text("utf-8"))
    books = Books(
        leases=timelines(case.leases),
        orders=announcements(case.orders),
        corrections=corrections(case.corrections),
    )
    start, end = case.period
    fold = Fold(books, start, end)
    for interval in sorted(case.intervals, key=lambda interval: interval.start):
        fold.interval(interval)
    for transition in sorted(case.transitions, key=lambda transition: transition.at):
        fold.transition(transition)
    settings = Settings(
        site=Named(id=make.site),
        timezone="Asia/Shanghai",
        store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
        tariff=tariff,
        tenants=(Named(id="hongye"), Named(id="rongda")),
    )
    heading = Heading(
        site=settings.site,
        timezone=settings.timezone,
        period=Period(start=start, end=end),
        generated=end,
        is_preliminary=False,
        tariff=tariff,
        digest=fold.seal.digest(),
    )
    return conclude(heading, settings, fold.finish(), []), case.expected


def _hours(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    tail = f".{rest:03}".rstrip("0") if rest else ""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}{tail}"


def _charge(charge: Charge) -> str:
    quantity = _hours(charge.quantity) if charge.clause in HOURLY else str(charge.quantity)
    coverage = shown_down(Fraction(100 * charge.known_ms, charge.busy_ms), 2)
    whose = f"{charge.tenant} {charge.order_id} {charge.kind}"
    return f"{whose} {charge.clause} {quantity} {charge.price} {charge.amount} {coverage}"


def _item(item: Item, midnight: int) -> str:
    start, end = (_hours(at - midnight).removesuffix(":00") for at in (item.start, item.end))
    return f"{item.machine} {start} {end} {item.doubt}"


def test_the_lines_are_those_that_a_person_worked_out(case_folder: Path, make: SimpleNamespace) -> None:
    assessment, expected = assessed(case_folder, make)
    lines = [_charge(charge) for statement in assessment.statements for charge in statement.charges]
    assert lines == expected.get("charge", [])


def test_the_totals_are_those_that_a_person_worked_out(case_folder: Path, make: SimpleNamespace) -> None:
    assessment, expected = assessed(case_folder, make)
    totals = [f"{statement.tenant.id} {statement.total}" for statement in assessment.statements]
    assert totals == expected.get("total", [])


def test_what_waits_for_a_person_is_listed(case_folder: Path, make: SimpleNamespace) -> None:
    assessment, expected = assessed(case_folder, make)
    assert [_item(item, make.midnight) for item in assessment.suspense] == expected.get("suspense", [])
    assert [_item(item, make.midnight) for item in assessment.disputed] == expected.get("disputed", [])


def test_what_must_be_looked_at_is_found(case_folder: Path, make: SimpleNamespace) -> None:
    assessment, expected = assessed(case_folder, make)
    found = [f"{finding.rule} {finding.machine}" for finding in assessment.findings]
    assert sorted(found) == sorted(expected.get("finding", [])), list(Rule)


def test_every_line_names_the_records_behind_it(case_folder: Path, make: SimpleNamespace) -> None:
    assessment, _ = assessed(case_folder, make)
    for statement in assessment.statements:
        assert all(charge.records for charge in statement.charges)
