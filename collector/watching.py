"""The commands that only read the store."""

import asyncio

from collector import ledger, tables
from collector.cases import held, named
from collector.clock import plant_clock
from collector.config import Settings
from collector.instant import lasted, shown
from collector.quarantine import payloads
from collector.rivals import rivalries
from collector.silence import DAY_MS, heard
from collector.terminal import say, show
from contract.facts import payload_bytes
from store.opening import open_store
from store.protocol import Store


def status(settings: Settings, grid_ms: int) -> int:
    return asyncio.run(_status(settings, grid_ms))


async def _status(settings: Settings, grid_ms: int) -> int:
    now = plant_clock(settings.clock.pair)()
    async with open_store(settings.store, read_only=True) as store:
        batches = await ledger.latest_batches(store, now)
        usage = await ledger.usage(store, now)
        ends = await ledger.machines(store, usage, now)
        waiting = await _waiting(store)
        unseen = await ledger.unseen(store)
    gateways = heard({name: fact.sealed for name, fact in batches.items()}, now, grid_ms)
    machines = heard(ends, now, grid_ms)
    twice = rivalries(usage)
    show(tables.gateways(gateways, batches, settings.zone))
    show(tables.machines(machines, settings.zone))
    for rivalry in twice:
        first, last = shown(rivalry.start, settings.zone), shown(rivalry.end, settings.zone)
        say(f"TWICE: {rivalry}, from {first} to {last}; stop one of the two.")
    for line in tables.unseen(unseen):
        say(line)
    lag = lasted(gateways[-1].silent_ms) if gateways else "unknown"
    say(f"In quarantine: {waiting}. From the latest sealed batch to now: {lag}.")
    say(f"Now it is {shown(now, settings.zone)}, {settings.collector.timezone} ([collector] timezone).")
    return int(not gateways or bool(twice) or any(one.is_silent for one in (*gateways, *machines)))


async def _waiting(store: Store) -> str:
    """How many cases nobody replayed; of many, only how many rows they are, because reading takes long."""
    rows = await ledger.quarantine_rows(store)
    if rows > ledger.QUARANTINE_ROWS:
        return f"{rows} rows (`quarantine list` shows them as cases)"
    cases = held(await ledger.quarantined(store, 0)) if rows else []
    return str(sum(one.replayed is None for one in cases))


def quarantine_list(settings: Settings, days: int) -> int:
    return asyncio.run(_quarantine_list(settings, days))


async def _quarantine_list(settings: Settings, days: int) -> int:
    since = plant_clock(settings.clock.pair)() - days * DAY_MS
    async with open_store(settings.store, read_only=True) as store:
        show(tables.quarantine(held(await ledger.quarantined(store, since)), settings.zone))
    return 0


def quarantine_show(settings: Settings, name: str) -> int:
    return asyncio.run(_quarantine_show(settings, name))


async def _quarantine_show(settings: Settings, name: str) -> int:
    async with open_store(settings.store, read_only=True) as store:
        found = named(held(await ledger.quarantined(store, 0)), name)
    if found is None:
        say(f"There is nothing called {name} in quarantine; `quarantine list` shows what there is.")
        return 1
    show(tables.quarantine([found], settings.zone))
    say(f"batch {found.first.batch}")
    if not found.is_whole:
        say(f"Only {len(found.parts)} of {found.first.parts} parts are stored.")
        return 1
    say(payload_bytes(payloads(found.parts)).decode("utf-8", "backslashreplace"))
    return 0


def lease_list(settings: Settings, machine: str | None) -> int:
    return asyncio.run(_lease_list(settings, machine))


async def _lease_list(settings: Settings, machine: str | None) -> int:
    async with open_store(settings.store, read_only=True) as store:
        show(tables.leases(await ledger.leases(store, machine), settings.zone))
    return 0


def order_list(settings: Settings) -> int:
    return asyncio.run(_order_list(settings))


async def _order_list(settings: Settings) -> int:
    async with open_store(settings.store, read_only=True) as store:
        show(tables.orders(await ledger.orders(store), settings.zone))
    return 0
