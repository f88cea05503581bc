"""``gongfang-agent witness``: somebody saw that a machine's panel and its registers agree."""

import argparse
import asyncio
import re
import secrets
import sys
import time
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from contract import topics
from contract.messages import Witness, encode
from contract.names import DECIMAL
from edge_agent.clock import SystemClock
from edge_agent.config import Settings
from edge_agent.interpret import Reader, surprises
from edge_agent.link import Link, LinkError, read_fast, read_slow
from edge_agent.links import link_to
from edge_agent.mqtt import BrokerLostError, connected
from edge_agent.panel import Compared, Figure, compare, figures, shown, table
from edge_agent.sample import Fault, Sample
from edge_agent.settings import MachineSettings
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn

_DECIMAL: Final = re.compile(DECIMAL)


class NoWitnessError(Exception):
    """It cannot be witnessed. The text says why, and what to do."""


class _Read(Struct, frozen=True):
    at_ms: int
    """UTC, on the site's clock."""
    sample: Sample


def witness(settings: Settings, given: argparse.Namespace) -> int:
    machine = next((m for m in settings.machines if m.name == given.machine), None)
    if machine is None:
        warn(f"--machine {given.machine}: no such machine; `check` lists those there are")
        return BAD_USAGE
    panel = dict(given.panel)
    if unknown := sorted(set(panel) - set(figures(machine.profile))):
        warn(f"--panel {unknown[0]}: {machine.profile.label} has {', '.join(figures(machine.profile))}")
        return BAD_USAGE
    if not panel and not sys.stdin.isatty():
        warn("say what the panel shows: --panel pieces=812, once for each figure")
        return BAD_USAGE
    try:
        return asyncio.run(_witness(settings, machine, panel, given))
    except (NoWitnessError, LinkError, OSError) as error:
        warn(f"{machine.name}: {error}")
    except BrokerLostError as error:
        warn(f"the broker is away, and nothing is recorded: {error}")
    return FAILED


async def _witness(
    settings: Settings, machine: MachineSettings, panel: dict[str, str], given: argparse.Namespace
) -> int:
    endpoint = next(each for each in settings.endpoints if each.name == machine.endpoint)
    link = link_to(endpoint, patient=False)
    clock = SystemClock(settings.clock, settings.clock_offset)
    try:
        began = time.monotonic()
        first = _Read(clock.wall_ms(), await _sample(link, machine))
        for line in _shown(machine, first.sample):
            say(line)
        asked = not panel
        panel = panel or await asyncio.to_thread(_ask, machine)
        last = _Read(clock.wall_ms(), await _sample(link, machine)) if asked else first
        within_ms = round((time.monotonic() - began) * 1000) if asked else given.within_s * 1000
    finally:
        link.close()
    compared = [
        compare(figure, panel[name], _readings(figure, first, last), within_ms)
        for name, figure in figures(machine.profile).items()
        if name in panel
    ]
    _judge(compared)
    if given.dry_run:
        say("they agree; nothing is recorded, as --dry-run says")
        return FINE
    message = _message(settings, machine, last, panel, (given.by, clock.wall_ms()))
    await _announce(settings, message)
    say(f"{machine.name}: recorded as {message.id}; `gongfang-collector status` says once it is kept")
    return FINE


async def _sample(link: Link, machine: MachineSettings) -> Sample:
    """Raises NoWitnessError when the machine is not the one, or says nothing that could be metered."""
    reader = Reader(machine.profile)
    fast = await read_fast(link, reader.plan, machine.unit)
    slow = await read_slow(link, reader.plan, machine.unit)
    sample = reader.sample(fast, 0)
    if isinstance(sample, Fault):
        raise NoWitnessError(f"cannot be metered: {sample.detail}")
    if found := surprises(machine.profile, reader.values([*fast, *slow])):
        raise NoWitnessError(found[0])
    if machine.serial is not None and sample.serial != machine.serial:
        raise NoWitnessError(f"its serial number is {sample.serial}, configured is {machine.serial}")
    if not sample.readings:
        raise NoWitnessError("its profile has no counter; there is nothing to compare")
    return sample


def _shown(machine: MachineSettings, sample: Sample) -> list[str]:
    profile = machine.profile
    head = (
        f"{machine.name}  ({machine.endpoint} unit {machine.unit}, {profile.label}, serial {sample.serial})"
    )
    return [head, *(f"  {name:16} {value}" for name, value in table(profile, sample.readings))]


def _ask(machine: MachineSettings) -> dict[str, str]:
    """Whatever the person finds on the panel; Enter where it shows nothing of the kind."""
    say("what does the panel show? Enter where it does not show it")
    told = {}
    for name in figures(machine.profile):
        answer = input(f"  {name}: ").strip()
        while answer and not _DECIMAL.match(answer):
            answer = input(f"  {name} (digits, and a point): ").strip()
        if answer:
            told[name] = answer
    return told


def _readings(figure: Figure, first: _Read, last: _Read) -> tuple[int, int]:
    name = figure.counter.name
    return first.sample.readings[name], last.sample.readings[name]


def _judge(compared: list[Compared]) -> None:
    """Raises NoWitnessError unless something was compared, all of it agrees, and it proves something."""
    if not compared:
        raise NoWitnessError("nothing was compared")
    for one in compared:
        say(
            f"  {one.name:16} panel {one.panel}, registers {shown(one.low)} to {shown(one.high)}"
            f"{'' if one.agrees else '   DISAGREES'}"
        )
    wrong = [one for one in compared if not one.agrees]
    if wrong:
        hint = f" ({wrong[0].hint})" if wrong[0].hint else ""
        raise NoWitnessError(f"panel and registers disagree: {', '.join(one.name for one in wrong)}{hint}")
    if all(one.is_zero for one in compared):
        raise NoWitnessError(
            "all that was compared is 0, which agrees with anything: let it make something first"
        )


def _message(
    settings: Settings,
    machine: MachineSettings,
    read: _Read,
    panel: Mapping[str, str],
    by: tuple[str, int],
) -> Witness:
    """``by``: who, and when, UTC ms."""
    return Witness(
        id=f"wit-{secrets.token_hex(4)}",
        machine=machine.name,
        by=by[0],
        gateway=settings.gateway,
        at=read.at_ms,
        profile=machine.profile.label,
        profile_digest=machine.profile.digest,
        serial=read.sample.serial,
        readings=read.sample.readings,
        panel=dict(panel),
        issued=by[1],
    )


async def _announce(settings: Settings, message: Witness) -> None:
    """Retained, so that a collector that is away hears it when it comes back. Raises BrokerLostError."""
    client_id = f"gongfang-witness-{settings.site}-{settings.gateway}-{message.id}"
    address = msgspec.structs.replace(settings.broker(), client_id=client_id)
    async with connected(address) as broker:
        await broker.publish(topics.witness(settings.site, message.machine), encode(message), retain=True)
