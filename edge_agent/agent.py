"""The agent, wired: meters, pollers, outbox and broker, in one visible place."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Final

from contract import topics
from contract.records import MeterReason
from daemon.listen import Listen
from daemon.systemd import notify
from edge_agent.batches import Batches
from edge_agent.board import Board
from edge_agent.clock import Clock, SystemClock
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.config import Settings
from edge_agent.counts import Counts
from edge_agent.gateway_key import read_key
from edge_agent.handover import HandOver
from edge_agent.hearing import Hearing
from edge_agent.lasting import spare
from edge_agent.lock import owned
from edge_agent.mqtt import Address
from edge_agent.muster import Muster
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError
from edge_agent.poll import Desk
from edge_agent.presence import Presence, machines_digest
from edge_agent.reloading import Reloading
from edge_agent.roster import Roster
from edge_agent.watch import Parts, Watch
from edge_agent.watchdog import Watchdog
from edge_agent.window import Window

VERSION: Final = version("gongfang")
_log = logging.getLogger("gongfang.agent")
_GOODBYE_S: Final = 10.0
"""How long a stopping agent waits for receipts. What has none by then goes after the next start."""


class Agent:
    """An agent with its outbox. ``machines`` and ``announced`` (tenant by order) are there to look at."""

    def __init__(self, settings: Settings, clock: Clock, commit: GroupCommit) -> None:
        self._settings, self._clock, self._commit = settings, clock, commit
        session = secrets.token_hex(4)
        self._conditions = conditions = Conditions()
        self.counts = Counts()
        self.announced: dict[str, str] = {}
        self._batches = Batches(
            commit,
            conditions,
            topic=topics.batch(settings.site, settings.gateway),
            session=session,
            plant_ms=clock.wall_ms,
            conflict=self._conflict,
        )
        self._window = Window(
            clock, site=settings.site, session=session, repeat_ms=settings.poll.state_repeat_ms
        )
        self._board = Board(settings.site)
        self._desk = Desk(
            clock=clock,
            commit=commit,
            conditions=conditions,
            announced=self.announced,
            show=self._window.show,
            wake=self._batches.wake,
            checkpoint_ms=settings.poll.checkpoint_ms,
            counts=self.counts,
            show_gauges=self._board.show,
        )
        lost = commit.set_aside is not None
        self._roster = Roster(settings, self._desk, VERSION, lost=lost, gone=self._window.gone)
        self.machines = self._roster.machines
        self._hearing = Hearing(self.machines, self._desk, self._batches, session)
        self._session = session
        address = settings.broker()
        self._secret = address.password
        self._hand_over = HandOver(
            address,
            settings.site,
            self._presence(settings),
            commit=commit,
            conditions=conditions,
            batches=self._batches,
            window=self._window,
            board=self._board,
            hear=self._hearing.hear,
            hear_again=self._hearing.hear_again,
            plant_ms=clock.wall_ms,
        )
        self.reloading = Reloading(
            settings, roster=self._roster, commit=commit, conditions=conditions, took=self._took
        )
        self._muster = Muster(self._roster, conditions)
        self._watchdog = Watchdog(self._roster, commit, conditions)
        self.watch = self._watch()

    def _watch(self) -> Watch:
        parts = Parts(
            clock=self._clock,
            commit=self._commit,
            conditions=self._conditions,
            counts=self.counts,
            roster=self._roster,
            batches=self._batches,
            window=self._window,
            board=self._board,
            hand_over=self._hand_over,
            announced=self.announced,
        )
        return Watch(
            parts,
            VERSION,
            settings=lambda: self.reloading.settings,
            reloads=lambda: self.reloading.reloads,
            stuck=lambda: self._watchdog.stuck,
        )

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Until ``stop``; then closes what is settled and waits a while for receipts."""
        self._commit.tell = partial(self._tell, "disk", "takes nothing")
        if self._commit.set_aside is not None:
            self._conditions.wrong("outbox", "damaged", f"set aside as {self._commit.set_aside}, not deleted")
        checkpoints = await self._commit.call(Outbox.checkpoints)
        self._hearing.know(await self._commit.call(Outbox.orders))
        async with asyncio.TaskGroup() as tasks:
            kept = [
                tasks.create_task(self._commit.run(), name="commit"),
                tasks.create_task(self._hand_over.run(), name="broker"),
            ]
            self._roster.admit(checkpoints, tasks)
            kept.append(tasks.create_task(self.reloading.watch(), name="files"))
            following = tasks.create_task(self.reloading.run(), name="reload")
            watchdog = tasks.create_task(self._watchdog.run(), name="watchdog")
            kept.append(tasks.create_task(self._muster.run(), name="muster"))
            kept.append(tasks.create_task(spare(), name="garbage"))
            if self._settings.http:
                kept.append(tasks.create_task(self._tell_of_itself(self._settings.http), name="http"))
            ready()
            await stop.wait()
            _log.info("stopping: %d machines close what is settled", len(self.machines))
            watchdog.cancel()  # systemd limits a stop by itself; polls that were ended would pass for dead
            following.cancel()
            await self.reloading.rest()
            await self._roster.dismiss()
            await self._say_goodbye()
            for task in kept:
                task.cancel()
        _log.info("stopped")

    async def _tell_of_itself(self, at: Listen) -> None:
        from daemon.http import Told, serve  # noqa: PLC0415  11 MB that not every gateway wants to spare

        await serve(at, Told(self.watch.metrics, self.watch.health), partial(self._tell, "http", "deaf"))

    def _presence(self, settings: Settings) -> Presence:
        return Presence(
            gateway=settings.gateway,
            session=self._session,
            agent=VERSION,
            machines=len(settings.machines),
            machines_digest=machines_digest(machine.name for machine in settings.machines),
        )

    def _took(self, before: Settings, after: Settings, address: Address) -> None:
        """What of another configuration is not about single machines."""
        self._muster.call()
        self._window.repeat_ms = after.poll.state_repeat_ms
        known = {machine.name for machine in before.machines}
        has_newcomers = any(machine.name not in known for machine in after.machines)
        is_elsewhere = before.mqtt != after.mqtt or address.password != self._secret
        self._secret = address.password
        self._hand_over.follow(
            self._presence(after), address, has_newcomers=has_newcomers, is_elsewhere=is_elsewhere
        )

    def _tell(self, subject: str, kind: str, trouble: str | None) -> None:
        if trouble is None:
            self._conditions.well(subject)
        else:
            self._conditions.wrong(subject, kind, trouble)

    def _conflict(self, name: str, epoch: str) -> None:
        """The store has another fact under our name: a checkpoint was copied or restored."""
        machine = self.machines.get(name)
        if machine is not None and machine.meter is not None and machine.meter.epoch == epoch:
            machine.renew_when_seen(MeterReason.CONFLICT)

    async def _say_goodbye(self) -> None:
        """A disk that takes nothing has been told of; what waits goes after the next start."""
        self._batches.wake()
        with contextlib.suppress(OutboxAwayError):
            await self._commit.flush()
            before = (await self._commit.call(Outbox.depth)).records
            notify(f"STATUS=handing over {before} records")
            if self._hand_over.is_connected:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_GOODBYE_S):
                        await self.handed_over()
            await self._commit.flush()
            after = (await self._commit.call(Outbox.depth)).records
            _log.info("handed over %d records; %d wait for the next start", before - after, after)

    async def handed_over(self) -> None:
        """Returns when everything put so far has its receipt."""
        await self._commit.flush()
        while (await self._commit.call(Outbox.depth)).records:  # noqa: ASYNC110  the file is what counts
            await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Agent]:
    """An agent with its outbox open. Raises OutboxError."""

    def open_outbox() -> Outbox:
        kept = settings.outbox
        signer = read_key(settings.signing_key) if settings.signing_key else None
        return Outbox.open(
            kept.path,
            site=settings.site,
            gateway=settings.gateway,
            limit_bytes=kept.limit_bytes,
            ring_bytes=kept.ring_bytes,
            ring_ms=kept.ring_days * 86_400_000,
            timezone=settings.timezone,
            may_set_aside=True,
            signer=signer,
        )

    with owned(settings.outbox.path):
        async with GroupCommit(open_outbox) as commit:
            yield Agent(settings, clock or SystemClock(settings.clock, settings.clock_offset), commit)
