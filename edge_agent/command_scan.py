"""``gongfang-agent scan``: what is behind an endpoint that nobody knows."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from edge_agent.address import Address, AddressError, parse
from edge_agent.direct import link_to_url
from edge_agent.dump import BadDumpError, Dump, UnitDump, read_dump, table_dump, write_dump
from edge_agent.link import Link, LinkError, LinkLostError
from edge_agent.next_step import next_step, silence
from edge_agent.scan import Manners, Scan, StoppedError, again
from edge_agent.scan_view import view
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn, whisper

_MOST: Final = 2_000
_MOST_WIDE: Final = 6_000
"""Requests to one unit, unless somebody says another number."""
_SHOWN_EACH_S: Final = 0.2
_LOGGED_EACH_S: Final = 10.0


def scan(given: argparse.Namespace) -> int:
    try:
        link = link_to_url(given.endpoint, given.timeout_ms)
        like = read_dump(given.like.read_bytes()) if given.like else None
    except (AddressError, BadDumpError, OSError) as error:
        named = f"{given.like} " if isinstance(error, BadDumpError) else ""
        warn(f"scan: {named}{error}")
        return BAD_USAGE
    return asyncio.run(_read_again(link, like, given) if like else _scan(link, given))


async def _scan(link: Link, given: argparse.Namespace) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    manners = Manners(
        pause_s=given.pause_ms / 1000, limit_s=given.limit_s, requests=_most(given), wide=given.wide
    )
    units = [unit for area in given.units for unit in range(area.start, area.end)]
    warn(_beforehand(units, given))
    scanning = Scan(link, manners, _teller(), stop)
    trouble: LinkError | None = None
    try:
        await scanning.run(units, given.tables, given.addresses)
    except (StoppedError, LinkError) as error:
        trouble = error if isinstance(error, LinkError) else None
        bare = trouble and not scanning.found.units
        scanning.found.remarks.append(f"{error}{'' if bare else '; this is what was found until then'}")
    scanning.found.remarks.extend(_next_steps(scanning, trouble, parse(given.endpoint)))
    found = [
        UnitDump(unit=unit, tables=[table_dump(table) for table in tables.values()])
        for unit, tables in scanning.found.units.items()
    ]
    try:
        if scanning.complete:  # what moves was read at many instants, and a dump is of one
            found = [await again(link, unit) for unit in found]
    except LinkError as error:
        scanning.found.remarks.append(f"not read once more at one instant: {error}")
    finally:
        link.close()
    dump = Dump(endpoint=given.endpoint, taken=_now(), units=found)
    _show(dump, scanning.found.remarks, given, connected=not isinstance(trouble, LinkLostError))
    readable = any(table.ranges for unit in found for table in unit.tables)
    return FINE if scanning.complete and readable else FAILED


def _next_steps(scanning: Scan, trouble: LinkError | None, address: Address) -> Iterator[str]:
    if trouble is not None:
        yield from filter(None, [next_step(trouble, address)])
    elif scanning.complete and not scanning.found.units and not scanning.found.remarks:
        yield silence(address)


async def _read_again(link: Link, like: Dump, given: argparse.Namespace) -> int:
    try:
        units = [await again(link, unit) for unit in like.units]
    except LinkError as error:
        warn(f"scan: {error}")
        if step := next_step(error, parse(given.endpoint)):
            warn(step)
        return FAILED
    finally:
        link.close()
    _show(Dump(endpoint=given.endpoint, taken=_now(), units=units), [], given)
    return FINE


def _show(dump: Dump, remarks: Sequence[str], given: argparse.Namespace, *, connected: bool = True) -> None:
    if given.out and dump.units:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_bytes(write_dump(dump))
    if given.json:
        sys.stdout.write(write_dump(dump).decode())
        for remark in remarks:
            warn(f"note: {remark}")
        return
    for line in view(dump, remarks, connected=connected):
        say(line)
    if given.out:
        say(f"written to {given.out}" if dump.units else f"nothing to write to {given.out}")


def _beforehand(units: Sequence[int], given: argparse.Namespace) -> str:
    each = f"{_most(given)} of each that answers"
    return (
        f"asks {len(units)} unit ids whether they are there and at most {each}, one request at a time,"
        f" {given.pause_ms} ms apart; ends after {given.limit_s} s, or with Ctrl-C, and keeps what was found"
    )


def _most(given: argparse.Namespace) -> int:
    return given.requests or (_MOST_WIDE if given.wide else _MOST)


def _teller() -> Callable[[str], None]:
    """Progress: in place where a person looks on, now and then where it goes into a file."""
    seen, each_s = [0.0], _SHOWN_EACH_S if sys.stderr.isatty() else _LOGGED_EACH_S
    seen[0] = time.monotonic()

    def tell(text: str) -> None:
        if time.monotonic() - seen[0] >= each_s:
            seen[0] = time.monotonic()
            (whisper if sys.stderr.isatty() else warn)(text)

    return tell


def _now() -> int:
    return time.time_ns() // 1_000_000
