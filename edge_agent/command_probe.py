"""``gongfang-agent probe URL``: what words may mean that nobody knows."""

import argparse
import asyncio
import contextlib
import shlex
import signal
import time
from collections.abc import Iterator
from typing import Final

from edge_agent.address import AddressError, parse
from edge_agent.block import Block
from edge_agent.direct import link_to_url
from edge_agent.dump import table_dump
from edge_agent.link import Link, LinkError
from edge_agent.motion import Look, motions
from edge_agent.next_step import next_step, silence
from edge_agent.panel_search import search
from edge_agent.probe_view import motion_view, places_view, view
from edge_agent.scan import Manners, Scan, StoppedError, blocks_of
from edge_agent.survey import Area, Surveyed
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn, whisper

_UNIT: Final = 1
"""Where nobody says which."""


def probe(given: argparse.Namespace) -> int:
    try:
        link = link_to_url(given.endpoint, given.timeout_ms)
    except AddressError as error:
        warn(f"probe: {given.endpoint!r}: {error}")
        return BAD_USAGE
    given.assumed, given.unit = given.unit is None, _UNIT if given.unit is None else given.unit
    return asyncio.run(_probe(link, given))


async def _probe(link: Link, given: argparse.Namespace) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    try:
        found = await _surveyed(link, given, stop)
        if found is None or not found.words:
            for line in _nothing(found, given):
                warn(line)
            return FAILED
        if given.find:
            for number in given.find:
                for line in places_view(number, search(given.table, found.words, number)):
                    say(line)
            return FINE
        if given.watch is None:
            for line in view(given.table, found.words, order=given.order, everything=given.all):
                say(line)
            return FINE
        return await _watch(link, given, found, stop)
    except (LinkError, StoppedError) as error:
        warn(f"probe: {error}")
        if isinstance(error, LinkError) and (step := next_step(error, parse(given.endpoint))):
            warn(step)
        return FAILED
    finally:
        link.close()


async def _surveyed(link: Link, given: argparse.Namespace, stop: asyncio.Event) -> Surveyed | None:
    """None of a unit that says nothing at all."""
    manners = Manners(pause_s=given.pause_ms / 1000, limit_s=600, requests=2_000, wide=False)
    scan = Scan(link, manners, whisper, stop)
    end = min(given.start + given.count, 65_536)
    await scan.run([given.unit], [given.table], [Area(given.start, end)])
    found = scan.found.units.get(given.unit, {}).get(given.table)
    for remark in scan.found.remarks if found and found.words else ():  # else it is said what to do instead
        warn(f"note: {remark}")
    return found


def _nothing(found: Surveyed | None, given: argparse.Namespace) -> Iterator[str]:
    """Why nothing is shown, and what to do."""
    last = min(given.start + given.count, 65_536) - 1
    scan = f"`gongfang-agent scan {shlex.quote(given.endpoint)}"
    if found is None:
        assumed = ", which is asked where --unit names none," if given.assumed else ""
        yield f"unit {given.unit}{assumed} does not answer"
        yield f"{scan}` finds the units that do"
        if not given.assumed:
            yield silence(parse(given.endpoint))
        return
    yield f"unit {given.unit}: nothing can be read at {given.table} {given.start} to {last}{_why(found)}"
    yield f"{scan} --units {given.unit}` finds where its registers are, in all four tables"


def _why(found: Surveyed) -> str:
    codes = sorted(set(found.refused.values()))
    return f" (Modbus exception {', '.join(map(str, codes))})" if codes else " (silence)"


async def _watch(link: Link, given: argparse.Namespace, found: Surveyed, stop: asyncio.Event) -> int:
    """Looks once a second, until the time is over or Ctrl-C."""
    blocks = tuple(blocks_of(table_dump(found)))
    looks = [await _look(link, blocks, given.unit)]
    end_s = time.monotonic() + given.watch
    while not stop.is_set() and time.monotonic() < end_s:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(given.every_ms / 1000, max(0, end_s - time.monotonic())))
        looks.append(await _look(link, blocks, given.unit))
        whisper(f"looked {len(looks)} times")
    whisper("")
    seconds = (looks[-1].at_ms - looks[0].at_ms) / 1000
    for line in motion_view(
        motions(given.table, looks, order=given.order, everything=given.all), seconds, len(looks)
    ):
        say(line)
    return FINE


async def _look(link: Link, blocks: tuple[Block, ...], unit: int) -> Look:
    words: dict[int, int] = {}
    for block in blocks:
        words.update(zip(range(block.address, block.end), await link.read(block, unit), strict=True))
    return Look(time.monotonic_ns() // 1_000_000, words)
