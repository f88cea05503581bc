"""Group commit: the outbox on a thread of its own, and one transaction for all that came while the last ran.

A disk may take 50 ms for a commit; polling must not wait for it, and must not pay for it once per machine.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, Final, ParamSpec, Self, TypeVar

from contract.records import Record
from edge_agent.held import Put
from edge_agent.outbox import Outbox

LINGER_S: Final = 0.5
"""Checkpoints that come one by one are committed together: a flash card has only so many writes in it."""

P = ParamSpec("P")
T = TypeVar("T")


class GroupCommit:
    """``async with GroupCommit(open_outbox) as commit`` opens the outbox; a task of its own runs ``run``.

    When the disk fails, ``run`` raises (so the agent falls and is started again), and so does every later
    ``put`` and ``flush``. Leaving commits what was put, unless the disk has failed.
    """

    def __init__(self, open_outbox: Callable[[], Outbox]) -> None:
        self._open = open_outbox
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._wanted: dict[str, Put] = {}
        self._put = self._durable = 0
        """How many puts came, and how many of them are on disk for certain."""
        self._came = asyncio.Event()
        self._turn = asyncio.Lock()
        self._failure: Exception | None = None

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
                await self.flush()
        finally:
            await self._on_thread(self._outbox.close)
            self._thread.shutdown()

    def put(self, machine: str, records: Iterable[Record] = (), checkpoint: bytes | None = None) -> None:
        """Wants this durable; never blocks. Records go behind those already wanted; a checkpoint replaces."""
        self._raise_failure()
        before = self._wanted.get(machine, Put(machine=machine))
        self._wanted[machine] = Put(
            machine=machine,
            records=(*before.records, *records),
            checkpoint=before.checkpoint if checkpoint is None else checkpoint,
        )
        self._put += 1
        self._came.set()

    async def run(self) -> None:
        """Commits for ever. Raises what the disk raised."""
        while True:
            await self._came.wait()
            await asyncio.sleep(LINGER_S)
            await self.flush()

    async def flush(self) -> None:
        """Waits until everything put so far is durable."""
        put_so_far = self._put
        async with self._turn:
            if self._durable < put_so_far:
                await self._write_wanted()

    async def _write_wanted(self) -> None:
        wanted, self._wanted = self._wanted, {}
        put = self._put
        self._came.clear()
        await self._on_thread(partial(self._commit, wanted.values()))
        self._durable = put

    async def call(self, fn: Callable[Concatenate[Outbox, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``fn(outbox, ...)`` on the thread of the outbox, between two commits; its errors are yours."""
        return await self._on_thread(lambda: fn(self._outbox, *args, **kwargs))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        # Shielded: a caller that is cancelled must not take back what others have put.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _commit(self, puts: Iterable[Put]) -> None:
        self._raise_failure()
        try:
            self._outbox.commit(puts)
        except Exception as failure:
            self._failure = failure
            raise

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
