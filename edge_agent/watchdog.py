"""Tells systemd that the agent works, and only while it does (``WatchdogSec=``, sd_notify(3)).

What feeds the watchdog is progress: every endpoint's polls come to something, and the outbox's thread takes
what is put. An agent that hangs is ended by systemd and started again; what it metered is in the outbox.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from daemon.progress import Mark, Progress
from daemon.systemd import notify, watchdog_s
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.roster import Roster

_LOOK_S: Final = 5.0
"""How often the parts are looked at, and ``systemctl status`` is told."""
_OUTBOX_S: Final = 60.0
"""A disk that takes nothing says so within SQLite's own ten seconds, and is tried again after at most 30."""


class Watchdog:
    def __init__(self, roster: Roster, commit: GroupCommit, conditions: Conditions) -> None:
        self._roster, self._commit, self._conditions = roster, commit, conditions
        self._progress = Progress()
        self._pings = 0
        self._pinging: asyncio.Task[None] | None = None
        self.stuck: tuple[str, ...] = ()
        """Parts that make no progress. Not fed while there is one."""

    async def run(self) -> None:
        """For ever."""
        wanted = watchdog_s()
        every = min(_LOOK_S, wanted / 4) if wanted else _LOOK_S
        try:
            while True:
                self._tell(is_wanted=wanted is not None)
                await asyncio.sleep(every)
        finally:
            if self._pinging is not None:
                self._pinging.cancel()

    def _tell(self, *, is_wanted: bool) -> None:
        self._ping()
        self.stuck = self._progress.stuck(dict(self._marks()), asyncio.get_running_loop().time())
        if self.stuck:
            self._conditions.wrong("progress", "stuck", ", ".join(self.stuck[:10]))
        else:
            self._conditions.well("progress")
        fed = ("WATCHDOG=1",) if is_wanted and not self.stuck else ()
        notify(*fed, f"STATUS={self._status()}")

    def _marks(self) -> Iterator[tuple[str, Mark]]:
        yield "outbox", Mark(self._pings, _OUTBOX_S)
        if self._commit.behind:
            yield "commit", Mark(self._commit.attempts, _OUTBOX_S)
        for endpoint, mark in self._roster.marks():
            yield f"endpoint {endpoint}", mark

    def _ping(self) -> None:
        """Goes through the thread of the outbox, one at a time: if it comes back, the thread works."""
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.create_task(self._pinged(), name="ping")

    async def _pinged(self) -> None:
        await self._commit.call(lambda _: None)
        self._pings += 1

    def _status(self) -> str:
        machines, ailing = len(self._roster.machines), len(self._conditions.ailing())
        wrong = self._conditions.now()
        said = [f"{machines - ailing} of {machines} machines metered"]
        said += [f"{subject}: {kind}" for subject, kind in list(wrong.items())[:3]]
        return "; ".join(said)
