"""A store, and how long it takes."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from collector.report import Latency
from contract.series import Row, Series
from contract.stored import Stored
from store.protocol import ANY, Store, Written

T = TypeVar("T")


class MeasuredStore:
    """Does what ``store`` does; the waiting of a reader between two rows is not the store's time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.latencies = {"write": Latency(), "read": Latency(), "count": Latency()}

    @property
    def retry_after_ms(self) -> int:
        return self._store.retry_after_ms

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        with self._timed("write"):
            return await self._store.write(rows)

    def read(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> AsyncIterator[Row]:
        return self._waited(self._store.read(series, start, end, tags))

    def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        return self._waited(self._store.pages(series, start, end, tags))

    async def _waited(self, found: AsyncIterator[T]) -> AsyncIterator[T]:
        spent = 0.0
        try:
            while True:
                before = time.monotonic()
                try:
                    one = await anext(found)
                except StopAsyncIteration:
                    return
                finally:
                    spent += time.monotonic() - before
                yield one
        finally:
            self.latencies["read"].took(spent)

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        with self._timed("count"):
            return await self._store.count(series, start, end, tags)

    @contextmanager
    def _timed(self, work: str) -> Iterator[None]:
        before = time.monotonic()
        try:
            yield
        finally:
            self.latencies[work].took(time.monotonic() - before)
