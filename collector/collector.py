"""Puts the collector together: a store, a broker, custody between them."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from collector.amqtt import embedded
from collector.backoff import waits
from collector.clock import plant_clock
from collector.condition import Condition
from collector.config import BrokerConfig, Settings
from collector.gauge_feed import GaugeFeed
from collector.hearing import Hearing
from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.measured import MeasuredStore
from collector.mqtt import Address, BrokerAwayError, connected
from collector.session import Bounds, Session, keep_hearing
from collector.watch import Watch
from daemon.http import Told, serve
from daemon.listen import Listen
from store.gauge_opening import open_gauges
from store.opening import open_store
from store.protocol import Store

log = logging.getLogger(__name__)


async def run(
    settings: Settings,
    *,
    now: Callable[[], int] | None = None,
    store: Store | None = None,
    ready: asyncio.Event | None = None,
    counts: Counter[str] | None = None,
) -> None:
    """Runs until it is cancelled. ``ready`` is set once the collector has subscribed for the first time.

    ``now`` is the plant's clock, UTC ms; the configured one if it is left out, and likewise the store.
    Raises CannotListenError and UnusableStoreError.
    """
    now = now or plant_clock(settings.clock.pair)
    counts = Counter() if counts is None else counts
    async with AsyncExitStack() as stack:
        if store is None:
            store = await stack.enter_async_context(open_store(settings.store))
        address = await stack.enter_async_context(_broker(settings.broker, settings.collector.name))
        store = MeasuredStore(store)
        quarantine = Quarantine(store, now, name=settings.collector.name)
        ingest = Ingest(store, quarantine, now, settings.collector.name, counts)
        session = Session(
            ingest=ingest,
            store=store,
            counts=counts,
            bounds=_bounds(settings),
            now=now,
            shared=settings.broker.shared or "",
        )
        name = settings.collector.name
        feed = None
        if settings.gauges is not None:
            resting = await stack.enter_async_context(open_gauges(settings.gauges))
            feed = GaugeFeed(resting, now, counts, settings.broker.shared or "")
        watch = Watch(name, now, counts, store=store, ingest=ingest, session=session, feed=feed)
        async with asyncio.TaskGroup() as group:
            hearing = Hearing(store, quarantine, now, counts)
            group.create_task(keep_hearing(hearing, session.next_announced), name="hearing")
            group.create_task(_keep_connected(address, session, ready or asyncio.Event()), name="broker")
            group.create_task(watch.tell_systemd(), name="systemd")
            if feed is not None:
                group.create_task(feed.run(lambda: _gauges_client(address())), name="gauges")
            if settings.http is not None:
                group.create_task(_tell_of_itself(settings.http.listen, watch), name="http")


async def _tell_of_itself(at: Listen, watch: Watch) -> None:
    heard = Condition(log, "nobody can ask how it is", "it can be asked again")

    def tell(trouble: str | None) -> None:
        if trouble is None:
            heard.well()
            watch.wrong.pop("http", None)
        else:
            heard.bad(trouble)
            watch.wrong["http"] = "deaf"

    await serve(at, Told(watch.metrics, watch.health), tell)


def _bounds(settings: Settings) -> Bounds:
    config = settings.collector
    return Bounds(
        at_once=config.batches_at_once,
        waiting=config.batches_waiting,
        restore_after_s=config.restore_after_s,
    )


def _gauges_client(address: Address) -> Address:
    """A connection beside custody's: a client id can be connected once."""
    return msgspec.structs.replace(address, client_id=f"{address.client_id}-gauges")


def client_id(name: str) -> str:
    return f"gongfang-collector-{name}"


@asynccontextmanager
async def _broker(config: BrokerConfig, name: str) -> AsyncIterator[Callable[[], Address]]:
    """How to reach the broker, which may run in this process."""
    if not config.embedded:
        yield lambda: config.address(client_id(name))
        return
    user, password = config.username, config.password
    async with embedded(config.host, config.port, username=user, password=password) as (host, port):
        log.info("the embedded broker listens on %s:%d", host, port)
        yield lambda: config.model_copy(update={"port": port}).address(client_id(name))


async def _keep_connected(address: Callable[[], Address], session: Session, ready: asyncio.Event) -> None:
    away = Condition(log, "the broker is away", "the broker is there again")
    is_first = True
    pauses = waits(random.random)
    while True:
        session.attempts += 1
        to = address()
        try:
            async with connected(to) as client:
                await session.open(client)
                pauses = waits(random.random)
                away.well(detail=str(to))
                if is_first:
                    is_first = False
                    log.info("takes batches from the broker at %s", to)
                ready.set()
                await session.serve(client)
        except BrokerAwayError as error:
            away.bad(f"{to}: {error}")
        await asyncio.sleep(next(pauses))
