"""A day is closed when nothing waits for a person: who closed it, on which figures, and why all the same."""

import pytest

from billing.frozen import starts_of
from billing.ledger import Event
from billing.period import Period
from billing.shelf import Shelf
from tests.billing.life.conftest import DAY_MS, FIRST, HOUR_MS, LATER, MONTH, Plant, alter
from tests.billing.rows import make_lease, make_quality

BY = ("--by", "Li Na")
FIFTH = ("--day", "2026-11-05")
AT = FIRST + 4 * DAY_MS
"""Local midnight of the fifth."""


@pytest.fixture
def doubtful(plant: Plant) -> Plant:
    """On the fifth, from 8 to 9, Rongda's lease was in force, and the records name Hongye's."""
    eight = AT + 8 * HOUR_MS
    plant.put([make_lease(eight, "L2", "rongda", "B-1"), make_lease(eight + HOUR_MS, "L3")])
    return plant


def test_a_day_is_closed_by_somebody_on_its_figures(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert plant.call("close", *FIFTH, *BY) == 0
    (entry,) = plant.ledger.entries
    assert (entry.event, entry.period, entry.by, entry.override) == (Event.CLOSED, "2026-11-05", "Li Na", "")
    assert len(entry.pack) == 64
    assert plant.call("close", *FIFTH, "--by", "Wang") == 0
    assert "was closed by Li Na on these very figures" in capsys.readouterr().err
    assert len(plant.ledger.entries) == 1


def test_usage_without_a_payer_blocks_the_day_until_a_person_assigns_it(
    doubtful: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doubtful.call("close", *FIFTH, *BY) == 1
    said = capsys.readouterr().err
    assert "suspense knit-01 2026-11-05T08:00:00+08:00" in said
    assert "`suspense` shows how" in said
    assert not (doubtful.books / "ledger.jsonl").exists()
    stretch = ("--from", "2026-11-05T08:00", "--to", "2026-11-06T00:00")
    whose = ("--machine", "knit-01", "--tenant", "rongda", "--order", "B-1", "--why", "both agreed", *BY)
    assert doubtful.call("assign", *whose, *stretch) == 0
    assert doubtful.call("close", *FIFTH, *BY) == 0


def test_a_reason_closes_it_all_the_same_and_stands_in_the_ledger(doubtful: Plant) -> None:
    assert doubtful.call("close", *FIFTH, *BY, "--override", "Wang is on leave") == 0
    assert doubtful.ledger.entries[-1].override == "Wang is on leave"


def test_what_inspection_finds_two_days_later_makes_another_closing(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("close", *FIFTH, *BY) == 0
    plant.put([make_quality(AT + 8 * HOUR_MS, tenant="hongye", scrap=2, issued=AT + 3 * DAY_MS)])
    assert plant.call("close", *FIFTH, *BY) == 0
    first, second = plant.ledger.entries
    assert (first.revision, second.revision) == (1, 2)
    assert first.pack != second.pack
    assert "its figures are other ones than before" in capsys.readouterr().err


def test_closed_days_are_listed_and_do_not_stand_in_the_way_of_the_month(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("close", *FIFTH, *BY) == 0
    assert plant.call("days", *MONTH) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[3].startswith("2026-11-04  open")
    assert shown.out.splitlines()[4].endswith("Li Na")
    assert "1 of 30 days are closed" in shown.err
    assert plant.call("days", *FIFTH) == 0
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("issue", *MONTH, *BY) == 0
    assert plant.call("verify", *MONTH) == 0


def test_a_day_that_is_not_over_and_a_month_are_not_closed(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("close", *FIFTH, *BY, at=AT + DAY_MS - 1) == 1
    assert "2026-11-05 is not over" in capsys.readouterr().err
    assert plant.call("close", *MONTH, *BY, at=LATER) == 2
    assert "give --day DATE" in capsys.readouterr().err


def test_a_day_whose_rows_were_changed_is_not_closed(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digest chain is walked again from the stored rows, up to the end of the day."""
    alter(plant, "UPDATE usage SET fields = json_set(fields, '$.gateway', 'gw-9') WHERE time = ?", AT)
    assert plant.call("close", *FIFTH, *BY) == 1
    assert "chain knit-01" in capsys.readouterr().err


SIXTH = ("--day", "2026-11-06")
EARLY = "UPDATE usage SET fields = json_set(fields, '$.gateway', 'gw-9') WHERE time = ?"


def test_the_next_day_goes_on_from_where_the_chains_were_walked(plant: Plant) -> None:
    """What was changed before a closed day is found by `verify`, and where the closings are not believed."""
    assert plant.call("close", *FIFTH, *BY) == 0
    (start,) = starts_of(Shelf(plant.books), Period(start=AT + DAY_MS, end=AT + 2 * DAY_MS)).values()
    assert start.at == AT + DAY_MS
    assert starts_of(Shelf(plant.books), Period(start=AT, end=AT + DAY_MS)) == {}
    alter(plant, EARLY, AT - DAY_MS)
    assert plant.call("close", *SIXTH, *BY) == 0
    assert plant.call("close", "--day", "2026-11-04", *BY) == 1
    assert plant.call("freeze", *MONTH, *BY) == 1


def test_what_a_closing_left_is_believed_only_as_the_ledger_knows_it(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("close", *FIFTH, *BY) == 0
    kept = plant.books / "days" / "2026-11-05" / "1.json"
    before = kept.read_text("utf-8")
    kept.write_text(before.replace('"figures":"', '"figures":"0'), "utf-8")
    assert plant.call("close", *SIXTH, *BY) == 1
    assert (
        "1.json: is not what was closed; restore it from a copy, or take it away" in capsys.readouterr().err
    )
    kept.write_text("{", "utf-8")
    assert plant.call("close", *SIXTH, *BY) == 1
    assert "cannot be read" in capsys.readouterr().err
    kept.unlink()
    alter(plant, EARLY, AT - DAY_MS)
    assert plant.call("close", *SIXTH, *BY) == 1
    assert "chain knit-01" in capsys.readouterr().err


def test_days_are_closed_in_any_order(plant: Plant) -> None:
    assert plant.call("close", *SIXTH, *BY) == 0
    assert plant.call("close", *FIFTH, *BY) == 0
    assert plant.call("close", *FIFTH, *BY) == 0
    assert [entry.period for entry in plant.ledger.entries] == ["2026-11-06", "2026-11-05"]
    assert plant.call("close", "--day", "2026-11-07", *BY) == 0
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("verify", *MONTH) == 0
