"""A meter on the bench: one machine, a made-up profile, and time in seconds after 08:00 in Shanghai."""

from collections.abc import Iterable, Mapping
from itertools import count

from contract.messages import Lease
from contract.records import Interval, Reason, Record, Transition
from contract.states import Party, State
from edge_agent.block import Table
from edge_agent.free_run import RECORDS
from edge_agent.machine import Machine
from edge_agent.profile import Counter, DeviceTime, Profile, Quantity, Roles, StopTable
from edge_agent.register import Register, RegisterType, WordOrder
from edge_agent.sample import Fault, Sample
from edge_agent.scheme import Identity, Scheme

EIGHT = 1_790_380_800_000
"""2026-09-26 08:00 at UTC+8: on the five-minute grid, sixteen hours before local midnight."""

POLL_MS = 1_000

COUNTERS = (
    Counter(name="pieces", width_bits=32, retained=True, max_per_hour=3_600),
    Counter(name="ng", width_bits=16, retained=True, max_per_hour=3_600),
    Counter(name="energy", width_bits=32, retained=False, max_per_hour=36_000),
    Counter(name="run_s", width_bits=32, retained=True, max_per_hour=3_600),
    Counter(name="stop_s", width_bits=32, retained=True, max_per_hour=3_600),
)


def _register(name: str, address: int) -> Register:
    return Register(
        name=name, table=Table.HOLDING, address=address, type=RegisterType.U32, word_order=WordOrder.ABCD
    )


PROFILE = Profile(
    name="bench",
    version="1",
    kind="knit",
    digest="d" * 64,
    stop_table=StopTable(label="bench@1", codes=()),
    max_registers=125,
    max_gap=0,
    registers=tuple(_register(c.name, 2 * n) for n, c in enumerate(COUNTERS)),
    roles=Roles(),
    bits={},
    rules=(),
    counters=COUNTERS,
    quantities=(
        Quantity(name="produced", counter="pieces"),
        Quantity(name="scrap", counter="ng"),
        Quantity(name="energy_wh", counter="energy", multiply=10),
        Quantity(name="dozens", counter="pieces", divide=12),
    ),
    run_time=DeviceTime(counter="run_s", unit_ms=1000),
    stop_time=DeviceTime(counter="stop_s", unit_ms=1000),
)

SCHEME = Scheme(
    identity=Identity(
        site="qinghe",
        area="hall-1",
        machine="knit-01",
        kind="knit",
        gateway="gw-1",
        profile="bench@1",
        profile_digest="d" * 64,
        stop_table="bench@1",
        agent="0.1.0",
        timezone="Asia/Shanghai",
    ),
    profile=PROFILE,
    poll_ms=POLL_MS,
    hold_polls=3,
    grid_ms=300_000,
)


class Bench:
    """Feeds a machine's meter and keeps what it wrote. All times are seconds after 08:00."""

    def __init__(
        self,
        scheme: Scheme = SCHEME,
        *,
        serial: int | None = None,
        eight: int = EIGHT,
        most_held: int = RECORDS,
    ) -> None:
        self.scheme, self.serial, self.eight, self.most_held = scheme, serial, eight, most_held
        self.epochs = count(1)
        self.machine = self._machine(None)
        self.kept: bytes | None = None
        """The last checkpoint there was."""
        self.written: list[Record] = []
        self.announced: dict[str, str] = {}
        self.readings = dict.fromkeys((c.name for c in COUNTERS), 100)
        self.boot_count = 1
        self.leases = count(1)

    def _machine(self, checkpoint: bytes | None) -> Machine:
        return Machine(
            self.scheme,
            serial=self.serial,
            name_epoch=lambda: f"e{next(self.epochs)}",
            checkpoint=checkpoint,
            most_held=self.most_held,
        )

    def ms(self, at: float) -> int:
        return self.eight + round(at * 1000)

    def see(
        self,
        at: float,
        state: str = "run",
        *,
        order: str | None = "none",
        code: int = 0,
        party: str | None = None,
        serial: int = 7,
        uptime_s: int = 9_999,
        heartbeat: int | None = None,
        **steps: int,
    ) -> None:
        """A good read: the counters have moved on by ``steps`` since the read before."""
        for name, step in steps.items():
            self.readings[name] += step
        held = dict(self.readings)
        default = Party.UNKNOWN if state in {"stop", "fault"} else Party.NONE

        def sense(at_ms: int) -> Sample | Fault:
            return Sample(
                at=at_ms,
                state=State(state),
                party=Party(party) if party else default,
                stop_code=code,
                vendor_code=0,
                order_id=order,
                serial=serial,
                boot_count=self.boot_count,
                uptime_s=uptime_s,
                heartbeat=heartbeat,
                readings=held,
            )

        self.written += self.machine.sampled(sense, self.announced, self.ms(at), round(at * 1000))

    def see_every_second(self, start: int, end: int, state: str = "run", **more: object) -> None:
        for at in range(start, end + 1):
            self.see(at, state, **more)  # type: ignore[arg-type]  # a table of keyword arguments

    def miss(self, at: float, reason: Reason = Reason.SILENT) -> None:
        self.written += self.machine.missed(reason, self.ms(at), round(at * 1000))

    def lease(
        self, at: float, tenant: str | None, *, order: str | None = None, begins: float | None = None
    ) -> str:
        """A lease heard at ``at``, taking effect at ``begins``. Returns its id."""
        number = next(self.leases)
        message = Lease(
            id=f"lease-{number}",
            machine="knit-01",
            by="floor",
            tenant=tenant,
            order_id=order,
            effective=self.ms(at if begins is None else begins),
            issued=self.ms(at) + number,
        )
        self.machine.hear(message, self.ms(at), round(at * 1000))
        return message.id

    def kill_and_restart(self, at: float) -> None:
        """The process dies and another one starts from the checkpoint."""
        self.kept = self.machine.checkpoint() or self.kept
        self.machine = self._machine(self.kept)
        self.written += self.machine.start(self.ms(at), round(at * 1000))

    def start(self, at: float = 0) -> None:
        """Only needed where the start itself matters: on a clock that was never set."""
        self.written += self.machine.start(self.ms(at), round(at * 1000))

    def stop(self) -> None:
        self.written += self.machine.stop()

    # --- what was written -----------------------------------------------------------------------------

    def intervals(self) -> list[Interval]:
        return [record for record in self.written if isinstance(record, Interval)]

    def transitions(self) -> list[Transition]:
        return [record for record in self.written if isinstance(record, Transition)]

    def story(self) -> list[str]:
        """One line a record, for tests that read like a log."""
        return [self._line(record) for record in self.written]

    def _line(self, record: Record) -> str:
        if isinstance(record, Interval):
            times = {name: ms / 1000 for name, ms in times_of(record).items() if ms}
            spent = " ".join(f"{name.removesuffix('_ms')}={s:g}" for name, s in times.items())
            made = " ".join(
                f"{k}={v}" for k, v in record.quantities.items() if v and k in {"produced", "scrap"}
            )
            who = f"{record.tenant}/{record.order_id}"
            tail = "" if record.quality == "actual" else f" {record.quality}:{record.reason}"
            return f"{self._at(record.start)}-{self._at(record.end)} {who} {spent} {made}".rstrip() + tail
        if isinstance(record, Transition):
            span = f"{record.span_state} {record.span_ms / 1000:g}s"
            return f"{self._at(record.at)} {record.cause}: {span} -> {record.state}"
        return f"{type(record).__name__.lower()} {getattr(record, 'reason', '')}"

    def _at(self, ms: int) -> str:
        return f"{(ms - self.eight) / 1000:g}"


def times_of(interval: Interval) -> Mapping[str, int]:
    from contract.states import TIME_FIELDS

    return {name: getattr(interval, name) for name in TIME_FIELDS}


def total(intervals: Iterable[Interval], quantity: str) -> int:
    return sum(interval.quantities[quantity] for interval in intervals)
