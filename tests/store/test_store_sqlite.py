"""The SQLite file: whose it is, who reads it meanwhile, and what happens when it cannot be written."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contract.messages import ExceptionReason, Outcome
from contract.series import ALL, LEASE, USAGE, Row
from store.protocol import ACCEPTED, StoreAwayError, UnusableStoreError
from store.schema import APPLICATION_ID, NEAR_CLAIMS, VERSION
from store.sqlite import SqliteStore, open_sqlite

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store #1?.sqlite"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[SqliteStore]:
    async with open_sqlite(path) as store:
        yield store


def python(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def query(path: Path, text: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(text).fetchall()


READ = """
import asyncio, sys
from pathlib import Path
from contract.series import USAGE
from store.sqlite import open_sqlite

async def main():
    async with open_sqlite(Path(sys.argv[1]), read_only=True) as store:
        print([row.fields["sequence"] async for row in store.read(USAGE, 0, 10)])

asyncio.run(main())
"""


async def test_another_process_reads_while_the_writer_has_it_open(
    sqlite: SqliteStore, path: Path, usage: Any
) -> None:
    await sqlite.write([usage(1, 0), usage(2, 1)])
    assert python(READ, path).stdout == "[0, 1]\n"
    await sqlite.write([usage(3, 2)])
    assert python(READ, path).stdout == "[0, 1, 2]\n"


WRITE = """
import asyncio, os, signal, sys
from pathlib import Path
from contract.series import Row
from store.sqlite import open_sqlite

async def main():
    async with open_sqlite(Path(sys.argv[1])) as store:
        row = Row(series="lease", time=1, tags={"site": "s", "machine": "m"}, fields={"id": "x"})
        await store.write([row])
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_was_written_survives_the_death_of_the_writer(path: Path, read: Any) -> None:
    assert python(WRITE, path).returncode == -signal.SIGKILL
    async with open_sqlite(path) as store:
        assert len(await read(store, LEASE)) == 1


async def test_every_commit_waits_for_the_disk(sqlite: SqliteStore) -> None:
    settings = {name: sqlite._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in SAFE}
    assert settings == SAFE


SAFE = {"journal_mode": "wal", "synchronous": 2, "application_id": APPLICATION_ID, "user_version": VERSION}


async def test_a_person_can_read_it_with_sqlite_alone(sqlite: SqliteStore, path: Path, usage: Any) -> None:
    big = 2**63 - 1
    await sqlite.write([usage(5, 0, produced=big, order_id="盖子")])
    columns = "time, tenant, json_extract(fields, '$.produced'), json_extract(fields, '$.order_id')"
    assert query(path, f'SELECT {columns} FROM "usage"') == [(5, "acme", big, "盖子")]
    assert query(path, 'SELECT count(*) FROM "order"') == [(0,)]


async def test_a_record_without_a_sequence_is_invalid(sqlite: SqliteStore, usage: Any) -> None:
    (written,) = await sqlite.write([usage(5, "7")])
    assert (written.reason, written.detail) == (ExceptionReason.INVALID, "a record needs a sequence")


async def test_two_writers_take_turns(sqlite: SqliteStore, path: Path, usage: Any, read: Any) -> None:
    async with open_sqlite(path) as other:
        writes = [
            store.write([usage(n, n, machine)])
            for n in range(40)
            for store, machine in ((sqlite, "a"), (other, "b"))
        ]
        assert await asyncio.gather(*writes) == [[ACCEPTED]] * 80
    assert len(await read(sqlite, USAGE)) == 80


async def test_waiting_for_another_writer_does_not_hold_the_event_loop(
    sqlite: SqliteStore, path: Path, lease: Any
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(sqlite.write([lease(1)]))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not writing.done()
        other.execute("ROLLBACK")
    assert await writing == [ACCEPTED]


async def test_a_file_that_is_locked_keeps_the_rows(
    sqlite: SqliteStore, path: Path, lease: Any, read: Any
) -> None:
    sqlite._connection.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        bad = lease(2, number=2**63)
        written = await sqlite.write([lease(1), bad])
        assert [one.outcome for one in written] == [Outcome.KEPT, Outcome.REJECTED]
        assert (written[0].reason, "locked" in written[0].detail) == (ExceptionReason.STORE, True)
        assert await read(sqlite, LEASE) == []
    assert await sqlite.write([lease(1)]) == [ACCEPTED]


async def test_a_full_disk_keeps_the_whole_batch(sqlite: SqliteStore, lease: Any, read: Any) -> None:
    pages = sqlite._connection.execute("PRAGMA page_count").fetchone()[0]
    sqlite._connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    rows = [lease(n, text="x" * 30_000) for n in range(10)]
    written = await sqlite.write(rows)
    assert {(one.outcome, "full" in one.detail) for one in written} == {(Outcome.KEPT, True)}
    assert await read(sqlite, LEASE) == []
    sqlite._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert await sqlite.write(rows) == [ACCEPTED] * 10


async def test_a_reader_cannot_write(sqlite: SqliteStore, path: Path, lease: Any) -> None:
    async with open_sqlite(path, read_only=True) as reader:
        (written,) = await reader.write([lease(1)])
    assert (written.outcome, "readonly" in written.detail) == (Outcome.KEPT, True)


async def test_a_file_that_breaks_later_cannot_be_read(
    sqlite: SqliteStore, path: Path, lease: Any, read: Any
) -> None:
    await sqlite.write([lease(n, text="x" * 5_000) for n in range(100)])
    sqlite._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200_000)
    async with open_sqlite(path, read_only=True) as reader:
        with pytest.raises(StoreAwayError, match="cannot be read"):
            await read(reader, LEASE)


def refusal(path: Path, *, read_only: bool = False) -> str:
    async def opened() -> None:
        async with open_sqlite(path, read_only=read_only):
            pass

    with pytest.raises(UnusableStoreError) as error:
        asyncio.run(opened())
    return str(error.value)


def test_a_file_that_is_no_database_is_refused_and_untouched(path: Path) -> None:
    path.write_bytes(b"a letter to the tax office\n" * 100)
    assert "not a database" in refusal(path)
    assert path.read_bytes() == b"a letter to the tax office\n" * 100


def test_a_database_of_another_program_is_refused_and_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE cats (name TEXT)")
    before = path.read_bytes()
    assert "belongs to another program" in refusal(path)
    assert path.read_bytes() == before


async def test_tables_of_another_version_are_refused(path: Path) -> None:
    async with open_sqlite(path) as store:
        store._connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(UnusableStoreError, match=f"has version {VERSION + 1} of the tables"):
        await open_sqlite(path).__aenter__()


def test_a_reader_does_not_make_the_file(path: Path) -> None:
    assert "does not exist" in refusal(path, read_only=True)
    assert not path.exists()
    path.touch()
    assert "is empty" in refusal(path, read_only=True)


def test_a_missing_directory_is_not_made(tmp_path: Path) -> None:
    assert "is not a directory" in refusal(tmp_path / "missing" / "store.sqlite")


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    assert "unable to open" in refusal(tmp_path)


async def test_a_new_file_has_a_table_for_every_series(sqlite: SqliteStore, path: Path) -> None:
    tables = {name for (name,) in query(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {series.name for series in ALL} | {"record_name"}
    plan = query(path, "EXPLAIN QUERY PLAN SELECT * FROM \"usage\" WHERE time < 5 AND (time, site) > (1, '')")
    assert "SEARCH usage USING INDEX" in plan[0][3]
    for question in NEAR_CLAIMS:
        found = sqlite._connection.execute(f"EXPLAIN QUERY PLAN {question}", NEAR).fetchall()
        assert [step[3].split(" USING ")[0] for step in found] == ["SEARCH record_name"], question


NEAR = {"machine": "m", "epoch": "e", "series": "usage", "time": 1, "first": 1, "last": 1}


VERSION_1 = """
CREATE TABLE record_name (
    machine TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL,
    series TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (machine, epoch, sequence)) WITHOUT ROWID, STRICT;
INSERT INTO record_name SELECT machine, epoch, sequence, series, time FROM later;
DROP TABLE later;
PRAGMA user_version = 1;
"""


async def of_version_1(path: Path, rows: list[Row]) -> None:
    async with open_sqlite(path) as store:
        assert await store.write(rows) == [ACCEPTED] * len(rows)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP INDEX record_time; ALTER TABLE record_name RENAME TO later")
        connection.executescript(VERSION_1)


async def test_a_file_of_version_1_goes_on(path: Path, usage: Any, read: Any) -> None:
    rows = [usage(1, 1), usage(2, 6, sequence_first=3), usage(9, 9, sequence_first=9)]
    await of_version_1(path, rows)
    async with open_sqlite(path, read_only=True) as reader:
        assert await read(reader, USAGE) == rows
    for _ in range(2):
        async with open_sqlite(path) as store:
            assert await store.write(rows) == [ACCEPTED] * 3
            taken = [usage(3, 4), usage(9, 10, tenant="bolt"), usage(4, 1)]
            assert {one.reason for one in await store.write(taken)} == {ExceptionReason.CONFLICT}
            assert await store.write([usage(5, 7)]) == [ACCEPTED]
            assert len(await read(store, USAGE)) == 4


async def test_a_file_of_version_1_opens_though_it_holds_what_is_refused_now(
    path: Path, usage: Any, read: Any
) -> None:
    await of_version_1(path, [usage(1, 1), usage(9, 9)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE usage SET time = 1, tenant = 'bolt' WHERE time = 9")
        connection.execute("UPDATE record_name SET time = 1 WHERE time = 9")
    async with open_sqlite(path) as store:
        assert [row.tags["tenant"] for row in await read(store, USAGE)] == ["acme", "bolt"]
        assert await store.write([usage(2, 10)]) == [ACCEPTED]


async def test_closing_leaves_no_thread_and_one_file(path: Path, lease: Any) -> None:
    async with open_sqlite(path) as store:
        await store.write([lease(1)])
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208  the log of SQLite would stand beside it


@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
async def test_a_file_that_is_not_there_is_named_in_full(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relative: bool,  # noqa: FBT001  a case
) -> None:
    """Who starts a command in another folder finds no store, and cannot see why from a name alone."""
    monkeypatch.chdir(tmp_path)
    at = Path("gongfang.db") if relative else tmp_path / "gongfang.db"
    with pytest.raises(UnusableStoreError) as refused:
        async with open_sqlite(at, read_only=True):
            pass
    assert str(refused.value).startswith(f"{tmp_path}/gongfang.db does not exist; it is created by the first")
    assert ("counts from where a command is started" in str(refused.value)) is relative
