"""Whatever is changed after a day was issued, in the books or in the store, is found by verify, and named.

Systematically: every kind of change to every file of the books, and every field of every stored row.
"""

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.billing.life.conftest import DAY_MS, LATER, Plant
from tests.billing.life.tampering import DAY, NAME, close, facts, told_plant

STRIDE = 211
"""Bytes between two that are tried: of every one it takes too long for every day."""


@pytest.fixture(scope="module")
def closed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Tests put back what they change."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        plant = told_plant(template / "stored", tmp_path_factory.mktemp("tampered") / "plant", monkeypatch)
        plant.put(facts())
        close(plant)
        yield plant


def verify(plant: Plant, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = plant.call("verify", *DAY, at=LATER + 2 * DAY_MS)
    said = capsys.readouterr()
    return code, said.out if code else said.err


def files_of(plant: Plant) -> list[str]:
    return sorted(
        str(path.relative_to(plant.books))
        for path in plant.books.rglob("*")
        if path.is_file() and path.name != "lock"
    )


def test_nothing_is_found_where_nothing_was_changed(
    closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    names = files_of(closed)
    assert {Path(name).name.split("-")[0] for name in names if name.endswith(".gz")} == {
        *("usage", "state", "meter", "lease", "order", "correction", "quality", "witness", "signature")
    }
    assert {name.split("/")[1] for name in names if "/" in name} == {"1", "2"}
    assert verify(closed, capsys) == (
        0,
        f"{NAME}: ledger, evidence, statements, stored rows and chains are as they were frozen\n",
    )


def flip(data: bytes, at: int) -> bytes:
    """One bit."""
    changed = bytearray(data)
    changed[at % len(data)] ^= 1 << at % 8
    return bytes(changed)


def lines_changed(data: bytes, change: Callable[[list[bytes]], list[bytes]], name: str) -> bytes:
    """Of a file of rows, its lines, packed again as they should be."""
    is_packed = name.endswith(".gz")
    lines = (gzip.decompress(data) if is_packed else data).splitlines(keepends=True)
    text = b"".join(change(lines))
    return gzip.compress(text, 1, mtime=0) if is_packed else text


def exchanged(lines: list[bytes], n: int) -> list[bytes]:
    n %= max(1, len(lines) - 1)
    return [*lines[:n], *lines[n : n + 2][::-1], *lines[n + 2 :]]


Change = Callable[[bytes, int, str], bytes | None]
CHANGES: dict[str, Change] = {
    "a bit is another": lambda data, n, _: flip(data, n),
    "it is cut off": lambda data, n, _: data[: n % len(data)],
    "something is added": lambda data, n, _: data + bytes([n % 256]),
    "a byte is taken out": lambda data, n, _: data[: n % len(data)] + data[n % len(data) + 1 :],
    "a line is taken out": lambda data, n, name: lines_changed(
        data, lambda lines: [*lines[: n % len(lines)], *lines[n % len(lines) + 1 :]], name
    ),
    "a line stands twice": lambda data, n, name: lines_changed(
        data, lambda lines: [*lines[: n % len(lines) + 1], *lines[n % len(lines) :]], name
    ),
    "two lines are exchanged": lambda data, n, name: lines_changed(
        data, lambda lines: exchanged(lines, n), name
    ),
    "it is not there": lambda *_: None,
}


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_change_to_any_file_of_the_books_is_found_and_the_file_is_named(
    data: st.DataObject, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    name = data.draw(st.sampled_from(files_of(closed)), label="file")
    change = data.draw(st.sampled_from(sorted(CHANGES)), label="change")
    n = data.draw(st.integers(0, 10**6), label="where")
    path = closed.books / name
    before = path.read_bytes()
    after = CHANGES[change](before, n, name)
    assume(after != before)
    try:
        path.unlink()
        if after is not None:
            path.write_bytes(after)
        code, said = verify(closed, capsys)
    finally:
        path.write_bytes(before)
    assert code == 1, said
    where = "ledger" if name == "ledger.jsonl" else name.removeprefix(f"{NAME}/").split("/", 1)[1]
    assert where in said or (name == "ledger.jsonl" and "pack" in said), said


@pytest.mark.parametrize("bit", [0x01, 0x40])
def test_a_manifest_of_which_a_bit_is_another_is_named_whatever_the_bit_says(
    bit: int, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name, an instant, a head: nothing of it is believed so far that verify could stumble over it."""
    path = closed.books / NAME / "1" / "pack.json"
    before = path.read_bytes()
    for at in range(bit, len(before), STRIDE):
        path.write_bytes(before[:at] + bytes([before[at] ^ bit]) + before[at + 1 :])
        code, said = verify(closed, capsys)
        path.write_bytes(before)
        assert code == 1
        assert "pack.json" in said, (at, said)


@pytest.mark.parametrize("revision", [1, 2])
def test_a_file_under_another_name_is_missed_and_found(
    revision: int, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    place = closed.books / NAME / str(revision)
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        other = path.with_name(f"x-{path.name}")
        path.rename(other)
        code, said = verify(closed, capsys)
        other.rename(path)
        assert code == 1
        assert path.name in said


def test_a_pack_that_was_taken_away_or_put_in_is_found(
    closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    second = closed.books / NAME / "2"
    for other in (closed.books / "elsewhere", closed.books / NAME / "3"):
        second.rename(other)
        code, said = verify(closed, capsys)
        other.rename(second)
        assert code == 1
        assert f"{NAME}/2" in said


def test_an_entry_that_was_taken_off_the_end_of_the_ledger_is_missed(
    closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left of the ledger is whole by itself."""
    path = closed.books / "ledger.jsonl"
    before = path.read_bytes()
    path.write_bytes(b"".join(before.splitlines(keepends=True)[:-1]))
    code, said = verify(closed, capsys)
    path.write_bytes(before)
    assert code == 1
    assert f"{NAME}/2: issued.json says that it was issued, and the ledger has no entry of it" in said
    assert "ledger, entry" not in said


def rows_of(plant: Plant, series: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(plant.database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f'SELECT rowid AS row, * FROM "{series}"')]


def change(plant: Plant, query: str, *values: object) -> None:
    with closing(sqlite3.connect(plant.database)) as connection, connection:
        assert connection.execute(query, values).rowcount == 1


def other(value: object) -> object:
    return value + 1 if isinstance(value, int) else "no" if value == "x" else "x"


def named(row: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    """What a person needs to find the row: any of these in the line about it."""
    number = fields.get("sequence", fields.get("id"))
    tags = [row[name] for name in ("machine", "epoch") if name in row]
    return ["/".join([*tags, str(number)]), f"{' '.join(tags)}/{number}"]


STORED = ("usage", "state", "meter", "lease", "order", "correction", "quality", "witness", "signature")


def in_evidence(plant: Plant, series: str) -> set[tuple[int, str]]:
    found = set()
    for path in (plant.books / NAME).rglob(f"{series}-*.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            row = json.loads(line)
            found.add((row["time"], row["tags"].get("machine", "")))
    return found


def wanted(plant: Plant, series: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows that the day rests on, in the evidence or in a chain that reaches into it."""
    kept = in_evidence(plant, series)
    for row in rows_of(plant, series):
        fields = json.loads(row["fields"])
        machine = row.get("machine", "")
        if (row["time"], machine) in kept:
            yield row, fields


@pytest.mark.parametrize("series", STORED)
def test_any_field_of_any_stored_row_that_is_changed_is_found_and_the_row_is_named(
    series: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    query = f'UPDATE "{series}" SET fields = ? WHERE rowid = ?'
    seen = set[str]()
    for row, fields in wanted(closed, series):
        # every field once, and all of what makes a row what it is: gaps, disputed stretches, stops
        for field in [name for name in fields if name not in seen or fields.get("quality") == "unknown"]:
            seen.add(field)
            change(closed, query, json.dumps({**fields, field: other(fields[field])}), row["row"])
            code, said = verify(closed, capsys)
            change(closed, query, row["fields"], row["row"])
            assert code == 1, (series, field)
            line = f"{field} is {other(fields[field])} in the store, {fields[field]} in the evidence"
            assert any(name in said for name in named(row, fields)) or field in {"id", "sequence"}, said
            assert line in said, (field, said)
    assert seen


NO_ROW = {
    "not there": lambda text, field: text.replace(f'"{field}":', f'"{field}_":', 1),
    "null": lambda text, field: json.dumps({**json.loads(text), field: None}),
    "a float": lambda text, field: json.dumps({**json.loads(text), field: 1.5}),
    "a truth": lambda text, field: json.dumps({**json.loads(text), field: True}),
    "a list": lambda text, field: json.dumps({**json.loads(text), field: [1]}),
    "cut off": lambda text, _: text[:-1],
    "empty": lambda *_: "",
    "a list itself": lambda *_: "[]",
    "nothing itself": lambda *_: "null",
    "a text": lambda *_: '"x"',
    "two lines": lambda text, _: text.replace(",", ",\n", 1).replace(":", ":[", 1),
}
"""What makes of the text of a row's fields one that cannot be read."""


@pytest.mark.parametrize("how", NO_ROW)
@pytest.mark.parametrize("series", STORED)
def test_a_stored_row_that_cannot_be_read_any_more_is_found_and_named(
    series: str, how: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    query = f'UPDATE "{series}" SET fields = ? WHERE rowid = ?'
    for row, fields in list(wanted(closed, series))[:2]:
        field = next(name for name in sorted(fields) if name not in {"sequence", "id"})
        change(closed, query, NO_ROW[how](row["fields"], field), row["row"])
        code, said = verify(closed, capsys)
        change(closed, query, row["fields"], row["row"])
        assert code == 1
        assert any(name in said for name in named(row, fields)), said


@pytest.mark.parametrize("how", NO_ROW)
@pytest.mark.parametrize("series", STORED)
def test_a_row_of_the_evidence_that_cannot_be_read_any_more_is_found_and_named(
    series: str, how: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """Packed again as it should be: where its text is no JSON, the row before it is named."""
    path = min((closed.books / NAME / "1").glob(f"{series}-*.gz"))
    before = path.read_bytes()
    *_, last = lines = gzip.decompress(before).splitlines()
    row = json.loads(last)
    fields = json.dumps(row["fields"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    field = next(name for name in sorted(row["fields"]) if name not in {"sequence", "id"})
    lines[-1] = last.replace(fields.encode(), NO_ROW[how](fields, field).encode())
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines), 1, mtime=0))
    code, said = verify(closed, capsys)
    path.write_bytes(before)
    assert code == 1
    is_text = how in {"cut off", "empty", "two lines"}
    assert f"{path.name}: cannot be read after" in said if is_text else True
    assert is_text or any(name in said for name in named(row["tags"], row["fields"])), said


@pytest.mark.parametrize("series", STORED)
def test_any_stored_row_that_is_taken_out_is_found_and_named(
    series: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    for row, fields in wanted(closed, series):
        change(closed, f'DELETE FROM "{series}" WHERE rowid = ?', row["row"])
        code, said = verify(closed, capsys)
        columns = [name for name in row if name != "row"]
        marks = ", ".join("?" * len(columns))
        put = f'INSERT INTO "{series}" ({", ".join(columns)}) VALUES ({marks})'
        change(closed, put, *(row[name] for name in columns))
        assert code == 1
        assert "is in the evidence, and in the store no more" in said
        assert any(name in said for name in named(row, fields)), said


@pytest.mark.parametrize("tag", ["tenant", "machine", "kind", "area", "epoch", "time"])
def test_a_stored_interval_under_another_tag_or_time_is_found_and_named(
    tag: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    for row, fields in wanted(closed, "usage"):
        query = f'UPDATE usage SET "{tag}" = ? WHERE rowid = ?'
        change(closed, query, other(row[tag]), row["row"])
        code, said = verify(closed, capsys)
        change(closed, query, row[tag], row["row"])
        assert code == 1
        assert any(name in said for name in named(row, fields)), said


@pytest.mark.parametrize("series", ["usage", "state"])
def test_a_row_that_was_put_into_the_store_beside_the_others_is_found_and_named(
    series: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """By who writes past the store's own checks: a second record under a name that is taken."""
    for row, fields in wanted(closed, series):
        columns = [name for name in row if name != "row"]
        values = [row[name] + 1 if name == "time" else row[name] for name in columns]
        put = f'INSERT INTO "{series}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'
        change(closed, put, *values)
        code, said = verify(closed, capsys)
        change(closed, f'DELETE FROM "{series}" WHERE time = ? AND machine = ?', values[0], row["machine"])
        assert code == 1
        assert f"{row['machine']} {row['epoch']}/{fields['sequence']}" in said


def test_a_tariff_that_was_changed_beside_the_books_changes_nothing(
    closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was frozen has its own."""
    path = closed.folder / "tariff.toml"
    before = path.read_text("utf-8")
    path.write_text(before.replace("12.00", "13.00"), "utf-8")
    code, _ = verify(closed, capsys)
    path.write_text(before, "utf-8")
    assert code == 0


@pytest.mark.parametrize("name", ["tariff.toml", "billing.toml", "keys.toml", "shipped/stop-codes.toml"])
def test_a_text_that_was_changed_within_the_evidence_is_named(
    name: str, closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    path = closed.books / NAME / "1" / "configuration.json"
    before = path.read_bytes()
    texts = json.loads(before)
    texts[name] = f"{texts[name]}# nothing\n"
    path.write_text(json.dumps(texts, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "utf-8")
    code, said = verify(closed, capsys)
    path.write_bytes(before)
    assert code == 1
    assert f"configuration.json: {name} was changed" in said
