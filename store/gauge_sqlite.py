"""A SQLite file as the place where gauges rest for a while: for one box, and for trying it out."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from typing import Final

from contract.gauges import Point
from store.gauge_store import GaugesLostError, GaugeSqliteConfig
from store.protocol import UnusableStoreError

APPLICATION_ID: Final = 0x47464741
"""GFGA: no other program's file, and not the facts' either."""
DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS gauge (
    site TEXT NOT NULL, area TEXT NOT NULL, machine TEXT NOT NULL, kind TEXT NOT NULL,
    time INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL,
    PRIMARY KEY (site, machine, name, time)
) WITHOUT ROWID
"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS gauge_time ON gauge (time)"
_INSERT: Final = "INSERT OR REPLACE INTO gauge VALUES (?, ?, ?, ?, ?, ?, ?)"


class SqliteGauges:
    """The connection belongs to one thread, so that a slow disk stops nobody else."""

    def __init__(self, connection: sqlite3.Connection, retention_days: int) -> None:
        self._connection, self._keep_ms = connection, retention_days * DAY_MS
        self._thread = ThreadPoolExecutor(1, "gauges")
        self._forgot_at = 0
        """The newest instant that was written when what is too old went last."""

    async def write(self, points: Sequence[Point]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, points)
        except sqlite3.Error as error:
            raise GaugesLostError(str(error)) from error

    def _write(self, points: Sequence[Point]) -> None:
        newest = max((point.shown.at for point in points), default=0)
        with self._connection:
            self._connection.executemany(_INSERT, [row for point in points for row in _rows(point)])
            if newest - self._forgot_at > _HOUR_MS:
                self._connection.execute("DELETE FROM gauge WHERE time < ?", (newest - self._keep_ms,))
                self._forgot_at = newest

    def close(self) -> None:
        self._thread.shutdown()
        self._connection.close()


def _rows(point: Point) -> Iterator[tuple[object, ...]]:
    shown = point.shown
    for name, value in shown.values.items():
        yield point.site, shown.area, shown.machine, shown.kind, shown.at, name, value


@asynccontextmanager
async def open_sqlite_gauges(config: GaugeSqliteConfig) -> AsyncIterator[SqliteGauges]:
    """Raises UnusableStoreError."""
    try:
        connection = _connect(config)
    except sqlite3.Error as error:
        raise UnusableStoreError(f"{config.path} cannot be opened for gauges: {error}") from error
    gauges = SqliteGauges(connection, config.retention_days)
    try:
        yield gauges
    finally:
        gauges.close()


def _connect(config: GaugeSqliteConfig) -> sqlite3.Connection:
    connection = sqlite3.connect(config.path, timeout=10, check_same_thread=False)
    try:
        _identify(connection, config)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # outside custody: a power cut may take a second
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(_TABLE)
        connection.execute(_INDEX)
    except BaseException:
        connection.close()
        raise
    return connection


def _identify(connection: sqlite3.Connection, config: GaugeSqliteConfig) -> None:
    """Raises UnusableStoreError."""
    with closing(connection.execute("SELECT count(*) FROM sqlite_schema")) as cursor:
        is_empty = cursor.fetchone() == (0,)
    with closing(connection.execute("PRAGMA application_id")) as cursor:
        is_ours = cursor.fetchone() == (APPLICATION_ID,)
    if not is_empty and not is_ours:
        raise UnusableStoreError(f"{config.path} is no file of gauges; give them one of their own")
