"""``gongfang-billing close`` and ``days``: a day is closed, and which days are."""

import argparse
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from billing.arguments import period_of
from billing.bad_usage import BadUsageError
from billing.closing import close_day
from billing.command_life import order_of
from billing.config import Settings
from billing.ledger import Event, Ledger
from billing.period import Period, day_period, shown
from billing.shelf import Shelf
from billing.terminal import progress_shown
from store.opening import open_store


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    order = order_of(arguments, settings)
    first, _ = order.period.days(settings.zone)
    if order.period != day_period(first.isoformat(), settings.zone):
        raise BadUsageError("a day is closed: give --day DATE; a month is frozen (`freeze --period MONTH`)")
    async with open_store(settings.store, read_only=True) as store:
        with progress_shown() as progress:
            closed = await close_day(store, settings, order, progress)
    entry = closed.entry
    if not closed.is_new:
        _say(f"{entry.period} was closed by {entry.by} on these very figures; nothing changed since")
        return 0
    again = ", again: its figures are other ones than before" if entry.revision > 1 else ""
    _say(f"{entry.period} is closed: entry {entry.number} of the ledger{again}")
    for line in closed.open:
        _say(f"  taken as it is: {line}")
    return 0


async def days(arguments: argparse.Namespace, settings: Settings) -> int:
    """Reads the ledger alone."""
    period, ledger = period_of(arguments, settings.zone), Shelf(Path(settings.books)).ledger
    lines = list(_days(period, ledger, settings))
    sys.stdout.write("".join(f"{line}\n" for _, line in lines))
    still_open = sum(not is_closed for is_closed, _ in lines)
    _say(f"{len(lines) - still_open} of {len(lines)} days are closed")
    return 1 if still_open else 0


def _days(period: Period, ledger: Ledger, settings: Settings) -> Iterator[tuple[bool, str]]:
    first, last = period.days(settings.zone)
    for number in range((last - first).days + 1):
        day = (first + timedelta(days=number)).isoformat()
        closed = ledger.revisions(day, Event.CLOSED)
        if not closed:
            yield False, f"{day}  open 未日结"
            continue
        entry = closed[-1]
        why = f"; override: {entry.override}" if entry.override else ""
        yield True, f"{day}  closed 已日结  {shown(entry.at, settings.zone)}  {entry.by}{why}"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
