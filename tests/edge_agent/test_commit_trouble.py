"""A disk that is full, read-only, busy or failing: what is put waits and is told; damage makes it fall."""

import asyncio
import errno
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from edge_agent import outbox_file
from edge_agent.commit import GroupCommit
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError, OutboxError
from tests.edge_agent.losses import loss

Switch = Callable[[GroupCommit, bool], None]


def opener(path: Path, *, may_set_aside: bool = False) -> Callable[[], Outbox]:
    return partial(
        Outbox.open,
        path,
        site="s",
        gateway="g",
        limit_bytes=10**6,
        ring_bytes=10**6,
        ring_ms=10**9,
        may_set_aside=may_set_aside,
    )


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.commit.LINGER_S", 0.001)
    monkeypatch.setattr("edge_agent.commit.retry_after_s", lambda _: 0.01)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017  any other is a fault of this test
    return filler


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  another thread brings it about
            await asyncio.sleep(0.002)


@contextmanager
def running(commit: GroupCommit, group: asyncio.TaskGroup) -> Iterator[list[str | None]]:
    told: list[str | None] = []
    commit.tell = told.append
    task = group.create_task(commit.run())
    yield told
    task.cancel()


def read_only(outbox: Outbox, *, wrong: bool) -> None:
    outbox._db.execute(f"PRAGMA query_only = {int(wrong)}")


def too_large(outbox: Outbox, *, wrong: bool) -> None:
    """The kernel refuses to let any file grow: SQLite calls that a disk I/O error."""
    log = outbox._path.with_name(outbox._path.name + "-wal")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size if wrong else hard, hard))


class Holder:
    """Another process that holds the write lock."""

    def __init__(self) -> None:
        self.db: sqlite3.Connection | None = None

    def __call__(self, outbox: Outbox, *, wrong: bool) -> None:
        outbox._db.execute("PRAGMA busy_timeout = 0")
        if wrong:
            self.db = sqlite3.connect(outbox._path, isolation_level=None)
            self.db.execute("BEGIN IMMEDIATE")
        elif self.db:
            self.db.close()


TROUBLES: dict[str, tuple[Callable[[], Callable[..., None]], str]] = {
    "read-only": (lambda: read_only, "readonly"),
    "failing": (lambda: too_large, "disk I/O error"),
    "busy": (Holder, "locked"),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_what_the_disk_does_not_take_waits_and_goes_when_it_does(tmp_path: Path, name: str) -> None:
    make, says = TROUBLES[name]
    trouble = make()
    async with GroupCommit(opener(tmp_path / "outbox.db")) as commit, asyncio.TaskGroup() as group:
        with running(commit, group) as told:
            commit.put("m", [loss(0)], b"0")
            await commit.flush()
            await commit.call(trouble, wrong=True)
            try:
                for sequence in range(1, 20):
                    commit.put("m", [loss(sequence)], str(sequence).encode())
                    await asyncio.sleep(0.003)
                await until(lambda: commit.trouble is not None)
                assert commit.unwritten == 19
                with pytest.raises(OutboxAwayError, match=says):
                    await commit.flush()
                commit.put("m", [loss(20)], b"20")
            finally:
                await commit.call(trouble, wrong=False)
            await until(lambda: commit.trouble is None)
            await commit.flush()
            assert commit.unwritten == 0
            assert (await commit.call(Outbox.depth)).records == 21
            assert await commit.call(Outbox.checkpoints) == {"m": b"20"}
            assert told == [told[0], None]
            assert says in str(told[0])


async def test_a_full_disk_costs_nothing_but_time(small_disk: Path) -> None:
    async with GroupCommit(opener(small_disk / "outbox.db")) as commit, asyncio.TaskGroup() as group:
        with running(commit, group) as told:
            commit.put("m", [loss(0)], b"0")
            await commit.flush()
            filler = fill(small_disk)
            sequence = 0
            while commit.trouble is None:  # until the room that SQLite had set aside is used up
                sequence += 1
                commit.put("m", [loss(sequence)], str(sequence).encode() * 500)
                await asyncio.sleep(0.002)
            for more in range(100):
                commit.put("m", [loss(sequence + 1 + more)], b"late")
            on_disk = await commit.call(Outbox.depth)
            assert on_disk.records + commit.unwritten == sequence + 101
            with pytest.raises(OutboxAwayError, match="full"):
                await commit.call(_write_much)
            filler.unlink()
            await until(lambda: commit.trouble is None)
            await commit.flush()
            assert (await commit.call(Outbox.depth)).records == sequence + 101
            assert "full" in str(told[0])
            assert told[1:] == [None]
    with opener(small_disk / "outbox.db")() as outbox:
        assert outbox.checkpoints() == {"m": b"late"}
        assert not outbox.set_aside


def _write_much(outbox: Outbox) -> None:
    with outbox_file.transaction(outbox._db):
        outbox._db.execute("INSERT INTO checkpoint VALUES ('x', zeroblob(8000000))")


async def test_what_was_written_before_the_disk_was_full_is_there_after_a_fall(small_disk: Path) -> None:
    with pytest.raises(OutboxAwayError):  # noqa: PT012  leaving is what raises
        async with GroupCommit(opener(small_disk / "outbox.db")) as commit:
            commit.put("m", [loss(0)], b"0")
            await commit.flush()
            fill(small_disk)
            commit.put("m", [loss(n) for n in range(1, 9000)], b"1")
    (small_disk / "filler").unlink()
    with opener(small_disk / "outbox.db", may_set_aside=True)() as outbox:
        assert outbox.checkpoints() == {"m": b"0"}
        assert outbox.depth().records == 1
        assert outbox.set_aside is None


async def test_no_more_waits_in_memory_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.commit.RECORDS_LIMIT", 50)
    async with GroupCommit(opener(tmp_path / "outbox.db")) as commit:
        await commit.call(read_only, wrong=True)
        commit.put("m", [loss(0)])
        with pytest.raises(OutboxAwayError):
            await commit.flush()
        commit.put("m", [loss(n) for n in range(1, 50)])
        with pytest.raises(OutboxError, match="51 records wait for the disk: attempt to write a readonly"):
            commit.put("m", [loss(50)])
        with pytest.raises(OutboxError, match="51 records wait"):
            commit.put("m", checkpoint=b"x")


async def test_the_disk_is_left_alone_between_two_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.commit.retry_after_s", lambda failures: 1000.0 + failures)
    async with GroupCommit(opener(tmp_path / "outbox.db")) as commit:
        asked: list[str] = []
        await commit.call(read_only, wrong=True)
        commit.put("m", [loss(0)])
        with pytest.raises(OutboxAwayError):
            await commit.flush()
        await commit.call(read_only, wrong=False)
        await commit.call(lambda outbox: outbox._db.set_trace_callback(asked.append))
        for _ in range(5):
            with pytest.raises(OutboxAwayError, match="1 records wait"):
                await commit.flush()
        assert asked == []
    with opener(tmp_path / "outbox.db")() as outbox:
        assert outbox.depth().records == 1


async def test_a_commit_relieves_an_outbox_that_is_over_its_limit(tmp_path: Path) -> None:
    small = partial(
        Outbox.open,
        tmp_path / "outbox.db",
        site="s",
        gateway="g",
        limit_bytes=1,
        ring_bytes=10**6,
        ring_ms=10**9,
    )
    async with GroupCommit(small) as commit:
        commit.put("m", [loss(0)])
        await commit.flush()
        (sealed,) = await commit.call(Outbox.seal, 0, "s-1")
        assert sealed.id
        await commit.call(lambda outbox: outbox._db.execute("UPDATE record SET place = 2, batch = NULL"))
        commit.put("m", [loss(1)])
        await commit.flush()
        assert commit.relief.ring_dropped == 1


def scribble(path: Path, table: str) -> None:
    """Noise where the table's first page is."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


async def test_damage_met_while_running_makes_the_agent_fall_and_the_next_start_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large file only the tables that a start needs are looked at, unless there was a suspicion."""
    monkeypatch.setattr(outbox_file, "_WHOLE_CHECK_BYTES", 0)
    path = tmp_path / "outbox.db"
    async with GroupCommit(opener(path)) as commit:
        commit.put("m", [loss(n) for n in range(300)], b"before")
    scribble(path, "record")
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):  # noqa: PT012  the group is what is tested
        async with GroupCommit(opener(path, may_set_aside=True)) as commit:
            assert commit.set_aside is None
            commit.put("m", [loss(300)])
            await commit.flush()
    damaged = path.read_bytes()
    async with GroupCommit(opener(path, may_set_aside=True)) as commit:
        assert commit.set_aside is not None
        assert commit.set_aside.read_bytes() == damaged
        assert await commit.call(Outbox.checkpoints) == {}
        commit.put("m", [loss(0)], b"anew")
    async with GroupCommit(opener(path, may_set_aside=True)) as commit:
        assert commit.set_aside is None
        assert await commit.call(Outbox.checkpoints) == {"m": b"anew"}
