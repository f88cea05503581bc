"""Where gauges rest for a while: a database, a bucket or a file of its own, never that of the facts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from contract.gauges import Point
from store.config import InfluxConfig, SqliteConfig

SHORT_DAYS = 30
"""Kept so long unless it is told otherwise: enough to look at last month's heat."""


class GaugeSqliteConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sqlite"]
    path: Path
    """A file of its own; it is created when it is missing."""
    retention_days: Annotated[int, Field(ge=1, le=3_650)] = SHORT_DAYS


class GaugeInfluxConfig(InfluxConfig):
    """``database`` is one of its own; created here, it forgets what is older than ``retention_days``."""

    retention_days: Annotated[int, Field(ge=1, le=3_650)] = SHORT_DAYS


GaugeStoreConfig = Annotated[GaugeSqliteConfig | GaugeInfluxConfig, Field(discriminator="kind")]


def same_place(facts: SqliteConfig | InfluxConfig, gauges: GaugeSqliteConfig | GaugeInfluxConfig) -> bool:
    """Whether gauges would rest among the facts, which nothing may be forgotten of."""
    if isinstance(facts, SqliteConfig) and isinstance(gauges, GaugeSqliteConfig):
        return facts.path.resolve() == gauges.path.resolve()
    if isinstance(facts, InfluxConfig) and isinstance(gauges, GaugeInfluxConfig):
        return (facts.url, facts.org, facts.database) == (gauges.url, gauges.org, gauges.database)
    return False


class GaugesLostError(Exception):
    """These points are not stored, and nobody will send them again."""


class GaugeStore(Protocol):
    async def write(self, points: Sequence[Point]) -> None:
        """A point that is there already is written over. Raises GaugesLostError."""
