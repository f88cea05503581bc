"""What a batch waits for, and what it does not: its receipt, told apart from everything else that happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import pytest

from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException, batch_id, encode
from edge_agent.batches import IN_FLIGHT, Batches
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.held import Depth
from edge_agent.mqtt import Broker
from edge_agent.outbox import Outbox
from tests.edge_agent.losses import loss

PASS_S = 0.1
"""Long enough for the sender to look at everything several times."""


class Acknowledging:
    """A broker that says of everything that it has it."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    async def publish(self, _topic: str, payload: bytes) -> None:
        self.payloads.append(payload)


class Rig:
    def __init__(self, commit: GroupCommit, tasks: asyncio.TaskGroup) -> None:
        self.commit, self._tasks = commit, tasks
        self.conflicts: list[tuple[str, str]] = []
        self.batches = Batches(
            commit,
            Conditions(),
            topic="t",
            session="s",
            plant_ms=lambda: 1,
            conflict=lambda machine, epoch: self.conflicts.append((machine, epoch)),
        )
        self.connect()

    def connect(self) -> None:
        """To a broker that knows nothing."""
        self.broker = Acknowledging()
        self._sending = self._tasks.create_task(self.batches.send(cast("Broker", self.broker)))

    def disconnect(self) -> None:
        self._sending.cancel()

    def put(self, sequence: int) -> None:
        self.commit.put("m", (loss(sequence),))
        self.batches.wake()

    async def depth(self) -> Depth:
        return await self.commit.call(Outbox.depth)

    async def sent(self, batches: int) -> list[bytes]:
        async with asyncio.timeout(5):
            while len(self.broker.payloads) < batches:  # noqa: ASYNC110  a list does not tell
                await asyncio.sleep(0.005)
        return self.broker.payloads

    async def answer(
        self,
        payload: bytes,
        outcome: Outcome = Outcome.ACCEPTED,
        reason: ExceptionReason = ExceptionReason.STORE,
        **changes: object,
    ) -> None:
        records = [msgspec.json.decode(raw) for raw in msgspec.json.decode(payload, type=Batch).records]
        exceptions = [
            RecordException(
                machine=record["machine"],
                epoch=record["epoch"],
                sequence=record["sequence"],
                outcome=outcome,
                reason=reason,
                detail="why",
            )
            for record in records
            if outcome is not Outcome.ACCEPTED
        ]
        receipt = Receipt(
            batch=batch_id(payload),
            collector="c",
            at=1,
            records=len(records),
            accepted=len(records) - len(exceptions),
            unreadable=None,
            retry_after_ms=0,
            exceptions=exceptions,
        )
        await self.batches.received(encode(msgspec.structs.replace(receipt, **changes)))


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    for pause in ("commit.LINGER_S", "batches._LINGER_S", "batches._APART_S"):
        monkeypatch.setattr(f"edge_agent.{pause}", 0.002)
    open_outbox: Callable[[], Outbox] = partial(
        Outbox.open,
        tmp_path / "outbox.db",
        site="s",
        gateway="g",
        limit_bytes=10**6,
        ring_bytes=10**6,
        ring_ms=10**9,
    )
    async with GroupCommit(open_outbox) as commit, asyncio.TaskGroup() as tasks:
        committing = tasks.create_task(commit.run())
        kept = Rig(commit, tasks)
        yield kept
        kept.disconnect()
        committing.cancel()


async def test_what_the_broker_acknowledged_waits_for_its_receipt(rig: Rig) -> None:
    rig.put(1)
    [payload] = await rig.sent(1)
    await asyncio.sleep(PASS_S)
    assert ((await rig.depth()).records, rig.batches.in_flight) == (1, 1)
    await rig.answer(payload)
    assert ((await rig.depth()).records, rig.batches.in_flight) == (0, 0)


async def test_on_a_new_connection_what_has_no_receipt_goes_at_once_as_it_was(rig: Rig) -> None:
    rig.put(1)
    before = await rig.sent(1)
    rig.disconnect()
    rig.connect()
    assert await rig.sent(1) == before


async def test_what_is_no_receipt_releases_nothing(rig: Rig) -> None:
    rig.put(1)
    [payload] = await rig.sent(1)
    for said in (b"", b"null", b"\xff", b"[" * 100_000, payload):
        await rig.batches.received(said)
    assert ((await rig.depth()).batches, rig.batches.in_flight) == (1, 1)


async def test_a_conflict_is_told_to_the_meter(rig: Rig) -> None:
    rig.put(1)
    [payload] = await rig.sent(1)
    await rig.answer(payload, Outcome.REJECTED, ExceptionReason.CONFLICT)
    assert rig.conflicts == [("m", "e1")]
    assert (await rig.depth()).rejected == 1


async def test_while_the_store_is_away_what_was_never_offered_stays_so(rig: Rig) -> None:
    rig.put(1)
    [payload] = await rig.sent(1)
    await rig.answer(payload, Outcome.KEPT, retry_after_ms=1)
    rig.put(2)
    await asyncio.sleep(PASS_S)
    assert len(rig.broker.payloads) == 1
    assert ((await rig.depth()).records, (await rig.depth()).batches) == (2, 0)


async def test_a_store_that_asks_for_patience_is_offered_nothing_until_it_is_over(rig: Rig) -> None:
    for sequence in (1, 2):
        rig.put(sequence)
        await rig.sent(sequence)
    away, well = rig.broker.payloads
    await rig.answer(well, retry_after_ms=60_000)
    rig.put(3)
    await asyncio.sleep(PASS_S)
    assert len(rig.broker.payloads) == 2
    await rig.answer(away)
    assert len(await rig.sent(3)) == 3


async def test_batches_that_nobody_can_read_do_not_stop_the_others(rig: Rig) -> None:
    for sequence in range(1, IN_FLIGHT + 2):
        rig.put(sequence)
        payload = (await rig.sent(sequence))[-1]
        await rig.answer(payload, unreadable="no JSON", records=0, accepted=0)
    assert (await rig.depth()).batches == IN_FLIGHT + 1


async def test_records_that_trickle_travel_together(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch costs the disk three commits, so one that is not full waits for company."""
    monkeypatch.setattr("edge_agent.batches._APART_S", 3_600.0)
    rig.put(1)
    [first] = await rig.sent(1)
    await rig.answer(first)
    for sequence in (2, 3):
        rig.put(sequence)
        await asyncio.sleep(PASS_S / 2)
    assert rig.broker.payloads == [first]
    rig.disconnect()
    rig.connect()
    [second] = await rig.sent(1)
    assert len(msgspec.json.decode(second, type=Batch).records) == 2


async def test_enough_for_a_batch_does_not_wait(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A boundary of the grid just after something small was sent."""
    monkeypatch.setattr("edge_agent.batches._APART_S", 3_600.0)
    rig.put(1)
    await rig.answer((await rig.sent(1))[0])
    for sequence in range(2, 102):
        rig.put(sequence)
    assert len(await rig.sent(2)) >= 2


async def test_what_fills_batches_waits_for_nobody(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.batches._APART_S", 3_600.0)
    for sequence in range(1, 2_001):
        rig.put(sequence)
    await rig.commit.flush()
    answered = 0
    async with asyncio.timeout(30):
        while (await rig.depth()).records:
            await rig.answer((await rig.sent(answered + 1))[answered])
            answered += 1
    assert answered >= 2 * IN_FLIGHT
