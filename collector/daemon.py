"""The collector as a service: until SIGTERM or SIGINT, with its state told to systemd."""

import asyncio
import contextlib
import logging
import signal
from collections import Counter
from typing import Final

from collector.collector import run
from collector.config import Settings
from collector.watch import VERSION, summary
from daemon.systemd import notify

log = logging.getLogger(__name__)

BROKER_S: Final = 10.0
"""A broker that is away does not keep the service from being up: it waits, as it would later."""


def serve(settings: Settings) -> None:
    """Returns after a signal; raises what ``run`` raises."""
    store = settings.store
    rests = store.path if store.kind == "sqlite" else f"{store.database} at {store.url}"
    log.info("%s: version %s, store %s %s", settings.collector.name, VERSION, store.kind, rests)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    ready, counts = asyncio.Event(), Counter[str]()
    collecting = asyncio.create_task(run(settings, ready=ready, counts=counts), name="collector")
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        notify("STOPPING=1")
        log.info("stopping: what has no receipt yet, its gateway sends again")
        collecting.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping)
    telling = asyncio.create_task(_tell(ready), name="systemd")
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await collecting
    finally:
        telling.cancel()
        log.info("stopped: %s", summary(counts))


async def _tell(ready: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ready.wait(), BROKER_S)
    notify("READY=1")
