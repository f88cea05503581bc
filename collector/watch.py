"""What the collector tells of itself: gathered from its parts when somebody asks, and to systemd."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Final

from collector.announcement import KINDS
from collector.condition import Condition
from collector.gauge_feed import GaugeFeed
from collector.gauges import families
from collector.health import SILENT_MS, troubles
from collector.ingest import Ingest
from collector.ledger import quarantine_rows
from collector.measured import MeasuredStore
from collector.report import Queues, Report
from collector.session import Session
from daemon.exposition import Family
from daemon.health import Health, judged
from daemon.progress import Mark, Progress
from daemon.systemd import notify, watchdog_s
from store.protocol import StoreAwayError

log = logging.getLogger(__name__)

VERSION: Final = version("gongfang")
_LOOK_S: Final = 1.0
"""How long whoever asks waits for a count of the quarantine."""
_COUNT_S: Final = 60.0
"""The quarantine is counted at most so often."""
_TELL_S: Final = 5.0
_PATIENCE_S: Final = 120.0
"""So long a batch may take, and a store that is away says so within half of it."""


class Watch:
    """``counts`` is what the collector counts by name; ``wrong`` what nobody else tells of."""

    def __init__(
        self,
        name: str,
        now: Callable[[], int],
        counts: Counter[str],
        *,
        store: MeasuredStore,
        ingest: Ingest,
        session: Session,
        feed: GaugeFeed | None = None,
    ) -> None:
        self._name, self._now, self._counts = name, now, counts
        self._store, self._ingest, self._session = store, ingest, session
        self._feed = feed
        self._progress = Progress()
        self._stuck: tuple[str, ...] = ()
        self.wrong: dict[str, str] = {}
        self._silent = Condition(log, "has sent no batch for 15 minutes", "sends batches again")
        self._rows: int | None = None
        self._counting: asyncio.Task[int] | None = None
        self._count_again_at = 0.0

    async def metrics(self) -> Iterator[Family]:
        return families(await self.report(), self._counts, self._store.latencies)

    async def health(self) -> Health:
        return judged("collector", self._name, VERSION, troubles(await self.report()))

    async def report(self) -> Report:
        await self._count()
        return Report(
            name=self._name,
            version=VERSION,
            now_ms=self._now(),
            is_connected=self._session.is_connected,
            store_trouble=self._ingest.store_trouble,
            retry_after_ms=self._store.retry_after_ms,
            is_dropping=self._session.is_dropping,
            refusing=self._ingest.refusing,
            stuck=self._stuck,
            wrong=dict(self.wrong),
            heard=self._ingest.heard.at(),
            quarantine_rows=self._rows,
            queues=self._queues(),
        )

    def _queues(self) -> Queues:
        session = self._session
        return Queues(
            room={f"{owner.site}/{owner.name}": waiting for owner, waiting in session.room.waiting().items()},
            room_places=session.room.places,
            room_share=session.room.share,
            under_way=session.under_way,
            at_once=session.bounds.at_once,
            arrivals=session.arrivals,
            announcements=len(session.announced),
            announcements_bytes=session.announced.bytes,
            announcements_limit_bytes=session.announced.limit_bytes,
            topics=session.remembered,
            machines=self._ingest.machines,
            points=self._feed.waiting if self._feed else 0,
        )

    async def _count(self) -> None:
        """Of the quarantine's rows. One count at a time, however long the store takes."""
        now = asyncio.get_running_loop().time()
        if self._counting is None and now >= self._count_again_at:
            self._count_again_at = now + _COUNT_S
            self._counting = asyncio.create_task(quarantine_rows(self._store), name="quarantine rows")
        if self._counting is None:
            return
        done, _ = await asyncio.wait({self._counting}, timeout=_LOOK_S)
        if done and self._counting is not None:
            with contextlib.suppress(StoreAwayError):  # told by who writes
                self._rows = self._counting.result()
            self._counting = None

    async def tell_systemd(self) -> None:
        """For ever. The watchdog is fed by batches that are answered, not by a timer."""
        wanted = watchdog_s()
        every = min(_TELL_S, wanted / 4) if wanted else _TELL_S
        try:
            while True:
                self._look_for_silence()
                self._stuck = self._progress.stuck(dict(self._marks()), asyncio.get_running_loop().time())
                fed = ("WATCHDOG=1",) if wanted and not self._stuck else ()
                notify(*fed, f"STATUS={self._status()}")
                await asyncio.sleep(every)
        finally:
            if self._counting is not None:
                self._counting.cancel()

    def _look_for_silence(self) -> None:
        for gateway, at in self._ingest.heard.at().items():
            if self._now() - at > SILENT_MS:
                self._silent.bad("look at its agent and at the way to the broker", gateway)
            else:
                self._silent.well(gateway)

    def _marks(self) -> Iterator[tuple[str, Mark]]:
        session = self._session
        if len(session.room) or session.under_way:
            yield "batches", Mark(session.done, _PATIENCE_S)
        if len(session.announced):
            heard = sum(self._counts[f"{kind}_messages"] for kind in KINDS)
            yield "announcements", Mark(heard, _PATIENCE_S)
        if not session.is_connected:
            yield "broker", Mark(session.attempts, _PATIENCE_S)

    def _status(self) -> str:
        told = summary(self._counts)
        if self._stuck:
            return f"no progress: {', '.join(self._stuck)}; {told}"
        return told if self._session.is_connected else f"waiting for the broker; {told}"


def summary(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {amount}" for name, amount in sorted(counts.items())) or "nothing came yet"
