"""Takes another configuration while the agent runs: all of it, or none of it and every reason why."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from contract.complaint import BadConfigurationError
from contract.records import Clock
from daemon.systemd import notify, reloading
from edge_agent.breath import beside_the_loop
from edge_agent.clock import real_ms
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.config import Settings, load
from edge_agent.descriptors import provide
from edge_agent.link import Link
from edge_agent.mqtt import Address
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError
from edge_agent.reload import Plan, compare, fixed
from edge_agent.report import Reloads
from edge_agent.roster import Roster

_log = logging.getLogger("gongfang.agent")
_LOOK_S: Final = 2.0
_WHY_MOST: Final = 2_000
"""Characters of complaints that are kept for who asks; the log has them all."""


class RefusedError(Exception):
    """The new configuration changes nothing. The text says what a person can do."""


class Reloading:
    """``settings`` is what is in force, ``reloads`` what came of new ones. ``took`` is told of each that was
    taken: what was in force before, what is now, and how to reach its broker.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        roster: Roster,
        commit: GroupCommit,
        conditions: Conditions,
        took: Callable[[Settings, Settings, Address], None],
    ) -> None:
        self.settings = settings
        self.reloads = Reloads(taken_ms=real_ms())
        self._roster, self._commit, self._conditions, self._took = roster, commit, conditions, took
        self._known = _looks(settings.files)
        """The files as they were when they were last read, or looked at."""
        self._asked = asyncio.Event()
        self._working = asyncio.Lock()

    def ask(self) -> None:
        """The files may say something else now."""
        self._asked.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            # Done whole: a machine that is between two configurations belongs to nobody.
            await asyncio.shield(self.reload())

    async def watch(self) -> None:
        """For ever: where the configuration wants it, a file that changed, and rests, is a reason to ask."""
        seen = self._known
        while True:
            await asyncio.sleep(_LOOK_S)
            before, seen = seen, await asyncio.to_thread(_looks, self.settings.files)
            if seen != self._known and seen == before:  # an editor may write in several goes
                self._known = seen
                if self.settings.reload_on_change:
                    self.ask()

    async def rest(self) -> None:
        """Returns when no configuration is being taken."""
        async with self._working:
            return

    async def reload(self) -> None:
        """Reads the files and follows them. Never raises for what stands in them."""
        async with self._working:
            reloading()
            try:
                await self._take()
            except RefusedError as why:
                self._refuse(str(why))
            finally:
                notify("READY=1")

    async def _take(self) -> None:
        """Raises RefusedError, and has changed nothing then."""
        before = self.settings
        # In a thread, since reading thousands of machines takes longer than a poll may be late.
        with beside_the_loop():
            after, broker = await asyncio.to_thread(self._read)
        if stubborn := fixed(before.fixed(), after.fixed()):
            raise RefusedError(
                f"{', '.join(stubborn)} cannot change while the agent runs: restart it for that"
            )
        if too_few := provide(len(after.endpoints)):
            raise RefusedError(too_few)
        plan = compare(before, after)
        self._refuse_while_free(plan)
        with beside_the_loop():
            checkpoints = await self._checkpoints(plan)
        links = self._links(plan)
        self.settings = after
        await self._roster.follow(plan, after, checkpoints, links)
        self._took(before, after, broker)
        taken = self.reloads.taken + 1
        self.reloads = msgspec.structs.replace(self.reloads, taken=taken, refused_why="", taken_ms=real_ms())
        self._conditions.well("configuration")
        _log.info("configuration: taken: %s", plan, extra={"subject": "configuration", "kind": "taken"})

    def _read(self) -> tuple[Settings, Address]:
        """Raises RefusedError."""
        self._known = _looks(self.settings.files)
        try:
            settings = load(self.settings.files[0])
            broker = settings.broker()
        except (BadConfigurationError, OSError) as error:
            raise RefusedError(str(error)) from error
        self._known = _looks(settings.files)
        return settings, broker

    def _links(self, plan: Plan) -> dict[str, Link]:
        """To the endpoints that are new: whatever is wrong with them is said before anything is changed."""
        try:
            return self._roster.links_to(plan.opened)
        except OSError as error:  # certificates, for instance
            raise RefusedError(str(error)) from error

    def _refuse_while_free(self, plan: Plan) -> None:
        names = [*plan.removed, *(str(one.was) for one in plan.renamed), *(one.name for one in plan.changed)]
        machines = self._roster.machines
        if any(machines[name].clock is Clock.FREE for name in names if name in machines):
            raise RefusedError(
                "the clock was never set, and what machines counted since waits in memory for that;"
                " set the clock, then reload"
            )

    async def _checkpoints(self, plan: Plan) -> dict[str, bytes]:
        """Where machines that were metered here before go on."""
        if not plan.added:
            return {}
        try:
            await self._commit.flush()
            return await self._commit.call(Outbox.checkpoints)
        except OutboxAwayError as away:
            raise RefusedError(
                f"the disk does not answer ({away}), and nobody knows whether the machines that are new were"
                " metered here before; make it work, then reload"
            ) from away

    def _refuse(self, why: str) -> None:
        refused = self.reloads.refused + 1
        self.reloads = msgspec.structs.replace(self.reloads, refused=refused, refused_why=why[:_WHY_MOST])
        told = f"nothing is changed:\n{why}"
        self._conditions.wrong("configuration", "refused", told, again=True)


def _looks(files: Iterable[Path]) -> dict[Path, tuple[int, int, int] | None]:
    """By what a file is known to be another than before; None where there is none."""
    found: dict[Path, tuple[int, int, int] | None] = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found[file] = None
        else:
            found[file] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found
