"""Draft, frozen, issued: what is kept, what is refused, and that the same evidence gives the same bytes."""

import gzip
import hashlib
import json

import pytest

from billing.ledger import Event
from tests.billing.life.conftest import LATER, MIDNIGHT, MONTH, Plant, sealed
from tests.billing.rows import make_interval, make_meter

BY = ("--by", "Li Na")


def test_a_frozen_month_keeps_its_rows_its_configuration_and_its_statements(plant: Plant) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    kept = plant.bytes_of(1)
    pack = json.loads(kept["pack.json"])
    assert set(pack["files"]) == set(kept) - {"pack.json"}
    names = {"billing.toml", "tariff.toml", "shipped/stop-codes.toml"}
    assert json.loads(kept["configuration.json"]).keys() == names
    rows = [json.loads(line) for name in kept if name.startswith("usage-") for line in lines(kept[name])]
    assert len(rows) == 120
    assert {row["fields"]["digest"] for row in rows} != {""}
    assert plant.statement("hongye")["total"] == "885.00"
    assert [(e.event, e.by, e.pack) for e in plant.ledger.entries] == [
        (Event.FROZEN, "Li Na", plant_digest(plant))
    ]


def lines(data: bytes) -> list[bytes]:
    return gzip.decompress(data).splitlines()


def plant_digest(plant: Plant) -> str:
    return hashlib.sha256(plant.bytes_of(1)["pack.json"]).hexdigest()


def test_freezing_again_is_another_revision_and_the_first_stays_as_it_was(plant: Plant) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    before = plant.bytes_of(1)
    assert plant.call("freeze", *MONTH, "--by", "Wang") == 0
    assert plant.bytes_of(1) == before
    assert [entry.revision for entry in plant.ledger.entries] == [1, 2]
    assert plant.call("issue", *MONTH, *BY) == 0
    assert plant.ledger.entries[-1].revision == 2
    assert plant.ledger.breaks == ()


REFUSED = {
    "not over": (("freeze", *MONTH, *BY), MIDNIGHT, "2026-11 is not over"),
    "not frozen": (("issue", *MONTH, *BY), LATER, "freeze` it first"),
    "no name": (("freeze", *MONTH, "--by", " "), LATER, "--by: say it in one line"),
    "no period": (("freeze", *BY), LATER, "give one period"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_life_of_a_statement_does_not_allow_is_refused_with_a_remedy(
    name: str, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    words, at, said = REFUSED[name]
    assert plant.call(*words, at=at) > 0
    assert said in capsys.readouterr().err
    assert not (plant.books / "ledger.jsonl").exists()
    assert not list(plant.books.glob("*/*"))


def test_what_is_issued_is_neither_frozen_nor_issued_again(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("issue", *MONTH, *BY) == 0
    assert plant.call("freeze", *MONTH, *BY) == 1
    assert "never changes; `adjust` books what is different" in capsys.readouterr().err
    assert plant.call("issue", *MONTH, *BY) == 1
    assert "is issued, revision 1 the latest" in capsys.readouterr().err
    assert len(plant.ledger.entries) == 2


def test_a_day_of_a_frozen_month_cannot_be_frozen_too(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("freeze", "--day", "2026-11-22", *BY) == 1
    assert "overlaps 2026-11, which is frozen" in capsys.readouterr().err


def test_what_is_open_blocks_unless_a_person_says_why(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    dark = make_interval(MIDNIGHT, MIDNIGHT + 300_000, machine="knit-02", epoch="e9")
    plant.put([dark])
    assert plant.call("freeze", *MONTH, *BY) == 1
    said = capsys.readouterr().err
    assert "suspense knit-02 2026-11-22T00:00:00+08:00 to 2026-11-22T00:05:00+08:00" in said
    assert "--override REASON" in said
    assert not (plant.books / "ledger.jsonl").exists()
    assert plant.call("freeze", *MONTH, *BY, "--override", "a trial of the host") == 0
    assert plant.ledger.entries[0].override == "a trial of the host"
    assert json.loads(plant.bytes_of(1)["pack.json"])["open"]
    assert plant.statement("hongye")["override"] == "a trial of the host (Li Na)"
    page = plant.bytes_of(1)["statements/hongye.html"].decode()
    assert "a trial of the host (Li Na)" in page


@pytest.mark.parametrize("line", [1, 2, 3])
def test_nothing_is_added_to_a_ledger_that_was_tampered_with(
    line: int, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert plant.call("freeze", *MONTH, *BY) == 0
    path = plant.books / "ledger.jsonl"
    entries = path.read_bytes().splitlines(keepends=True)
    entries[line - 1] = entries[line - 1].replace(b"Li Na", b"Wang!")
    path.write_bytes(b"".join(entries))
    assert plant.call("issue", *MONTH, *BY) == 1
    assert f"ledger, entry {line}: is not as it was written" in capsys.readouterr().err


def test_an_entry_that_was_taken_out_of_the_ledger_is_missed(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert plant.call("freeze", *MONTH, *BY) == 0
    path = plant.books / "ledger.jsonl"
    first, _, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + last)
    assert plant.call("freeze", *MONTH, *BY) == 1
    assert "entry 2: does not follow the entry before it" in capsys.readouterr().err


def test_a_remark_does_not_block(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a machine that was dark for most of the month is one is a matter of the site."""
    idle = make_interval(MIDNIGHT, MIDNIGHT + 300_000, machine="knit-02", epoch="e9", idle_ms=300_000)
    plant.put(sealed([make_meter(MIDNIGHT, machine="knit-02", epoch="e9"), idle]))
    assert plant.call("freeze", *MONTH, *BY) == 1
    assert "edge knit-02 2026-11-22T00:05:00+08:00 to 2026-12-01" in capsys.readouterr().err
    plant.config.write_text(
        plant.config.read_text("utf-8") + '[validation.rules]\nedge = "remark"\n', "utf-8"
    )
    assert plant.call("freeze", *MONTH, *BY) == 0


def test_two_periods_share_a_day_only_for_a_reason(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    """What is charged by the day would stand in both."""
    noon = ("--from", "2026-11-05T12:00", "--to", "2026-11-07T00:00")
    assert plant.call("freeze", "--from", "2026-11-01", "--to", "2026-11-05T12:00", *BY) == 0
    capsys.readouterr()
    assert plant.call("freeze", *noon, *BY) == 1
    assert "shares a day with 20261101T000000-20261105T120000, which is frozen" in capsys.readouterr().err
    assert plant.call("freeze", *noon, *BY, "--override", "no base fee here") == 0
    assert plant.call("freeze", "--from", "2026-11-07", "--to", "2026-11-08", *BY) == 0
