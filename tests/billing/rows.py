"""Records and facts written compactly. Times are of 22 November 2026 in Asia/Shanghai unless said."""

from datetime import UTC, datetime
from typing import Any

from contract.facts import (
    ABSENT,
    CorrectedField,
    Correction,
    LeaseFact,
    OrderFact,
    QualityResult,
    Target,
    WitnessFact,
)
from contract.names import NONE
from contract.records import Cause, Clock, Interval, Meter, MeterReason, Method, Quality, Reason, Transition
from contract.states import TIME_FIELDS, Party, State

SITE = "qinghe"
MIDNIGHT = int(datetime(2026, 11, 21, 16, tzinfo=UTC).timestamp() * 1000)
"""Local midnight of the day of every case, UTC ms."""
KINDS = {name: name for name in ("knit", "weld", "loom", "effluent", "wash", "laser", "cytometer", "air")}


def clock_ms(text: str) -> int:
    """``8:05``, ``8:05:30`` or ``0:00:00.5`` in milliseconds."""
    parts = text.split(":")
    seconds = float(parts[2]) if len(parts) > 2 else 0.0
    return int(parts[0]) * 3_600_000 + int(parts[1]) * 60_000 + round(seconds * 1000)


def at(text: str) -> int:
    return MIDNIGHT + clock_ms(text)


def _common(machine: str, epoch: str, sequence: int) -> dict[str, Any]:
    kind = KINDS.get(machine.split("-", maxsplit=1)[0], "knit")
    return {
        "site": SITE,
        "area": "hall-1",
        "machine": machine,
        "kind": kind,
        "epoch": epoch,
        "gateway": "gw-1",
        "sequence": sequence,
        "digest": "",
    }


def make_interval(
    start: int,
    end: int,
    *,
    machine: str = "knit-01",
    epoch: str = "e1",
    sequence: int = 1,
    totals: dict[str, int] | None = None,
    quantities: dict[str, int] | None = None,
    measured: str = "produced,rework,scrap",
    **more: Any,
) -> Interval:
    """What is not given of the time is run time."""
    counted = {"produced": 0, "scrap": 0, "rework": 0, "energy_wh": 0, **(quantities or {})}
    times = {name: more.pop(name, 0) for name in TIME_FIELDS}
    times["run_ms"] += end - start - sum(times.values())
    fields = {
        **_common(machine, epoch, sequence),
        "tenant": NONE,
        "start": start,
        "duration_ms": end - start,
        "span_start": start,
        "sequence_first": sequence,
        "unplaced_run_ms": 0,
        "unplaced_stop_ms": 0,
        "quantities": counted,
        "totals": totals or counted,
        "measured": measured,
        "order_id": NONE,
        "lease_id": NONE,
        "tenant_before": NONE,
        "tenant_after": NONE,
        "order_before": NONE,
        "order_after": NONE,
        "poll_ms": 1000,
        "polls_missed": 0,
        "quality": Quality.ACTUAL,
        "method": Method.POLLED,
        "reason": Reason.NONE,
        "clock": Clock.SYNCED,
    }
    return Interval(**{**fields, **times, **more})


def make_span(
    start: int,
    end: int,
    *,
    machine: str = "knit-01",
    epoch: str = "e1",
    sequence: int = 1,
    since: int | None = None,
    state: State = State.STOP,
    party: Party = Party.TENANT,
    tenant: str = NONE,
    order_id: str = NONE,
    lease_id: str = NONE,
    **more: Any,
) -> Transition:
    """The transition that ends the span ``[start, end)``; what follows is run."""
    fields = {
        "at": end,
        "cause": Cause.STATE,
        "state": State.RUN,
        "party": Party.NONE,
        "stop_code": 0,
        "vendor_code": 0,
        "tenant": tenant,
        "order_id": order_id,
        "lease_id": lease_id,
        "stop_table": "gongfang@1",
        "span_start": start,
        "span_ms": end - start,
        "span_since": start if since is None else since,
        "span_state": state,
        "span_party": party,
        "span_stop_code": 0,
        "span_tenant": tenant,
        "span_order_id": order_id,
        "span_lease_id": lease_id,
    }
    return Transition(**_common(machine, epoch, sequence), **{**fields, **more})


def make_meter(at: int, *, machine: str = "knit-01", epoch: str = "e1", **more: Any) -> Meter:
    """The record that opens an epoch."""
    labels = dict.fromkeys(("profile", "profile_digest", "agent", "timezone"), "x")
    labels["stop_table"] = "gongfang@1"
    numbers = dict.fromkeys(("serial", "boot_count", "uptime_s"), 1)
    fields = {"reason": MeterReason.FIRST, "previous_epoch": NONE, "previous_end": None, "readings": {}}
    return Meter(**_common(machine, epoch, 0), at=at, **{**labels, **numbers, **fields, **more})


def make_lease(
    effective: int, name: str = "L1", tenant: str = NONE, order_id: str = NONE, **more: Any
) -> LeaseFact:
    fields = {"issued": effective, "heard": effective, "by": "office", "machine": "knit-01", **more}
    return LeaseFact(site=SITE, id=name, tenant=tenant, order_id=order_id, effective=effective, **fields)


def make_witness(issued: int, name: str = "W-1", **more: Any) -> WitnessFact:
    fields = {"machine": "knit-01", "profile_digest": "x", "serial": 1, **more}
    fixed = {"by": "li", "gateway": "gw-1", "profile": "x", "readings": {}, "panel": "pieces=7"}
    return WitnessFact(site=SITE, id=name, issued=issued, at=issued, heard=issued, **fixed, **fields)


def make_order(order_id: str, tenant: str, issued: int = MIDNIGHT, due: int = ABSENT) -> OrderFact:
    fixed = {"article": "sweater", "by": "office", "wanted": 100, "due": due, "closed": 0}
    return OrderFact(
        site=SITE, id=f"O-{order_id}", order_id=order_id, tenant=tenant, issued=issued, heard=issued, **fixed
    )


def make_correction(start: int, end: int, new: str, **more: Any) -> Correction:
    fields = {
        "machine": "knit-01",
        "issued": MIDNIGHT,
        "id": f"C-{start}-{new}",
        "by": "li",
        "why": "asked both",
        "target": Target.LEASE,
        "epoch": NONE,
        "sequence": -1,
        "field": CorrectedField.TENANT,
        "old": NONE,
        "supersedes": NONE,
    }
    return Correction(site=SITE, start=start, end=end, new=new, **{**fields, **more})


def make_quality(produced_at: int, name: str = "Q-1", **more: Any) -> QualityResult:
    fields = {"machine": "knit-01", "issued": produced_at, "order_id": NONE, "tenant": NONE, **more}
    fixed = {"by": "li", "cause": "unknown", "scrap": 0, "rework": 0}
    return QualityResult(site=SITE, id=name, produced_at=produced_at, **{**fixed, **fields})
