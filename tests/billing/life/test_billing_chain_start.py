"""A closing walks a chain from where a frozen run walked it to; verify walks it from the first record."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.chain import Head, head_of
from billing.chain_walk import Start
from billing.chains import Plan, Walked, walked
from billing.period import Period
from contract.records import Interval, Record
from contract.series import Series, row_of
from contract.stored import Stored, stored_of
from store.config import SqliteConfig
from store.opening import open_store
from store.protocol import ANY, Store
from tests.billing.life.conftest import DAY_MS, FIRST, HOUR_MS, LATER, MONTH, Plant, alter, month, replace
from tests.billing.life.test_billing_chain_walk import forged

BY = ("--by", "Li Na")
ZONE = ZoneInfo("Asia/Shanghai")
RECORDS = month()
TENTH = FIRST + 9 * DAY_MS
FROZEN = Period(start=FIRST, end=TENTH)
NEXT = Period(start=TENTH, end=FIRST + 20 * DAY_MS)


class Counting:
    """A store that notes how far back it was read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read_from: dict[str, int] = {}

    def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        self.read_from[series.name] = min(start, self.read_from.get(series.name, start))
        return self._store.pages(series, start, end, tags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@asynccontextmanager
async def stored(path: Path, records: list[Record]) -> AsyncIterator[Counting]:
    async with open_store(SqliteConfig(kind="sqlite", path=path)) as store:
        await store.write([row_of(one) for one in records])
        yield Counting(store)


def plan(period: Period, starts: Mapping[tuple[str, str], Start] | None = None) -> Plan:
    return Plan(site="qinghe", period=period, zone=ZONE, now=period.end, starts=starts or {})


def starts(found: Walked) -> dict[tuple[str, str], Start]:
    (text,) = found.heads.values()
    return {("knit-01", "e1"): Start(head_of(text), TENTH)}


def the_head() -> dict[tuple[str, str], Start]:
    """Of a walk over the first nine days."""
    last = max(one.sequence for one in RECORDS if isinstance(one, Interval) and one.start < TENTH)
    record = RECORDS[last]
    assert isinstance(record, Interval)
    return {("knit-01", "e1"): Start(Head(sequence=last, digest=record.digest, at=record.start), TENTH)}


async def told(store: Counting, period: Period, *, from_head: bool) -> list[tuple[int, str]]:
    found = await walked(store, plan(period, the_head() if from_head else None))
    return [(one.sequence, one.text.split(":")[0]) for one in found.breaks]


async def test_a_walk_ends_where_the_next_one_goes_on(tmp_path: Path) -> None:
    async with stored(tmp_path / "s.db", RECORDS) as store:
        before = await walked(store, plan(FROZEN))
        assert starts(before) == the_head()
        store.read_from.clear()
        after = await walked(store, plan(NEXT, starts(before)))
        assert (before.breaks, after.breaks) == ((), ())
        assert store.read_from["usage"] == TENTH
        whole = await walked(store, plan(NEXT))
        assert store.read_from["usage"] == FIRST
        assert whole.heads == after.heads


def changed(n: int, **fields: Any) -> list[Record]:
    return [*RECORDS[:n], replace(RECORDS[n], **fields), *RECORDS[n + 1 :]]


INTERVAL = next(one.sequence for one in RECORDS if isinstance(one, Interval) and one.start > TENTH + DAY_MS)
FIRST_OF_PERIOD = min(one.sequence for one in RECORDS if isinstance(one, Interval) and one.start >= TENTH)
TAMPERED: dict[str, list[Record]] = {
    "a field": changed(INTERVAL, run_ms=1),
    "a digest": changed(INTERVAL, digest="0" * 64),
    "the first record of the period": changed(FIRST_OF_PERIOD, run_ms=1),
    "a record is gone": [*RECORDS[:INTERVAL], *RECORDS[INTERVAL + 1 :]],
    "the first record of the period is gone": [*RECORDS[:FIRST_OF_PERIOD], *RECORDS[FIRST_OF_PERIOD + 1 :]],
}


@pytest.mark.parametrize("name", TAMPERED)
async def test_whatever_a_walk_from_the_beginning_finds_in_the_period_is_found(
    name: str, tmp_path: Path
) -> None:
    async with stored(tmp_path / "s.db", TAMPERED[name]) as store:
        from_head = await told(store, NEXT, from_head=True)
        assert from_head
        assert from_head == await told(store, NEXT, from_head=False)


async def test_a_record_of_the_period_under_a_name_that_is_taken_before_it_is_found(tmp_path: Path) -> None:
    """It would be billed a second time. The store refuses such a one; who writes past it does not."""
    twin = replace(RECORDS[5], start=TENTH + 1, epoch="e1")
    async with stored(tmp_path / "s.db", RECORDS) as store:
        other = _Beside(store, twin)
        found = await walked(other, plan(NEXT, the_head()))
        assert [(one.sequence, one.text) for one in found.breaks] == [
            (RECORDS[5].sequence, "a second record stands in this place")
        ]


class _Beside:
    """A store with one row more."""

    def __init__(self, store: Counting, more: Interval) -> None:
        self._store, self._row = store, row_of(more)

    async def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        async for page in self._store.pages(series, start, end, tags):
            yield page
        if series.name == self._row.series and start <= self._row.time < end:
            yield [stored_of(self._row, series)]


@pytest.mark.parametrize("many", [1, 3, 30])
async def test_what_came_late_of_the_time_that_was_walked_is_fetched(many: int, tmp_path: Path) -> None:
    """A gateway was offline when the period before was frozen: its chain ended earlier then."""
    start = the_head()["knit-01", "e1"]
    last = RECORDS[start.head.sequence - many]
    at = last.start if isinstance(last, Interval) else last.at
    early = Start(Head(sequence=last.sequence, digest=last.digest, at=at), TENTH)
    async with stored(tmp_path / "s.db", RECORDS) as store:
        found = await walked(store, plan(NEXT, {("knit-01", "e1"): early}))
        assert found.breaks == ()
        assert store.read_from["usage"] == at
        unknown = Start(Head(sequence=last.sequence, digest=last.digest), TENTH)
        found = await walked(store, plan(NEXT, {("knit-01", "e1"): unknown}))
        assert found.breaks == ()
        assert store.read_from["usage"] == FIRST


def test_days_that_are_closed_one_after_the_other_are_walked_once_and_verified_whole(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was changed of the time before is found by verify; what was changed since, by the closing."""
    assert plant.call("freeze", "--day", "2026-11-03", *BY) == 0
    third = FIRST + 2 * DAY_MS + 8 * HOUR_MS
    alter(plant, "UPDATE usage SET fields = json_set(fields, '$.run_ms', 5) WHERE time = ?", third)
    assert plant.call("freeze", "--day", "2026-11-04", *BY) == 0
    capsys.readouterr()
    for day in ("2026-11-03", "2026-11-04"):
        assert plant.call("verify", "--day", day) == 1
        assert "chain of knit-01 e1/12, 2026-11-03T08:00:00+08:00" in capsys.readouterr().out
    fifth = third + 2 * DAY_MS
    alter(plant, "UPDATE usage SET fields = json_set(fields, '$.gateway', 'gw-9') WHERE time = ?", fifth)
    assert plant.call("freeze", "--day", "2026-11-05", *BY) == 1
    told = capsys.readouterr().err
    assert "chain knit-01 2026-11-05T08:00:00+08:00: e1/22" in told
    assert "e1/12" not in told


def test_a_chain_that_was_written_anew_since_the_freezing_blocks_the_adjustment(
    issued: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    for record in forged(100)[100:]:
        row = row_of(record)
        fields = json.dumps(row.fields)
        alter(issued, f'UPDATE "{row.series}" SET fields = ? WHERE time = ?', fields, row.time)
    assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 1
    assert "its digest is not the one that was frozen" in capsys.readouterr().err
