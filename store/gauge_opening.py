"""The one place that knows where gauges may rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from store.gauge_influx import open_influx_gauges
from store.gauge_sqlite import open_sqlite_gauges
from store.gauge_store import GaugeInfluxConfig, GaugeSqliteConfig, GaugeStore


@asynccontextmanager
async def open_gauges(config: GaugeSqliteConfig | GaugeInfluxConfig) -> AsyncIterator[GaugeStore]:
    """Raises UnusableStoreError."""
    match config:
        case GaugeSqliteConfig():
            async with open_sqlite_gauges(config) as file:
                yield file
        case GaugeInfluxConfig():
            async with open_influx_gauges(config) as influx:
                yield influx
