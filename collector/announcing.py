"""The commands that announce a lease or an order, and see that a collector kept it as a fact."""

import asyncio
import contextlib
from typing import Final

import msgspec

from collector import announce, ledger, remarks
from collector.announce import new_id
from collector.announcement import order_of
from collector.clock import plant_clock
from collector.config import Settings
from collector.mqtt import connected
from collector.restore import latest_orders
from collector.terminal import say, warn
from contract.facts import LeaseFact, OrderFact
from contract.messages import Lease, Order
from contract.series import LEASE, ORDER
from store.config import StoreConfig
from store.opening import open_store
from store.protocol import Store, StoreAwayError, UnusableStoreError

CONFIRM_S: Final = 10.0
POLL_S: Final = 0.2


def lease(settings: Settings, site: str, message: Lease) -> int:
    """Publishes it and returns the exit code. Raises BrokerAwayError."""
    return asyncio.run(_lease(settings, site, message))


def order(settings: Settings, site: str, message: Order, *, force: bool) -> int:
    """``force``: even if the order is open for another tenant."""
    return asyncio.run(_order(settings, site, message, force=force))


def close(settings: Settings, site: str, order_id: str, by: str | None) -> int:
    return asyncio.run(_close(settings, site, order_id, by))


async def _lease(settings: Settings, site: str, message: Lease) -> int:
    # A store that cannot be asked now has its say below, once the broker has the lease.
    with contextlib.suppress(StoreAwayError, UnusableStoreError):
        async with open_store(settings.store, read_only=True) as store:
            machines = [machine for at, machine in await ledger.metered(store) if at == site]
        for remark in remarks.of_lease(site, message, machines):
            warn(remark)
    return await _announce(settings, site, message)


async def _order(settings: Settings, site: str, message: Order, *, force: bool) -> int:
    with contextlib.suppress(StoreAwayError, UnusableStoreError):
        async with open_store(settings.store, read_only=True) as store:
            objection = remarks.of_order(site, message, await ledger.orders(store))
        if objection and not force:
            warn(objection)
            return 1
    return await _announce(settings, site, message)


async def _close(settings: Settings, site: str, order_id: str, by: str | None) -> int:
    async with open_store(settings.store, read_only=True) as store:
        known = latest_orders(await ledger.orders(store))
    mine = [fact for fact in known if (fact.site, fact.order_id) == (site, order_id)]
    if not mine:
        say(f"No order {order_id} of site {site} is stored; `order list` shows what there is.")
        return 1
    now = plant_clock(settings.clock.pair)()
    message = msgspec.structs.replace(
        order_of(mine[0]), id=new_id("order"), by=by or mine[0].by, closed=True, issued=now
    )
    return await _announce(settings, site, message)


async def _announce(settings: Settings, site: str, message: Lease | Order) -> int:
    async with connected(settings.broker.address(f"gongfang-{message.id}")) as client:
        if isinstance(message, Lease):
            await announce.publish_lease(client, site, message)
        else:
            await announce.publish_order(client, site, message)
    async with open_store(settings.store, read_only=True) as store:
        kept = await _is_kept(store, site, message)
    if kept:
        say(f"{message.id}: announced, and kept by a collector.")
        return 0
    say(
        f"{message.id}: the broker has it, but no collector kept it within {CONFIRM_S:.0f} s in"
        f" {_named(settings.store)}, the store of this configuration. It is retained and"
        " will be kept when one is there; see also `quarantine list`."
    )
    return 1


def _named(store: StoreConfig) -> str:
    return f"database {store.database} at {store.url}" if store.kind == "influx" else str(store.path)


async def _is_kept(store: Store, site: str, message: Lease | Order) -> bool:
    for _ in range(int(CONFIRM_S / POLL_S)):
        try:
            if await _has(store, site, message):
                return True
        except StoreAwayError:
            pass
        await asyncio.sleep(POLL_S)
    return False


async def _has(store: Store, site: str, message: Lease | Order) -> bool:
    facts: list[LeaseFact] | list[OrderFact]
    if isinstance(message, Lease):
        facts = await ledger.read(store, LEASE, LeaseFact, message.issued, site=site, machine=message.machine)
    else:
        facts = await ledger.read(store, ORDER, OrderFact, message.issued, site=site)
    return any(fact.id == message.id for fact in facts)
