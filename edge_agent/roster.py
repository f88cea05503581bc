"""The machines that run: each with its meter, its poll task and the link to its endpoint."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from daemon.progress import Mark
from edge_agent.alarm import time_limits
from edge_agent.config import Settings
from edge_agent.interpret import Reader
from edge_agent.link import Link, read_fast
from edge_agent.links import link_to
from edge_agent.machine import Machine
from edge_agent.poll import Desk, Poller, both
from edge_agent.profile import Profile
from edge_agent.scheme import Identity, Scheme
from edge_agent.settings import Endpoint, MachineSettings

_MARGIN_S: Final = 60.0
"""Beside the times that the protocol allows: a silent unit is left alone for up to 30 s."""


class _Running(Struct, frozen=True):
    machine: Machine
    configured: MachineSettings
    poll: asyncio.Task[None]
    patience_s: float
    """So long its poll may take, and the waiting for the next."""


class Roster:
    """``machines`` is there to look at; what runs changes by ``admit`` and ``dismiss`` only.

    ``lost``: the outbox was damaged, so a machine without a checkpoint may have had one.
    """

    def __init__(self, desk: Desk, agent: str, *, lost: bool) -> None:
        self._desk, self._agent, self._lost = desk, agent, lost
        self.machines: dict[str, Machine] = {}
        self._running: dict[str, _Running] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._links: dict[str, Link] = {}
        self._readers: dict[int, Reader] = {}

    def admit(self, settings: Settings, checkpoints: Mapping[str, bytes], tasks: asyncio.TaskGroup) -> None:
        """Every machine of ``settings`` begins, each from its checkpoint if it has one."""
        limits = time_limits()
        for endpoint in settings.endpoints:
            self._endpoints[endpoint.name] = endpoint
            self._links[endpoint.name] = link_to(endpoint, alarm=limits)
        for configured in settings.machines:
            self._begin(settings, configured, checkpoints.get(configured.name), tasks)

    def _begin(
        self,
        settings: Settings,
        configured: MachineSettings,
        checkpoint: bytes | None,
        tasks: asyncio.TaskGroup,
    ) -> None:
        machine = Machine(
            scheme_of(settings, configured, self._agent),
            serial=configured.serial,
            name_epoch=lambda: secrets.token_hex(4),
            checkpoint=checkpoint,
            lost=self._lost,
        )
        self.machines[machine.name] = machine
        poller = self._poller(machine, configured)
        poller.keep(machine.start(*both(self._desk.clock)))
        task = tasks.create_task(poller.run(), name="poll")
        requests = len(self._reader(configured.profile).plan.fast) + 1  # and connecting
        timeout_ms = self._endpoints[configured.endpoint].timeout_ms
        patience_s = (settings.poll.period_ms + requests * timeout_ms) / 1000 + _MARGIN_S
        self._running[machine.name] = _Running(machine, configured, task, patience_s)

    def _poller(self, machine: Machine, configured: MachineSettings) -> Poller:
        link, unit = self._links[configured.endpoint], configured.unit
        tally, reader = self._desk.counts.behind(configured.endpoint), self._reader(configured.profile)
        return Poller(machine, reader, lambda: read_fast(link, reader.plan, unit), self._desk, tally)

    def _reader(self, profile: Profile) -> Reader:
        """One for all machines of a type: a plant has thousands, and a few types."""
        reader = self._readers.get(id(profile))
        if reader is None:
            reader = self._readers[id(profile)] = Reader(profile)
        return reader

    def marks(self) -> Iterator[tuple[str, Mark]]:
        """Of each endpoint with machines behind it: another mark after each poll, or slot that went by."""
        behind: dict[str, list[_Running]] = {}
        for running in self._running.values():
            behind.setdefault(running.configured.endpoint, []).append(running)
        for name, those in behind.items():
            is_dead = any(running.poll.done() for running in those)
            longest = max(running.patience_s for running in those)
            yield name, Mark("dead", 0) if is_dead else Mark(self._desk.counts.polls(name), longest)

    async def dismiss(self) -> None:
        """Nobody polls any more; every meter closes what is settled, and it is put into the outbox."""
        polls = [running.poll for running in self._running.values()]
        for poll in polls:
            poll.cancel()
        if polls:
            await asyncio.wait(polls)
        for machine in self.machines.values():
            self._desk.commit.put(machine.name, tuple(machine.stop()), machine.checkpoint())


def scheme_of(settings: Settings, configured: MachineSettings, agent: str) -> Scheme:
    """``agent`` is the version that meters."""
    profile = configured.profile
    identity = Identity(
        site=settings.site,
        area=configured.area,
        machine=configured.name,
        kind=profile.kind,
        gateway=settings.gateway,
        profile=profile.label,
        profile_digest=profile.digest,
        stop_table=profile.stop_table.label,
        agent=agent,
        timezone=settings.timezone,
    )
    return Scheme(
        identity=identity,
        profile=profile,
        poll_ms=settings.poll.period_ms,
        hold_polls=settings.poll.hold_polls,
        grid_ms=settings.poll.grid_ms,
    )
