"""The facts in a store; and some that a fault-free rehearsal does not make, so that no query asks in vain.

Three machines that were not rehearsed have a bad afternoon on DAY: one is lost for a while, its order changes
meanwhile, and its meter begins anew; one cannot count scrap; one stops over midnight and is not heard again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from contract.facts import BatchFact, Fact, QualityResult, Quarantined
from contract.names import DISPUTED, NONE
from contract.records import (
    Cause,
    Interval,
    Loss,
    LossReason,
    Meter,
    MeterReason,
    Method,
    Quality,
    Reason,
    Record,
    Transition,
)
from contract.series import ALL, fact_of
from contract.states import TIME_FIELDS, Party, State
from store.protocol import Store
from tests.e2e.query_answers import SHANGHAI

DAY: Final = "2026-09-26"
YESTERDAY: Final = "2026-09-25"
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE


def midnight(day: str, later: int = 0) -> int:
    """UTC ms of the local midnight at which ``day`` begins, or so many days later."""
    begins = datetime.fromisoformat(day).replace(tzinfo=SHANGHAI) + timedelta(days=later)
    return int(begins.timestamp()) * 1000


@dataclass(frozen=True, kw_only=True)
class Facts:
    intervals: list[Interval] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    meters: list[Meter] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    batches: list[BatchFact] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    results: list[QualityResult] = field(default_factory=list)


_LISTS: Final[dict[type, str]] = {
    Interval: "intervals",
    Transition: "transitions",
    Meter: "meters",
    Loss: "losses",
    BatchFact: "batches",
    Quarantined: "quarantined",
    QualityResult: "results",
}


async def read(store: Store) -> Facts:
    facts = Facts()
    for series in ALL:
        async for row in store.read(series, 0, 2**53):
            fact = fact_of(row)
            if name := _LISTS.get(type(fact)):
                getattr(facts, name).append(fact)
    return facts


def bad_afternoon(rehearsed: Facts) -> list[Record | Fact]:
    """Facts of other machines, modelled on rehearsed ones."""
    model, opening = rehearsed.intervals[0], rehearsed.meters[0]
    turn = next(each for each in rehearsed.transitions if each.machine == model.machine)
    noon, zero = midnight(DAY) + 12 * HOUR, midnight(DAY)
    plain = _Meter(model, "mesh-09", "c3", measured="meters,produced")
    still = _Meter(model, "weld-09", "d4")
    return [
        replace(opening, machine="knit-09", epoch="b2", at=noon + 3 * HOUR, reason=MeterReason.CLOCK_BACK),
        *_lost_and_anew(model, noon),
        plain.made(noon, 5 * MINUTE, State.RUN, 9, 0, order_id="2001"),
        plain.made(noon + 5 * MINUTE, 5 * MINUTE, State.FAULT, 0, 0, order_id=DISPUTED, tenant="juntu"),
        still.made(zero - 10 * MINUTE, 10 * MINUTE, State.STOP, 0, 0),
        still.made(zero, 10 * MINUTE, State.STOP, 0, 0),
        *_stop_over_midnight(turn, zero),
        _loss(opening, noon),
        *_refused(noon),
        _batch(noon),
        *(_inspected(noon, order, number) for number, order in enumerate(("2001", "1001", "2001"))),
    ]


class _Meter:
    """Makes intervals of one epoch, with totals that go on."""

    def __init__(
        self, model: Interval, machine: str, epoch: str, *, produced: int = 0, measured: str = ""
    ) -> None:
        self.model = replace(model, machine=machine, epoch=epoch, measured=measured or model.measured)
        self.totals = dict.fromkeys(model.totals, 0) | {"produced": produced}
        self.sequence = 0

    def made(
        self, start: int, duration: int, state: State, produced: int, scrap: int, **more: Any
    ) -> Interval:
        nothing = dict.fromkeys(self.totals, 0)
        quantities = nothing | {"produced": produced, "scrap": scrap, "energy_wh": 40 * produced}
        self.totals = {name: total + quantities[name] for name, total in self.totals.items()}
        self.sequence += 2
        spent = dict.fromkeys(TIME_FIELDS, 0)
        spent["stop_host_ms" if state is State.STOP else f"{state}_ms"] = duration
        named = {"start": start, "span_start": start, "duration_ms": duration, "sequence": self.sequence}
        made = {"quantities": quantities, "totals": self.totals, "sequence_first": self.sequence}
        return replace(self.model, **(named | made | spent | more))


def _lost_and_anew(model: Interval, noon: int) -> Sequence[Interval]:
    """A gap that is disputed, one interval that never arrived, and a second epoch."""
    lost: dict[str, Any] = {"quality": Quality.UNKNOWN, "method": Method.NONE, "reason": Reason.LINK}
    disputed: dict[str, Any] = {
        "tenant": DISPUTED,
        "order_id": DISPUTED,
        "tenant_before": "hengxin",
        "tenant_after": "ruifeng",
        "order_before": "1002",
        "order_after": "2001",
    }
    back: dict[str, Any] = {"quality": Quality.RECOVERED, "method": Method.COUNTERS, "reason": Reason.SILENT}
    lost_one = _Meter(model, "knit-09", "a1", produced=100)
    anew = _Meter(model, "knit-09", "b2")
    first = lost_one.made(noon, 5 * MINUTE, State.RUN, 3, 1)
    gap = lost_one.made(noon + 5 * MINUTE, 90 * MINUTE, State.UNKNOWN, 7, 0, **lost, **disputed)
    lost_one.made(noon + 95 * MINUTE, 5 * MINUTE, State.RUN, 1, 0)
    again = lost_one.made(noon + 100 * MINUTE, 20 * MINUTE, State.RUN, 2, 0, order_id="2001", **back)
    whose = {"order_id": "2001", "tenant": "ruifeng"}
    begun = anew.made(noon + 3 * HOUR, 5 * MINUTE, State.RUN, 4, 2, **whose)
    idle = anew.made(noon + 3 * HOUR + 5 * MINUTE, 5 * MINUTE, State.IDLE, 0, 0, **whose)
    return first, gap, again, begun, idle


def _stop_over_midnight(model: Transition, zero: int) -> Sequence[Transition]:
    begins = replace(
        model,
        machine="weld-09",
        epoch="d4",
        sequence=1,
        at=zero - 10 * MINUTE,
        cause=Cause.STATE,
        state=State.STOP,
        party=Party.HOST,
        stop_code=34,
        tenant="juntu",
        order_id=NONE,
    )
    span = {
        "span_state": State.STOP,
        "span_party": Party.HOST,
        "span_stop_code": 34,
        "span_since": zero - 10 * MINUTE,
    }
    cut = replace(
        begins,
        sequence=3,
        at=zero,
        cause=Cause.MIDNIGHT,
        span_start=zero - 10 * MINUTE,
        span_ms=10 * MINUTE,
        **span,
    )
    over = replace(
        cut,
        sequence=5,
        at=zero + 10 * MINUTE,
        state=State.RUN,
        stop_code=0,
        span_start=zero,
        cause=Cause.STATE,
    )
    return begins, cut, replace(over, party=Party.NONE)


def _loss(opening: Meter, noon: int) -> Loss:
    return Loss(
        site=opening.site,
        area=opening.area,
        machine="knit-09",
        kind=opening.kind,
        epoch="a1",
        gateway=opening.gateway,
        sequence=90,
        sequence_first=88,
        start=noon + 2 * HOUR,
        end=noon + 3 * HOUR,
        records=3,
        reason=LossReason.CORRUPT,
    )


def _refused(noon: int) -> Sequence[Quarantined]:
    """One payload in two parts."""
    first = Quarantined(
        site="qinghe",
        gateway="gw9",
        received=noon + 17,
        batch="0" * 64,
        part=0,
        parts=2,
        machine="knit-09",
        epoch="a1",
        sequence=44,
        reason="conflict",
        detail='its key is stored with other content, says "store"',
        payload="{",
        replayed=0,
    )
    return first, replace(first, received=noon + 18, part=1, payload="}")


def _batch(noon: int) -> BatchFact:
    return BatchFact(
        site="qinghe",
        gateway="gw9",
        sealed=noon,
        id="1" * 64,
        records=10,
        accepted=6,
        rejected=1,
        kept=3,
        collector="rehearsal",
    )


def _inspected(noon: int, order: str, number: int) -> QualityResult:
    return QualityResult(
        site="qinghe",
        machine="knit-09",
        issued=noon + 5 * HOUR + number,
        id=f"inspection-{number}",
        order_id=order,
        tenant="ruifeng",
        by="inspector",
        cause="dropped stitch",
        produced_at=noon,
        scrap=1 + number,
        rework=number,
    )
