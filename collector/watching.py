"""The commands that only read the store."""

import asyncio

from collector import ledger, tables
from collector.clock import plant_clock
from collector.config import Settings
from collector.instant import lasted
from collector.quarantine import payloads
from collector.silence import heard
from collector.terminal import say, show
from contract.facts import payload_bytes
from store.opening import open_store


def status(settings: Settings, grid_ms: int) -> int:
    return asyncio.run(_status(settings, grid_ms))


async def _status(settings: Settings, grid_ms: int) -> int:
    now = plant_clock(settings.clock.pair)()
    async with open_store(settings.store, read_only=True) as store:
        batches = await ledger.latest_batches(store, now)
        usage = await ledger.latest_usage(store, now)
        quarantined = await ledger.quarantined(store, 0)
    gateways = heard({name: fact.sealed for name, fact in batches.items()}, now, grid_ms)
    machines = heard(usage, now, grid_ms)
    show(tables.gateways(gateways, batches))
    show(tables.machines(machines))
    cases = sum(fact.part == 0 for fact in quarantined)
    lag = lasted(gateways[-1].silent_ms) if gateways else "unknown"
    say(f"In quarantine: {cases}. From the latest sealed batch to now: {lag}.")
    return int(not gateways or any(one.is_silent for one in (*gateways, *machines)))


def quarantine_list(settings: Settings, days: int) -> int:
    return asyncio.run(_quarantine_list(settings, days))


async def _quarantine_list(settings: Settings, days: int) -> int:
    since = plant_clock(settings.clock.pair)() - days * ledger.DAY_MS
    async with open_store(settings.store, read_only=True) as store:
        show(tables.quarantine(await ledger.quarantined(store, since)))
    return 0


def quarantine_show(settings: Settings, name: str) -> int:
    return asyncio.run(_quarantine_show(settings, name))


async def _quarantine_show(settings: Settings, name: str) -> int:
    received = name.rpartition("/")[2]
    since = int(received) if received.isascii() and received.isdecimal() else 0
    async with open_store(settings.store, read_only=True) as store:
        found = tables.case(await ledger.quarantined(store, since), name)
    if not found:
        say(f"There is nothing called {name} in quarantine; `quarantine list` shows what there is.")
        return 1
    show(tables.quarantine(found[:1]))
    say(f"batch {found[0].batch}")
    say(payload_bytes(payloads(found)).decode("utf-8", "backslashreplace"))
    return 0


def lease_list(settings: Settings, machine: str | None) -> int:
    return asyncio.run(_lease_list(settings, machine))


async def _lease_list(settings: Settings, machine: str | None) -> int:
    async with open_store(settings.store, read_only=True) as store:
        show(tables.leases(await ledger.leases(store, machine)))
    return 0


def order_list(settings: Settings) -> int:
    return asyncio.run(_order_list(settings))


async def _order_list(settings: Settings) -> int:
    async with open_store(settings.store, read_only=True) as store:
        show(tables.orders(await ledger.orders(store)))
    return 0
