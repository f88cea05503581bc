"""The same in a real InfluxDB 1.x, by who has its address: a field overwritten, a row deleted, one put in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from contract.line import line
from contract.messages import Outcome
from contract.records import Interval, Transition
from contract.series import Row, row_of
from store.config import InfluxConfig
from store.opening import open_store
from tests.billing.life.conftest import DAY_MS, LATER, Plant, month
from tests.billing.life.tampering import BY, DAY, NAME, START, facts, second_machine, told_plant


class InfluxPlant(Plant):
    """A plant whose rows rest in a database."""

    def __init__(self, plant: Plant, peer: Any) -> None:
        super().__init__(plant.folder, plant.monkeypatch)
        self.peer, self.name = peer, f"test_{uuid4().hex}"
        text = self.config.read_text("utf-8")
        influx = f'kind = "influx"\nurl = "{peer.url}"\ndatabase = "{self.name}"'
        self.config.write_text(text.replace('kind = "sqlite"\npath = "store.db"', influx), "utf-8")

    def put(self, facts: Any) -> None:
        async def run() -> None:
            config = InfluxConfig(kind="influx", url=self.peer.url, database=self.name)
            async with open_store(config) as store:
                written = await store.write([row_of(fact) for fact in facts])
                assert {one.outcome for one in written} == {Outcome.ACCEPTED}, written

        asyncio.run(run())

    def overwrite(self, row: Row) -> None:
        self.peer.write(self.name, line(row))

    def delete(self, row: Row) -> None:
        at = f"time = {row.time * 1_000_000} AND \"machine\" = '{row.tags['machine']}'"
        answer = self.peer.query(f'DELETE FROM "{row.series}" WHERE {at}', self.name)
        assert b"error" not in answer


@pytest.fixture(scope="module")
def closed(template: Path, tmp_path_factory: pytest.TempPathFactory, influx: Any) -> Iterator[InfluxPlant]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("tampered") / "plant"
        plant = InfluxPlant(told_plant(template / "stored", folder, monkeypatch), influx)
        plant.put(facts())
        assert plant.call("freeze", *DAY, *BY) == 0
        assert plant.call("issue", *DAY, *BY) == 0
        yield plant
        influx.query(f'DROP DATABASE "{plant.name}"')


def verify(plant: Plant, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = plant.call("verify", *DAY, at=LATER + DAY_MS)
    return code, capsys.readouterr().out


RUN = next(one for one in month() if isinstance(one, Interval) and one.start == START + 8 * 3_600_000)
GAP = next(one for one in second_machine() if isinstance(one, Interval) and one.quality == "unknown")
STOP = next(one for one in second_machine() if isinstance(one, Transition))
ROWS = {"interval": row_of(RUN), "gap": row_of(GAP), "stop": row_of(STOP)}


def test_nothing_is_found_where_nothing_was_changed(
    closed: InfluxPlant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(closed, capsys) == (0, "")


@pytest.mark.parametrize("name", ROWS)
def test_any_field_that_is_overwritten_is_found_and_named(
    name: str, closed: InfluxPlant, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ROWS[name]
    who = f"{row.series} {row.tags['machine']}/{row.tags['epoch']}/{row.fields['sequence']}"
    for field, value in row.fields.items():
        changed = value + 1 if isinstance(value, int) else f"{value}x"
        closed.overwrite(msgspec.structs.replace(row, fields={field: changed}))
        code, said = verify(closed, capsys)
        closed.overwrite(row)
        assert code == 1
        assert f"{field} is {changed} in the store, {value} in the evidence" in said, said
        assert who in said or field == "sequence"
        assert f" of {row.tags['machine']} {row.tags['epoch']}/" in said  # its chain
    assert verify(closed, capsys) == (0, "")


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_deleted_is_found_and_named(
    name: str, closed: InfluxPlant, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ROWS[name]
    number = row.fields["sequence"]
    closed.delete(row)
    code, said = verify(closed, capsys)
    closed.overwrite(row)
    assert code == 1
    assert f"{row.tags['machine']}/{row.tags['epoch']}/{number}" in said
    assert f"chain of {row.tags['machine']} {row.tags['epoch']}/{number}" in said
    assert f"record {number} is missing" in said
    assert verify(closed, capsys) == (0, "")


def test_a_second_row_that_is_put_in_is_found_and_named(
    closed: InfluxPlant, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same interval for another tenant: a key of its own, so nothing is overwritten."""
    row = ROWS["interval"]
    twin = msgspec.structs.replace(row, tags={**row.tags, "tenant": "rongda"}, time=row.time + 1)
    closed.overwrite(twin)
    code, said = verify(closed, capsys)
    closed.delete(twin)
    assert code == 1
    assert f"chain of knit-01 e1/{row.fields['sequence']}" in said
    assert "a second record stands in this place" in said
    assert NAME in said or "2026-11-03" in said
    assert verify(closed, capsys) == (0, "")
