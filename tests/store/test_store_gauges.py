"""Gauges in each kind of store: floats that come back, one value for one instant, and gone after a while."""

import json
import sqlite3
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contract.gauges import Gauges, Point
from store.config import InfluxConfig, SqliteConfig
from store.gauge_opening import open_gauges
from store.gauge_store import GaugeInfluxConfig, GaugesLostError, GaugeSqliteConfig, same_place
from store.opening import open_store
from store.protocol import UnusableStoreError

DAY = 86_400_000
NOW = int(time.time()) * 1000

Read = Callable[[], list[tuple[str, int, float]]]
"""(machine, time, value) of the gauge ``current``, by machine and time."""


def point(at: int, value: float, machine: str = "weld-01", **more: float) -> Point:
    shown = Gauges(machine=machine, area="hall", kind="weld", at=at, values={"current": value, **more})
    return Point(site="qinghe", shown=shown)


def read_sqlite(path: Path) -> list[tuple[str, int, float]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "SELECT machine, time, value FROM gauge WHERE name = 'current' ORDER BY machine, time"
        ).fetchall()


def read_influx(url: str, database: str, token: str = "") -> list[tuple[str, int, float]]:
    asked = {"db": database, "epoch": "ms", "q": 'SELECT "machine", "current" FROM "gauge"'}
    headers = {"Authorization": f"Token {token}"} if token else {}
    request = urllib.request.Request(f"{url}/query?{urllib.parse.urlencode(asked)}", headers=headers)
    with urllib.request.urlopen(request) as answer:
        (result,) = json.load(answer)["results"]
    rows = [row for series in result.get("series", []) for row in series["values"]]
    return sorted((machine, at, value) for at, machine, value in rows)


@pytest.fixture(params=["sqlite", "influx", "influx2"])
def resting(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Read]:
    """A configuration of each kind, and how to look into it without us."""
    if request.param == "sqlite":
        path = tmp_path / "gauges.db"
        return GaugeSqliteConfig(kind="sqlite", path=path), lambda: read_sqlite(path)
    base: InfluxConfig = request.getfixturevalue(f"{request.param}_config")
    config = GaugeInfluxConfig(**base.model_dump(exclude={"retention_days"}))
    token = base.token_file.read_text().strip() if base.token_file else ""
    return config, lambda: read_influx(base.url, base.database, token)


async def test_what_was_shown_comes_back_as_it_was(resting: tuple[Any, Read]) -> None:
    config, read = resting
    async with open_gauges(config) as gauges:
        await gauges.write([point(NOW - 15_000, 212.5, voltage=24.25), point(NOW, 213)])
        await gauges.write([point(NOW, 7e-9, machine="weld-02")])
    assert read() == [
        ("weld-01", NOW - 15_000, 212.5),
        ("weld-01", NOW, 213.0),
        ("weld-02", NOW, 7e-9),
    ]


async def test_an_instant_has_one_value_whoever_writes_it_again(resting: tuple[Any, Read]) -> None:
    """Two collectors that both hear it make no second point."""
    config, read = resting
    for _ in range(2):
        async with open_gauges(config) as gauges:
            await gauges.write([point(NOW, 212.5)])
    assert read() == [("weld-01", NOW, 212.5)]


async def test_a_file_forgets_what_is_older_than_its_retention(tmp_path: Path) -> None:
    path = tmp_path / "gauges.db"
    config = GaugeSqliteConfig(kind="sqlite", path=path, retention_days=2)
    async with open_gauges(config) as gauges:
        for days in range(5, -1, -1):
            await gauges.write([point(NOW - days * DAY, float(days))])
    assert [value for _, _, value in read_sqlite(path)] == [2.0, 1.0, 0.0]


async def test_a_database_of_influxdb_is_made_with_the_retention(influx: Any, influx_config: Any) -> None:
    config = GaugeInfluxConfig(**influx_config.model_dump(exclude={"retention_days"}), retention_days=14)
    async with open_gauges(config) as gauges:
        await gauges.write([point(NOW, 1.0)])
    told = json.loads(influx.query(f'SHOW RETENTION POLICIES ON "{config.database}"'))
    (policy,) = told["results"][0]["series"][0]["values"]
    assert policy[1] == f"{14 * 24}h0m0s"


async def test_a_database_that_is_away_loses_points_and_takes_the_next(
    influx: Any, influx_config: Any
) -> None:
    config = GaugeInfluxConfig(**influx_config.model_dump(exclude={"retention_days"}))
    influx.stop()
    async with open_gauges(config) as gauges:
        with pytest.raises(GaugesLostError, match="no answer"):
            await gauges.write([point(NOW, 1.0)])
        influx.start()
        await gauges.write([point(NOW + 1000, 2.0)])
    assert read_influx(influx.url, config.database) == [("weld-01", NOW + 1000, 2.0)]


async def test_a_file_that_holds_facts_or_anything_else_is_not_touched(tmp_path: Path) -> None:
    facts = tmp_path / "store.db"
    async with open_store(SqliteConfig(kind="sqlite", path=facts)):
        pass
    before = facts.read_bytes()
    with pytest.raises(UnusableStoreError, match="give them one of their own"):
        async with open_gauges(GaugeSqliteConfig(kind="sqlite", path=facts)):
            pass
    assert facts.read_bytes() == before
    (tmp_path / "text").write_text("not a database, but long enough to be looked at as one " * 20)
    for name in ("text", "no/such/directory.db"):
        with pytest.raises(UnusableStoreError, match="cannot be opened for gauges"):
            async with open_gauges(GaugeSqliteConfig(kind="sqlite", path=tmp_path / name)):
                pass


async def test_a_full_disk_loses_points_and_says_so(tmp_path: Path) -> None:
    config = GaugeSqliteConfig(kind="sqlite", path=tmp_path / "gauges.db")
    async with open_gauges(config) as gauges:
        gauges._connection.execute("PRAGMA max_page_count = 4")  # type: ignore[attr-defined]
        with pytest.raises(GaugesLostError, match="full"):
            await gauges.write([point(NOW + n, float(n)) for n in range(2_000)])


def test_gauges_that_would_rest_among_facts_are_seen(tmp_path: Path) -> None:
    facts = SqliteConfig(kind="sqlite", path=tmp_path / "store.db")
    assert same_place(facts, GaugeSqliteConfig(kind="sqlite", path=tmp_path / "x" / ".." / "store.db"))
    assert not same_place(facts, GaugeSqliteConfig(kind="sqlite", path=tmp_path / "gauges.db"))
    here: dict[str, Any] = {"kind": "influx", "url": "http://127.0.0.1:8086"}
    influx = InfluxConfig(**here, database="gongfang")
    assert same_place(influx, GaugeInfluxConfig(**here, database="gongfang"))
    assert not same_place(influx, GaugeInfluxConfig(**here, database="gauges"))
    assert not same_place(facts, GaugeInfluxConfig(**here, database="gongfang"))


@pytest.mark.parametrize("days", [0, 3_651])
def test_gauges_are_kept_for_some_days_and_not_for_ever(tmp_path: Path, days: int) -> None:
    with pytest.raises(ValidationError):
        GaugeSqliteConfig(kind="sqlite", path=tmp_path / "g.db", retention_days=days)
