"""Small stored histories for the tests of those who judge them."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from contract.chain import GENESIS, seal
from contract.records import Clock, Interval, Meter, MeterReason, Method, Quality, Reason, Record
from contract.states import TIME_FIELDS
from tests.chaos import layout

Make = Callable[..., Interval]
TAGS: dict[str, Any] = {
    "site": "qinghe",
    "area": "hall",
    "machine": "knit-01",
    "kind": "knit",
    "gateway": "gw1",
}
MADE = {"produced": 0, "scrap": 0, "rework": 0, "energy_wh": 0}


def _interval(start_s: int = 0, seconds: int = 300, made: int = 0, total: int = 0, **more: Any) -> Interval:
    """``start_s`` after the shift's start; all of it running, unless ``more`` says otherwise."""
    start = layout.START_MS + start_s * 1000
    times: dict[str, Any] = dict.fromkeys(TIME_FIELDS, 0) | {"run_ms": seconds * 1000}
    known = Interval(
        **TAGS,
        **times,
        epoch="e1",
        sequence=1,
        sequence_first=1,
        tenant="hengxin",
        start=start,
        duration_ms=seconds * 1000,
        span_start=start,
        unplaced_run_ms=0,
        unplaced_stop_ms=0,
        quantities=MADE | {"produced": made},
        totals=MADE | {"produced": total},
        measured="produced,scrap",
        order_id="11000",
        lease_id="lease-0",
        tenant_before="none",
        tenant_after="none",
        order_before="none",
        order_after="none",
        poll_ms=layout.POLL_MS,
        polls_missed=0,
        quality=Quality.ACTUAL,
        method=Method.POLLED,
        reason=Reason.NONE,
        clock=Clock.SYNCED,
    )
    return replace(known, **more)


@pytest.fixture
def interval() -> Make:
    return _interval


@pytest.fixture
def opening() -> Meter:
    return Meter(
        **TAGS,
        epoch="e1",
        sequence=0,
        at=layout.START_MS,
        reason=MeterReason.FIRST,
        previous_epoch="none",
        previous_end=None,
        profile="knit-flat@1",
        profile_digest="d",
        stop_table="gongfang@1",
        agent="0",
        timezone="Asia/Shanghai",
        serial=1,
        boot_count=1,
        uptime_s=1,
        readings={"pieces_total": 5},
    )


@pytest.fixture
def sealed() -> Callable[[Iterable[Record]], tuple[Record, ...]]:
    """Numbers records from 0 and links them."""

    def chained(records: Iterable[Record]) -> tuple[Record, ...]:
        digest, found = GENESIS, []
        for number, record in enumerate(records):
            named: dict[str, object] = {"sequence": number}
            if isinstance(record, Interval):
                named["sequence_first"] = number
            found.append(seal(replace(record, **named), digest))
            digest = found[-1].digest
        return tuple(found)

    return chained
