"""Tells the log how many machines are metered: when all have been asked, and when much changes at once."""

import asyncio
import logging
from typing import Final

from edge_agent.conditions import Conditions
from edge_agent.roll import roll
from edge_agent.roster import Roster

_log = logging.getLogger("gongfang.agent")
_LOOK_S: Final = 1.0
_FIRST_S: Final = 15.0
"""So long those that do not answer may keep the first line waiting."""


class Muster:
    def __init__(self, roster: Roster, conditions: Conditions) -> None:
        self._roster, self._conditions = roster, conditions
        self._due: float | None = None
        """When the line comes, at the latest, that tells of a first contact; event loop time."""
        self._told_at = float("-inf")

    def call(self) -> None:
        """There are machines that were not asked yet."""
        self._due = asyncio.get_running_loop().time() + _FIRST_S

    async def run(self) -> None:
        """For ever."""
        self.call()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = asyncio.get_running_loop().time()
            allowance = self._conditions.allowance
            if self._due is not None:
                is_due = now >= self._due or self._roster.met == len(self._roster.machines)
            else:
                is_due = allowance.unsaid > 0 and now - self._told_at >= allowance.every_s
            if is_due:
                self._due, self._told_at = None, now
                self._tell()

    def _tell(self) -> None:
        ailing = self._conditions.ailing()
        said = roll(len(self._roster.machines), self._roster.met, ailing, self._conditions.allowance.settle())
        level = logging.WARNING if ailing else logging.INFO
        _log.log(level, "machines: %s", said, extra={"subject": "machines", "kind": "roll"})
