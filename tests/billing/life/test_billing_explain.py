"""A line of a statement, followed down to the clause and to the second on the machine."""

from pathlib import Path

import pytest

from billing.clause_text import clause_text
from tests.billing.case_file import CASES
from tests.billing.life.conftest import DAY_MS, LATER, MIDNIGHT, MONTH, Plant, alter
from tests.billing.rows import make_quality
from tests.billing.test_billing_cases import assessed

LINES = {
    "run": (
        "line hongye/A-1/knit/rate.run",
        "198000 s × 12.00 per h ÷ 3600 = 660.00 (exactly 660.0, rounded once)",
        "clause rate.run, tariff.toml:6",
        '  | class = "run"',
        "120 stored intervals, 60 of them with a part of it",
        "knit-01 e1/2  2026-11-01T08:00:00+08:00 to 2026-11-01T09:00:00+08:00  run 1:00:00, produced 10",
        "produced 10  [actual, lease L1]",
        "run in them: 55:00:00 (198000000 ms)",
    ),
    "stop": (
        "counted 18000000 ms, charged 9000000 ms",
        "clause rate.stop_tenant, tariff.toml:11",
        "30 stops",
        "knit-01 e1/4  2026-11-01T09:50:00+08:00 to 2026-11-01T10:00:00+08:00  0:10:00, by tenant, code 0",
    ),
    "good": ("600 pc × 0.35", "clause piece, tariff.toml:17", "60 of them with a part of it"),
}
NUMBERS = {"run": "1", "stop": "2", "good": "3"}


def explain(plant: Plant, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert plant.call("explain", *words, *MONTH) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_followed_down_to_its_clause_and_its_records(
    name: str, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    said = explain(plant, capsys, "--tenant", "hongye", "--line", NUMBERS[name])
    assert said.startswith("2026-11: a draft, from the store as it is now")
    for text in LINES[name]:
        assert text in said


def test_what_was_issued_is_explained_from_its_evidence(
    issued: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    before = explain(issued, capsys, "hongye/A-1/knit/rate.run")
    assert before.startswith("2026-11, revision 1, issued: from its evidence")
    (issued.folder / "tariff.toml").write_text("# another\n" + (issued.folder / "tariff.toml").read_text())
    alter(issued, "DELETE FROM usage WHERE time = ?", MIDNIGHT - 21 * DAY_MS + 8 * 3_600_000)
    assert explain(issued, capsys, "hongye/A-1/knit/rate.run") == before


REFUSED = {
    "which": ((), "say which line"),
    "both": (("x", "--line", "1", "--tenant", "hongye"), "say which line"),
    "whose": (("--line", "1"), "add --tenant NAME"),
    "none such": (("hongye/A-1/knit/rate"), "hongye 1  hongye/A-1/knit/rate.run"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_line_that_is_not_there_is_refused_with_those_that_are(
    name: str, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    words, said = REFUSED[name]
    given = (words,) if isinstance(words, str) else words
    assert plant.call("explain", *given, *MONTH) == 2
    assert said in capsys.readouterr().err


def test_every_line_of_every_case_has_its_clause_in_the_tariff(case_folder: Path) -> None:
    assessment, _ = assessed(case_folder)
    text = (case_folder / "tariff.toml").read_text("utf-8")
    for statement in assessment.statements:
        for line in statement.charges:
            found = clause_text("tariff.toml", text, line.clause_id)
            assert (found is None) == (line.clause == "manual"), line.clause_id
            if found:
                own = text.splitlines()[found.line - 1 : found.line + found.text.count("\n")]
                assert found.text.splitlines() == own
                header = own[0]
                assert found.text.count("\n[[") == found.text.count("\n" + header.rstrip("]") + ".")


WEAVING = """\
rate = [
    { kind = "loom", class = "run", per_hour = "9.00" },
    { kind = "knit", class = "run", per_hour = "10.00" },
]
id = "x"
version = "1"
currency = "CNY"
valid_from = 2026-01-01
piece = [{ kind = "loom", price = "1.00", basis = "good" }]

[[surcharge]]
id = "rush"
of = ["run"]
stepped = "volume"
[[surcharge.steps]]
above = "0"
percent = "5"

# [[discount]]

[[setup_fee]]
kind = "*"
price = "1.00"
"""
PLACES = {
    "rate.loom.run": (2, 1),
    "rate.knit.run": (3, 1),
    "piece.loom": (9, 1),
    "rush": (11, 7),
    "setup_fee": (21, 3),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_clause_is_found_however_its_table_is_written(name: str) -> None:
    line, many = PLACES[name]
    found = clause_text("tariff.toml", WEAVING, name)
    assert found is not None
    assert (found.line, found.text.count("\n") + 1) == (line, many)


def test_there_are_cases() -> None:
    assert list(CASES.glob("*/tariff.toml"))


def test_what_was_issued_is_explained_as_it_was_until_what_came_later_is_issued_too(
    issued: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    before = explain(issued, capsys, "hongye/A-1/knit/piece")
    issued.put([make_quality(MIDNIGHT - 15 * DAY_MS + 31_000_000, scrap=3, cause="tenant", issued=LATER)])
    assert issued.call("adjust", *MONTH, "--by", "Li Na", at=LATER + DAY_MS) == 0
    assert explain(issued, capsys, "hongye/A-1/knit/piece") == before
    fresh = explain(issued, capsys, "hongye/A-1/knit/piece", "--revision", "2")
    assert fresh.startswith("2026-11, revision 2, frozen: from its evidence; an adjustment is the difference")
    assert issued.call("issue", *MONTH, "--by", "Li Na", at=LATER + DAY_MS) == 0
    assert explain(issued, capsys, "hongye/A-1/knit/piece") == fresh.replace("frozen:", "issued:")
    assert explain(issued, capsys, "hongye/A-1/knit/piece", "--revision", "1") == before
    assert issued.call("explain", "hongye/A-1/knit/piece", "--revision", "3", *MONTH) == 2
    assert "has no such revision; there are 1, 2" in capsys.readouterr().err


def test_a_line_that_is_made_of_others_says_of_which_and_how_much(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """A day of 25.50: 12.00 and 10.00 of run, 0.50 of stop and 7.00 of pieces, at most 20.00."""
    tariff = plant.folder / "tariff.toml"
    cap = '[[cap]]\nper = "day"\namount = "20.00"\n[[discount]]\nof = ["run"]\npercent = "10"\n'
    tariff.write_text(tariff.read_text("utf-8") + cap, "utf-8")
    said = explain(plant, capsys, "hongye/none/cap.day/2026-11-03")
    assert "made of 4 lines; `explain` each for its intervals" in said
    for line in (
        "  22.00  hongye/A-1/knit/rate.run",
        "  0.50  hongye/A-1/knit/rate.stop_tenant",
        "  7.00  hongye/A-1/knit/piece",
        "  -2.20  hongye/A-1/discount",
        "  27.30  together",
    ):
        assert line in said, said
    assert "stored intervals" not in said
    assert "at most 20.00, charged 27.30" in said
