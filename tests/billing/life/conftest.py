"""A month of one machine, sealed as an agent seals it, and the books that are kept of it."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from billing.__main__ import main
from billing.ledger import Ledger, read_ledger
from contract.chain import GENESIS, canonical, link
from contract.messages import Outcome
from contract.records import Interval, Record
from contract.series import row_of
from store.config import SqliteConfig
from store.opening import open_store
from tests.billing.rows import MIDNIGHT, make_interval, make_lease, make_meter, make_span, make_witness

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MONTH = ("--period", "2026-11")
LATER = MIDNIGHT + 30 * DAY_MS
FIRST = MIDNIGHT - 21 * DAY_MS
"""Local midnight of 1 November, UTC ms."""

TARIFF = """\
id = "house"
version = "1"
currency = "CNY"
valid_from = 2026-01-01

[[rate]]
kind = "*"
class = "run"
per_hour = "12.00"

[[rate]]
kind = "*"
class = "stop_tenant"
per_hour = "6.00"
grace_s = 300

[[piece]]
kind = "*"
basis = "good"
price = "0.35"
"""

CONFIG = """\
tariff = "tariff.toml"
[site]
name = "qinghe"
timezone = "Asia/Shanghai"
[store]
kind = "sqlite"
path = "store.db"
[[tenant]]
id = "hongye"
name_en = "Hongye"
name_zh = "宏业"
[[tenant]]
id = "rongda"
"""


def sealed(records: Iterable[Record]) -> list[Record]:
    """As the agent seals them: in sequence order, from 0."""
    digest, found = GENESIS, list[Record]()
    for sequence, record in enumerate(records):
        fields: dict[str, Any] = {"sequence": sequence}
        if isinstance(record, Interval):
            fields["sequence_first"] = sequence
        numbered = replace(record, **fields)
        digest = link(digest, canonical(numbered))
        found.append(replace(numbered, digest=digest))
    return found


def replace(record: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(record, **fields)


def month(machine: str = "knit-01") -> list[Record]:
    """From the 1st to the 30th, one hour after the other from 8 to 10: run, then a stop of ten minutes."""
    first = MIDNIGHT - 21 * DAY_MS
    end = first + 30 * DAY_MS
    records: list[Any] = [make_meter(first, machine=machine)]
    at, pieces = first, 0
    shared = {"machine": machine, "tenant": "hongye", "order_id": "A-1", "lease_id": "L1"}
    while at < end:
        eight = at + 8 * HOUR_MS
        for start, stop, steps in (
            (at, eight, {"idle_ms": 8 * HOUR_MS}),
            (eight, eight + HOUR_MS, {}),
            (eight + HOUR_MS, eight + 2 * HOUR_MS, {"stop_tenant_ms": 600_000}),
            (eight + 2 * HOUR_MS, at + DAY_MS, {"idle_ms": 14 * HOUR_MS}),
        ):
            made = 0 if "idle_ms" in steps else 10
            pieces += made
            counts = {
                "quantities": {"produced": made, "scrap": 0, "rework": 0},
                "totals": {"produced": pieces, "scrap": 0, "rework": 0, "energy_wh": 0},
            }
            records.append(make_interval(start, stop, **shared, **counts, **steps))
            if "stop_tenant_ms" in steps:
                records.append(make_span(stop - 600_000, stop, **shared))
        at += DAY_MS
    return sealed(records)


@dataclass
class Plant:
    """A store and its books, and the commands over them at a plant's time."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def config(self) -> Path:
        return self.folder / "billing.toml"

    @property
    def database(self) -> Path:
        return self.folder / "store.db"

    @property
    def books(self) -> Path:
        return self.folder / "books"

    @property
    def ledger(self) -> Ledger:
        return read_ledger((self.books / "ledger.jsonl").read_bytes())

    def call(self, command: str, *more: str, at: int = LATER) -> int:
        self.monkeypatch.setattr("billing.clock.now", lambda: at)
        return main([command, "--config", str(self.config), *more])

    def put(self, facts: Sequence[Any]) -> None:
        async def run() -> None:
            async with open_store(SqliteConfig(kind="sqlite", path=self.database)) as store:
                written = await store.write([row_of(fact) for fact in facts])
                assert {one.outcome for one in written} <= {Outcome.ACCEPTED}, written

        asyncio.run(run())

    def statement(self, tenant: str, revision: int = 1) -> dict[str, Any]:
        path = self.books / "2026-11" / str(revision) / "statements" / f"{tenant}.json"
        whole: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return whole

    def bytes_of(self, revision: int) -> dict[str, bytes]:
        place = self.books / "2026-11" / str(revision)
        return {
            str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()
        }


def alter(plant: Plant, query: str, *values: object) -> None:
    with closing(sqlite3.connect(plant.database)) as connection, connection:
        assert connection.execute(query, values).rowcount == 1


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plant whose month is stored, and beside it one whose month is issued too."""
    folder = tmp_path_factory.mktemp("plant")
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Plant(folder / "stored", monkeypatch)
        made.folder.mkdir()
        (made.folder / "tariff.toml").write_text(TARIFF, "utf-8")
        made.config.write_text(CONFIG, "utf-8")
        first = MIDNIGHT - 21 * DAY_MS
        lease = make_lease(first, tenant="hongye", order_id="A-1")
        made.put([*month(), lease, make_witness(first)])
        shutil.copytree(made.folder, folder / "issued")
        monkeypatch.chdir(folder / "issued")
        closed = Plant(folder / "issued", monkeypatch)
        assert closed.call("freeze", *MONTH, "--by", "Li Na") == 0
        assert closed.call("issue", *MONTH, "--by", "Li Na") == 0
    return folder


def _copy(which: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    shutil.copytree(which, to)
    monkeypatch.chdir(to)
    return Plant(to, monkeypatch)


@pytest.fixture
def plant(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    return _copy(template / "stored", tmp_path / "plant", monkeypatch)


@pytest.fixture
def issued(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    return _copy(template / "issued", tmp_path / "issued", monkeypatch)
