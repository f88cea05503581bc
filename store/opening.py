"""The one place that knows which stores there are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from store.config import InfluxConfig, SqliteConfig
from store.protocol import DividedStore
from store.sqlite import open_sqlite


@asynccontextmanager
async def open_store(
    config: SqliteConfig | InfluxConfig, *, read_only: bool = False
) -> AsyncIterator[DividedStore]:
    """The store that is configured. Raises UnusableStoreError.

    An InfluxDB that is away does not keep this from opening; its rows are `kept` until it is back.
    """
    match config:
        case SqliteConfig():
            async with open_sqlite(config.path, read_only=read_only) as store:
                yield store
        case InfluxConfig():
            from store.influx import open_influx  # noqa: PLC0415  0.2 s that a store in a file need not wait

            async with open_influx(config, read_only=read_only) as influx:
                yield influx
