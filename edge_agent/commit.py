"""Group commit: the outbox on a thread of its own, and one transaction for all that came while the last ran.

A disk may take 50 ms for a commit; polling must not wait for it, and must not pay for it once per machine.
When the disk takes nothing, what was put waits in memory and is tried again.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, Self, TypeVar

from contract.records import Record
from edge_agent.held import Put, Relief
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError, OutboxError, is_away, is_damage
from edge_agent.wanted import Wanted, retry_after_s

LINGER_S: Final = 1.0
"""Checkpoints that come one by one are committed together: a flash card has only so many writes in it."""
RECORDS_LIMIT: Final = 50_000
"""Most records that wait in memory for the disk: some 50 MB. More, and the agent falls."""

P = ParamSpec("P")
T = TypeVar("T")


def _tell_nobody(_: str | None) -> None:
    """Until somebody wants to be told."""


class GroupCommit:
    """``async with GroupCommit(open_outbox) as commit`` opens the outbox; a task of its own runs ``run``.

    While the disk takes nothing (full, read-only, failing), ``trouble`` says what it said, ``flush`` and
    ``call`` raise OutboxAwayError, and ``run`` tries again with back-off. Any other failure, damage in the
    file among them, makes ``run`` raise (so the agent falls and is started again), and so does every later
    ``put`` and ``flush``. Leaving commits what was put, unless that fails.
    """

    def __init__(self, open_outbox: Callable[[], Outbox]) -> None:
        self._open = open_outbox
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._wanted = Wanted()
        self._put = self._durable = 0
        """How many puts came, and how many of them are on disk for certain."""
        self._came = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._calls = 0
        self.attempts = 0
        """To write, those that failed included: while something is wanted, their number rises."""
        self._failures = 0
        """How often the disk refused, in a row."""
        self._again_at = 0.0
        """When to try again, event loop time."""
        self.trouble: str | None = None
        """What the disk says while it takes nothing."""
        self.tell: Callable[[str | None], None] = _tell_nobody
        """Called when trouble begins, with ``trouble``, and with None when it is over."""
        self.relief = Relief()
        """What was merged, dropped and lost since this was opened, because too much waited."""

    async def __aenter__(self) -> Self:
        """Raises OutboxError."""
        try:
            self._outbox = await self._on_thread(self._open)
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._failure is None:
                self._again_at = 0.0
                await self.flush()
        finally:
            await self._on_thread(self._outbox.close)
            self._thread.shutdown()

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged outbox went when this one was opened: no checkpoint is left."""
        return self._outbox.set_aside

    @property
    def unwritten(self) -> int:
        """Records that wait in memory for the disk."""
        return self._wanted.records

    @property
    def unwritten_machines(self) -> int:
        """Machines with something in memory that waits for the disk."""
        return self._wanted.machines

    @property
    def behind(self) -> bool:
        """Whether anything that was put is not on disk yet."""
        return self._durable < self._put

    @property
    def calls(self) -> int:
        """How many wait for the thread of the outbox, or are under way on it."""
        return self._calls

    def put(self, machine: str, records: Iterable[Record] = (), checkpoint: bytes | None = None) -> None:
        """Wants this durable; never blocks. Records go behind those already wanted; a checkpoint replaces."""
        self._raise_failure()
        self._wanted.add(Put(machine=machine, records=tuple(records), checkpoint=checkpoint))
        self._put += 1
        self._came.set()
        if self._wanted.records > RECORDS_LIMIT:
            why = self.trouble or "the disk is too slow"
            self._failure = OutboxError(f"{self._wanted.records} records wait for the disk: {why}")
            raise self._failure

    async def run(self) -> None:
        """Commits for ever. Raises what is not the disk's passing trouble."""
        while True:
            await self._came.wait()
            await asyncio.sleep(max(LINGER_S, self._again_at - _now()))
            with contextlib.suppress(OutboxAwayError):
                await self.flush()

    async def flush(self) -> None:
        """Waits until everything put so far is durable. OutboxAwayError when the disk takes nothing."""
        put_so_far = self._put
        while self._durable < put_so_far:
            self._raise_failure()
            if _now() < self._again_at:
                raise OutboxAwayError(
                    f"the disk takes nothing, {self.unwritten} records wait: {self.trouble}"
                )
            if self._writing is None:
                self._writing = asyncio.create_task(self._write(), name="outbox write")
            # Shielded: a caller that is cancelled must not take back what others have put.
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        """Writes what is wanted. Whoever waits for it looks at what it left behind: it never raises."""
        puts, put = self._wanted.take(), self._put
        self._came.clear()
        try:
            await self._on_thread(partial(self._commit, puts))
        except Exception as error:  # noqa: BLE001  raised again by flush and put
            self._wanted.restore()
            self._came.set()
            self._refused(error)
        else:
            self._wanted.done()
            self._durable = put
            self._accepted()
        finally:
            self._writing = None
            self.attempts += 1

    def _commit(self, puts: Collection[Put]) -> None:
        self._outbox.commit(puts)
        # The puts are durable: trouble with making room must not look like trouble with them.
        try:
            self.relief += self._outbox.relieve()
        except sqlite3.Error as error:
            if not is_away(error):
                raise

    def _refused(self, error: Exception) -> None:
        if not is_away(error):
            self._failure = error
            return
        self._again_at = _now() + retry_after_s(self._failures)
        self._failures += 1
        if self.trouble is None:
            self.trouble = str(error)
            self.tell(self.trouble)

    def _accepted(self) -> None:
        self._failures, self._again_at = 0, 0.0
        if self.trouble is not None:
            self.trouble = None
            self.tell(None)

    async def call(self, fn: Callable[Concatenate[Outbox, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``fn(outbox, ...)`` on the thread of the outbox, between two commits; its errors are yours.

        Raises OutboxAwayError when the disk does not let it: nothing has changed then, and it may be tried
        again later.
        """
        try:
            return await self._on_thread(lambda: fn(self._outbox, *args, **kwargs))
        except sqlite3.Error as error:
            if is_away(error):
                raise OutboxAwayError(str(error)) from error
            raise

    async def _on_thread(self, work: Callable[[], T]) -> T:
        done = asyncio.get_running_loop().run_in_executor(self._thread, partial(self._watched, work))
        self._calls += 1
        done.add_done_callback(self._called)
        return await asyncio.shield(done)

    def _called(self, _: object) -> None:
        self._calls -= 1

    def _watched(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            if is_damage(error):
                with contextlib.suppress(OSError):
                    self._outbox.suspect()
            raise

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _now() -> float:
    return asyncio.get_running_loop().time()
