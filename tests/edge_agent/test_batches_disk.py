"""While the disk takes nothing what is sealed goes on its way, receipts wait, and the agent stands.

SQLite is told to write no more, as on a disk that has become read-only.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from sqlite3 import Connection
from typing import Any, cast

import pytest

from contract.clock import REAL
from contract.messages import Order, Receipt, batch_id, encode
from edge_agent.batches import Batches
from edge_agent.clock import SystemClock
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.counts import Counts
from edge_agent.hearing import Hearing
from edge_agent.mqtt import Arrival, Broker
from edge_agent.outbox import Outbox
from edge_agent.poll import Desk
from tests.edge_agent.losses import loss


class Taken:
    """A broker that takes everything."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    async def publish(self, _topic: str, payload: bytes) -> None:
        self.payloads.append(payload)


class Rig:
    def __init__(self, commit: GroupCommit, db: Connection) -> None:
        self.commit, self._db, self.broker = commit, db, Taken()
        self.batches = Batches(
            commit,
            Conditions(),
            topic="t",
            session="s",
            plant_ms=lambda: 1,
            conflict=lambda *_: None,
        )

    async def disk(self, *, takes: bool) -> None:
        await self.commit.call(lambda _: self._db.execute(f"PRAGMA query_only = {int(not takes)}"))

    def put(self, sequence: int) -> None:
        self.commit.put("m", (loss(sequence),))
        self.batches.wake()

    async def depth(self) -> int:
        return (await self.commit.call(Outbox.depth)).records

    async def until_sent(self, batches: int) -> None:
        async with asyncio.timeout(20):
            while len(self.broker.payloads) < batches:  # noqa: ASYNC110  a list does not tell
                await asyncio.sleep(0.02)

    async def answer(self, payload: bytes, records: int = 1) -> None:
        receipt = Receipt(
            batch=batch_id(payload),
            collector="c",
            at=1,
            records=records,
            accepted=records,
            unreadable=None,
            retry_after_ms=0,
            exceptions=[],
        )
        await self.batches.received(encode(receipt))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    opened: list[Outbox] = []

    def open_outbox() -> Outbox:
        limits: dict[str, Any] = {"limit_bytes": 10**6, "ring_bytes": 10**6, "ring_ms": 10**9}
        opened.append(Outbox.open(tmp_path / "outbox.db", site="s", gateway="g", **limits))
        return opened[0]

    async with GroupCommit(open_outbox) as commit, asyncio.TaskGroup() as tasks:
        kept = Rig(commit, opened[0]._db)
        running = [
            tasks.create_task(commit.run()),
            tasks.create_task(kept.batches.send(cast("Broker", kept.broker))),
        ]
        yield kept
        await kept.disk(takes=True)
        for task in running:
            task.cancel()


async def test_a_full_disk_does_not_end_the_agent_and_what_waits_goes_when_there_is_room(rig: Rig) -> None:
    rig.put(1)
    await rig.until_sent(1)
    await rig.disk(takes=False)
    rig.put(2)
    await rig.answer(rig.broker.payloads[0])
    await asyncio.sleep(1.5)
    assert await rig.depth() == 1, "the receipt was not followed, and the second record has no place yet"
    await rig.disk(takes=True)
    await rig.answer(rig.broker.payloads[0])
    await rig.until_sent(2)
    await rig.answer(rig.broker.payloads[-1])
    assert await rig.depth() == 0


async def test_an_order_heard_while_the_disk_is_full_is_known_all_the_same(rig: Rig) -> None:
    announced: dict[str, str] = {}
    desk = Desk(
        clock=SystemClock(REAL),
        commit=rig.commit,
        conditions=Conditions(),
        announced=announced,
        show=lambda _: None,
        wake=lambda: None,
        checkpoint_ms=1,
        counts=Counts(),
    )
    order = Order(
        id="o1",
        order_id="7",
        tenant="hengxin",
        article="a",
        by="office",
        wanted=1,
        due=None,
        closed=False,
        issued=1,
    )
    await rig.disk(takes=False)
    hearing = Hearing({}, desk, rig.batches, "s")
    await hearing.hear(Arrival("gongfang/v1/s/order/7", encode(order), retained=True))
    assert announced == {"7": "hengxin"}
