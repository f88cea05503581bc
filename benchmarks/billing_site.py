"""A synthetic site: what the agents of so many machines would have stored, day by day. Pure, from a seed.

Every machine is leased from one tenant to the next, each lease for an order that was announced before; a
lease begins with setup, runs are broken by stops of every party, half of the machines rest at night. Records
tile the time, counts follow from the run time, and each record is sealed behind the one before it, so that a
period of it has neither a finding nor a break in a chain.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from contract.chain import GENESIS, canonical, link
from contract.facts import ABSENT, Fact, LeaseFact, OrderFact, WitnessFact
from contract.names import NONE
from contract.records import Cause, Clock, Interval, Meter, MeterReason, Method, Quality, Reason, Record
from contract.records import Transition as Turn
from contract.states import TIME_FIELDS, Party, State, time_field

SITE: Final = "bench"
ZONE: Final = ZoneInfo("Asia/Shanghai")
_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_MEASURED: Final = {
    "knit": {"produced": 1_900_000, "scrap": 90_000_000, "rework": 200_000_000, "courses": 900},
    "weld": {"produced": 260_000, "scrap": 30_000_000, "gas_l": 4_000, "weld_mm": 125, "wire_g": 900},
    "loom": {"picks": 170, "produced": 60_000, "scrap": 40_000_000},
}
"""By kind: milliseconds of run time that one of each quantity takes."""
_WATTS: Final = {"knit": 900, "weld": 6500, "loom": 1800}


R = TypeVar("R", Meter, Interval, Turn)


class Plan(Struct, frozen=True, kw_only=True):
    machines: int
    tenants: int
    days: int
    """Of the period, from its first on."""
    lead_days: int = 1
    """Days before the period of which the store has records too."""
    month: str = "2026-10"
    grid_ms: int = 900_000
    stops: float = 8.0
    """Of each machine and day, on average."""
    seed: int = 1

    @property
    def start(self) -> int:
        """Of the period, UTC ms."""
        first = datetime.fromisoformat(f"{self.month}-01").replace(tzinfo=ZONE)
        return int(first.timestamp()) * 1000

    @property
    def end(self) -> int:
        return self.start + self.days * _DAY

    @property
    def begins(self) -> int:
        return self.start - self.lead_days * _DAY


class _Held(NamedTuple):
    tenant: str
    order_id: str
    lease_id: str


class _Phase(NamedTuple):
    state: State
    party: Party
    code: int


_RUN: Final = _Phase(State.RUN, Party.NONE, 0)
_SETUP: Final = _Phase(State.SETUP, Party.NONE, 0)
_IDLE: Final = _Phase(State.IDLE, Party.NONE, 0)
_BREAKS: Final = (
    *(_Phase(State.STOP, Party.TENANT, code) for code in (11, 12, 13, 14, 15, 16, 17)),
    _Phase(State.STOP, Party.HOST, 31),
    _Phase(State.STOP, Party.UTILITY, 41),
    _Phase(State.FAULT, Party.HOST, 51),
)


class MachineLife:
    """One machine. ``advance`` gives its records in the order of their sequence."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan = plan
        self.kind = tuple(_MEASURED)[number % len(_MEASURED)]
        self.name = f"{self.kind}-{number:05}"
        self._random = random.Random(f"{plan.seed}/{number}")
        self._rests = number % 2 == 0
        self._paces = _MEASURED[self.kind]
        self._common: dict[str, Any] = {
            "site": SITE,
            "area": f"hall-{number % 8}",
            "machine": self.name,
            "kind": self.kind,
            "epoch": f"e{number:05}",
            "gateway": f"gw-{number // 50:03}",
        }
        self._at, self._sequence, self._digest = plan.begins, 0, GENESIS
        self._phase, self._held, self._leases = _SETUP, _Held(NONE, NONE, NONE), 0
        self._span_start = self._since = plan.begins
        self._next_phase = self._next_lease = plan.begins
        self._times = dict.fromkeys(TIME_FIELDS, 0)
        self._run_ms = self._used_ms = 0
        self._totals = dict.fromkeys((*self._paces, "energy_wh"), 0)
        self._facts: list[Fact] = []
        self._measured = ",".join(sorted(self._totals))

    def open(self) -> Iterator[Record | Fact]:
        labels = dict.fromkeys(("profile", "profile_digest", "stop_table", "agent"), "bench@1")
        opened = Meter(
            **self._common,
            **labels,
            sequence=0,
            at=self._at,
            reason=MeterReason.FIRST,
            previous_epoch=NONE,
            previous_end=None,
            timezone=str(ZONE),
            serial=1,
            boot_count=1,
            uptime_s=1,
            readings={},
        )
        yield self._sealed(opened)
        yield WitnessFact(
            site=SITE,
            machine=self.name,
            issued=self._at,
            id=f"W-{self.name}",
            by="bench",
            gateway=opened.gateway,
            at=self._at,
            profile=opened.profile,
            profile_digest=opened.profile_digest,
            serial=1,
            readings={},
            panel=NONE,
            heard=self._at,
        )
        self._lease()
        yield from self._told()

    def advance(self, until: int) -> Iterator[Record | Fact]:
        """To the end of a cell of the grid, at which an interval closes."""
        start = self._at
        while self._at < until:
            to = min(until, self._next_phase, self._next_lease)
            self._spend(to - self._at)
            self._at = to
            if to == self._next_lease:
                yield from self._interval(start)
                start = to
                before = self._held
                self._lease()
                yield self._turn(Cause.ATTRIBUTION, before, _SETUP)
                yield from self._told()
            elif to == self._next_phase:
                yield self._turn(Cause.STATE, self._held, self._following())
        yield from self._interval(start)
        if (until + 8 * _HOUR) % _DAY == 0:
            yield self._turn(Cause.MIDNIGHT, self._held, self._phase)

    def _told(self) -> Iterator[Fact]:
        yield from self._facts
        self._facts.clear()

    def _spend(self, ms: int) -> None:
        self._times[time_field(self._phase.state, self._phase.party)] += ms
        if self._phase.state is State.RUN:
            self._run_ms += ms
        self._used_ms += ms if self._phase is not _IDLE else ms // 10

    def _interval(self, start: int) -> Iterator[Interval]:
        if self._at == start:
            return
        totals = {name: self._run_ms // pace for name, pace in self._paces.items()}
        totals["energy_wh"] = self._used_ms * _WATTS[self.kind] // _HOUR
        quantities = {name: total - self._totals[name] for name, total in totals.items()}
        self._totals = totals
        yield self._sealed(
            Interval(
                **self._common,
                **self._times,
                tenant=self._held.tenant,
                order_id=self._held.order_id,
                lease_id=self._held.lease_id,
                sequence=self._sequence,
                sequence_first=self._sequence,
                start=start,
                duration_ms=self._at - start,
                span_start=start,
                unplaced_run_ms=0,
                unplaced_stop_ms=0,
                quantities=quantities,
                totals=totals,
                measured=self._measured,
                tenant_before=NONE,
                tenant_after=NONE,
                order_before=NONE,
                order_after=NONE,
                poll_ms=1000,
                polls_missed=0,
                quality=Quality.ACTUAL,
                method=Method.POLLED,
                reason=Reason.NONE,
                clock=Clock.SYNCED,
            )
        )
        self._times = dict.fromkeys(TIME_FIELDS, 0)

    def _turn(self, cause: Cause, before: _Held, following: _Phase) -> Turn:
        was, now = self._phase, self._held
        turned = Turn(
            **self._common,
            sequence=self._sequence,
            at=self._at,
            cause=cause,
            state=following.state,
            party=following.party,
            stop_code=following.code,
            vendor_code=following.code,
            tenant=now.tenant,
            order_id=now.order_id,
            lease_id=now.lease_id,
            stop_table="bench@1",
            span_start=self._span_start,
            span_ms=self._at - self._span_start,
            span_since=self._since,
            span_state=was.state,
            span_party=was.party,
            span_stop_code=was.code,
            span_tenant=before.tenant,
            span_order_id=before.order_id,
            span_lease_id=before.lease_id,
        )
        if following.state is not was.state:
            self._since = self._at
        self._span_start, self._phase = self._at, following
        return self._sealed(turned)

    def _following(self) -> _Phase:
        """After a break it runs; after a run it breaks, or rests until the morning."""
        hour = (self._at + 8 * _HOUR) % _DAY // _HOUR
        if self._phase is not _RUN:
            mean = int(22 * _HOUR / max(self._plan.stops, 0.01))
            self._next_phase = self._at + self._random.randint(mean // 3, mean * 5 // 3)
            return _RUN
        if self._rests and hour < 6:
            self._next_phase = self._at + (6 - hour) * _HOUR + self._random.randint(1, 2000)
            return _IDLE
        self._next_phase = self._at + self._random.randint(20_000, 18 * _MINUTE)
        return self._random.choice(_BREAKS)

    def _lease(self) -> None:
        """Whole minutes, which phases never meet by more than chance; then the lease comes first."""
        self._leases += 1
        tenant = f"t{self._random.randrange(self._plan.tenants):04}"
        order_id = f"{tenant.upper()}-{self._at // _DAY}-{self._random.randrange(3)}"
        self._held = _Held(tenant, order_id, f"L-{self.name}-{self._leases}")
        self._next_phase = self._at + self._random.randint(10 * _MINUTE, 40 * _MINUTE)
        self._next_lease = self._at + self._random.randint(16, 120) * _HOUR + 7 * _MINUTE
        issued = self._at - _HOUR
        self._facts.append(
            LeaseFact(
                site=SITE,
                machine=self.name,
                issued=issued,
                id=self._held.lease_id,
                tenant=tenant,
                order_id=order_id,
                by="bench",
                effective=self._at,
                heard=issued,
            )
        )
        self._facts.append(
            OrderFact(
                site=SITE,
                issued=issued,
                id=f"O-{order_id}-{self.name}",
                order_id=order_id,
                tenant=tenant,
                article="piece",
                by="bench",
                wanted=1000,
                due=ABSENT,
                closed=0,
                heard=issued,
            )
        )

    def _sealed(self, record: R) -> R:
        self._digest = link(self._digest, canonical(record))
        self._sequence += 1
        return msgspec.structs.replace(record, digest=self._digest)


def site(plan: Plan) -> Iterator[list[Record | Fact]]:
    """Everything that is stored, a cell of the grid at a time, up to the end of the period."""
    machines = [MachineLife(plan, number) for number in range(plan.machines)]
    yield [fact for machine in machines for fact in machine.open()]
    for at in range(plan.begins + plan.grid_ms, plan.end + 1, plan.grid_ms):
        yield [fact for machine in machines for fact in machine.advance(at)]


def billing_toml(plan: Plan, store: str) -> str:
    """``store``: its table."""
    first = datetime.fromtimestamp(plan.start / 1000, ZONE)
    names = "".join(f'[[tenant]]\nid = "t{n:04}"\nname_en = "Tenant {n}"\n' for n in range(plan.tenants))
    return (
        f'tariff = "tariff.toml"\n# {first:%Y-%m-%d} to {first + timedelta(days=plan.days):%Y-%m-%d}\n'
        f'[site]\nname = "{SITE}"\ntimezone = "{ZONE}"\n{store}{names}'
        '[[validation.feasible]]\nkind = "knit"\nquantity = "produced"\nper_hour = 60\n'
        '[[validation.frozen]]\nkind = "loom"\nquantities = ["picks"]\nrun_min = 30\n'
    )
