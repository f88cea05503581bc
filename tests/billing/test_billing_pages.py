"""The pages: HTML that parses and escapes, figures a person can add up again, JSON and CSV that come back."""

import csv
import io
import json
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from billing import figures
from billing.attribution import Books
from billing.clauses import Clause, SetupFee
from billing.conclude import conclude
from billing.config import Settings
from billing.documents import STATEMENT
from billing.fold import Fold
from billing.money import fen, per_hour
from billing.period import Period
from billing.render_csv import CHARGE_COLUMNS, report_csv, statement_csv
from billing.render_html import statement_html
from billing.render_json import assessment_json, report_json, statement_json
from billing.render_table import _cells, print_assessment, statement_table
from billing.report import By
from billing.statement import Assessment, Heading, Named, Statement
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from billing.wording import CALENDAR, CLAUSES, DOUBTS, FORMULA, GRACE, SETUP_FEE
from store.config import SqliteConfig

VOID = {"meta", "br"}
EVIL = '<script>alert("1")</script> & Söhne [bold]'


class Page(HTMLParser):
    """Checks that tags nest, and keeps the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.words: list[str] = []
        self.cells: dict[str, list[list[str]]] = {}
        """By class of table: the texts of each row of cells."""
        self._table = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag == "table":
            self._table = dict(attrs).get("class") or ""
        rows = self.cells.setdefault(self._table, [])
        if tag == "td" and rows:
            rows[-1].append("")
        if tag == "tr":
            rows.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()
        rows = self.cells.get(self._table)
        if rows and rows[-1] and "td" in self.open:
            rows[-1][-1] += data


@pytest.fixture(scope="module")
def assessment(make: SimpleNamespace) -> Assessment:
    folder = make.cases / "a_gap_during_which_the_tenant_changed"
    case = make.case((folder / "case.txt").read_text("utf-8"))
    tariff = read_tariff("t.toml", (folder / "tariff.toml").read_text("utf-8"))
    fold = Fold(Books(leases=timelines(case.leases)), *case.period)
    for interval in case.intervals:
        fold.interval(interval)
    heading = Heading(
        site=Named(id="qinghe", name_en="Qinghe", name_zh="清河"),
        timezone="Asia/Shanghai",
        period=Period(start=case.period[0], end=case.period[1]),
        generated=case.period[1] - 1,
        is_preliminary=True,
        tariff=tariff,
        digest=fold.seal.sealed().digest(),
    )
    settings = Settings(
        site=heading.site,
        timezone=heading.timezone,
        store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
        tariff=tariff,
        tenants=(Named(id="hongye", name_en=EVIL, name_zh="宏业"),),
    )
    return conclude(heading, settings, fold.finish(), [])


def test_a_page_parses_and_escapes_what_people_are_called(assessment: Assessment) -> None:
    html = statement_html(assessment.statements[0])
    page = Page(html)
    assert page.open == []
    assert "script" not in page.seen
    assert "&lt;script&gt;" in html
    assert {"设备使用结算单", "宏业", "2.00", "预结算：结算期尚未结束，金额仍会变化。"} <= set(page.words)


SAID_ONCE = {"准备": "调机", "合格品": "良品", "产出件": "产量", "利用效率": "利用率"}


def test_one_thing_has_one_chinese_word(assessment: Assessment) -> None:
    words = [each.zh for each in (*CLAUSES.values(), *DOUBTS.values(), GRACE, SETUP_FEE, CALENDAR)]
    console = Console(file=io.StringIO(), width=160)
    print_assessment(console, assessment, "b.toml")
    shown = "".join([*words, statement_html(assessment.statements[0]), console.file.getvalue()])  # type: ignore[attr-defined]
    assert [other for other in SAID_ONCE if other in shown] == []


def test_a_page_fetches_nothing(assessment: Assessment) -> None:
    html = statement_html(assessment.statements[0])
    assert not {"src=", "href=", "url(", "http://", "https://", "@import"} & set(html.split())
    assert Page(html).seen.isdisjoint({"link", "img", "iframe", "form"})


def test_the_same_statement_gives_the_same_bytes(assessment: Assessment) -> None:
    for made in STATEMENT.values():
        assert made(assessment.statements[0]) == made(assessment.statements[0])


FEN = Decimal("0.01")


def by_hand(quantity: str, price: str, divisor: int) -> Decimal:
    """As a person with a calculator works out what is printed."""
    exact = Decimal(quantity.replace(",", "")) * Decimal(price) / divisor
    return exact.quantize(FEN, ROUND_HALF_UP)


def hourly(assessment: Assessment, ms: int, price: Decimal) -> Statement:
    """A statement of one line: so much run time at this price."""
    whole = assessment.statements[0]
    amount = fen(per_hour(ms, price))
    line = replace(whole.charges[0], clause=Clause.RUN, quantity=ms, price=price, amount=amount)
    return replace(whole, charges=(line,), total=amount)


PRICES = st.decimals(0, 10_000, places=6) | st.decimals(0, 500, places=2)


@given(ms=st.integers(1, 10**11) | st.integers(1, 10**5).map(lambda n: n * 300), price=PRICES)
def test_the_printed_figures_give_the_printed_amount(assessment: Assessment, ms: int, price: Decimal) -> None:
    """In the table, the page, the CSV and the JSON, with nothing but what stands there."""
    statement = hourly(assessment, ms, price)
    quantity, each, amount = _cells(statement.charges[0])[4:7]
    assert by_hand(quantity.removesuffix(" s"), each.removesuffix("/h"), 3600) == Decimal(
        amount.replace(",", "")
    )
    cells = Page(statement_html(statement)).cells["charges"][1]
    quantity, each = cells[4], cells[6].split("/")[0].strip()
    assert by_hand(quantity, each, 3600) == Decimal(cells[7].replace(",", ""))
    (row,) = csv.DictReader(io.StringIO(statement_csv(statement)))
    assert by_hand(row["seconds"], row["price_per_hour"], 3600) == Decimal(row["amount"])
    (told,) = json.loads(statement_json(statement))["charges"]
    assert by_hand(told["quantity"], told["price"], 3600) == Decimal(told["amount"])


@pytest.mark.parametrize(
    ("ms", "seconds"), [(1, "0.001"), (20, "0.02"), (10_000, "10"), (3_600_500, "3600.5")]
)
def test_seconds_are_exact_and_without_trailing_zeros(assessment: Assessment, ms: int, seconds: str) -> None:
    assert str(figures.quantity(hourly(assessment, ms, Decimal(1)).charges[0])) == seconds


def test_every_form_says_how_an_amount_is_found(assessment: Assessment) -> None:
    statement = assessment.statements[0]
    assert FORMULA.zh in statement_html(statement)
    assert FORMULA.en in statement_html(statement)
    assert json.loads(statement_json(statement))["formula"] == FORMULA.en
    rows = list(csv.DictReader(io.StringIO(statement_csv(statement))))
    assert {row["formula"] for row in rows} == {"seconds x price_per_hour / 3600"}


def test_the_page_says_what_a_stop_is_and_how_often_a_setup_fee_comes(assessment: Assessment) -> None:
    html = statement_html(assessment.statements[0])
    assert GRACE.zh in html
    assert GRACE.en in html
    assert SETUP_FEE.zh not in html
    statement = assessment.statements[0]
    fee = replace(statement.heading.tariff, setup_fees=(SetupFee(id="fee", price=Decimal(60)),))
    of_fees = replace(statement, heading=replace(statement.heading, tariff=fee))
    assert SETUP_FEE.zh in statement_html(of_fees)
    line = replace(statement.charges[0], clause=Clause.SETUP_FEE, quantity=1)
    console = Console(file=io.StringIO(), width=80)
    console.print(statement_table(replace(of_fees, charges=(line,))))
    assert "once in the life of the order" in " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]


def test_several_statements_are_explained_once(assessment: Assessment) -> None:
    console = Console(file=io.StringIO(), width=400)
    print_assessment(console, assessment)
    assert len(assessment.statements) == 2
    assert console.file.getvalue().count(FORMULA.zh) == 1  # type: ignore[attr-defined]


def test_a_month_of_a_whole_hall_fits_a_terminal_of_80_columns(assessment: Assessment) -> None:
    """Twenty machines all month, to the millisecond; nothing is cut short."""
    statement = hourly(assessment, 20 * 30 * 86_400_000 - 1, Decimal("123.456789"))
    console = Console(file=io.StringIO(), width=80)
    console.print(statement_table(statement))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(cell_len, lines)) <= 80
    shown = "\n".join(lines)
    assert all(text in shown for text in ("51839999.999 s", "123.456789/h", "1,777,777.76", "14400:00:00"))
    assert "amount = seconds × price ÷ 3600" in " ".join(shown.split())


def test_csv_adds_up(assessment: Assessment) -> None:
    for statement in assessment.statements:
        lines = list(csv.DictReader(io.StringIO(statement_csv(statement))))
        assert tuple(lines[0]) == CHARGE_COLUMNS
        assert sum((Decimal(line["amount"]) for line in lines), Decimal()) == statement.total
        for line, charge in zip(lines, statement.charges, strict=True):
            is_hourly = figures.is_hourly(charge)
            assert Decimal(line["seconds" if is_hourly else "count"]) == figures.quantity(charge)
            assert (line["count"], line["price_each"]) == ("", "") or not is_hourly


def test_json_writes_money_as_text_and_missing_ratios_as_null(assessment: Assessment) -> None:
    whole = json.loads(assessment_json(assessment))
    assert [statement["total"] for statement in whole["statements"]] == ["2.00", "4.00"]
    assert whole["disputed"][0]["tenants"] == ["hongye", "rongda"]
    by_machine = {row["machine"]: row for row in whole["reports"]["machine"]["rows"]}
    assert by_machine["knit-02"]["availability"] is None
    assert whole["preliminary"] is True


def test_reports_have_the_same_columns_in_csv_and_json(assessment: Assessment) -> None:
    for by in By:
        rows = assessment.report(by)
        lines = list(csv.DictReader(io.StringIO(report_csv(rows, by))))
        fields = json.loads(report_json(rows, by, assessment.heading))["rows"]
        assert [list(line) for line in lines] == [list(row) for row in fields]
    assert report_csv([], By.KIND) == "kind\r\n"


def test_a_terminal_shows_names_as_they_are(assessment: Assessment) -> None:
    console = Console(file=io.StringIO(), width=160)
    print_assessment(console, assessment, "b.toml")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert EVIL in shown
    assert "preliminary" in shown
