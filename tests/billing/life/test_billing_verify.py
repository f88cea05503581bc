"""What was tampered with after a month was issued is found, and named: record, machine and time."""

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from billing.__main__ import main
from tests.billing.life.conftest import DAY_MS, LATER, MIDNIGHT, MONTH, Plant, alter
from tests.billing.rows import make_quality

BY = ("--by", "Li Na")
FIRST = MIDNIGHT - 21 * DAY_MS
THIRD = FIRST + 2 * DAY_MS


@pytest.fixture
def found(issued: Plant, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What verify finds; it must find something."""

    def verified() -> str:
        capsys.readouterr()
        assert issued.call("verify", *MONTH) == 1
        return capsys.readouterr().out

    return verified


def test_what_nobody_touched_is_as_it_was_frozen(issued: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    """Also after facts came late, after an adjustment was issued, and a year later."""
    assert issued.call("verify", *MONTH) == 0
    issued.put([make_quality(THIRD + 30_600_000, "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert issued.call("verify", *MONTH) == 0
    assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    assert issued.call("issue", *MONTH, *BY, at=LATER + DAY_MS) == 0
    assert issued.call("verify", *MONTH, at=LATER + 365 * DAY_MS) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "are as they were frozen" in said.err


def only(plant: Plant, pattern: str) -> Path:
    return max((plant.books / "2026-11" / "1").glob(pattern))


FILES = (
    "usage-*.jsonl.gz",
    "state-*.jsonl.gz",
    "lease-*.jsonl.gz",
    "meter-*.jsonl.gz",
    "configuration.json",
    "statements/*.html",
    "statements/*.csv",
    "statements/*.json",
    "statements/*.xlsx",
    "pack.json",
)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.999])
@pytest.mark.parametrize("pattern", FILES)
def test_one_byte_of_the_evidence(
    pattern: str, share: float, issued: Plant, found: Callable[[], str]
) -> None:
    path = only(issued, pattern)
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 0x01
    path.write_bytes(data)
    assert path.name in found()


def test_a_row_that_was_changed_within_the_evidence_is_named(issued: Plant, found: Callable[[], str]) -> None:
    """Also where somebody packs it again as it should be."""
    path = only(issued, "usage-*.jsonl.gz")
    rows = gzip.decompress(path.read_bytes()).splitlines()
    row = json.loads(rows[1])
    row["fields"]["run_ms"] -= 1000
    rows[1] = json.dumps(row, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(b"\n".join(rows) + b"\n", mtime=0))
    said = found()
    assert f"{path.name}: its bytes are not those that were frozen" in said
    assert "usage knit-01/e1/148, 2026-11-30T09:00:00+08:00: run_ms is 3000000 in the store, 2999000" in said
    assert "statements/hongye.json, line" in said


def test_a_row_that_was_taken_out_of_the_evidence_is_named(issued: Plant, found: Callable[[], str]) -> None:
    path = only(issued, "usage-*.jsonl.gz")
    rows = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(rows[:1] + rows[2:]), mtime=0))
    assert "usage knit-01/e1/148, 2026-11-30T09:00:00+08:00: may be missing from the evidence" in found()


@pytest.mark.parametrize("what", ["twice", "out of its order"])
def test_a_row_that_stands_twice_or_out_of_its_order_in_the_evidence_is_named(
    what: str, issued: Plant, found: Callable[[], str]
) -> None:
    path = only(issued, "usage-*.jsonl.gz")
    rows = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    rows = [*rows[:2], *rows[1:]] if what == "twice" else [rows[1], rows[0], *rows[2:]]
    path.write_bytes(gzip.compress(b"".join(rows), mtime=0))
    number, hour = (3, "09") if what == "twice" else (2, "08")
    sequence = 148 if what == "twice" else 147
    said = found()
    assert f"{path.name}, line {number}: usage knit-01/e1/{sequence}, 2026-11-30T{hour}:00:00+08:00" in said
    assert f"stands there {what}" in said


FIELDS = {"run_ms": 3_599_999, "order_id": "A-2", "produced": 11, "quality": "estimated", "gateway": "gw-9"}


@pytest.mark.parametrize("field", FIELDS)
def test_one_field_of_a_stored_interval(field: str, issued: Plant, found: Callable[[], str]) -> None:
    query = "UPDATE usage SET fields = json_set(fields, ?, ?) WHERE time = ?"
    alter(issued, query, f"$.{field}", FIELDS[field], THIRD + 8 * 3_600_000)
    said = found()
    assert f"usage knit-01/e1/12, 2026-11-03T08:00:00+08:00: {field} is {FIELDS[field]} in the store" in said
    assert "chain of knit-01 e1/12, 2026-11-03T08:00:00+08:00: its content is not what was sealed" in said


@pytest.mark.parametrize("series", ["usage", "state", "meter"])
def test_a_row_that_was_taken_out_of_the_store(series: str, issued: Plant, found: Callable[[], str]) -> None:
    times = {"usage": THIRD + 8 * 3_600_000, "state": THIRD + 10 * 3_600_000, "meter": FIRST}
    numbers = {"usage": 12, "state": 14, "meter": 0}
    alter(issued, f"DELETE FROM {series} WHERE time = ?", times[series])
    said = found()
    assert f"{series} knit-01/e1/{numbers[series]}, 2026-11-0" in said
    assert "in the store no more" in said
    assert f"record {numbers[series]} is missing" in said


def test_a_pack_that_was_removed_and_a_file_that_was_put_in(issued: Plant, found: Callable[[], str]) -> None:
    (issued.books / "2026-11" / "1" / "note.txt").write_text("x", "utf-8")
    only(issued, "statements/*.html").unlink()
    said = found()
    assert "note.txt was put in later" in said
    assert "statements/hongye.html was removed" in said


def test_a_break_in_a_chain_blocks_the_freezing(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    query = "UPDATE usage SET fields = json_set(fields, ?, ?) WHERE time = ?"
    alter(plant, query, "$.gateway", "gw-9", THIRD + 8 * 3_600_000)
    assert plant.call("freeze", *MONTH, *BY) == 1
    said = capsys.readouterr().err
    assert "chain knit-01 2026-11-03T08:00:00+08:00: e1/12: its content is not what was sealed" in said


def test_a_period_that_was_never_frozen_has_nothing_to_verify(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("verify", *MONTH) == 1
    assert "there is no evidence to verify; `freeze` it first" in capsys.readouterr().err


def test_a_period_that_was_frozen_with_a_break_and_a_reason_is_as_it_was_frozen(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(plant, "DELETE FROM usage WHERE rowid = 50")
    assert plant.call("freeze", *MONTH, "--by", "Li Na", "--override", "the row is lost, agreed") == 0
    capsys.readouterr()
    assert plant.call("verify", *MONTH) == 0
    told = capsys.readouterr().err
    assert told.count("as it was when it was frozen, with a reason: chain of knit-01 e1/") == 1
    alter(plant, "DELETE FROM usage WHERE rowid = 52")
    assert plant.call("verify", *MONTH) == 1


@pytest.mark.parametrize("text", ["{", "[]", "null", "", '"x"'])
@pytest.mark.parametrize("series", ["usage", "state", "lease", "witness", "meter"])
def test_a_period_that_was_frozen_with_a_row_that_cannot_be_read_is_as_it_was_frozen(
    series: str, text: str, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the pack by itself comes out the same again, with the same rows left out."""
    alter(plant, f'UPDATE "{series}" SET fields = ? WHERE rowid = (SELECT max(rowid) FROM "{series}")', text)
    assert plant.call("freeze", *MONTH, "--by", "Li Na", "--override", "agreed") == 0
    capsys.readouterr()
    assert plant.call("verify", *MONTH) == 0, capsys.readouterr().out
    assert main(["verify", "--pack", str(plant.books / "2026-11" / "1")]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("flipped", "is not what was closed"),
        ("emptied", "cannot be read"),
        ("removed", "days/2026-11-03/1.json was removed"),
        ("put in", "days/2026-11-03/2.json: no entry of the ledger knows it"),
    ],
)
def test_what_closing_a_day_left_is_looked_at_too(
    how: str, told: str, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("close", "--day", "2026-11-03", "--by", "Li Na") == 0
    assert plant.call("freeze", *MONTH, "--by", "Li Na") == 0
    assert plant.call("verify", *MONTH) == 0
    path = plant.books / "days" / "2026-11-03" / "1.json"
    data = path.read_bytes()
    match how:
        case "flipped":
            path.write_bytes(data.replace(b'"figures":"', b'"figures":"0', 1))
        case "emptied":
            path.write_bytes(b"")
        case "removed":
            path.unlink()
        case _:
            path.with_name("2.json").write_bytes(data)
    capsys.readouterr()
    assert plant.call("verify", *MONTH) == 1
    assert told in capsys.readouterr().out


def test_a_name_that_is_a_path_leads_nowhere(plant: Plant, tmp_path: Path) -> None:
    """By who writes past the store's own checks: the row cannot be read, and no page is called so."""
    outside = {path for path in tmp_path.rglob("*") if path.name.startswith("stolen")}
    with closing(sqlite3.connect(plant.database)) as connection, connection:
        connection.execute("UPDATE usage SET tenant = ?", ("../../stolen",))
        connection.execute("UPDATE lease SET fields = replace(fields, ?, ?)", ("hongye", "../../stolen"))
    out = tmp_path / "a" / "b" / "out"
    assert plant.call("run", *MONTH, "--out", str(out)) == 1
    assert plant.call("freeze", *MONTH, "--by", "Li Na", "--override", "agreed") == 0
    assert main(["verify", "--pack", str(plant.books / "2026-11" / "1")]) == 0
    assert {path for path in tmp_path.rglob("*") if path.name.startswith("stolen")} == outside == set()
