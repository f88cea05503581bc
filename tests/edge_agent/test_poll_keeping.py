"""What a poller puts into the outbox, and when: records with the checkpoint after them, or that one alone."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from contract.records import Interval, Record
from edge_agent.checkpoint import Checkpoint
from edge_agent.conditions import Conditions
from edge_agent.counts import Counts
from edge_agent.poll import Desk, Poller
from edge_agent.sample import Sample
from tests.edge_agent.meter_bench import COUNTERS, EIGHT, Bench

CHECKPOINT_MS = 10_000


class Clock:
    """Goes on when a test says so, or by ``wakes`` where it is slept by."""

    def __init__(self) -> None:
        self.now = 0
        self.wakes: list[int] = []

    def wall_ms(self) -> int:
        return EIGHT + self.now

    def mono_ms(self) -> int:
        return self.now

    async def sleep_until(self, mono_ms: int) -> None:
        if not self.wakes:
            await asyncio.Event().wait()
        self.now = max(mono_ms, self.wakes.pop(0))


class Polled:
    """A poller whose machine answers with what ``order`` says, and what it put."""

    def __init__(self) -> None:
        self.clock, self.order = Clock(), "none"
        self.puts: list[tuple[Sequence[Record], bytes | None]] = []
        self.shown = 0
        self.counts = Counts()
        desk = Desk(
            clock=cast("Any", self.clock),
            commit=cast("Any", SimpleNamespace(put=lambda _, *what: self.puts.append(what))),
            conditions=Conditions(),
            announced={},
            show=self._show,
            wake=lambda: None,
            checkpoint_ms=CHECKPOINT_MS,
            counts=self.counts,
        )
        self.machine = Bench().machine
        reader = cast("Any", SimpleNamespace(sample=self._sample))
        self.poller = Poller(self.machine, reader, self._read, desk, self.counts.behind("e"))

    def _show(self, _: object) -> None:
        self.shown += 1

    async def _read(self) -> Any:
        return ()

    def _sample(self, _: object, at: int) -> Sample:
        return Sample(
            at=at,
            state="run",
            party="none",
            stop_code=0,
            vendor_code=0,
            order_id=self.order,
            serial=7,
            boot_count=1,
            uptime_s=9_999,
            heartbeat=None,
            readings=dict.fromkeys((counter.name for counter in COUNTERS), 100),
        )

    async def poll(self, at: int) -> None:
        self.clock.now = at
        await self.poller._poll()


@pytest.fixture
def polled() -> Polled:
    return Polled()


async def test_records_go_with_the_checkpoint_that_comes_after_them(polled: Polled) -> None:
    await polled.poll(1_000)
    await polled.poll(2_000)
    polled.order = "20001"
    await polled.poll(3_000)
    for records, checkpoint in polled.puts:
        assert records
        assert checkpoint is not None
        kept = msgspec.json.decode(checkpoint, type=Checkpoint).meter
        assert kept is not None
        assert kept.sequence == records[-1].sequence + 1


async def test_a_checkpoint_alone_goes_every_ten_seconds(polled: Polled) -> None:
    for second in range(1, 40):
        await polled.poll(second * 1_000)
    alone = [checkpoint for records, checkpoint in polled.puts if not records]
    assert len(alone) == 3
    assert None not in alone


async def test_a_night_asleep_is_one_step_and_every_slot_of_it_is_counted(polled: Polled) -> None:
    """A step for each would keep a thousand machines busy for minutes, and their watchdog waiting."""
    night = 8 * 3600
    polled.clock.wakes = [0, 0, night * 1_000, 0, 0]
    polling = asyncio.create_task(polled.poller.run())
    await asyncio.sleep(0)
    polling.cancel()
    skipped = polled.counts.behind("e").polls["skipped"]
    assert (polled.shown, abs(skipped - night) <= 3) == (6, True)
    written = [record for records, _ in polled.puts for record in records] + polled.machine.stop()
    intervals = [record for record in written if isinstance(record, Interval)]
    assert max(interval.unknown_ms for interval in intervals) >= (night - 3) * 1_000
    assert sum(interval.polls_missed for interval in intervals) == skipped
