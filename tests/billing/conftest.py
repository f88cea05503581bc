"""Records written compactly, and cases: a folder with a tariff and a table of rows and expected lines.

A row of a case is its kind, what it is about, and ``key=value`` words; times are of 22 November 2026 in
Asia/Shanghai (25:00 is one o'clock of the next day). `cases/README.md` shows every kind of row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from contract.facts import ABSENT, CorrectedField, Correction, LeaseFact, OrderFact, Target, WitnessFact
from contract.names import NONE
from contract.records import Cause, Clock, Interval, Meter, MeterReason, Method, Quality, Reason, Transition
from contract.states import TIME_FIELDS, Party, State

SITE = "qinghe"
MIDNIGHT = int(datetime(2026, 11, 21, 16, tzinfo=UTC).timestamp() * 1000)
"""Local midnight of the day of every case, UTC ms."""
KINDS = {"knit": "knit", "weld": "weld"}


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
        "stop_table": "stop-codes@1",
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
    labels = dict.fromkeys(("profile", "profile_digest", "stop_table", "agent", "timezone"), "x")
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


def make_order(order_id: str, tenant: str, issued: int = MIDNIGHT) -> OrderFact:
    fixed = {"article": "sweater", "by": "office", "wanted": 100, "due": ABSENT, "closed": 0}
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


@dataclass
class Case:
    """What a case file says."""

    period: tuple[int, int] = (MIDNIGHT, MIDNIGHT + 86_400_000)
    intervals: list[Interval] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    leases: list[LeaseFact] = field(default_factory=list)
    orders: list[OrderFact] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    expected: dict[str, list[str]] = field(default_factory=dict)
    """By kind of expectation: charge, total, suspense, disputed, finding."""
    totals: dict[str, dict[str, int]] = field(default_factory=dict)

    def facts(self) -> list[Any]:
        return [*self.intervals, *self.transitions, *self.leases, *self.orders, *self.corrections]


_EXPECTED = {"charge", "total", "suspense", "disputed", "finding"}


def read_case(text: str) -> Case:
    case = Case()
    for sequence, line in enumerate(text.splitlines()):
        words = line.split("#")[0].split()
        if not words:
            continue
        plain = [word for word in words[1:] if "=" not in word]
        named = dict(word.split("=") for word in words[1:] if "=" in word)
        if words[0] in _EXPECTED:
            case.expected.setdefault(words[0], []).append(" ".join(words[1:]))
        else:
            _ROWS[words[0]](case, sequence, plain, named)
    return case


def _period(case: Case, _: int, plain: list[str], __: dict[str, str]) -> None:
    case.period = (at(plain[0]), at(plain[1]))


_STATES = {name.removesuffix("_ms"): name for name in TIME_FIELDS}
_COUNTED = ("produced", "scrap", "rework")


def _whose(plain: list[str]) -> dict[str, str]:
    return dict(zip(("tenant", "order_id", "lease_id"), plain, strict=False))


def _interval(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, first, last, *whose = plain
    totals = case.totals.setdefault(machine, dict.fromkeys((*_COUNTED, "energy_wh"), 0))
    counted = {name: int(named.pop(name)) for name in _COUNTED if name in named}
    totals |= {name: totals[name] + step for name, step in counted.items()}
    times = {_STATES[name]: clock_ms(named.pop(name)) for name in list(named) if name in _STATES}
    more = {"totals": dict(totals), "quantities": counted, **_whose(whose), **times, **named}
    made = make_interval(at(first), at(last), machine=machine, sequence=sequence, **more)
    case.intervals.append(msgspec.convert(msgspec.to_builtins(made), Interval, strict=False))


def _stop(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, first, last, *whose = plain
    since = at(named.pop("since", first))
    party = Party(named.pop("party", "tenant"))
    span = make_span(
        at(first), at(last), machine=machine, sequence=sequence, since=since, party=party, **_whose(whose)
    )
    case.transitions.append(span)


def _lease(case: Case, _: int, plain: list[str], named: dict[str, str]) -> None:
    machine, effective, name, *whose = plain
    issued, heard = at(named.get("issued", effective)), at(named.get("heard", effective))
    lease = make_lease(at(effective), name, *whose, machine=machine, issued=issued, heard=heard)
    case.leases.append(lease)


def _order(case: Case, _: int, plain: list[str], __: dict[str, str]) -> None:
    case.orders.append(make_order(*plain))


def _assign(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, first, last = plain
    for index, (name, new) in enumerate(named.items()):
        issued = MIDNIGHT + 2 * sequence + index
        more = {"machine": machine, "field": CorrectedField(name), "issued": issued, "id": f"C-{issued}"}
        case.corrections.append(make_correction(at(first), at(last), new, **more))


_ROWS: dict[str, Callable[[Case, int, list[str], dict[str, str]], None]] = {
    "period": _period,
    "interval": _interval,
    "stop": _stop,
    "lease": _lease,
    "order": _order,
    "assign": _assign,
}

CASES = Path(__file__).parent / "cases"


@pytest.fixture(params=sorted(path.parent.name for path in CASES.glob("*/case.txt")))
def case_folder(request: pytest.FixtureRequest) -> Path:
    return CASES / str(request.param)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Everything above, for tests that write their rows in Python."""
    return SimpleNamespace(
        interval=make_interval,
        span=make_span,
        meter=make_meter,
        lease=make_lease,
        order=make_order,
        witness=make_witness,
        correction=make_correction,
        case=read_case,
        at=at,
        midnight=MIDNIGHT,
        site=SITE,
        cases=CASES,
    )
