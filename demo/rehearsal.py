"""A whole plant in one process, from registers to the store, on a driven clock."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import aiomqtt
from msgspec import Struct

from collector import collector
from collector.config import load as load_collector
from contract import topics
from contract.messages import Lease, Order, encode
from contract.records import Interval
from contract.series import USAGE, fact_of
from demo import announce, files
from demo.driven import DrivenClock
from demo.files import Place
from demo.truth import Verdict, Watch, by_machine, compare, stored_time
from edge_agent.agent import Agent, opened
from edge_agent.config import load as load_agent
from simulators.ledger import Account, ledger
from simulators.modbus import serve
from simulators.plant import Plant
from simulators.script import Script, build_scripts
from simulators.shown import as_shown
from store.protocol import Store

_STEP_MS: Final = 60_000
_PATIENCE_S: Final = 30.0
"""How long a message may take that takes milliseconds when all is well."""

Progress = Callable[[int], None]
"""Told how much of the shift has passed, ms."""


class Shift(Struct, frozen=True):
    """A shift that was rehearsed."""

    start_ms: int
    end_ms: int
    poll_ms: int
    scripts: dict[str, Script]


async def rehearse(plant: Plant, start_ms: int, place: Place, progress: Progress = lambda _: None) -> Shift:
    """Runs the plant's shift from ``start_ms`` (UTC) until every record has its receipt."""
    scripts = build_scripts(plant, start_ms)
    clock = DrivenClock(start_ms, workers=len(plant.machines) + 2)
    async with serve(scripts, clock.wall_ms) as addresses, asyncio.TaskGroup() as tasks:
        files.write(place, plant, addresses)
        listening = asyncio.Event()
        collecting = tasks.create_task(
            collector.run(load_collector(place.collector), now=clock.wall_ms, ready=listening)
        )
        await listening.wait()
        async with opened(load_agent(place.agent), clock) as agent:
            stop = asyncio.Event()
            metering = tasks.create_task(agent.run(stop))
            tasks.create_task(_office(plant, start_ms, place, clock, agent))
            for passed in range(0, plant.duration_ms, _STEP_MS):
                progress(passed)
                await clock.sleep_until(min(passed + _STEP_MS, plant.duration_ms))
            stop.set()
            await metering
            progress(plant.duration_ms)
        collecting.cancel()
    return Shift(start_ms, start_ms + plant.duration_ms, plant.poll_ms, scripts)


async def _office(plant: Plant, start_ms: int, place: Place, clock: DrivenClock, agent: Agent) -> None:
    """Announces orders at once and each lease in its time. Time waits until the agent has heard."""
    async with aiomqtt.Client("127.0.0.1", place.broker_port, identifier="plant-office") as client:
        orders = announce.orders(plant, start_ms)
        for order in orders:
            await _publish(client, topics.order(plant.site, order.order_id), order)
        await _heard(lambda: len(agent.announced) == len(orders))
        for said in announce.leases(plant, start_ms):
            if said.at > clock.mono_ms():
                await clock.sleep_until(said.at)
            await _publish(client, topics.lease(plant.site, said.lease.machine), said.lease)
            await _heard(partial(_knows, agent, said.lease))
    clock.leave()


async def _publish(client: aiomqtt.Client, topic: str, message: Lease | Order) -> None:
    await client.publish(topic, encode(message), qos=1, retain=True)


def _knows(agent: Agent, lease: Lease) -> bool:
    return any(held.lease_id == lease.id for held in agent.machines[lease.machine].leases)


async def _heard(has_heard: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not has_heard():  # noqa: ASYNC110  the agent does not tell what it hears
            await asyncio.sleep(0.001)


async def judge(shift: Shift, store: Store) -> Verdict:
    """The stored usage of the shift against the machines' own ledgers."""
    rows = store.read(USAGE, shift.start_ms, shift.end_ms)
    stored = [fact async for row in rows if isinstance(fact := fact_of(row), Interval)]
    return verdict(shift, stored)


def verdict(shift: Shift, stored: list[Interval]) -> Verdict:
    """A rehearsal has no faults: every machine was watched through the whole shift."""
    watch = Watch(start=shift.start_ms, end=shift.end_ms, poll_ms=shift.poll_ms)
    return compare(stored, accounts(shift.scripts, stored), watch=watch)


def accounts(scripts: dict[str, Script], stored: list[Interval]) -> dict[str, Account]:
    """Each machine's account of the very time that is stored, as far as its registers show it.

    Of all its time, if nothing is stored.
    """
    own = by_machine(stored)
    return {
        name: as_shown(
            ledger({name: script}, *(stored_time(own[name]) if name in own else (None, None))), scripts
        ).machines[name]
        for name, script in scripts.items()
    }
