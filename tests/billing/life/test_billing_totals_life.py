"""The totals of a period from draft to issued, and what late results add to them."""

import csv
import io
import json
import shutil
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from scripts.schemas import DOCUMENTS
from tests.billing.life.conftest import DAY_MS, HOUR_MS, LATER, MIDNIGHT, MONTH, Plant
from tests.billing.rows import make_lease, make_quality
from tests.billing.sheets import calculated, opened

BY = ("--by", "Li Na")
THIRD = MIDNIGHT - 19 * DAY_MS


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    """The totals as the command prints them in JSON."""

    def totals(plant: Plant, at: int = LATER) -> Any:
        capsys.readouterr()
        assert plant.call("totals", *MONTH, "--format", "json", at=at) == 0
        return json.loads(capsys.readouterr().out)

    return totals


def parts(page: Any, tenant: str) -> list[tuple[str, str, int, str]]:
    (found,) = [each for each in page["tenants"] if each["tenant"]["id"] == tenant]
    return [(part["document"], part["status"], part["revision"], part["gross"]) for part in found["parts"]]


def test_totals_follow_the_life_of_a_period(plant: Plant, told: Any) -> None:
    draft = told(plant)
    assert parts(draft, "hongye") == [("statement", "draft", 0, "885.00")]
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert parts(told(plant), "hongye") == [("statement", "frozen", 1, "885.00")]
    assert plant.call("issue", *MONTH, *BY) == 0
    assert parts(told(plant), "hongye") == [("statement", "issued", 1, "885.00")]
    plant.put([make_quality(THIRD + 30_600_000, "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert plant.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    page = told(plant, LATER + DAY_MS)
    assert parts(page, "hongye")[1:] == [("adjustment", "frozen", 2, "-1.05")]
    assert plant.call("issue", *MONTH, *BY, at=LATER + DAY_MS) == 0
    page = told(plant, LATER + DAY_MS)
    assert parts(page, "hongye")[1:] == [("adjustment", "issued", 2, "-1.05")]
    documents = [plant.statement("hongye", revision)["total"] for revision in (1, 2)]
    assert Decimal(page["gross"]) == sum(map(Decimal, documents)) == Decimal("883.95")


def test_an_adjustment_that_another_one_replaced_is_in_no_sum(issued: Plant, told: Any) -> None:
    for day, scrap in enumerate((3, 4), 1):
        facts = [
            make_quality(
                THIRD + 30_600_000 + day, f"Q-{day}", scrap=scrap, cause="tenant", issued=LATER + day
            )
        ]
        issued.put(facts)
        assert issued.call("adjust", *MONTH, *BY, at=LATER + day * DAY_MS) == 0
    page = told(issued, LATER + 3 * DAY_MS)
    assert parts(page, "hongye")[1:] == [("adjustment", "frozen", 3, "-2.45")]


def test_the_totals_lie_in_the_pack_in_every_form_and_are_verified(issued: Plant) -> None:
    place = issued.books / "2026-11" / "1" / "accounts"
    forms = sorted(path.name for path in place.iterdir())
    assert forms == ["totals.csv", "totals.html", "totals.json", "totals.xlsx"]
    rows = list(csv.DictReader(io.StringIO((place / "totals.csv").read_text("utf-8"))))
    assert sum(Decimal(row["gross"]) for row in rows) == Decimal("885.00")
    assert issued.call("verify", *MONTH) == 0
    (place / "totals.csv").write_text("tampered", "utf-8")
    assert issued.call("verify", *MONTH) == 1


def test_a_pack_without_totals_says_so(issued: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(issued.books / "2026-11" / "1" / "accounts")
    assert issued.call("totals", *MONTH) == 1
    assert "by a version without totals" in capsys.readouterr().err


FORMS = ("csv", "html", "json", "xlsx")
OWNERS = """
[[ownership]]
id = "pool"
machines = ["knit-*"]
owner = [{ id = "fuda", share = 2, name_zh = "福达" }, { id = "anxin", share = 1 }]
"""


def test_owner_statements_are_written_and_frozen(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant.config.write_text(plant.config.read_text("utf-8") + OWNERS, "utf-8")
    out = plant.folder / "out"
    assert plant.call("owners", *MONTH, "--out", str(out)) == 0
    assert sorted(path.suffix for path in out.iterdir()) == [".csv", ".html", ".json", ".xlsx"]
    assert "福达" in (out / "owners_2026-11.html").read_text("utf-8")
    assert plant.call("freeze", *MONTH, *BY) == 0
    frozen = json.loads((plant.books / "2026-11/1/accounts/owners.json").read_text("utf-8"))
    (pool,) = frozen["ownerships"]
    assert [owner["amount"] for owner in pool["owners"]] == ["590.00", "295.00"]
    assert (frozen["status"], frozen["revision"]) == ("frozen", 1)
    assert plant.call("verify", *MONTH) == 0
    capsys.readouterr()
    assert plant.call("owners", *MONTH) == 0
    assert "福达" in capsys.readouterr().out


def test_after_an_adjustment_owners_get_what_the_fresh_rating_comes_to(plant: Plant) -> None:
    plant.config.write_text(plant.config.read_text("utf-8") + OWNERS, "utf-8")
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("issue", *MONTH, *BY) == 0
    plant.put([make_quality(THIRD + 30_600_000, "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert plant.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    place = plant.books / "2026-11/2/accounts"
    names = sorted(path.name for path in place.iterdir())
    assert names == [*(f"owners.{k}" for k in FORMS), "standing.json"]
    told = json.loads((place / "owners.json").read_text("utf-8"))
    (pool,) = told["ownerships"]
    assert (pool["shared"], told["revision"]) == ("883.95", 2)
    assert sum(Decimal(owner["amount"]) for owner in pool["owners"]) == Decimal("883.95")
    assert plant.call("verify", *MONTH) == 0


def test_owners_see_what_was_frozen_whatever_was_heard_since(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until an adjustment is frozen; then that."""

    def told() -> tuple[str, str, int]:
        capsys.readouterr()
        assert plant.call("owners", *MONTH, "--format", "json", at=LATER + DAY_MS) == 0
        page = json.loads(capsys.readouterr().out)
        return page["ownerships"][0]["shared"], page["status"], page["revision"]

    plant.config.write_text(plant.config.read_text("utf-8") + OWNERS, "utf-8")
    assert told() == ("885.00", "draft", 0)
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("issue", *MONTH, *BY) == 0
    plant.put([make_quality(THIRD + 30_600_000, "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert told() == ("885.00", "issued", 1)
    assert plant.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    assert told() == ("883.95", "frozen", 2)
    assert plant.call("owners", *MONTH) == 0
    assert "883.95" in capsys.readouterr().out
    (plant.books / "2026-11/2/accounts/owners.json").unlink()
    assert plant.call("owners", *MONTH) == 1
    assert "or the pack is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["totals", "owners"])
def test_one_document_is_printed_at_a_time(plant: Plant, command: str) -> None:
    assert plant.call(command, *MONTH, "--format", "csv", "--format", "json") == 2
    assert plant.call(command, *MONTH, "--format", "xlsx") == 2
    assert plant.call(command, *MONTH, "--format", "html") == 0


def test_the_table_names_everybody_and_the_sum(issued: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert issued.call("totals", *MONTH) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("hongye", "issued", "885.00", "host's machine time", "total"))


def test_what_goes_out_fits_its_published_schema(issued: Plant) -> None:
    issued.put([make_quality(THIRD + 30_600_000, "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    for kind, revision in (("statement", 1), ("adjustment", 2)):
        schema = json.loads((DOCUMENTS / f"{kind}.json").read_text("utf-8"))
        told = issued.statement("hongye", revision)
        assert [each.message for each in jsonschema.Draft202012Validator(schema).iter_errors(told)] == []


def test_an_adjustment_goes_out_in_every_form_and_adds_up(issued: Plant) -> None:
    issued.put([make_quality(THIRD + 30_600_000, "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    place = issued.books / "2026-11" / "2" / "statements"
    assert {path.suffix for path in place.iterdir()} == {".csv", ".html", ".json", ".xlsx"}
    book = opened((place / "hongye.xlsx").read_bytes())
    (sheet,) = book
    last = [calculated(book, sheet.title, f"{column}{sheet.max_row}") for column in "IJKLM"]
    assert last == [Fraction(text) for text in ("210", "208.95", "-1.05", "-1.05", "0")]
    html = (place / "hongye.html").read_text("utf-8")
    assert issued.ledger.entries[0].pack in html
    assert "承租方 Tenant" in html
    assert issued.call("verify", *MONTH) == 0


def test_what_an_adjustment_settled_waits_no_more(plant: Plant, told: Any) -> None:
    """On the fifth, from 8 to 9, Rongda's lease was in force, and the records name Hongye's."""
    eight = MIDNIGHT - 17 * DAY_MS + 8 * HOUR_MS
    plant.put([make_lease(eight, "L2", "rongda", "B-1"), make_lease(eight + HOUR_MS, "L3")])
    assert plant.call("freeze", *MONTH, *BY, "--override", "Wang is on leave") == 0
    assert plant.call("issue", *MONTH, *BY) == 0
    page = told(plant)
    waited, found = len(page["waiting"]), len(page["findings"])
    assert waited > 0
    stretch = ("--from", "2026-11-05T08:00", "--to", "2026-12-01T00:00")
    whose = ("--machine", "knit-01", "--tenant", "rongda", "--order", "B-1", "--why", "both agreed", *BY)
    assert plant.call("assign", *whose, *stretch) == 0
    assert plant.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    page = told(plant, LATER + DAY_MS)
    assert (page["waiting"], [each["waiting"] for each in page["tenants"]]) == ([], [0, 0])
    assert len(page["findings"]) <= found
    assert parts(page, "rongda")[0][:3] == ("adjustment", "frozen", 2)
    assert plant.call("verify", *MONTH, at=LATER + DAY_MS) == 0
