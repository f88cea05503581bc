"""Every folder under cases/ is stored rows, a tariff, and what a person worked out by hand."""

from fractions import Fraction
from pathlib import Path

from billing import figures, money
from billing.charge import Charge
from billing.findings import Rule
from billing.money import shown_down
from billing.suspense import Item
from tests.billing.case_rating import assessed


def _hours(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    tail = f".{rest:03}".rstrip("0") if rest else ""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}{tail}"


def _charge(charge: Charge) -> str:
    quantity = _hours(charge.quantity) if figures.is_hourly(charge) else str(figures.quantity(charge))
    coverage = shown_down(Fraction(100 * charge.known_ms, charge.busy_ms), 2) if charge.busy_ms else "-"
    whose = f"{charge.tenant} {charge.order_id} {charge.kind}"
    return f"{whose} {charge.clause} {quantity} {charge.price} {charge.amount} {coverage}"


def _item(item: Item, midnight: int) -> str:
    start, end = (_hours(at - midnight).removesuffix(":00") for at in (item.start, item.end))
    return f"{item.machine} {start} {end} {item.doubt}"


def test_the_lines_are_those_that_a_person_worked_out(case_folder: Path) -> None:
    assessment, case = assessed(case_folder)
    lines = [_charge(charge) for statement in assessment.statements for charge in statement.charges]
    assert lines == case.expected.get("charge", [])


def test_the_totals_are_those_that_a_person_worked_out(case_folder: Path) -> None:
    assessment, case = assessed(case_folder)
    totals = [f"{statement.tenant.id} {statement.total}" for statement in assessment.statements]
    assert totals == case.expected.get("total", [])
    taxes = [
        f"{statement.tenant.id} {tax.percent} {tax.net} {tax.tax} {tax.gross}"
        for statement in assessment.statements
        for tax in statement.taxes
    ]
    assert taxes == case.expected.get("tax", [])


def test_what_waits_for_a_person_is_listed(case_folder: Path) -> None:
    assessment, case = assessed(case_folder)
    assert [_item(item, case.midnight) for item in assessment.suspense] == case.expected.get("suspense", [])
    assert [_item(item, case.midnight) for item in assessment.disputed] == case.expected.get("disputed", [])


def test_what_must_be_looked_at_is_found(case_folder: Path) -> None:
    assessment, case = assessed(case_folder)
    found = [f"{finding.rule} {finding.machine}" for finding in assessment.findings]
    assert sorted(found) == sorted(case.expected.get("finding", [])), list(Rule)


def test_every_line_names_the_records_behind_it(case_folder: Path) -> None:
    assessment, _ = assessed(case_folder)
    for statement in assessment.statements:
        unused = statement.whole.total_ms == 0  # a base fee is due whether or not anything was used
        assert unused or all(charge.records for charge in statement.charges)


def test_every_line_adds_up_from_what_it_says(case_folder: Path) -> None:
    """The amount from quantity, price and factor; the quantity from its machines; the tax from the net."""
    assessment, _ = assessed(case_folder)
    for statement in assessment.statements:
        for line in statement.charges:
            exact = Fraction(figures.quantity(line)) * Fraction(line.price) * line.factor
            assert abs(exact - Fraction(line.amount)) <= Fraction(1, 200)
            assert sum(line.machines.values()) in {line.quantity, 0, money.fens(line.amount)}
            assert line.net + line.tax == line.gross
            assert line.amount == (line.gross if statement.heading.tariff.is_gross else line.net)
        ids = [line.id for line in statement.charges]
        assert len(set(ids)) == len(ids)
