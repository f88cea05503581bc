"""Two who meter one machine are seen, told once an hour, and stored both; nothing grows without end."""

import logging
from collections import Counter
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.rivals import LIVES, MACHINES, QUIET_MS, REMEMBERED, SLACK_MS, Rivals, rivalries
from contract.series import USAGE
from contract.topics import Topic
from store.sqlite import SqliteStore

HOUR = 3_600_000

CASES: dict[str, tuple[list[dict[str, Any]], int]] = {
    "one life goes on": ([{}, {"number": 2}, {"number": 3}], 0),
    "the same interval comes again": ([{}, {}], 0),
    "two gateways at one time": ([{}, {"gateway": "gw2", "epoch": "e2"}], 1),
    "two agents under one name": ([{}, {"epoch": "e2"}], 1),
    "two gateways under one epoch, as after a copied outbox": ([{}, {"gateway": "gw2"}], 1),
    "one after the other": ([{}, {"gateway": "gw2", "epoch": "e2", "number": 2}], 0),
    "the second had time before the first": (
        [{"number": 2}, {"gateway": "gw2", "epoch": "e2", "number": 1}],
        0,
    ),
    "a handover between two clocks": ([{}, {"gateway": "gw2", "epoch": "e2", "moved": -SLACK_MS}], 0),
    "a handover that is none": ([{}, {"gateway": "gw2", "epoch": "e2", "moved": -SLACK_MS - 1}], 1),
    "within the time of a life of which the ends were seen": (
        [{"number": 1}, {"number": 5}, {"gateway": "gw2", "epoch": "e2", "number": 3}],
        1,
    ),
    "two machines": ([{}, {"machine": "knit-02", "gateway": "gw2"}], 0),
    "two sites": ([{}, {"site": "anping", "gateway": "gw2"}], 0),
    "three at once": ([{}, {"epoch": "e2"}, {"epoch": "e3"}], 3),
}


def made(plant: SimpleNamespace, number: int = 1, moved: int | None = None, **changes: Any) -> Any:
    """``moved``: the second interval of a plant, that much off."""
    if moved is not None:
        start = plant.interval(2).start + moved
        return plant.interval(2, start=start, span_start=start, **changes)
    return plant.interval(number, **changes)


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES)
def test_rivals_hold_the_same_time_of_a_machine(
    plant: SimpleNamespace, changes: list[dict[str, Any]], expected: int
) -> None:
    assert len(rivalries(made(plant, **change) for change in changes)) == expected


def test_a_rivalry_says_who_and_when(plant: SimpleNamespace) -> None:
    one, other = plant.interval(1), plant.interval(1, gateway="gw2", epoch="e2")
    [found] = rivalries([one, other])
    assert str(found) == "qinghe/knit-01 is metered by gw1 (epoch e1) and gw2 (epoch e2)"
    assert (found.start, found.end) == (one.start, one.end)


def test_a_pair_is_told_once_an_hour(plant: SimpleNamespace) -> None:
    rivals = Rivals()
    assert rivals.news(plant.interval(1), 0) == []
    told = []
    for minute in range(0, 180, 5):
        for gateway in ("gw1", "gw2"):
            interval = plant.interval(1, gateway=gateway, epoch=gateway)
            told += [minute for _ in rivals.news(interval, minute * 60_000)]
    assert [minute for minute in told if told.count(minute) == 1] == []
    assert sorted(set(told)) == [0, 60, 120]


def test_names_without_end_take_no_memory_without_end(plant: SimpleNamespace) -> None:
    rivals, interval = Rivals(), plant.interval(1)
    for number in range(MACHINES + 50):
        rivals.news(msgspec.structs.replace(interval, machine=f"m{number}"), 0)
    assert len(rivals._lives) == MACHINES
    for number in range(REMEMBERED):
        rivals.news(msgspec.structs.replace(interval, epoch=f"e{number}"), 0)
    assert len(rivals._told) == REMEMBERED
    assert len(rivals._lives["qinghe", "knit-01"]) == LIVES


async def test_the_collector_says_so_and_stores_both(
    sqlite: SqliteStore, plant: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    at, counts = plant.NOW, Counter[str]()
    custody = Ingest(sqlite, Quarantine(sqlite, lambda: at), lambda: at, "c1", counts)
    for hour in range(3):
        at = plant.NOW + hour * QUIET_MS
        for gateway in ("gw1", "gw2"):
            own = [plant.interval(n, gateway=gateway, epoch=f"e-{gateway}") for n in (1, 2)]
            records = plant.chained(*own, previous="a" * 64)
            receipt = await custody.take(
                Topic("batch", "qinghe", gateway), plant.batch(records, gateway=gateway)
            )
            assert receipt is not None
            assert receipt.accepted == 2
    assert counts["metered_twice"] == 3
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 3
    assert "qinghe/knit-01 is metered by gw1 (epoch e-gw1) and gw2 (epoch e-gw2)" in said[0]
    assert len(await plant.stored(sqlite, USAGE)) == 4


async def test_what_was_not_accepted_is_nobodys_rival(sqlite: SqliteStore, plant: SimpleNamespace) -> None:
    counts = Counter[str]()
    custody = Ingest(sqlite, Quarantine(sqlite, lambda: plant.NOW), lambda: plant.NOW, "c1", counts)
    bad = {**plant.fields_of(plant.alone(plant.interval(1, epoch="e2"))), "run_ms": 5}
    await custody.take(plant.TOPIC, plant.batch([plant.alone(plant.interval(1)), bad]))
    assert counts["metered_twice"] == 0
