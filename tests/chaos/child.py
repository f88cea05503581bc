"""A process of the site: started, killed, paused, and started again when it falls, as systemd would."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

RESTART_S: Final = 1.0
"""After a fall. The units of production wait 5 s; plant time runs faster here."""
STOP_S: Final = 60.0


class Fall(Struct, frozen=True):
    """A process ended by itself, or badly."""

    name: str
    at_ms: int
    code: int


class Child:
    """``run`` keeps it running until it is cancelled; then it is killed."""

    def __init__(
        self, name: str, argv: list[str], log: Path, falls: list[Fall], now_ms: Callable[[], int]
    ) -> None:
        self.name, self._argv, self._log = name, argv, log
        self._falls, self._now_ms = falls, now_ms
        self._process: Process | None = None
        self._wanted = asyncio.Event()
        self._turn = asyncio.Lock()
        self.struck = asyncio.Lock()
        """Held by a fault from its beginning to its end: an agent may take its time to stop."""
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        try:
            while True:
                await self._wanted.wait()
                await self._keep()
        finally:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def start(self) -> None:
        """Does nothing while it runs: two agents on one outbox are another story."""
        async with self._turn:
            if self.pid is not None:
                return
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(*self._argv, stdout=log, stderr=log)
            self.starts += 1
            self._wanted.set()

    async def _keep(self) -> None:
        process = self._process
        if process is None:
            return
        code = await process.wait()
        if self._wanted.is_set() and process is self._process:
            self._falls.append(Fall(self.name, self._now_ms(), code))
            await asyncio.sleep(RESTART_S)
            if self._wanted.is_set() and process is self._process:
                await self.start()

    async def kill(self) -> None:
        self._wanted.clear()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and waits. A bad end is a fall."""
        self._wanted.clear()
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            await self.kill()
            code = -signal.SIGKILL
        if code not in {0, -signal.SIGTERM}:
            self._falls.append(Fall(self.name, self._now_ms(), code))

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None and self._process is not None:
            self._process.send_signal(number)

    def rss_kib(self) -> int | None:
        """Resident memory; None while it does not run."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        except OSError:
            return None
        return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), None)
