"""What the commands of a statement's life do: freeze, issue and adjust."""

import argparse
import sys
from pathlib import Path

from billing import clock
from billing.arguments import period_of
from billing.audit import audit
from billing.bad_usage import BadUsageError
from billing.config import Settings
from billing.freeze import NothingNewError, NotNowError, Order, adjust, freeze, issue
from billing.manifest import Manifest
from billing.pack_settings import settings_in
from billing.period import label
from billing.shelf import ACCOUNTS, STATEMENTS, Shelf, manifest_in
from billing.verify import verify
from store.opening import open_store

_LONGEST = 512


async def close(arguments: argparse.Namespace, settings: Settings) -> int:
    order = order_of(arguments, settings)
    shelf = Shelf(Path(settings.books))
    async with open_store(settings.store, read_only=True) as store:
        frozen = await freeze(store, settings, order, shelf)
    pages = _say_frozen(frozen.manifest, shelf)
    for due in frozen.assessment.dues:
        _say(f"  {due.tenant.id}  {due.total} {due.currency}  {pages / due.tenant.id}.html")
    _say(f"for accounts: {pages.parent / ACCOUNTS / 'totals.html'}")
    return 0


async def book_differences(arguments: argparse.Namespace, settings: Settings) -> int:
    order = order_of(arguments, settings)
    shelf = Shelf(Path(settings.books))
    async with open_store(settings.store, read_only=True) as store:
        try:
            filled = await adjust(store, settings, order, shelf)
        except NothingNewError as nothing:
            _say(str(nothing))
            return 0
    pages = _say_frozen(filled.manifest, shelf)
    for each in filled.adjustments:
        what = "credit note" if each.is_credit else "adjustment"
        tenant = each.tenant.id
        _say(f"  {tenant}  {what} {each.total} {each.currency}  {pages / tenant}.html")
    _say("`issue` sends it out; until then it is booked nowhere")
    return 0


async def check_pack(arguments: argparse.Namespace) -> int:
    """``verify --pack``: a pack by itself, wherever it lies."""
    place = arguments.pack
    manifest = manifest_in(place)
    wrong = 0
    async for text in audit(place, manifest):
        sys.stdout.write(f"{text}\n")
        wrong += 1
    if wrong:
        _say(f"{place}: {wrong} things are not as they were frozen")
        return 1
    _say(
        f"{manifest.site} {manifest.name}, revision {manifest.revision}: whole, and comes out the same again"
    )
    _say(f"digest {manifest.digest}; compare it with the one that you were told when it was issued")
    for key in settings_in(place, manifest).trusted.keys.values():
        _say(f"signatures are by {key.gateway}, key {key.fingerprint}; compare it with the gateway's own")
    return 0


async def check_books(arguments: argparse.Namespace, settings: Settings) -> int:
    period = period_of(arguments, settings.zone)
    name = label(period, settings.zone)
    shelf = Shelf(Path(settings.books))
    if not shelf.revisions(name):
        raise NotNowError(f"{name} is not frozen: there is no evidence to verify; `freeze` it first")
    wrong, known = 0, list[str]()
    async with open_store(settings.store, read_only=True) as store:
        async for text in verify(store, settings, shelf, period, known):
            sys.stdout.write(f"{text}\n")
            wrong += 1
    if wrong:
        _say(f"{name}: {wrong} things are not as they were frozen")
        return 1
    for text in known:
        _say(f"as it was when it was frozen, with a reason: {text}")
    _say(f"{name}: ledger, evidence, statements, stored rows and chains are as they were frozen")
    return 0


def _say_frozen(manifest: Manifest, shelf: Shelf) -> Path:
    place = shelf.place(manifest.name, manifest.revision)
    _say(f"{manifest.name} is frozen as revision {manifest.revision}, digest {manifest.digest}")
    if manifest.open:
        _say(f"{len(manifest.open)} things were open; {place / 'pack.json'} lists them, with your reason")
    return place / STATEMENTS


async def mark_issued(arguments: argparse.Namespace, settings: Settings) -> int:
    order = order_of(arguments, settings)
    shelf = Shelf(Path(settings.books))
    entry = issue(shelf, label(order.period, settings.zone), order.now, order.by)
    _say(f"{entry.period}, revision {entry.revision} is issued: entry {entry.number} of the ledger")
    _say(f"statements: {shelf.place(entry.period, entry.revision) / STATEMENTS}")
    return 0


def order_of(arguments: argparse.Namespace, settings: Settings) -> Order:
    override = getattr(arguments, "override", "")
    for option, text in (("--by", arguments.by), ("--override", override or "-")):
        if not text.strip() or not text.isprintable() or len(text) > _LONGEST:
            raise BadUsageError(f"{option}: say it in one line of at most {_LONGEST} characters")
    period = period_of(arguments, settings.zone)
    return Order(period=period, now=clock.now(), by=arguments.by, override=override)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
