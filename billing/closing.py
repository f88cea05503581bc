"""Closing a day: what waits for a person is asked while people remember, not at the end of the month. Wiring.

A closed day is an entry of the ledger: who closed it, on which figures, and why although something was open.
It freezes nothing; what is heard later shows as another digest, and closing again says so. How far the chains
were walked is kept, so that the next day goes on from there.
"""

from pathlib import Path

from msgspec import Struct

from billing.chains import Plan, walked
from billing.closed_day import ClosedDay, bytes_of, digest_of
from billing.config import Settings
from billing.filling import chain_lines, open_lines
from billing.freeze import NotNowError, Order, open_text, whole
from billing.frozen import newest_heads, starts_of
from billing.ledger import Entry, Event
from billing.period import label, shown
from billing.progress import Progress
from billing.run import assess
from billing.shelf import Shelf
from billing.statement import Statement
from store.protocol import Store


class Closed(Struct, frozen=True, kw_only=True):
    entry: Entry
    open: tuple[str, ...]
    """What was open all the same."""
    is_new: bool
    """False: it had been closed on these very figures."""


async def close_day(
    store: Store, settings: Settings, order: Order, progress: Progress | None = None
) -> Closed:
    """``order.period`` is a local day. Raises NotNowError, StoreAwayError, DamagedError."""
    name, shelf = label(order.period, settings.zone), Shelf(Path(settings.books))
    if order.now < order.period.end:
        over = shown(order.period.end, settings.zone)
        raise NotNowError(f"{name} is not over: close it after {over}")
    with shelf.locked():
        whole(shelf.ledger)
        start, end = order.period.start, order.period.end
        found = await assess(
            store, settings, start, end, now=order.now, progress=progress, take=_forget, reports=()
        )
        chains = await walked(store, _walk(settings, order, shelf, name))
        opened = (*open_lines(found, settings), *chain_lines(chains, settings))
        if opened and not order.override:
            raise NotNowError(open_text(opened, name, "closed"))
        before = shelf.ledger.revisions(name, Event.CLOSED)
        day = ClosedDay(
            period=order.period,
            timezone=settings.timezone,
            figures=found.heading.digest,
            heads=chains.heads,
        )
        data = bytes_of(day)
        if before and before[-1].pack == digest_of(data):
            return Closed(entry=before[-1], open=opened, is_new=False)
        names = (name, len(before) + 1, digest_of(data))
        shelf.keep(name, len(before) + 1, data)
        entry = shelf.add(Event.CLOSED, order.now, names, order.by, order.override)
        return Closed(entry=entry, open=opened, is_new=True)


def _forget(_: Statement) -> None:
    """A closing shows no page."""


def _walk(settings: Settings, order: Order, shelf: Shelf, name: str) -> Plan:
    return Plan(
        site=settings.site.id,
        period=order.period,
        zone=settings.zone,
        now=order.now,
        heads=newest_heads(shelf, name),
        starts=starts_of(shelf, order.period),
        trusted=settings.trusted,
    )
