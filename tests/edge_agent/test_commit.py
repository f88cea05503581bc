"""Group commit: what comes while a transaction runs goes into the next one, and a failing disk is heard."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from edge_agent.commit import GroupCommit
from edge_agent.held import Put
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from tests.edge_agent.losses import loss


class Watched(Outbox):
    """An outbox that tells how many records each transaction had, and can be held up or broken."""

    transactions: list[dict[str, int]]
    gate: threading.Event
    broken: bool

    def commit(self, puts: Iterable[Put]) -> None:
        assert self.gate.wait(10)
        puts = tuple(puts)
        if self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        self.transactions.append({put.machine: len(put.records) for put in puts})
        super().commit(puts)


@pytest.fixture
def open_outbox(tmp_path: Path) -> Callable[[], Watched]:
    def open_watched() -> Watched:
        outbox = Watched.open(
            tmp_path / "outbox.db", site="s", gateway="g", limit_bytes=10**6, ring_bytes=10**6, ring_ms=10**9
        )
        outbox.transactions, outbox.gate, outbox.broken = [], threading.Event(), False
        outbox.gate.set()
        return outbox

    return open_watched


def watched(commit: GroupCommit) -> Watched:
    assert isinstance(commit._outbox, Watched)
    return commit._outbox


async def settle_down() -> None:
    """Lets every task that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_was_put_is_on_disk_after_a_flush(open_outbox: Callable[[], Outbox]) -> None:
    async with GroupCommit(open_outbox) as commit:
        commit.put("a", [loss(0, "a")], b"one")
        await commit.flush()
        assert (await commit.call(Outbox.depth)).records == 1
        assert await commit.call(Outbox.checkpoints) == {"a": b"one"}


async def test_everything_put_while_a_transaction_runs_goes_into_the_next(
    open_outbox: Callable[[], Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.commit.LINGER_S", 0)
    async with GroupCommit(open_outbox) as commit, asyncio.TaskGroup() as group:
        outbox = watched(commit)
        running = group.create_task(commit.run())
        outbox.gate.clear()
        commit.put("a", [loss(0, "a")], b"one")
        await settle_down()
        for sequence in (1, 2, 3):
            commit.put("a", [loss(sequence, "a")], str(sequence).encode())
            commit.put("b", [loss(sequence, "b")])
        outbox.gate.set()
        await commit.flush()
        assert outbox.transactions == [{"a": 1}, {"a": 3, "b": 3}]
        assert await commit.call(Outbox.checkpoints) == {"a": b"3"}
        running.cancel()


async def test_checkpoints_that_come_one_by_one_share_a_transaction(
    open_outbox: Callable[[], Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.commit.LINGER_S", 0.05)
    async with GroupCommit(open_outbox) as commit, asyncio.TaskGroup() as group:
        outbox = watched(commit)
        running = group.create_task(commit.run())
        for sequence in range(3):
            commit.put("a", [loss(sequence, "a")])
            await settle_down()
        async with asyncio.timeout(5):
            while not outbox.transactions:  # noqa: ASYNC110  the thread is watched from outside
                await asyncio.sleep(0.01)
        assert outbox.transactions == [{"a": 3}]
        running.cancel()


async def test_a_put_without_checkpoint_keeps_the_one_before(open_outbox: Callable[[], Outbox]) -> None:
    async with GroupCommit(open_outbox) as commit:
        commit.put("a", checkpoint=b"one")
        commit.put("a", [loss(0, "a")])
        await commit.flush()
        assert await commit.call(Outbox.checkpoints) == {"a": b"one"}


async def test_many_who_wait_share_a_transaction(open_outbox: Callable[[], Outbox]) -> None:
    async with GroupCommit(open_outbox) as commit:

        async def durable(machine: str) -> None:
            commit.put(machine, [loss(0, machine)])
            await commit.flush()

        await asyncio.gather(*(durable(f"m-{n}") for n in range(100)))
        assert (await commit.call(Outbox.depth)).records == 100
        assert len(watched(commit).transactions) <= 2


async def test_a_put_is_committed_without_anybody_waiting(open_outbox: Callable[[], Outbox]) -> None:
    async with GroupCommit(open_outbox) as commit, asyncio.TaskGroup() as group:
        running = group.create_task(commit.run())
        commit.put("a", [loss(0, "a")])
        async with asyncio.timeout(10):
            while not watched(commit).transactions:  # noqa: ASYNC110  it is about what happens by itself
                await asyncio.sleep(0.001)
        running.cancel()


async def test_leaving_commits_what_was_put(open_outbox: Callable[[], Outbox]) -> None:
    async with GroupCommit(open_outbox) as commit:
        commit.put("a", [loss(0, "a")])
    with open_outbox() as outbox:
        assert outbox.depth().records == 1


async def test_a_cancelled_wait_takes_nothing_back(open_outbox: Callable[[], Outbox]) -> None:
    async with GroupCommit(open_outbox) as commit:
        outbox = watched(commit)
        outbox.gate.clear()
        commit.put("a", [loss(0, "a")])
        first = asyncio.create_task(commit.flush())
        await settle_down()
        commit.put("a", [loss(1, "a")])
        second = asyncio.create_task(commit.flush())
        await settle_down()
        for task in (first, second):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        outbox.gate.set()
        await commit.flush()
        assert (await commit.call(Outbox.depth)).records == 2


async def test_a_flush_waits_for_a_transaction_that_nobody_waits_for_any_more(
    open_outbox: Callable[[], Outbox],
) -> None:
    async with GroupCommit(open_outbox) as commit:
        outbox = watched(commit)
        outbox.gate.clear()
        commit.put("a", [loss(0, "a")])
        left = asyncio.create_task(commit.flush())
        await settle_down()
        left.cancel()
        waiting = asyncio.create_task(commit.flush())
        await settle_down()
        assert not waiting.done()
        outbox.gate.set()
        await waiting
        assert outbox.transactions[0] == {"a": 1}


async def test_calls_run_on_the_thread_that_owns_the_outbox(open_outbox: Callable[[], Outbox]) -> None:
    def thread_of(outbox: Outbox, plus: int) -> int:
        outbox.depth()
        return threading.get_ident() + plus

    async with GroupCommit(open_outbox) as commit:
        assert await commit.call(thread_of, 1) == await commit.call(thread_of, plus=1)
        assert await commit.call(thread_of, 0) != threading.get_ident()


async def test_the_error_of_a_call_is_the_callers_and_stops_nothing(
    open_outbox: Callable[[], Outbox],
) -> None:
    def wrong(outbox: Outbox) -> None:
        raise ValueError(str(outbox.depth().records))

    async with GroupCommit(open_outbox) as commit:
        with pytest.raises(ValueError, match="0"):
            await commit.call(wrong)
        commit.put("a", [loss(0, "a")])
        await commit.flush()


async def test_a_failing_disk_falls_the_task_that_commits(open_outbox: Callable[[], Outbox]) -> None:
    with pytest.raises(ExceptionGroup) as fallen:  # noqa: PT012  the group is what is tested
        async with GroupCommit(open_outbox) as commit, asyncio.TaskGroup() as group:
            watched(commit).broken = True
            group.create_task(commit.run())
            commit.put("a", [loss(0, "a")])
            await asyncio.Event().wait()
    assert fallen.group_contains(sqlite3.OperationalError, match="disk I/O error")
    with open_outbox() as outbox:
        assert outbox.depth().records == 0


async def test_after_a_failure_nothing_is_taken_and_nothing_is_called_durable(
    open_outbox: Callable[[], Outbox],
) -> None:
    async with GroupCommit(open_outbox) as commit:
        outbox = watched(commit)
        outbox.broken = True
        commit.put("a", [loss(0, "a")])
        with pytest.raises(sqlite3.OperationalError):
            await commit.flush()
        outbox.broken = False
        with pytest.raises(sqlite3.OperationalError):
            commit.put("a", [loss(1, "a")])
        with pytest.raises(sqlite3.OperationalError):
            await commit.flush()


async def test_an_outbox_that_cannot_be_opened_is_told_and_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    opened = partial(
        Outbox.open,
        tmp_path / "none" / "outbox.db",
        site="s",
        gateway="g",
        limit_bytes=1,
        ring_bytes=1,
        ring_ms=1,
    )
    with pytest.raises(OutboxError):
        async with GroupCommit(opened):
            pass
    assert threading.active_count() == before
