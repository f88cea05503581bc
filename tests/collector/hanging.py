"""A collector whose store hangs or is away when told to: `python hanging.py HOW FILE`, then SIGUSR1.

For the watchdog's tests. HOW is ``store`` (a write does not come back) or ``away`` (which is said at once).
"""

import asyncio
import signal
import sys
from collections.abc import Sequence

from collector import watch
from collector.__main__ import main
from contract.series import Row
from store.protocol import Written, kept
from store.sqlite import SqliteStore

PATIENCE_S = 1.0
"""Instead of two minutes."""


def hang(how: str) -> None:
    is_on, write = asyncio.Event(), SqliteStore.write
    signal.signal(signal.SIGUSR1, lambda *_: is_on.set())

    async def written(self: SqliteStore, rows: Sequence[Row]) -> list[Written]:
        if is_on.is_set() and how == "store":
            await asyncio.Event().wait()
        return [kept("away") for _ in rows] if is_on.is_set() else await write(self, rows)

    SqliteStore.write = written  # type: ignore[method-assign]


if __name__ == "__main__":
    watch._PATIENCE_S = PATIENCE_S  # type: ignore[misc]
    hang(sys.argv[1])
    sys.exit(main(["run", "--config", sys.argv[2]]))
