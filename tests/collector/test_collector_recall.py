"""The quarantine of several collectors: no row is written over, and no hour is read again for each batch."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from collector.isolate import Quarantine
from collector.quarantine import LANES, Case, lane
from contract.messages import batch_id
from contract.series import QUARANTINE, Row, Series
from store.protocol import ACCEPTED, ANY, Written
from store.sqlite import SqliteStore

NOW = 1_800_000_000_000


def case(payload: bytes) -> Case:
    return Case(
        site="s", gateway="g", batch=batch_id(payload), reason="unreadable", detail="why", payload=payload
    )


class Overwriting:
    """A store like InfluxDB to writers who do not know of each other: the later write of a key stays."""

    retry_after_ms = 0

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.reads: list[int] = []

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        await asyncio.sleep(0)  # somebody else writes between looking and sending
        self.rows |= {row.time: row for row in rows}
        await asyncio.sleep(0)
        return [ACCEPTED] * len(rows)

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        assert series is QUARANTINE, tags
        found = [row for at, row in sorted(self.rows.items()) if start <= at < end]
        self.reads.append(len(found))
        for row in found:
            yield row

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        return sum([1 async for _ in Overwriting.read(self, series, start, end, tags)]) + 0 * self.reads.pop()

    @property
    def payloads(self) -> set[object]:
        return {row.fields["payload"] for row in self.rows.values()}


async def test_two_collectors_do_not_write_over_each_other() -> None:
    store = Overwriting()
    one, other = (Quarantine(store, lambda: NOW, name=name) for name in ("one", "other"))
    for n in range(20):
        both = await asyncio.gather(one.put([case(b"a%d" % n)]), other.put([case(b"b%d" % n)]))
        assert all(both)
    assert store.payloads == {f"{letter}{n}" for letter in "ab" for n in range(20)}


async def test_a_row_that_another_took_over_is_written_at_another_millisecond() -> None:
    store = Overwriting()
    alike = [Quarantine(store, lambda: NOW, name="alike") for _ in range(2)]
    both = await asyncio.gather(*(one.put([case(b"%d" % n)]) for n, one in enumerate(alike)))
    assert all(both)
    assert store.payloads == {"0", "1"}


async def test_a_flood_is_not_read_again_for_each_bad_batch() -> None:
    store, clock = Overwriting(), count(NOW, 50)
    quarantine = Quarantine(store, lambda: next(clock), name="c1")
    for n in range(200):
        assert await quarantine.put([case(b"%d" % n)])
    assert len(store.rows) == 200
    assert sum(store.reads) == 200, "each row is read back once"


async def test_what_another_collector_put_there_is_not_put_again() -> None:
    store = Overwriting()
    one, other = (Quarantine(store, lambda: NOW, name=name) for name in ("one", "other"))
    for n in range(5):
        for quarantine in (one, other, one):
            assert await quarantine.put([case(b"%d" % n)])
    assert len(store.rows) == 5


async def test_more_than_is_remembered_is_forgotten_from_its_oldest_on(sqlite: SqliteStore) -> None:
    clock = count(NOW, 10)
    quarantine = Quarantine(sqlite, lambda: next(clock), name="c1", most=3)
    for n in (0, 1, 2, 3, 4, 3, 4, 2):
        assert await quarantine.put([case(b"%d" % n)])
    assert await sqlite.count(QUARANTINE, 0, 2 * NOW) == 5
    assert await quarantine.put([case(b"0")])
    assert await sqlite.count(QUARANTINE, 0, 2 * NOW) == 6


@given(st.text(max_size=8), st.integers(0, 2 * NOW))
def test_a_lane_is_never_left_and_never_far(name: str, at: int) -> None:
    mine = lane(name)
    after = mine.after(at)
    assert at <= after < at + LANES
    assert mine.after(after) == after
    assert mine.after(after + 1) == after + mine.step
