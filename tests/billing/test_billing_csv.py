"""CSV for spreadsheets and for programs: what stays text, and cells that have their limits."""

import csv
import io
from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest

from billing.attribution import Attribution, Place
from billing.charge import Charge
from billing.clauses import Clause
from billing.render_csv import _order, _records, report_csv, statement_csv
from billing.report import By, report
from billing.tally import Tally
from billing.terms import charged, plainly
from billing.words import HOUR, Words
from tests.billing.case_file import CASES
from tests.billing.case_rating import assessed


def charge(records: tuple[str, ...]) -> Charge:
    terms = plainly(Clause.RUN, Words("Running", "运行"), HOUR)
    about = {"id": "a/007/knit/run", "tenant": "a", "order_id": "007", "kind": "knit", "clause_id": "run"}
    return charged(terms, 1, Decimal(1), **about, records=records)  # type: ignore[arg-type]


RECORDS = [
    (("knit-01/e1/5-288",), "knit-01/e1/5-288"),
    (("knit-01/e1/5", "knit-02/e9/1-3"), "knit-01/e1/5 knit-02/e9/1-3"),
    (("knit-01/e1/5-20", "knit-01/e1/22", "knit-01/e2/7-9"), "knit-01/e1/5-20...e2/7-9(3)"),
]


@pytest.mark.parametrize(("records", "cell"), RECORDS)
def test_a_cell_has_one_range_for_each_machine(records: tuple[str, ...], cell: str) -> None:
    assert _records(charge(records)) == cell


def test_a_month_of_broken_ranges_fits_into_a_cell() -> None:
    """32,767 characters are the most that a spreadsheet takes."""
    many = tuple(f"knit-{m:02}/epoch0/{n}" for m in range(20) for n in range(0, 9000, 2))
    assert len(_records(charge(many))) < 1000


@pytest.mark.parametrize("order_id", ["007", "1E5", "-A1", "-1", "3-4", "MAR1", "1.50", "TRUE"])
def test_an_order_that_a_spreadsheet_would_misread_stays_text_and_comes_back(order_id: str) -> None:
    assert _order(order_id)[0] not in "=+-@0123456789."
    assert _order(order_id)[1:] == order_id
    assert _order("none") == "none"


def test_a_report_by_order_keeps_its_orders_as_text_too(make: SimpleNamespace) -> None:
    tally = Tally()
    tally.add_interval(make.interval(0, 100), Attribution(place=Place.TENANT, tenant="a", order_id="007"))
    tally.add_interval(make.interval(100, 200, sequence=2), Attribution(place=Place.UNALLOCATED))
    lines = csv.DictReader(io.StringIO(report_csv(report(tally.usages(), By.ORDER), By.ORDER)))
    assert [line["order"] for line in lines] == ["(unallocated)", "#007"]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_calculate_stays_a_text(text: str) -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    line = msgspec.structs.replace(
        hongye.charges[0], label=Words(text, ""), note=Words(text, ""), amount=Decimal("-1.00")
    )
    (told,) = csv.DictReader(io.StringIO(statement_csv(msgspec.structs.replace(hongye, charges=(line,)))))
    assert told["label"] == told["note"] == f"'{text}"
    assert told["amount"] == "-1.00"


def test_every_line_says_why_the_period_was_closed_with_items_open() -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    heading = msgspec.structs.replace(hongye.heading, override="both agreed (Li Na)", is_preliminary=True)
    told = csv.DictReader(io.StringIO(statement_csv(msgspec.structs.replace(hongye, heading=heading))))
    assert {(line["override"], line["preliminary"]) for line in told} == {("both agreed (Li Na)", "yes")}
