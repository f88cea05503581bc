"""The plant's office: announces orders and leases, and repeats each until the store has it.

From then on a broker that forgets must get it back from the store, and not from here. A lease is said when
the one before it on its machine has begun, so that the one topic of a machine never has to hold two.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from collector.mqtt import Address, BrokerAwayError, connected
from contract import topics
from contract.facts import LeaseFact, OrderFact
from contract.messages import Lease, Order, encode
from contract.series import LEASE, ORDER, whole_fact
from demo import announce
from simulators.plant import Plant
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from store.protocol import StoreAwayError, UnusableStoreError

_EVERY_S: Final = 2.0
_HEARD_MS: Final = 180_000
"""A lease has been in force so long (plant time) before the next one takes its topic."""


class Due(Struct, frozen=True):
    """What has to be said, from when (plant ms)."""

    at: int
    topic: str
    message: Lease | Order


def sayings(plant: Plant, start_ms: int) -> list[Due]:
    """Everything that the office will say, the orders first."""
    orders = [
        Due(0, topics.order(plant.site, order.order_id), order) for order in announce.orders(plant, start_ms)
    ]
    return [*orders, *sorted(_leases(plant, start_ms), key=lambda due: due.at)]


def _leases(plant: Plant, start_ms: int) -> Iterator[Due]:
    said = announce.leases(plant, start_ms)
    for machine in plant.machines:
        before = 0
        for number, lease in enumerate(one.lease for one in said if one.lease.machine == machine.name):
            told = replace(lease, issued=start_ms - 3_600_000 + before + number)
            wait = min(_HEARD_MS, (lease.effective - start_ms - before) // 2)
            due = start_ms + before + wait if number else 0
            yield Due(due, topics.lease(plant.site, machine.name), told)
            before = lease.effective - start_ms


async def work(
    dues: Sequence[Due], port: int, config: SqliteConfig | InfluxConfig, plant_ms: Callable[[], int]
) -> None:
    """Returns when the store has everything."""
    left = {due.message.id: due for due in dues}
    while left:
        with contextlib.suppress(StoreAwayError, UnusableStoreError):
            for name in await _kept(config):
                left.pop(name, None)
        now = plant_ms()
        due = [one for one in left.values() if one.at <= now]
        with contextlib.suppress(BrokerAwayError, TimeoutError):
            if due:
                await asyncio.wait_for(_say(due, port), 10)
        await asyncio.sleep(_EVERY_S)


async def _say(dues: Sequence[Due], port: int) -> None:
    async with connected(Address(host="127.0.0.1", port=port, client_id="plant-office")) as client:
        for due in dues:
            await client.publish(due.topic, encode(due.message), qos=1, retain=True)


async def _kept(config: SqliteConfig | InfluxConfig) -> list[str]:
    async with open_store(config, read_only=True) as store:
        rows = [row for series in (LEASE, ORDER) async for row in store.read(series, 0, 2**53)]
    return [fact.id for fact in map(whole_fact, rows) if isinstance(fact, LeaseFact | OrderFact)]
