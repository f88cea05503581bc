"""docs/gauges.md keeps its word: from a machine's registers to the answers of its queries, in both stores."""

import asyncio
import contextlib
import json
import re
import sqlite3
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from collector.collector import run
from collector.config import Settings
from edge_agent.agent import opened
from edge_agent.config import load
from tests.edge_agent.odd_device import odd_device
from tests.edge_agent.odd_words import words_of

PAGE = (Path(__file__).parents[2] / "docs" / "gauges.md").read_text("utf-8")
PATIENCE_S = 30
SITE = """\
site = "gaoyang"
gateway = "gw-gauges"
area = "dye-house"

[broker]
host = "{host}"
port = {port}

[outbox]
path = "outbox.db"

[poll]
period_ms = 100

[gauges]
on = true
slow_s = 1

[[endpoint]]
name = "line"
host = "127.0.0.1"
port = {device}

[[machine]]
name = "point-1"
endpoint = "line"
profile = "odd"
"""


def query(dialect: str, name: str) -> str:
    found = re.search(rf"```sql {dialect} id={name}\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"{dialect} {name}"
    return found[1].replace("MACHINE", "point-1")


def ask_sqlite(path: Path, name: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query("sqlite", name))]


def ask_influx(url: str, database: str, name: str) -> list[dict[str, Any]]:
    asked = {"db": database, "epoch": "ms", "q": query("influxql", name)}
    with urllib.request.urlopen(f"{url}/query?{urllib.parse.urlencode(asked)}") as answer:
        (result,) = json.load(answer)["results"]
    return [
        dict(zip(series["columns"], row, strict=True)) | series.get("tags", {})
        for series in result.get("series", [])
        for row in series["values"]
    ]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    odd = Path(__file__).parents[1] / "edge_agent" / "profiles" / "odd.toml"
    (tmp_path / "profiles" / "odd.toml").write_text(odd.read_text("utf-8"), "utf-8")
    return tmp_path


async def shown(
    site: Path, broker: Any, gauges: Mapping[str, Any], ask: Callable[[], list[dict[str, Any]]]
) -> None:
    """An agent and a collector run until the question has an answer."""
    tables: dict[str, dict[int, int]] = {}
    for (table, address), word in words_of().items():
        tables.setdefault(str(table), {})[address] = word
    configured = Settings.model_validate(
        {
            "collector": {"name": f"c-{uuid4().hex[:8]}"},
            "broker": {"host": broker.host, "port": broker.port},
            "store": {"kind": "sqlite", "path": str(site / "store.db")},
            "gauges": gauges,
        }
    )
    with odd_device({1: tables}) as device:
        text = SITE.format(host=broker.host, port=broker.port, device=device.port)
        (site / "site.toml").write_text(text, "utf-8")
        async with opened(load(site / "site.toml")) as agent, asyncio.timeout(PATIENCE_S):
            stop = asyncio.Event()
            running = asyncio.create_task(agent.run(stop))
            collecting = asyncio.create_task(run(configured))
            while not await asyncio.to_thread(ask):
                assert not running.done(), running
                assert not collecting.done(), collecting
                await asyncio.sleep(0.1)
            stop.set()
            await running
            collecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await collecting


def right(hour: list[dict[str, Any]], highest: list[dict[str, Any]]) -> None:
    assert {row["flow_m3h"] for row in hour} == {12.5}
    (row,) = highest
    assert (row["machine"], row["temperature_c"]) == ("point-1", 25.5)


async def test_a_file_answers_with_what_the_machine_shows(site: Path, mosquitto: Any) -> None:
    path = site / "gauges.db"

    def ask() -> list[dict[str, Any]]:
        try:
            return ask_sqlite(path, "highest")
        except sqlite3.OperationalError:  # not made yet
            return []

    await shown(site, mosquitto, {"kind": "sqlite", "path": str(path)}, ask)
    right(ask_sqlite(path, "an-hour"), ask())
    with closing(sqlite3.connect(site / "store.db")) as facts:
        usage = facts.execute("SELECT count(*) FROM meter").fetchone()
        assert usage[0] >= 1, "and it was metered meanwhile"


async def test_a_database_answers_with_what_the_machine_shows(
    site: Path, mosquitto: Any, influx: Any
) -> None:
    database = f"gauges_{uuid4().hex}"
    gauges = {"kind": "influx", "url": influx.url, "database": database}
    await shown(site, mosquitto, gauges, lambda: ask_influx(influx.url, database, "highest"))
    hour, highest = (ask_influx(influx.url, database, name) for name in ("an-hour", "highest"))
    right(hour, highest)
    assert abs(highest[0]["time"] - time.time() * 1000) < 60_000
    influx.query(f'DROP DATABASE "{database}"')


def test_every_question_of_the_page_is_asked_of_both_stores() -> None:
    found = re.findall(r"```sql (\w+) id=([a-z-]+)", PAGE)
    assert sorted(found) == sorted((d, n) for d in ("influxql", "sqlite") for n in ("an-hour", "highest"))


def test_the_message_of_the_page_is_the_golden_one() -> None:
    golden = Path(__file__).parents[1] / "contract" / "golden" / "outside_custody" / "gauges.json"
    assert golden.read_text("utf-8").strip() in PAGE
