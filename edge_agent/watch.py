"""What the agent tells of itself: gathered from its parts when somebody asks."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from daemon.exposition import Family
from daemon.health import Health, judged
from edge_agent.batches import Batches
from edge_agent.board import Board
from edge_agent.clock import Clock
from edge_agent.commit import RECORDS_LIMIT, GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.config import Settings
from edge_agent.counts import Counts
from edge_agent.gauges import families
from edge_agent.handover import HandOver
from edge_agent.health import troubles
from edge_agent.held import Depth
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError
from edge_agent.poll import both
from edge_agent.report import EndpointReport, Queues, Reloads, Report
from edge_agent.roster import Roster
from edge_agent.window import Window

_LOOK_S: Final = 1.0
"""How long whoever asks waits for a look at the outbox; a disk may hold up its thread for longer."""


class Parts(Struct, frozen=True, kw_only=True):
    """Of a running agent."""

    clock: Clock
    commit: GroupCommit
    conditions: Conditions
    counts: Counts
    roster: Roster
    batches: Batches
    window: Window
    board: Board
    hand_over: HandOver
    announced: dict[str, str]


class Watch:
    """``settings`` gives the configuration in force, ``reloads`` how it came to be, ``stuck`` what hangs."""

    def __init__(
        self,
        parts: Parts,
        version: str,
        *,
        settings: Callable[[], Settings],
        reloads: Callable[[], Reloads],
        stuck: Callable[[], tuple[str, ...]],
    ) -> None:
        self._parts, self._version = parts, version
        self._settings, self._reloads, self._stuck = settings, reloads, stuck
        self._started = self._ahead_ms()
        self._looking: asyncio.Task[Depth] | None = None
        self._depth: Depth | None = None
        self._looked_at = asyncio.get_running_loop().time()

    async def metrics(self) -> Iterator[Family]:
        return families(await self.report(), self._parts.counts)

    async def health(self) -> Health:
        report = await self.report()
        return judged("agent", report.gateway, self._version, troubles(report))

    async def report(self) -> Report:
        await self._look()
        settings, parts = self._settings(), self._parts
        wrong = parts.conditions.now()
        return Report(
            site=settings.site,
            gateway=settings.gateway,
            version=self._version,
            machines=len(parts.roster.machines),
            ailing=parts.conditions.ailing(),
            wrong=wrong,
            stuck=self._stuck(),
            is_connected=parts.hand_over.is_connected,
            disk_trouble=parts.commit.trouble,
            is_free="clock" in wrong,
            clock_moved_ms=self._ahead_ms() - self._started,
            now_ms=parts.clock.wall_ms(),
            depth=self._depth,
            depth_age_s=asyncio.get_running_loop().time() - self._looked_at,
            limit_bytes=settings.outbox.limit_bytes,
            relief=parts.commit.relief,
            queues=self._queues(),
            endpoints=tuple(
                EndpointReport(name=name, polls=polls, **msgspec.structs.asdict(state))
                for name, state, polls in parts.roster.endpoints()
            ),
            reloads=self._reloads(),
        )

    def _queues(self) -> Queues:
        parts, machines = self._parts, self._parts.roster.machines.values()
        return Queues(
            wanted_records=parts.commit.unwritten,
            wanted_limit=RECORDS_LIMIT,
            wanted_machines=parts.commit.unwritten_machines,
            outbox_calls=parts.commit.calls,
            in_flight=parts.batches.in_flight,
            unreadable=parts.batches.unreadable,
            unsent=parts.window.unsent,
            gauges=parts.board.unsent,
            arrivals=parts.hand_over.arrivals,
            orders=len(parts.announced),
            leases=sum(len(machine.leases) for machine in machines),
            free=sum(machine.held for machine in machines),
        )

    async def _look(self) -> None:
        """At the outbox. One look at a time: while its thread hangs, no second one queues up behind it."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._parts.commit.call(Outbox.depth), name="look")
        done, _ = await asyncio.wait({self._looking}, timeout=_LOOK_S)
        if done and self._looking is not None:
            with contextlib.suppress(OutboxAwayError, sqlite3.Error):  # told by who commits
                self._depth = self._looking.result()
                self._looked_at = asyncio.get_running_loop().time()
            self._looking = None

    def _ahead_ms(self) -> int:
        wall, mono = both(self._parts.clock)
        return wall - mono
