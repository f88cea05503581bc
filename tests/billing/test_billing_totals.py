"""The totals page and what owners get, as documents: sums of statements, in every form the same."""

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from billing.adjusting import Document, document
from billing.book_owners import owners_book
from billing.book_totals import totals_book
from billing.documents import OWNERS, TOTALS
from billing.known import Known
from billing.money import total
from billing.owners_page import OwnersPage, by_label, owners_page
from billing.ownership import Owner, Ownership, revenue
from billing.render_json import statement_json
from billing.render_owners import owners_csv, owners_html, owners_json
from billing.render_totals import totals_csv, totals_html, totals_json
from billing.report import By
from billing.statement import Assessment, Named
from billing.totals import Status, Totals, totals, with_adjustments
from billing.words import Words
from billing.xlsx import xlsx
from tests.billing.case_file import CASES, ZONE
from tests.billing.case_rating import assessed
from tests.billing.sheets import calculated, opened

EVIL = "=<script>alert(1)</script>"


def of(name: str) -> Assessment:
    return assessed(CASES / name)[0]


def sums(found: Totals) -> tuple[Decimal, Decimal, Decimal]:
    return found.net, found.tax, found.gross


def test_every_sum_of_the_page_is_one_of_the_statements(case_folder: Path) -> None:
    found = assessed(case_folder)[0]
    page = totals(found, {})
    told = [json.loads(statement_json(each)) for each in found.statements]
    for name in ("net", "tax"):
        assert getattr(page, name) == sum((Decimal(each[name]) for each in told), Decimal(0))
    assert page.gross == sum((Decimal(each["total"]) for each in told), Decimal(0))
    for rate in page.taxes:
        lines = [tax for each in told for tax in each["taxes"] if Decimal(tax["percent"]) == rate.percent]
        assert rate.gross == sum((Decimal(tax["gross"]) for tax in lines), Decimal(0))
    if page.taxes:
        assert sum((rate.gross for rate in page.taxes), Decimal(0)) == page.gross
    assert [each.tenant.id for each in page.tenants] == [each.tenant.id for each in found.statements]


def test_host_time_and_what_waits_stand_beside_the_sums() -> None:
    found = of("a_gap_during_which_the_tenant_changed")
    page = totals(found, {})
    (item,) = page.waiting
    assert (item.place, item.machine, item.tenants) == ("disputed", "knit-01", ("hongye", "rongda"))
    assert [each.waiting for each in page.tenants] == [1, 1]
    host = {row.name: row for row in found.report(By.TENANT)}.get("(unallocated)")
    assert page.host["total_ms"] == (host.total_ms if host else 0)
    assert sum(ms for name, ms in page.host.items() if name != "total_ms") == page.host["total_ms"]
    assert {one.effect for one in page.findings} <= {"block", "remark"}


def adjustment(tenant: str, gross: str, percent: str = "13") -> Document:
    whole = Decimal(gross)
    tax = (whole * 13 / 113).quantize(Decimal("0.01"))
    line = {"id": "x", "order_id": "A", "kind": "k", "label": {}, "part": {}, "quantity": "1", "unit": "pc"}
    money = {"net": str(whole - tax), "tax": str(tax), "gross": gross}
    charges = [{**line, "vat_percent": percent, **money}]
    made = {"tenant": {"id": tenant}, "charges": charges, "currency": "CNY", **money, "total": gross}
    return document(json.dumps(made).encode())


def test_adjustments_are_added_to_what_was_frozen() -> None:
    before = totals(of("vat_on_top"), {}, status=Status.FROZEN, revision=1)
    after = with_adjustments(
        before,
        Status.ISSUED,
        [
            (2, Status.ISSUED, adjustment("hongye", "-1.13")),
            (2, Status.ISSUED, adjustment("newcomer", "5.65")),
            (3, Status.FROZEN, adjustment("hongye", "2.26")),
        ],
    )
    assert after.gross == before.gross + Decimal("6.78")
    assert after.gross == sum((rate.gross for rate in after.taxes), Decimal(0))
    by_name = {each.tenant.id: each for each in after.tenants}
    hongye = [(part.document, part.revision, part.status.value) for part in by_name["hongye"].parts]
    assert hongye == [("statement", 1, "issued"), ("adjustment", 2, "issued"), ("adjustment", 3, "frozen")]
    assert by_name["hongye"].gross == next(e.gross for e in before.tenants) + Decimal("1.13")
    assert by_name["newcomer"].gross == Decimal("5.65")


def test_every_form_has_the_same_sums() -> None:
    page = with_adjustments(
        totals(of("vat_on_top"), {}, status=Status.FROZEN, revision=1),
        Status.ISSUED,
        [(2, Status.ISSUED, adjustment("hongye", "-1.13"))],
    )
    told = json.loads(totals_json(page))
    assert [Decimal(told[name]) for name in ("net", "tax", "gross")] == list(sums(page))
    rows = list(csv.DictReader(io.StringIO(totals_csv(page))))
    for name, whole in zip(("net", "tax", "gross"), sums(page), strict=True):
        assert sum((Decimal(row[name]) for row in rows), Decimal(0)) == whole
    book = opened(xlsx(totals_book(page)))
    sheet = book["合计 Totals"]
    foot = next(row[0].row for row in sheet.iter_rows() if row[0].value == "合计 Total")
    worked_out = [calculated(book, sheet.title, f"{column}{foot}") for column in "CDE"]
    assert worked_out == [Fraction(whole) for whole in sums(page)]
    assert calculated(book, sheet.title, f"F{foot}") == Fraction("-1.13")
    assert f"{page.gross:,.2f}" in totals_html(page)


def test_tenants_whose_names_look_alike_to_a_spreadsheet_are_kept_apart() -> None:
    """SUMIF takes 7 and 007 for one."""
    found = of("vat_on_top")
    one = found.dues[0]
    pair = [replace(one, tenant=Named(id=name)) for name in ("007", "7")]
    book = opened(xlsx(totals_book(totals(replace(found, dues=tuple(pair)), {}))))
    sheet = book["合计 Totals"]
    rows = [row[0].row for row in sheet.iter_rows() if row[0].value in {"007", "7"}]
    assert [calculated(book, sheet.title, f"E{row}") for row in rows] == [Fraction(one.total)] * 2


class Words_(HTMLParser):  # noqa: N801  beside billing's Words
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_no_name_is_markup_or_a_formula() -> None:
    found = of("vat_on_top")
    named = [replace(each, tenant=Named(id="hongye", name_en=EVIL)) for each in found.dues]
    page = totals(replace(found, dues=tuple(named)), {}, override=EVIL)
    assert "script" not in Words_(totals_html(page)).tags
    assert all(row["name"] == f"'{EVIL}" for row in csv.DictReader(io.StringIO(totals_csv(page))))
    book = opened(xlsx(totals_book(page)))
    kinds = {cell.data_type for s in book for row in s.iter_rows() for cell in row if cell.value == EVIL}
    assert kinds == {"s"}


# --- owners ------------------------------------------------------------------------------------------------


def shared(name: str = "weld_metres_picks_area_and_consumables", label: str = "Firm") -> OwnersPage:
    found = of(name)
    owners = tuple(Owner(id=f"firm-{n}", label=Words(label, label), share=n) for n in (1, 2, 4))
    pool = Ownership(id="pool", machines=("*-01", "*-1"), owners=owners, fee_percent=Decimal("8.5"))
    lines = [line for each in found.statements for line in each.charges]
    known = Known(period=found.heading.period, zone=ZONE)
    return owners_page(replace(found, revenue=revenue(lines, [pool], known)))


def test_what_owners_get_is_what_the_lines_came_to_less_the_fee() -> None:
    page = shared()
    (pool,) = page.ownerships
    assert pool.revenue > 0
    assert total([line.amount for line in pool.lines]) == pool.revenue
    assert pool.shared == pool.revenue - pool.host_fee == total([owner.amount for owner in pool.owners])
    assert pool.revenue + page.host == page.net
    assert all(abs(owner.exact - owner.amount) < Decimal("0.01") for owner in pool.owners)
    assert total([each.amount for each in by_label(pool)]) == pool.revenue
    assert sum(each.lines for each in by_label(pool)) == len(pool.lines)


def test_every_form_of_an_owner_statement_has_the_same_sums() -> None:
    page = shared()
    (pool,) = page.ownerships
    (told,) = json.loads(owners_json(page))["ownerships"]
    assert [Decimal(owner["amount"]) for owner in told["owners"]] == [owner.amount for owner in pool.owners]
    rows = list(csv.DictReader(io.StringIO(owners_csv(page))))
    by_entry = {
        entry: total([Decimal(row["amount"]) for row in rows if row["entry"] == entry])
        for entry in ("revenue", "host_fee", "owner", "host")
    }
    assert by_entry["revenue"] - by_entry["host_fee"] == by_entry["owner"] == pool.shared
    assert by_entry["revenue"] + by_entry["host"] == page.net
    book = opened(xlsx(owners_book(page)))
    sheet = book["份额 1 shares"]
    last = sheet.max_row
    assert calculated(book, sheet.title, f"E{last}") == Fraction(pool.shared)
    assert calculated(book, sheet.title, "C5") == Fraction(pool.shared)
    for row, owner in zip(range(last - 3, last), pool.owners, strict=True):
        assert abs(calculated(book, sheet.title, f"D{row}") - Fraction(owner.exact)) < Fraction(1, 10**5)
    assert f"{pool.shared:,.2f}" in owners_html(page)


def test_a_period_without_owners_says_so() -> None:
    page = owners_page(of("vat_on_top"))
    assert page.ownerships == ()
    assert "No machine has owners" in owners_html(page)
    assert page.host == page.net


@pytest.mark.parametrize("kind", ["json", "html", "csv", "xlsx"])
def test_the_same_page_gives_the_same_bytes(kind: str) -> None:
    page, owners = totals(of("vat_on_top"), {}), shared(label=EVIL)
    assert TOTALS[kind](page) == TOTALS[kind](page)
    assert OWNERS[kind](owners) == OWNERS[kind](owners)


def test_json_comes_back() -> None:
    page, owners = totals(of("vat_on_top"), {}), shared()
    assert msgspec.json.decode(totals_json(page), type=Totals) == page
    assert msgspec.json.decode(owners_json(owners), type=OwnersPage) == owners


def test_a_page_of_ten_thousand_findings_is_still_a_page() -> None:
    page = totals(of("a_day_on_the_picture"), {})
    many = replace(page, findings=page.findings[:1] * 10_000, waiting=page.waiting[:1] * 300)
    html = totals_html(many)
    assert "9800 more" in html
    assert "100 more" in html
    assert html.count("<tr") < 500
    assert len(json.loads(totals_json(many))["findings"]) == 10_000
