"""The machines that run: each with its meter, its poll task and the link to its endpoint."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from contract.records import MeterReason, Record
from daemon.progress import Mark
from edge_agent.alarm import time_limits
from edge_agent.breath import Breath, pieces
from edge_agent.checkpoint import is_open, moved
from edge_agent.config import Settings
from edge_agent.free_run import share
from edge_agent.gaze import Gaze, ReadSlow, Terms
from edge_agent.interpret import Reader
from edge_agent.link import Link, LinkState, read_fast, read_slow
from edge_agent.links import link_to
from edge_agent.machine import Machine
from edge_agent.poll import Desk, Poller, both
from edge_agent.profile import Profile
from edge_agent.reload import Plan
from edge_agent.schedule import phase_of
from edge_agent.scheme import Identity, Scheme
from edge_agent.settings import Endpoint, MachineSettings, period_ms

_MARGIN_S: Final = 60.0
"""Beside the times that the protocol allows: a silent unit is left alone for up to 30 s."""


class _Running(Struct, frozen=True):
    machine: Machine
    configured: MachineSettings
    poller: Poller
    poll: asyncio.Task[None]
    patience_s: float
    """So long its poll may take, and the waiting for the next."""


class Roster:
    """``machines`` is there to look at; what runs changes by ``admit``, ``follow`` and ``dismiss`` only.

    ``agent`` is the version that meters. ``lost``: the outbox was damaged, so a machine without a checkpoint
    may have had one. ``gone`` is told of each machine that is not metered any more.
    """

    def __init__(
        self, settings: Settings, desk: Desk, agent: str, *, lost: bool, gone: Callable[[str], None]
    ) -> None:
        self._settings, self._desk, self._agent, self._lost = settings, desk, agent, lost
        self._gone = gone
        self.machines: dict[str, Machine] = {}
        self._running: dict[str, _Running] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._links: dict[str, Link] = {}
        self._readers: dict[int, Reader] = {}
        self._limits = time_limits()

    def admit(self, checkpoints: Mapping[str, bytes], tasks: asyncio.TaskGroup) -> None:
        """Every machine of the configuration begins, each from its checkpoint if it has one."""
        self._tasks = tasks
        self._open(self._settings.endpoints, self.links_to(self._settings.endpoints))
        for configured in self._settings.machines:
            self._begin(configured, checkpoints)

    async def follow(
        self,
        changes: Plan,
        settings: Settings,
        checkpoints: Mapping[str, bytes],
        links: Mapping[str, Link],
    ) -> None:
        """``changes`` lead to ``settings``. ``checkpoints`` are those of machines that do not run yet,
        ``links`` lead to the endpoints that are opened.
        """
        self._settings, self._readers = settings, {}
        self._desk = msgspec.structs.replace(self._desk, checkpoint_ms=settings.poll.checkpoint_ms)
        for some in pieces(changes.removed):
            await self._end(some)
        swapped = [(machine.name, machine) for machine in changes.changed]
        swapped += [(str(machine.was), machine) for machine in changes.renamed]
        moved_ = {name for name, _ in swapped if self._running[name].configured.endpoint in changes.closed}
        # Some devices take one connection only: the old one ends before the new one is made.
        retired = dict(zip(moved_, await asyncio.gather(*map(self._retired, moved_)), strict=True))
        self._close_links(changes.closed)
        self._open(changes.opened, links)
        breath, reading = Breath(), []
        for name, to in sorted(swapped, key=lambda pair: pair[0] not in retired):
            machine = retired.get(name) or self._retired_now(name)
            if machine is None:
                reading.append((name, to))
            else:
                self._succeed(machine, to)
            await breath.draw()
        await self._swap_all(reading)
        for configured in changes.added:
            self._begin(configured, checkpoints)
            await breath.draw()

    async def dismiss(self) -> None:
        """Nobody polls any more; every meter closes what is settled, and it is put into the outbox."""
        polls = [running.poll for running in self._running.values()]
        for poll in polls:
            poll.cancel()
        if polls:
            await asyncio.wait(polls)
        for machine in self.machines.values():
            self._close(machine)
        for link in self._links.values():
            link.close()

    def _reader(self, profile: Profile) -> Reader:
        """One for all machines of a type: a plant has thousands, and a few types."""
        reader = self._readers.get(id(profile))
        if reader is None:
            reader = self._readers[id(profile)] = Reader(profile)
        return reader

    @property
    def met(self) -> int:
        """How many of the machines have been asked, and answered or not."""
        return sum(running.poller.has_asked for running in self._running.values())

    def marks(self) -> Iterator[tuple[str, Mark]]:
        """Of each endpoint with machines behind it: another mark after each poll, or slot that went by."""
        behind: dict[str, list[_Running]] = {}
        for running in self._running.values():
            behind.setdefault(running.configured.endpoint, []).append(running)
        for name, those in behind.items():
            is_dead = any(running.poll.done() for running in those)
            longest = max(running.patience_s for running in those)
            yield name, Mark("dead", 0) if is_dead else Mark(self._desk.counts.polls(name), longest)

    def endpoints(self) -> Iterator[tuple[str, LinkState, int]]:
        """Each with the state of its link, and how many polls are under way or wait for their turn."""
        waiting = Counter(
            running.configured.endpoint for running in self._running.values() if running.poller.is_reading
        )
        for name, link in self._links.items():
            yield name, link.state, waiting[name]

    def _close_links(self, endpoints: Iterable[str]) -> None:
        for name in endpoints:
            self._links.pop(name).close()
            self._desk.counts.forget(name)
            del self._endpoints[name]

    def links_to(self, endpoints: Iterable[Endpoint]) -> dict[str, Link]:
        """They connect when they are needed. Raises OSError for certificates that cannot be read."""
        now_ms = self._desk.clock.mono_ms
        return {one.name: link_to(one, alarm=self._limits, now_ms=now_ms) for one in endpoints}

    def _open(self, endpoints: Iterable[Endpoint], links: Mapping[str, Link]) -> None:
        for endpoint in endpoints:
            self._endpoints[endpoint.name] = endpoint
            self._links[endpoint.name] = links[endpoint.name]

    def _begin(self, configured: MachineSettings, checkpoints: Mapping[str, bytes]) -> None:
        """From its own checkpoint; else from that of the machine it was, whose name is given up."""
        checkpoint, was = checkpoints.get(configured.name), configured.was or ""
        if is_open(checkpoints.get(was)) and not is_open(checkpoint):
            checkpoint = checkpoints[was]
            self._desk.commit.put(was, (), moved(checkpoint))
            self._gone(was)
        machine = Machine(
            self._scheme(configured),
            serial=configured.serial,
            name_epoch=lambda: secrets.token_hex(4),
            checkpoint=checkpoint,
            lost=self._lost,
            most_held=share(len(self._settings.machines)),
        )
        self._go_on(machine, configured, machine.start(*both(self._desk.clock)))

    def _poll(self, machine: Machine, configured: MachineSettings) -> Poller:
        link, unit = self._links[configured.endpoint], configured.unit
        tally, reader = self._desk.counts.behind(configured.endpoint), self._reader(configured.profile)
        gaze = self._gaze(machine, reader, lambda: read_slow(link, reader.plan, unit))
        poller = Poller(
            machine,
            reader,
            lambda: read_fast(link, reader.plan, unit),
            self._desk,
            tally,
            phase_ms=phase_of(configured.endpoint, unit, machine.scheme.poll_ms),
            look=gaze.look if gaze else None,
        )
        requests = len(reader.plan.fast) + (len(reader.plan.slow) if gaze else 0) + 1  # and connecting
        endpoint = self._endpoints[configured.endpoint]
        waits_ms = period_ms(endpoint, self._settings.poll) + requests * endpoint.timeout_ms
        patience_s = waits_ms / 1000 + _MARGIN_S
        task = self._tasks.create_task(poller.run(), name="poll")
        self._running[machine.name] = _Running(machine, configured, poller, task, patience_s)
        return poller

    def _scheme(self, configured: MachineSettings) -> Scheme:
        every_ms = period_ms(self._endpoints[configured.endpoint], self._settings.poll)
        settings, profile = self._settings, configured.profile
        identity = Identity(
            site=settings.site,
            area=configured.area,
            machine=configured.name,
            kind=profile.kind,
            gateway=settings.gateway,
            profile=profile.label,
            profile_digest=profile.digest,
            stop_table=profile.stop_table.label,
            agent=self._agent,
            timezone=settings.timezone,
            controller=configured.controller,
        )
        return Scheme(
            identity=identity,
            profile=profile,
            poll_ms=every_ms,
            hold_polls=settings.poll.hold_polls,
            grid_ms=settings.poll.grid_ms,
        )

    def _gaze(self, machine: Machine, reader: Reader, read: ReadSlow) -> Gaze | None:
        """None where nobody wants to look, or there is nothing to see."""
        gauges_ms, desk = self._settings.poll.gauges_ms, self._desk
        if not gauges_ms or not reader.profile.gauges:
            return None
        terms = Terms(desk.clock, desk.conditions, desk.show_gauges, gauges_ms)
        return Gaze(machine.scheme.identity, reader, read, terms)

    async def _swap_all(self, pairs: Sequence[tuple[str, MachineSettings]]) -> None:
        """None of them waits for another: one that is silent keeps only its own read waiting."""
        swaps = []
        for some in pieces(pairs):
            swaps += [asyncio.create_task(self._swap(*pair), name="swap") for pair in some]
            await asyncio.sleep(0)
        await asyncio.gather(*swaps)

    async def _swap(self, name: str, configured: MachineSettings) -> None:
        self._succeed(await self._retired(name), configured)

    def _succeed(self, machine: Machine, configured: MachineSettings) -> None:
        """The machine goes on as it is configured now: under the same meter if what its epoch is bound to is
        the same, else under another.
        """
        name = machine.name
        scheme = self._scheme(configured)
        reason, records = machine.scheme.identity.ends_by(scheme.identity), list[Record]()
        if reason is MeterReason.RENAMED:
            records = machine.rename(scheme, configured.serial, self._desk.announced)
        if reason is None:
            machine.configure(scheme, configured.serial)
        if reason is None or records:
            self._go_on(machine, configured, records)
        else:  # as after a restart
            checkpoint = machine.checkpoint()
            self._begin(configured, {name: checkpoint} if checkpoint else {})
        if name != configured.name:
            self._forget(name)
            if checkpoint := machine.checkpoint():
                self._desk.commit.put(name, (), moved(checkpoint))

    def _go_on(self, machine: Machine, configured: MachineSettings, records: list[Record]) -> None:
        self.machines[machine.name] = machine
        self._poll(machine, configured).keep(records)

    async def _end(self, names: Iterable[str]) -> None:
        """The machines go, as they would when the agent stops."""
        names = tuple(names)
        for machine in await asyncio.gather(*(self._retired(name) for name in names)):
            self._close(machine)
            self._forget(machine.name)

    async def _retired(self, name: str) -> Machine:
        """Not polled any more."""
        running = self._running.pop(name)
        await running.poller.leave(running.poll)
        return self.machines.pop(name)

    def _retired_now(self, name: str) -> Machine | None:
        """Not polled any more; None when it would have to be waited for."""
        running = self._running[name]
        if not running.poller.leave_now(running.poll):
            return None
        del self._running[name]
        return self.machines.pop(name)

    def _forget(self, name: str) -> None:
        self._desk.conditions.forget(name)
        self._gone(name)

    def _close(self, machine: Machine) -> None:
        records = tuple(machine.stop())
        self._desk.counts.metered(records)
        self._desk.commit.put(machine.name, records, machine.checkpoint())
        if records:
            self._desk.wake()
