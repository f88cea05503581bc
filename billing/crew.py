"""Processes that work beside this one, since Python runs on one core.

They are started anew, not forked, for this process has threads. They end with it, however it ends.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

from msgspec import Struct

P = ParamSpec("P")
R = TypeVar("R")
_AHEAD: Final = 3
"""So many tasks of each process wait, or are done and were not asked for yet."""


class LostProcessError(Exception):
    """A process was ended from outside. The text says what to do."""


class StoppedError(Exception):
    """In a process of the crew: somebody failed, or a person had enough."""


class _Wire(Struct):
    """In a process of the crew: where it is told to stop, and says how far it is."""

    numbers: Any = None


_wire: Final = _Wire()


class Crew:
    """A context. ``jobs``: as many processes as that; None: as many as are worth their start."""

    def __init__(self, jobs: int | None) -> None:
        self.jobs, self.cores = jobs, len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None
        self._size = 1
        self._numbers: Any = None
        self._given = deque[tuple[Future[Any], Callable[[Any], None]]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        if kind is not None:
            self._numbers[0] = 1
        self._pool.shutdown(cancel_futures=True)

    def begin(self, size: int, numbers: int) -> None:
        """``numbers``: so many integers each of them can say while it works. Raises LostProcessError."""
        context = multiprocessing.get_context("spawn")
        try:
            self._size, self._numbers = size, context.Array("q", 1 + size * numbers)
            self._pool = ProcessPoolExecutor(size, context, _begin, (self._numbers,))
        except OSError as error:  # no shared memory, or no room in it
            raise LostProcessError(
                f"no process can be started beside this one ({error}); with --jobs 1 none is"
            ) from None

    def do(self, what: Callable[P, R], *args: P.args, **more: P.kwargs) -> "Future[R]":
        """By one of those who have begun. Raises LostProcessError."""
        if self._pool is None:
            raise ValueError("nobody has begun")
        try:
            return self._pool.submit(what, *args, **more)
        except BrokenProcessPool:
            raise lost() from None

    @property
    def said(self) -> Sequence[int]:
        """The numbers, one process after the other."""
        return list(self._numbers[1:])

    def give(self, then: Callable[[R], None], what: Callable[P, R], *args: P.args, **more: P.kwargs) -> None:
        """``what`` is done by whoever has time, at once where nobody has begun; ``then`` hears in this order.

        Raises what these raise, now or later, and LostProcessError.
        """
        if self._pool is None:
            then(what(*args, **more))
            return
        self._given.append((self.do(what, *args, **more), then))
        if len(self._given) > _AHEAD * self._size:
            self._hear()

    def finish(self) -> None:
        """All that was given is done. Raises what ``give`` raises."""
        while self._given:
            self._hear()

    def _hear(self) -> None:
        future, then = self._given.popleft()
        try:
            found = future.result()
        except BrokenProcessPool:
            raise lost() from None
        then(found)


def lost() -> LostProcessError:
    return LostProcessError(
        "a process that did a part of the work was ended from outside, perhaps for want of memory: run it"
        " again; with --jobs 1 it takes longer, and less memory"
    )


def say(number: int, values: Sequence[int]) -> None:
    """In a process of the crew, the ``number``-th: how far it is. Raises StoppedError."""
    at = 1 + number * len(values)
    _wire.numbers[at : at + len(values)] = values
    if _wire.numbers[0]:
        raise StoppedError


def _begin(numbers: Any) -> None:  # noqa: ANN401  multiprocessing names no type
    """Ctrl-C is for the process that a person started, which says what is to be done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _wire.numbers = numbers
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
