"""An agent that hangs when told to: `python hanging.py HOW FILE`, then SIGUSR1. For the watchdog tests.

HOW is ``loop`` (the event loop does not come back), ``polls`` (reads never end), ``outbox`` (its thread does
not come back) or ``disk`` (which refuses, and is no reason to be ended).
"""

import asyncio
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence

from edge_agent import roster, wanted, watchdog
from edge_agent.__main__ import main
from edge_agent.block import Block
from edge_agent.endpoint_link import EndpointLink
from edge_agent.outbox import Outbox

PATIENCE_S = 1.0
"""Instead of a minute."""


class Hanging:
    def __init__(self, how: str) -> None:
        self.how, self.is_on = how, False
        signal.signal(signal.SIGUSR1, self._told)

    def _told(self, *_: object) -> None:
        self.is_on = True
        if self.how == "loop":
            time.sleep(3_600)

    def into(self, owner: type, name: str, does: Callable[[], object]) -> None:
        right = getattr(owner, name)

        def hangs(*given: object, **named: object) -> object:
            if self.is_on:
                does()
            return right(*given, **named)

        setattr(owner, name, hangs)


def refuse() -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def hang(how: str) -> None:
    hanging, read = Hanging(how), EndpointLink.read

    async def never(self: EndpointLink, block: Block, unit: int) -> Sequence[int]:
        if hanging.is_on and how == "polls":
            await asyncio.Event().wait()
        return await read(self, block, unit)

    EndpointLink.read = never  # type: ignore[method-assign]
    if how == "outbox":
        hanging.into(Outbox, "commit", lambda: time.sleep(3_600))
    if how == "disk":
        hanging.into(Outbox, "commit", refuse)


if __name__ == "__main__":
    roster._MARGIN_S = PATIENCE_S  # type: ignore[misc]
    watchdog._OUTBOX_S = PATIENCE_S  # type: ignore[misc]
    wanted._FIRST_RETRY_S = wanted._LONGEST_RETRY_S = PATIENCE_S / 4  # type: ignore[misc]
    hang(sys.argv[1])
    sys.exit(main(["run", "--config", sys.argv[2]]))
