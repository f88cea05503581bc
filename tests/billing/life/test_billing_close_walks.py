"""A closing reads its day, however many were closed before; what came late of those is found all the same."""

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from billing.chain_walk import Start
from billing.frozen import starts_of
from billing.period import Period
from billing.shelf import Shelf
from contract.chain import GENESIS
from contract.records import Interval, Record, Transition
from contract.series import USAGE, Series
from contract.stored import Stored
from store.protocol import ANY
from store.sqlite import SqliteStore
from tests.billing.life.conftest import DAY_MS, FIRST, HOUR_MS, Plant, month, replace

BY = ("--by", "Li Na")
NINE = FIRST + 4 * DAY_MS + 9 * HOUR_MS
"""On the fifth."""
LATE = month("knit-02")
OFFLINE = next(number for number, one in enumerate(LATE) if isinstance(one, Interval) and one.start >= NINE)
"""From here on the gateway of knit-02 was away when the fifth was closed."""


def day(number: int) -> tuple[str, ...]:
    return ("close", "--day", f"2026-11-{number:02}", *BY)


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of each row of usage that was read."""
    read: list[int] = []
    pages = SqliteStore.pages

    async def counting(
        self: SqliteStore, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        async for page in pages(self, series, start, end, tags):
            read.extend(stored[0] for stored in page if series is USAGE)
            yield page

    monkeypatch.setattr(SqliteStore, "pages", counting)
    return read


def test_the_twentieth_closing_reads_as_many_rows_as_the_second(plant: Plant, rows_read: list[int]) -> None:
    assert plant.call(*day(4)) == 0
    counts = []
    for number in range(5, 24):
        rows_read.clear()
        assert plant.call(*day(number)) == 0
        assert min(rows_read) >= FIRST + (number - 2) * DAY_MS  # what is rated looks at the day before
        counts.append(len(rows_read))
    assert len(set(counts)) == 1


def walked_to(plant: Plant, number: int) -> Start:
    """Where the closing of the day after day ``number`` begins."""
    start = FIRST + number * DAY_MS
    return starts_of(Shelf(plant.books), Period(start=start, end=start + DAY_MS))["knit-02", "e1"]


def last_of(number: int) -> int:
    """The sequence of the last record that knit-02 had up to the end of a day."""
    end = FIRST + number * DAY_MS
    return max(each.sequence for each in LATE if isinstance(each, Interval | Transition) and _at(each) < end)


def _at(record: Record) -> int:
    return record.at if isinstance(record, Transition) else record.start


@pytest.fixture
def away(plant: Plant) -> Plant:
    """The fifth is closed while half of it has not arrived of knit-02."""
    plant.put(LATE[:OFFLINE])
    assert plant.call(*day(5), "--override", "its gateway is away") == 0
    assert walked_to(plant, 5).head.sequence < OFFLINE
    return plant


def test_what_came_late_of_a_closed_day_joins_its_chain(
    away: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    away.put(LATE[OFFLINE:])
    capsys.readouterr()
    away.call(*day(6))
    assert "chain knit-02" not in capsys.readouterr().err
    assert away.call(*day(6), "--override", "no lease was entered") == 0
    assert walked_to(away, 6).head.sequence == last_of(6)


def test_what_came_late_of_a_closed_day_and_was_changed_is_found(
    away: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = replace(LATE[OFFLINE + 1], gateway="gw-9")
    away.put([*LATE[OFFLINE : OFFLINE + 1], changed, *LATE[OFFLINE + 2 :]])
    capsys.readouterr()
    assert away.call(*day(6)) == 1
    assert f"e1/{changed.sequence}" in capsys.readouterr().err


def test_what_is_missing_of_a_closed_day_is_found(away: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    away.put(LATE[OFFLINE + 2 :])
    capsys.readouterr()
    assert away.call(*day(6)) == 1
    assert "chain knit-02" in capsys.readouterr().err


def test_a_machine_that_only_an_earlier_day_knew_goes_on_from_there(plant: Plant) -> None:
    """The sixth was closed before anything of knit-02 was there, and the fifth, again, after it came."""
    assert plant.call(*day(6)) == 0
    plant.put(LATE[:OFFLINE])
    assert plant.call(*day(5), "--override", "its gateway is away") == 0
    start = walked_to(plant, 6)
    assert start.head.digest != GENESIS
    assert start.at == FIRST + 6 * DAY_MS
    plant.put(LATE[OFFLINE:])
    assert plant.call(*day(7), "--override", "no lease was entered") == 0
    assert walked_to(plant, 7).head.sequence == last_of(7)
