"""Every kind of store, empty, for the behaviours that they share."""

import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings

from contract.series import Row, Series
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from store.protocol import ANY, Store

settings.register_profile("store", deadline=None, max_examples=60)
settings.load_profile("store")


@pytest.fixture
def influx_config(influx: Any, influx_database: str) -> InfluxConfig:
    return InfluxConfig(kind="influx", url=influx.url, database=influx_database)


@pytest.fixture
def influx2_config(influx2: Any, tmp_path: Path) -> Iterator[InfluxConfig]:
    token = tmp_path / "token"
    token.write_text(influx2.token + "\n")
    name = f"test_{uuid4().hex}"
    yield InfluxConfig(kind="influx", url=influx2.url, database=name, org=influx2.org, token_file=token)
    headers = {"Authorization": f"Token {influx2.token}"}
    found = urllib.request.Request(f"{influx2.url}/api/v2/buckets?limit=100", headers=headers)
    with urllib.request.urlopen(found) as answer:
        ids = [bucket["id"] for bucket in json.load(answer)["buckets"] if bucket["name"] == name]
    for bucket in ids:
        gone = urllib.request.Request(
            f"{influx2.url}/api/v2/buckets/{bucket}", headers=headers, method="DELETE"
        )
        urllib.request.urlopen(gone).close()


@pytest.fixture(params=["sqlite", "influx", "influx2"])
def store_config(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        return SqliteConfig(kind="sqlite", path=tmp_path / "store.sqlite")
    return request.getfixturevalue(f"{request.param}_config")


@pytest.fixture
async def store(store_config: Any) -> AsyncIterator[Store]:
    async with open_store(store_config) as opened:
        yield opened


@pytest.fixture
def lease() -> Callable[..., Row]:
    """A row of the series `lease` at a time, with other tags and fields by keyword."""

    def row(time: int, machine: str = "press-1", site: str = "north", **fields: int | str) -> Row:
        content = {"id": f"lease-{time}", "tenant": "acme", "heard": time, **fields}
        return Row(series="lease", time=time, tags={"site": site, "machine": machine}, fields=content)

    return row


@pytest.fixture
def usage() -> Callable[..., Row]:
    """A row of the series `usage` at a time, with its sequence, and other tags and fields by keyword."""

    def row(time: int, sequence: int, machine: str = "press-1", epoch: str = "e1", **fields: Any) -> Row:
        tags = {"site": "north", "area": "hall", "machine": machine, "kind": "press"}
        tags |= {"tenant": fields.pop("tenant", "acme"), "epoch": epoch}
        content = {"sequence": sequence, "duration_ms": 300_000, "run_ms": 300_000, **fields}
        return Row(series="usage", time=time, tags=tags, fields=content)

    return row


@pytest.fixture
def state() -> Callable[..., Row]:
    """A row of the series `state` at a time, with its sequence."""

    def row(time: int, sequence: int, machine: str = "press-1", epoch: str = "e1") -> Row:
        tags = {"site": "north", "area": "hall", "machine": machine, "kind": "press", "epoch": epoch}
        return Row(series="state", time=time, tags=tags, fields={"sequence": sequence, "state": "run"})

    return row


@pytest.fixture
def loss() -> Callable[..., Row]:
    """A row of the series `loss` at a time, with the sequences it stands for."""

    def row(time: int, first: int, last: int, machine: str = "press-1", epoch: str = "e1") -> Row:
        tags = {"site": "north", "area": "hall", "machine": machine, "kind": "press", "epoch": epoch}
        fields: dict[str, int | str] = {"sequence": last, "sequence_first": first, "end": time + 1}
        return Row(series="loss", time=time, tags=tags, fields=fields)

    return row


@pytest.fixture
def read() -> Callable[..., Any]:
    """All rows of a series, at any time unless it is given."""

    async def rows(
        store: Store,
        series: Series,
        start: int = 0,
        end: int = 4_000_000_000_000,
        tags: Mapping[str, str] = ANY,
    ) -> list[Row]:
        return [row async for row in store.read(series, start, end, tags)]

    return rows
