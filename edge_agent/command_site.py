"""The commands that look at a configured site: ``check`` and ``probe``."""

import argparse
import asyncio

from edge_agent.check import summary
from edge_agent.config import Settings
from edge_agent.probe import probe as read_machines
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn


def check(settings: Settings, _: argparse.Namespace) -> int:
    say(summary(settings))
    return FINE


def probe(settings: Settings, given: argparse.Namespace) -> int:
    wanted = tuple(m for m in settings.machines if given.machine in (None, m.name))
    if not wanted:
        names = ", ".join(machine.name for machine in settings.machines)
        warn(f"--machine {given.machine}: no such machine; there are: {names}")
        return BAD_USAGE
    found = asyncio.run(read_machines(settings, wanted))
    for probed in found:
        say("\n".join(probed.lines))
    for step in dict.fromkeys(probed.next for probed in found if probed.next):
        warn(f"note: {step}")
    return FINE if all(probed.good for probed in found) else FAILED
