"""A gateway as these tests need one: it makes sealed records and batches of them."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from contract.chain import GENESIS, seal
from contract.facts import Fact
from contract.messages import encode
from contract.records import Interval, Meter, Record, Transition
from contract.series import Series, fact_of
from contract.states import TIME_FIELDS
from contract.topics import Topic
from store.sqlite import SqliteStore, open_sqlite

NOW = 1_800_000_000_000
GRID_MS = 300_000
COMMON: dict[str, Any] = {
    "site": "qinghe",
    "area": "hall-1",
    "machine": "knit-01",
    "kind": "flat-knitting",
    "epoch": "e1",
    "gateway": "gw1",
}


def meter(**changes: Any) -> Meter:
    fields = {
        "sequence": 0,
        "at": NOW - 10 * GRID_MS,
        "reason": "first",
        "previous_epoch": "none",
        "previous_end": None,
        "profile": "knit@1",
        "profile_digest": "0" * 64,
        "stop_table": "stops@1",
        "agent": "0.1.0",
        "timezone": "Asia/Shanghai",
        "serial": 7,
        "boot_count": 1,
        "uptime_s": 60,
        "readings": {"pieces": 5},
    }
    return msgspec.convert({**COMMON, **fields, **changes}, Meter)


def interval(number: int = 1, **changes: Any) -> Interval:
    """The ``number``-th grid interval of an epoch, with its sequence, one piece, wholly run."""
    quantities = {"produced": 1, "scrap": 0, "rework": 0, "energy_wh": 20}
    times = dict.fromkeys((*TIME_FIELDS, "unplaced_run_ms", "unplaced_stop_ms", "polls_missed"), 0)
    start = NOW - (11 - number) * GRID_MS
    fields = {
        "sequence": number,
        "sequence_first": number,
        "tenant": "zhang",
        "start": start,
        "duration_ms": GRID_MS,
        "span_start": start,
        "run_ms": GRID_MS,
        "quantities": quantities,
        "totals": {name: amount * number for name, amount in quantities.items()},
        "measured": "energy_wh,produced",
        "order_id": "A-17",
        "lease_id": "lease-1",
        **dict.fromkeys(("tenant_before", "tenant_after", "order_before", "order_after"), "none"),
        "poll_ms": 1000,
        "quality": "actual",
        "method": "polled",
        "reason": "none",
        "clock": "synced",
    }
    return msgspec.convert({**COMMON, **times, **fields, **changes}, Interval)


def transition(number: int = 1, **changes: Any) -> Transition:
    at = NOW - (11 - number) * GRID_MS
    fields = {
        "sequence": number,
        "at": at,
        "cause": "state",
        "state": "stop",
        "party": "tenant",
        "stop_code": 3,
        "vendor_code": 0,
        "tenant": "zhang",
        "order_id": "A-17",
        "lease_id": "lease-1",
        "stop_table": "stops@1",
        "span_start": at - 1000,
        "span_ms": 1000,
        "span_since": at - 1000,
        "span_state": "run",
        "span_party": "none",
        "span_stop_code": 0,
        "span_tenant": "zhang",
        "span_order_id": "A-17",
        "span_lease_id": "lease-1",
    }
    return msgspec.convert({**COMMON, **fields, **changes}, Transition)


def chained(*records: Record, previous: str = GENESIS) -> list[Record]:
    """The records sealed one after the other."""
    sealed = []
    for record in records:
        sealed.append(seal(record, previous))
        previous = sealed[-1].digest
    return sealed


def alone(record: Record) -> Record:
    """Sealed after some record that is not in the batch."""
    return seal(record, "a" * 64)


def fields_of(record: Record) -> dict[str, Any]:
    """The record as the JSON object that it is, to be spoiled."""
    fields: dict[str, Any] = msgspec.json.decode(encode(record))
    return fields


def batch(records: Sequence[Record | dict[str, Any] | object], **changes: Any) -> bytes:
    """The payload of a batch; what is no record goes in as the JSON that it is."""
    envelope = {"site": "qinghe", "gateway": "gw1", "session": "s1", "sealed": NOW, "records": records}
    return msgspec.json.encode({**envelope, **changes})


async def stored(store: SqliteStore, series: Series, site: str = "qinghe") -> list[Record | Fact]:
    """Of one site: a broker that outlives a test retains what it was told for another."""
    return [fact_of(row) async for row in store.read(series, 0, 2 * NOW, {"site": site})]


@pytest.fixture(scope="session")
def plant() -> SimpleNamespace:
    return SimpleNamespace(
        NOW=NOW,
        GRID_MS=GRID_MS,
        TOPIC=Topic("batch", "qinghe", "gw1"),
        meter=meter,
        interval=interval,
        transition=transition,
        chained=chained,
        alone=alone,
        fields_of=fields_of,
        batch=batch,
        stored=stored,
    )


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_sqlite(tmp_path / "store.db") as store:
        yield store
