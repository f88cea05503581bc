"""One run from beginning to end: a site is up, suffers its schedule, recovers, hands over, is judged."""

import asyncio
import contextlib
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from contract.clock import ClockPair
from contract.facts import BatchFact, Quarantined
from contract.messages import Lease
from contract.records import Interval, Loss, Meter, Transition
from contract.series import BATCH, LOSS, METER, QUARANTINE, STATE, USAGE, fact_of
from demo.rehearsal import accounts
from simulators.plant import Plant
from simulators.script import build_scripts
from store.opening import open_store
from tests.chaos import layout, office, schedule
from tests.chaos import live as live_state
from tests.chaos.child import Fall
from tests.chaos.explain import Span
from tests.chaos.judge import Announced, Judgement, judge
from tests.chaos.live import Outlasted, Seen
from tests.chaos.office import Due
from tests.chaos.schedule import Fault, Kind
from tests.chaos.site import Outage, Site, now_ms, opened
from tests.chaos.steps import straight
from tests.chaos.walk import Stored

LEAD_S: Final = 12
"""Real time between the processes' start and the shift's."""
TAIL_S: Final = 4
"""Real time between the shift's end and the agents': all machines rest."""
DRAIN_S: Final = 420
"""The longest back-off is five minutes."""
STORELESS_AT_S: Final = 60.0
"""A store that goes for long goes after so long, real time."""
STALL_MS: Final = 250
"""A tick that comes so late tells that the whole machine stood still."""


class Options(Struct, frozen=True, kw_only=True):
    seconds: float
    faults: int
    seed: int
    store: str
    directory: Path
    drain_s: float = DRAIN_S
    """How long the outboxes may take to become empty, real time."""
    storeless_h: float = 0.0
    """For so many hours of plant time there is no store, and nothing else goes wrong."""

    @property
    def storeless_s(self) -> float:
        """Real time."""
        return self.storeless_h * 3_600 / layout.SCALE


class Told(Struct, frozen=True, kw_only=True):
    """What a run has to tell."""

    schedule: tuple[Fault, ...]
    outages: tuple[Outage, ...]
    falls: tuple[Fall, ...]
    stored: Stored
    batches: tuple[BatchFact, ...]
    judgement: Judgement
    drained_s: float
    left: int
    """Records without receipt at the end."""
    waiting: int
    """Most records that waited at once."""
    rss: dict[str, list[tuple[int, int]]]
    """By process and pid: (real ms, KiB)."""
    stalls: tuple[Span, ...]
    starts: dict[str, int]
    tracebacks: tuple[str, ...]
    said: bool
    """Whether the store heard all orders and leases."""
    outlasted: Outlasted | None = None
    """Of a run without a store."""


def drawn(options: Options, *, may_fill: bool) -> tuple[Fault, ...]:
    if options.storeless_h:
        return (Fault(at_s=STORELESS_AT_S, for_s=options.storeless_s, kind=Kind.KILL, target="store"),)
    menu = schedule.choices(
        gateways=layout.GATEWAYS,
        collectors=layout.COLLECTORS,
        links=layout.links(options.store),
        store=options.store,
        may_fill=may_fill,
        longest_step_ms=int(options.seconds * 1000 * layout.SCALE / 10),
    )
    return schedule.draw(options.seed, seconds=options.seconds, faults=options.faults, choices=menu)


async def live(options: Options, faults: tuple[Fault, ...]) -> Told:
    lead_ms = LEAD_S * 1000
    clock = ClockPair(real_ms=now_ms(), plant_ms=layout.START_MS - lead_ms * layout.SCALE, scale=layout.SCALE)
    duration_ms = -(-int(options.seconds * 1000) * layout.SCALE // layout.MINUTE_MS) * layout.MINUTE_MS
    watch = Watch()
    async with opened(options.directory, clock, options.store, duration_ms, options.seed) as (site, plant):
        for name in (*layout.COLLECTORS, *layout.GATEWAYS):
            await site.children[name].start()
        dues = office.sayings(plant, layout.START_MS)
        saying = asyncio.create_task(office.work(dues, site.ports["broker"], site.config, site.plant_ms))
        watching = asyncio.create_task(watch.run(site))
        seeing = asyncio.create_task(live_state.watch(site.ports["broker"], clock, now_ms, watch.seen))
        await _suffer(site, faults)
        await _until(site, layout.START_MS + duration_ms + TAIL_S * 1000 * layout.SCALE)
        began = time.monotonic()
        left = await _drain(site, options.drain_s)
        watch.depths.append((now_ms(), left))
        drained_s = time.monotonic() - began
        watching.cancel()
        seeing.cancel()
        for name in layout.COLLECTORS:
            await site.children[name].stop()
        stored, batches = await _stored(site)
        said = saying.done() and saying.result() is None
        saying.cancel()
        return Told(
            schedule=faults,
            outages=tuple(site.outages),
            falls=tuple(site.falls),
            stored=stored,
            batches=batches,
            judgement=_judged(site, plant, stored, watch, dues),
            drained_s=drained_s,
            left=left,
            waiting=watch.waiting,
            rss=watch.rss,
            stalls=tuple(watch.stalls),
            starts={child.name: child.starts for child in site.children.values()},
            tracebacks=tuple(_tracebacks(options.directory)),
            said=said,
            outlasted=_outlasted(site, watch) if options.storeless_h else None,
        )


def _outlasted(site: Site, watch: "Watch") -> Outlasted:
    [away] = site.outages
    return live_state.outlasted(away.began, away.ended, watch.depths, watch.seen)


class Watch:
    """Looks at memory and outboxes, and at whether the machine itself stands still."""

    def __init__(self) -> None:
        self.rss: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.stalls: list[Span] = []
        self.depths: list[tuple[int, int]] = []
        """Real ms, and how many records wait in the outboxes."""
        self.seen: list[Seen] = []

    @property
    def waiting(self) -> int:
        """Most records that waited at once."""
        return max((depth for _, depth in self.depths), default=0)

    async def run(self, site: Site) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            tasks.create_task(self._look(site))

    async def _tick(self) -> None:
        before = now_ms()
        while True:
            await asyncio.sleep(0.05)
            now = now_ms()
            if now - before > STALL_MS:
                self.stalls.append((before - 1_000, now + 2_000))
            before = now

    async def _look(self, site: Site) -> None:
        while True:
            for name in (*layout.GATEWAYS, *layout.COLLECTORS):
                child = site.children[name]
                if child.pid is not None and (kib := child.rss_kib()):
                    self.rss[f"{name}/{child.pid}"].append((now_ms(), kib))
            depth = await asyncio.to_thread(lambda: sum(depth_of(site.outbox(n)) for n in layout.GATEWAYS))
            self.depths.append((now_ms(), depth))
            await asyncio.sleep(2)


def depth_of(outbox: Path) -> int:
    """Records without receipt in an outbox that an agent may have open."""
    with contextlib.suppress(sqlite3.Error):
        db = sqlite3.connect(f"{outbox.as_uri()}?mode=ro", uri=True, timeout=2)
        try:
            found: int = db.execute("SELECT sum(records) FROM tally WHERE place < 2").fetchone()[0]
        finally:
            db.close()
        return found
    return 0


async def _suffer(site: Site, faults: tuple[Fault, ...]) -> None:
    start = site.clock.real_ms + LEAD_S * 1000
    async with asyncio.TaskGroup() as tasks:
        for fault in faults:
            await asyncio.sleep(max(0.0, (start - now_ms()) / 1000 + fault.at_s))
            tasks.create_task(site.suffer(fault))


async def _until(site: Site, plant_ms: int) -> None:
    await asyncio.sleep(max(0, plant_ms - site.plant_ms()) / site.clock.scale / 1000)


async def _drain(site: Site, longest_s: float) -> int:
    """Waits until the outboxes are empty, then stops the agents. Returns what is left all the same."""
    end = time.monotonic() + longest_s
    while True:
        while time.monotonic() < end and any(depth_of(site.outbox(name)) for name in layout.GATEWAYS):  # noqa: ASYNC110  the file is what counts
            await asyncio.sleep(0.05)
        await asyncio.gather(*(site.children[name].stop() for name in layout.GATEWAYS))
        left = sum(depth_of(site.outbox(name)) for name in layout.GATEWAYS)
        if not left or time.monotonic() > end:
            return left
        for name in layout.GATEWAYS:
            await site.children[name].start()
        await asyncio.sleep(2)


async def _stored(site: Site) -> tuple[Stored, tuple[BatchFact, ...]]:
    async with open_store(site.config, read_only=True) as store:
        facts = [
            fact_of(row)
            for series in (USAGE, STATE, METER, LOSS, BATCH, QUARANTINE)
            async for row in store.read(series, 0, 2**53)
        ]
    records = tuple(fact for fact in facts if isinstance(fact, Interval | Transition | Meter | Loss))
    quarantined = tuple(fact for fact in facts if isinstance(fact, Quarantined))
    batches = tuple(fact for fact in facts if isinstance(fact, BatchFact))
    return Stored(records=records, quarantined=quarantined), batches


def _judged(site: Site, plant: Plant, stored: Stored, watch: Watch, dues: Sequence[Due]) -> Judgement:
    scripts = build_scripts(plant, layout.START_MS)
    lived = straight(stored.usage, site.outages, site.clock)
    return judge(
        stored,
        lived,
        accounts(scripts, lived),
        Announced(
            leases=tuple(due.message for due in dues if isinstance(due.message, Lease)),
            orders={order.id: order.tenant for order in plant.orders},
            said={due.message.id: due.at for due in dues},
        ),
        clock=site.clock,
        outages=site.outages,
        falls=site.falls,
        stalls=watch.stalls,
    )


def _tracebacks(directory: Path) -> Iterator[str]:
    for log in sorted(directory.glob("*.log")):
        count = log.read_text("utf-8", "replace").count("Traceback")
        if count:
            yield f"{log}: {count} tracebacks"
