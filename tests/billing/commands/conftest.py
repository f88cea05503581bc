"""The commands over a real SQLite store and a real configuration."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from billing.__main__ import main
from contract.messages import Outcome
from contract.series import CORRECTION, row_of
from store.config import SqliteConfig
from store.opening import open_store

TARIFF = """\
id = "house"
version = "1"
currency = "CNY"
valid_from = 2026-01-01
valid_to = 2026-12-31

[[rate]]
kind = "*"
class = "run"
per_hour = "12.00"
"""


def write(database: Path, facts: Sequence[Any]) -> None:
    async def run() -> None:
        async with open_store(SqliteConfig(kind="sqlite", path=database)) as store:
            written = await store.write([row_of(fact) for fact in facts])
            assert {one.outcome for one in written} <= {Outcome.ACCEPTED}, written

    asyncio.run(run())


def stored(database: Path) -> list[Any]:
    async def run() -> list[Any]:
        async with open_store(SqliteConfig(kind="sqlite", path=database), read_only=True) as store:
            return [row async for row in store.read(CORRECTION, 0, 2**53)]

    return asyncio.run(run())


@pytest.fixture
def database(tmp_path: Path, make: SimpleNamespace) -> Path:
    """What was stored of the case in which a gap hides a change of tenant."""
    text = (make.cases / "a_gap_during_which_the_tenant_changed" / "case.txt").read_text("utf-8")
    write(tmp_path / "store.db", make.case(text).facts())
    return tmp_path / "store.db"


@pytest.fixture
def config(tmp_path: Path, database: Path) -> Path:
    (tmp_path / "tariff.toml").write_text(TARIFF, "utf-8")
    path = tmp_path / "billing.toml"
    path.write_text(
        f"""\
tariff = "tariff.toml"
[site]
name = "qinghe"
timezone = "Asia/Shanghai"
[store]
kind = "sqlite"
path = "{database}"
[[tenant]]
id = "hongye"
name_en = "Hongye <b>&</b> Sons"
name_zh = "宏业"
[[tenant]]
id = "rongda"
""",
        "utf-8",
    )
    return path


@pytest.fixture
def billing(config: Path) -> Callable[..., int]:
    def call(command: str, *more: str) -> int:
        return main([command, "--config", str(config), *more])

    return call


@pytest.fixture
def put(database: Path) -> Callable[[Sequence[Any]], None]:
    """Stores facts."""
    return lambda facts: write(database, facts)


@pytest.fixture
def decided(database: Path) -> Callable[[], list[Any]]:
    """The corrections that are stored."""
    return lambda: stored(database)
