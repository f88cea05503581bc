"""What every store does: one suite over SQLite, InfluxDB 1.x and, where one is named, InfluxDB 2.x."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from contract.messages import ExceptionReason, Outcome
from contract.names import INT64_MAX
from contract.series import ALL, BATCH, LEASE, QUARANTINE, USAGE, Row, Series
from contract.stored import row_of_stored
from store.opening import open_store
from store.protocol import ACCEPTED, Store, StoreAwayError

DAY = 86_400_000
NOW = 1_790_000_000_000
"""Some time in September 2026."""


async def outcomes(store: Store, rows: Sequence[Row]) -> list[tuple[Outcome, ExceptionReason | None]]:
    return [(written.outcome, written.reason) for written in await store.write(rows)]


ACCEPT = (Outcome.ACCEPTED, None)
CONFLICT = (Outcome.REJECTED, ExceptionReason.CONFLICT)
INVALID = (Outcome.REJECTED, ExceptionReason.INVALID)


async def test_a_new_store_is_empty(store: Store, read: Any) -> None:
    assert [await read(store, series) for series in ALL] == [[]] * len(ALL)
    assert await store.write([]) == []


async def test_a_repeated_write_is_accepted_and_changes_nothing(store: Store, read: Any, usage: Any) -> None:
    rows = [usage(NOW + n * 300_000, n) for n in range(20)]
    assert await store.write(rows) == [ACCEPTED] * 20
    assert await store.write(rows[5:]) == [ACCEPTED] * 15
    assert await read(store, USAGE) == rows


async def test_other_content_at_a_stored_key_is_a_conflict_and_the_first_stays(
    store: Store, read: Any, lease: Any
) -> None:
    first, other, longer = lease(NOW), lease(NOW, tenant="bolt"), lease(NOW, more=1)
    await store.write([first])
    assert await outcomes(store, [other, lease(NOW + 1), longer]) == [CONFLICT, ACCEPT, CONFLICT]
    assert await read(store, LEASE) == [first, lease(NOW + 1)]


async def test_of_two_contents_in_one_write_the_first_stays(store: Store, read: Any, lease: Any) -> None:
    rows = [lease(NOW), lease(NOW, tenant="bolt"), lease(NOW)]
    assert await outcomes(store, rows) == [ACCEPT, CONFLICT, ACCEPT]
    assert await read(store, LEASE) == [lease(NOW)]


async def test_of_two_contents_in_writes_at_once_one_stays(store: Store, read: Any, usage: Any) -> None:
    for n in range(10):
        rows = [usage(NOW + n, n, run_ms=run_ms) for run_ms in range(3)]
        found = await asyncio.gather(*(outcomes(store, [row]) for row in rows))
        assert sorted(found) == [[ACCEPT], [CONFLICT], [CONFLICT]]
        assert await read(store, USAGE, NOW + n, NOW + n + 1) == [rows[found.index([ACCEPT])]]


async def test_the_same_time_of_another_machine_epoch_or_series_is_another_row(
    store: Store, read: Any, usage: Any, state: Any, lease: Any
) -> None:
    rows = [usage(NOW, 1, "a"), usage(NOW, 1, "b"), usage(NOW, 1, "b", "e2")]
    assert await store.write([*rows, state(NOW, 2, "a"), lease(NOW, "a"), lease(NOW, "b")]) == [ACCEPTED] * 6
    assert await read(store, USAGE) == rows
    assert await read(store, LEASE) == [lease(NOW, "a"), lease(NOW, "b")]


async def test_what_became_of_a_batch_may_be_written_again(store: Store, read: Any) -> None:
    def row(kept: int) -> Row:
        tags = {"site": "north", "gateway": "g1"}
        return Row(series="batch", time=NOW, tags=tags, fields={"id": "0" * 64, "records": 5, "kept": kept})

    assert await outcomes(store, [row(5)]) == [ACCEPT]
    assert await outcomes(store, [row(3), row(2)]) == [ACCEPT, ACCEPT]
    assert await read(store, BATCH) == [row(2)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((0, 5), [0, 1, 2, 3, 4]),
        ((1, 4), [1, 2, 3]),
        ((2, 3), [2]),
        ((2, 2), []),
        ((4, 2), []),
        ((5, 99), []),
    ],
)
async def test_reading_is_half_open(
    store: Store, read: Any, lease: Any, asked: tuple[int, int], expected: list[int]
) -> None:
    await store.write([lease(NOW + n) for n in range(5)])
    found = await read(store, LEASE, *(NOW + n for n in asked))
    assert [row.time - NOW for row in found] == expected


async def test_rows_are_counted_as_they_would_be_read(store: Store, usage: Any, lease: Any) -> None:
    rows = [usage(NOW + n * DAY, n, f"m{n % 2}") for n in range(60)]
    await store.write([*rows, *(lease(NOW + n) for n in range(5)), quarantined(NOW)])
    every = [await store.count(series, 0, 2 * NOW) for series in (USAGE, LEASE, QUARANTINE, BATCH)]
    assert every == [60, 5, 1, 0]
    assert await store.count(USAGE, NOW + DAY, NOW + 3 * DAY) == 2
    assert await store.count(USAGE, NOW + DAY, NOW + 4 * DAY, {"machine": "m1"}) == 2
    spans = ((-5, NOW), (NOW, NOW + 1), (NOW + 4, NOW), (-(2**70), 2**70))
    assert [await store.count(LEASE, *span) for span in spans] == [0, 1, 0, 5]
    assert len([row async for row in store.read(LEASE, -(2**70), 2**70)]) == 5
    with pytest.raises(ValueError, match="tenant"):
        await store.count(LEASE, 0, 1, {"tenant": "acme"})


@pytest.mark.parametrize("series", ALL, ids=lambda series: series.name)
async def test_a_row_of_every_series_is_counted(store: Store, series: Series) -> None:
    names = {*series.fact.__struct_fields__} - {*series.tags, series.time, "quantities", "totals", "readings"}
    fields: dict[str, int | str] = {name: 1 if name == "sequence" else "x" for name in names}
    row = Row(series=series.name, time=NOW, tags=dict.fromkeys(series.tags, "x"), fields=fields)
    assert await store.write([row]) == [ACCEPTED]
    assert await store.count(series, NOW, NOW + 1) == 1


def quarantined(time: int) -> Row:
    tags = {"site": "north", "gateway": "g1"}
    return Row(series="quarantine", time=time, tags=tags, fields={"sequence": -1, "payload": "x" * 30_000})


async def test_rows_come_in_order_of_time_and_then_of_tags(store: Store, read: Any, usage: Any) -> None:
    machines = ["a", "b", "c"]
    rows = [usage(NOW + n, n, machine) for n, machine in itertools.product(range(4), machines)]
    await store.write(rows[::-1])
    assert await read(store, USAGE) == rows


async def test_tags_choose_whose_rows_are_read(store: Store, read: Any, usage: Any) -> None:
    rows = [usage(NOW, 1, "a"), usage(NOW, 2, "b"), usage(NOW + 1, 3, "b", tenant="bolt")]
    await store.write(rows)
    assert await read(store, USAGE, tags={"machine": "b"}) == rows[1:]
    assert await read(store, USAGE, tags={"tenant": "bolt", "machine": "b"}) == rows[2:]
    assert await read(store, USAGE, tags={"machine": "nobody's"}) == []


async def test_a_tag_that_the_series_does_not_have_is_a_mistake_of_the_caller(
    store: Store, read: Any
) -> None:
    with pytest.raises(ValueError, match="tenant"):
        await read(store, LEASE, tags={"tenant": "acme"})


async def test_days_are_read_across_their_boundary_and_far_apart(store: Store, read: Any, usage: Any) -> None:
    midnight = NOW // DAY * DAY
    times = [midnight - 400 * DAY, midnight - 1, midnight, midnight + 1, midnight + DAY]
    rows = [usage(time, n) for n, time in enumerate(times)]
    await store.write(rows)
    assert await read(store, USAGE) == rows
    assert await read(store, USAGE, midnight - 1, midnight + 1) == rows[1:3]
    assert await read(store, USAGE, midnight - 500 * DAY, midnight + DAY) == rows[:4]


async def test_more_rows_than_one_page_or_chunk_come_whole(store: Store, read: Any, usage: Any) -> None:
    rows = [usage(NOW + n // 3, n, f"m{n % 3}") for n in range(4_500)]
    assert set(await store.write(rows)) == {ACCEPTED}
    assert await read(store, USAGE, NOW, NOW + DAY) == rows


async def test_a_reader_may_stop_early(store: Store, read: Any, lease: Any) -> None:
    await store.write([lease(NOW + n) for n in range(10)])
    rows = store.read(LEASE, NOW, NOW + 10)
    assert await anext(rows) == lease(NOW)
    assert len(await read(store, LEASE)) == 10


async def test_a_thousand_rows_lose_only_the_bad_one(store: Store, read: Any, usage: Any) -> None:
    rows = [usage(NOW + n * 1000, n) for n in range(1000)]
    rows[617] = usage(NOW + 617_000, 617, produced=INT64_MAX + 1)
    written = await outcomes(store, rows)
    assert written.pop(617) == INVALID
    assert written == [ACCEPT] * 999
    del rows[617]
    assert await read(store, USAGE) == rows


async def test_a_store_opened_for_reading_sees_what_is_written_meanwhile(
    store: Store, read: Any, store_config: Any, lease: Any
) -> None:
    await store.write([lease(NOW)])
    async with open_store(store_config, read_only=True) as reader:
        assert await read(reader, LEASE) == [lease(NOW)]
        await store.write([lease(NOW + 1)])
        assert await read(reader, LEASE) == [lease(NOW), lease(NOW + 1)]


async def test_a_reopened_store_has_everything(store_config: Any, lease: Any) -> None:
    async with open_store(store_config) as store:
        await store.write([lease(NOW)])
    async with open_store(store_config) as store:
        assert await outcomes(store, [lease(NOW), lease(NOW, tenant="bolt")]) == [ACCEPT, CONFLICT]
        assert store.retry_after_ms == 0


async def test_a_place_that_does_not_exist_is_not_made_for_a_reader(influx_config: Any, read: Any) -> None:
    async with open_store(influx_config, read_only=True) as store:
        with pytest.raises(StoreAwayError, match="there is no database"):
            await read(store, LEASE)
        with pytest.raises(StoreAwayError, match="there is no database"):
            await store.count(LEASE, 0, NOW)


async def test_pages_hold_the_rows_that_read_gives_as_they_lie_there(
    store: Store, read: Any, usage: Any
) -> None:
    await store.write([usage(NOW + n * 300_000, n) for n in range(1200)])
    pages = [page async for page in store.pages(USAGE, NOW, NOW + DAY)]
    rows = [row_of_stored(stored, USAGE) for page in pages for stored in page]
    assert rows == [row for row in await read(store, USAGE) if NOW <= row.time < NOW + DAY] != []
    assert all(pages)
    assert [page async for page in store.pages(USAGE, 0, NOW)] == []
