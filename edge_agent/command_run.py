"""``gongfang-agent run``: as a process, until it is told to stop."""

import argparse
import asyncio
import logging
import signal
from importlib.metadata import version

from daemon.journal import set_up, tell_where_it_hung
from daemon.systemd import notify
from edge_agent.config import Settings
from edge_agent.descriptors import provide
from edge_agent.outbox_file import OutboxError
from edge_agent.terminal import FAILED, FINE, warn


def run(settings: Settings, given: argparse.Namespace) -> int:
    set_up(given.log_level, given.log)
    tell_where_it_hung()
    outbox, broker = settings.outbox.path, settings.mqtt
    logging.getLogger("gongfang.agent").info(
        "%s: version %s, %d machines, broker %s:%d, outbox %s",
        *(settings.gateway, version("gongfang"), len(settings.machines), broker.host, broker.port, outbox),
    )
    if too_few := provide(len(settings.endpoints)):
        warn(too_few)
        return FAILED
    failed = False
    try:
        asyncio.run(_run_until_told(settings))
    except* OutboxError as errors:
        failed = True
        for error in errors.exceptions:
            warn(str(error))
    return FAILED if failed else FINE


async def _run_until_told(settings: Settings) -> None:
    # Imported here, so that the other commands do not load the broker's client and the meter.
    from edge_agent.agent import opened  # noqa: PLC0415  see above

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stopping() -> None:
        notify("STOPPING=1")
        stop.set()

    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stopping)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # until it is up there is nothing to reload
    async with opened(settings) as agent:
        loop.add_signal_handler(signal.SIGHUP, agent.reloading.ask)
        await agent.run(stop, lambda: notify("READY=1"))
