"""`status` knows everybody who was ever metered, however long ago."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from collector import ledger
from collector.__main__ import main
from contract.facts import BatchFact, WitnessFact
from contract.series import Row, row_of
from store.sqlite import SqliteStore

DAY_MS = 86_400_000
Status = Callable[[list[Row]], tuple[int, str]]


@pytest.fixture
def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def status(tmp_path: Path, sqlite: SqliteStore, capsys: pytest.CaptureFixture[str]) -> Status:
    path = tmp_path / "collector.toml"
    path.write_text(f'[collector]\nname = "c"\n[store]\nkind = "sqlite"\npath = "{tmp_path}/store.db"\n')

    def ask(rows: list[Row]) -> tuple[int, str]:
        asyncio.run(sqlite.write(rows))
        code = main(["status", "--config", str(path)])
        return code, capsys.readouterr().out

    return ask


def batch(gateway: str, sealed: int) -> Row:
    counts = {"records": 1, "accepted": 1, "rejected": 0, "kept": 0}
    fact = BatchFact(site="qinghe", gateway=gateway, sealed=sealed, id="0" * 64, collector="c", **counts)
    return row_of(fact)


def metered(plant: SimpleNamespace, machine: str, end: int | None, begun: int) -> list[Row]:
    """A machine with a meter at ``begun`` and, unless None, usage until ``end``."""
    records = [plant.meter(machine=machine, at=begun)]
    if end is not None:
        start = end - plant.GRID_MS
        records.append(plant.interval(1, machine=machine, start=start, span_start=start))
    return [row_of(record) for record in records]


SILENT = {
    "since yesterday": (25 / 24, r"1 d 1 h +SILENT"),
    "for three weeks": (21, r"21 d +SILENT|21 d 0 h +SILENT"),
    "longer than anybody looks": (45, r"over 30 days +SILENT"),
}


@pytest.mark.parametrize(("days", "shown"), SILENT.values(), ids=SILENT)
def test_a_machine_that_is_silent_is_not_forgotten(
    status: Status, plant: SimpleNamespace, now: int, days: float, shown: str
) -> None:
    last = now - round(days * DAY_MS)
    rows = [*metered(plant, "knit-01", now, now - 60 * DAY_MS), batch("gw1", now)]
    assert status(rows)[0] == 0
    code, out = status(metered(plant, "knit-02", last, now - 60 * DAY_MS))
    assert code == 1
    assert re.search(rf"qinghe/knit-02 .*({shown})", out)
    assert re.search(r"qinghe/knit-01 .* ok", out)


def test_it_tells_the_time_of_the_site_and_names_its_zone(
    status: Status, plant: SimpleNamespace, now: int, tmp_path: Path
) -> None:
    then = now - 60_000
    _, out = status([*metered(plant, "knit-01", then, now - DAY_MS), batch("gw1", then)])
    assert out.count(datetime.fromtimestamp(then // 1000, ZoneInfo("Asia/Shanghai")).isoformat(" ")) == 2
    zone = r"Asia/Shanghai \(\[collector\] timezone\)\."
    assert re.fullmatch(rf"Now it is [-0-9]{{10}} [:0-9]{{8}}\+08:00, {zone}", out.splitlines()[-1])
    file = tmp_path / "collector.toml"
    file.write_text(file.read_text().replace('name = "c"', 'name = "c"\ntimezone = "Asia/Kolkata"'))
    _, out = status([])
    kolkata = datetime.fromtimestamp(then // 1000, ZoneInfo("Asia/Kolkata")).isoformat(" ")
    assert kolkata.endswith("+05:30")
    assert out.count(kolkata) == 2


def witness(machine: str, digest: str, serial: int, issued: int) -> Row:
    fields = {
        "id": "w-1",
        "by": "王",
        "gateway": "gw1",
        "at": issued,
        "profile": "knit-flat@1",
        "heard": issued,
    }
    fact = WitnessFact(
        site="qinghe",
        machine=machine,
        issued=issued,
        profile_digest=digest,
        serial=serial,
        readings={"pieces": 812},
        panel="pieces=812",
        **fields,
    )
    return row_of(fact)


def test_it_names_the_machines_whose_panel_nobody_compared(
    status: Status, plant: SimpleNamespace, now: int
) -> None:
    """A witness is of one controller behind one profile: the newest meter counts."""
    old = plant.meter(machine="knit-03", epoch="e0", at=now - 9 * DAY_MS, profile_digest="b" * 64)
    new = plant.meter(machine="knit-03", at=now - DAY_MS)
    rows = [
        batch("gw1", now),
        *metered(plant, "knit-01", now, now - DAY_MS),
        *metered(plant, "knit-02", now, now - DAY_MS),
        *(row_of(record) for record in (old, new)),
        witness("knit-01", new.profile_digest, new.serial, now),
        witness("knit-02", new.profile_digest, new.serial + 1, now),
        witness("knit-03", old.profile_digest, old.serial, now),
    ]
    _, out = status(rows)
    assert "(`gongfang-agent witness`): qinghe/knit-02, qinghe/knit-03." in out
    _, out = status(
        [witness(machine, new.profile_digest, new.serial, now + 1) for machine in ("knit-02", "knit-03")]
    )
    assert "witness" not in out


def test_a_gateway_that_is_silent_for_more_than_a_day_is_not_forgotten(
    status: Status, plant: SimpleNamespace, now: int
) -> None:
    rows = [batch("gw1", now), batch("gw2", now - 20 * DAY_MS), batch("gw2", now - 8 * DAY_MS)]
    code, out = status([*metered(plant, "knit-01", now, now), *rows])
    assert code == 1
    assert re.search(r"qinghe/gw2 .* 8 d.* SILENT", out)
    assert "From the latest sealed batch to now: 0 s" in out or re.search(r"to now: \d+ s", out)


def test_a_machine_whose_first_interval_is_still_to_come_is_not_silent(
    status: Status, plant: SimpleNamespace, now: int
) -> None:
    assert status([*metered(plant, "knit-01", None, now - 60_000), batch("gw1", now)])[0] == 0


def test_a_machine_that_was_only_ever_metered_is_silent(
    status: Status, plant: SimpleNamespace, now: int
) -> None:
    code, out = status([*metered(plant, "knit-01", None, now - 2 * DAY_MS), batch("gw1", now)])
    assert code == 1
    assert re.search(r"qinghe/knit-01 .* 2 d .*SILENT", out)


def test_a_machine_that_begins_epochs_and_has_no_usage_is_silent(
    status: Status, plant: SimpleNamespace, now: int
) -> None:
    rows = metered(plant, "knit-01", now - 3 * DAY_MS, now - 3 * DAY_MS - plant.GRID_MS)
    again = row_of(plant.meter(epoch="e2", at=now - 1000))
    code, out = status([*rows, again, batch("gw1", now)])
    assert code == 1
    assert re.search(r"qinghe/knit-01 .* 3 d .*SILENT", out)


def test_a_large_quarantine_is_counted_and_not_read(
    status: Status, plant: SimpleNamespace, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collector.quarantine import Case, parts, timed

    case = Case(site="qinghe", batch="0" * 64, reason="invalid", detail="why", payload=b"x" * 100_000)
    rows = [row_of(fact) for fact in timed(parts(case), now)]
    assert "In quarantine: 1." in status(rows)[1]
    monkeypatch.setattr(ledger, "QUARANTINE_ROWS", 1)
    assert f"In quarantine: {len(rows)} rows (`quarantine list`" in status([])[1]
