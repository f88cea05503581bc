"""A store, and how long it takes."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from collector.report import Latency
from contract.series import Row, Series
from store.protocol import ANY, Store, Written


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

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        spent, rows = 0.0, aiter(self._store.read(series, start, end, tags))
        try:
            while True:
                before = time.monotonic()
                try:
                    row = await anext(rows)
                except StopAsyncIteration:
                    return
                finally:
                    spent += time.monotonic() - before
                yield row
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
