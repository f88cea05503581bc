"""The four laws over random histories and a network that loses, doubles, delays and reorders what it carries.

Meter, outbox, collector and store are the real ones; only the broker is replaced, by something worse.
"""

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.ingest import Ingest
from collector.isolate import Quarantine
from contract import topics
from contract.chain import GENESIS, is_linked
from contract.messages import Receipt
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.series import LOSS, METER, QUARANTINE, STATE, USAGE, fact_of
from edge_agent.held import Put, Sealed
from edge_agent.outbox import Outbox
from store.protocol import Store
from store.sqlite import open_sqlite
from tests.edge_agent.meter_bench import EIGHT
from tests.edge_agent.test_meter_laws import HISTORIES, Moment, by_epoch, live

TOPIC = topics.parse(topics.batch("qinghe", "gw-1"))
NOW = EIGHT + 400 * 24 * 3_600_000


class Network:
    """Carries batches one way and receipts the other, badly."""

    def __init__(self, directory: Path, ingest: Ingest, dice: random.Random) -> None:
        self.directory, self.ingest, self.dice = directory, ingest, dice
        self.outbox = self._open()
        self.receipts: list[Receipt] = []
        self.sent: list[Sealed] = []
        self.clock = NOW

    def _open(self) -> Outbox:
        return Outbox.open(
            self.directory / "outbox.db",
            site="qinghe",
            gateway="gw-1",
            limit_bytes=1 << 30,
            ring_bytes=1 << 30,
            ring_ms=1 << 40,
        )

    async def something_happens(self) -> None:
        self.clock += 60_000
        match self.dice.choice(
            ["seal", "send", "send", "late", "receipt", "receipt", "doubled", "power cut"]
        ):
            case "seal":
                self.outbox.seal(self.clock, "s", limit=8_192)
            case "send" if self.outbox.waiting():
                await self._carry(self.dice.choice(self.outbox.waiting()))
            case "late" if self.sent:  # a batch that a broker kept, delivered once more
                await self._carry(self.dice.choice(self.sent))
            case "receipt" if self.receipts:
                self._settle(self.receipts.pop(self.dice.randrange(len(self.receipts))))
            case "doubled" if self.receipts:
                self._settle(self.dice.choice(self.receipts))
            case "power cut":
                self.outbox.close()
                self.outbox = self._open()
            case _:
                pass

    async def _carry(self, batch: Sealed) -> None:
        self.sent.append(batch)
        assert TOPIC is not None
        receipt = await self.ingest.take(TOPIC, batch.payload)
        if receipt is not None and self.dice.random() < 0.7:
            self.receipts.append(receipt)

    def _settle(self, receipt: Receipt) -> None:
        assert self.outbox.settle(receipt, self.clock).complaint is None

    async def calm_down(self) -> None:
        """Everything works at last; it takes a few rounds, and never more than there are batches."""
        for _ in range(1_000):
            self.clock += 600_000
            if not self.outbox.depth().records:
                return
            self.outbox.seal(self.clock, "s")
            for batch in self.outbox.waiting():
                assert TOPIC is not None
                receipt = await self.ingest.take(TOPIC, batch.payload)
                assert receipt is not None
                self._settle(receipt)
        raise AssertionError(f"never handed over: {self.outbox.depth()}")


async def stored(store: Store) -> list[Record]:
    found: list[Record] = []
    for series in (METER, USAGE, STATE, LOSS):
        async for row in store.read(series, 0, 2**53):
            fact = fact_of(row)
            assert isinstance(fact, Meter | Interval | Transition | Loss)
            found.append(fact)
    return sorted(found, key=lambda record: (record.epoch, record.sequence))


async def deliver(written: list[Record], seed: int) -> tuple[list[Record], list[object]]:
    """What rests in the store after all of ``written`` went through the network, and its quarantine."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        async with open_sqlite(Path(directory) / "store.db") as store:
            quarantine = Quarantine(store, lambda: NOW)
            ingest = Ingest(store, quarantine, lambda: NOW, "c", Counter())
            network = Network(Path(directory), ingest, dice)
            start = 0
            while start < len(written):
                end = start + dice.randint(1, 8)
                network.outbox.commit([Put(machine="knit-01", records=tuple(written[start:end]))])
                for _ in range(dice.randint(0, 6)):
                    await network.something_happens()
                start = end
            await network.calm_down()
            network.outbox.close()
            isolated = [fact_of(row) async for row in store.read(QUARANTINE, 0, 2**53)]
            return await stored(store), list(isolated)


@given(HISTORIES, st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_whatever_the_network_does_the_store_holds_each_record_once(history: list[Moment], seed: int) -> None:
    written = live(history).written
    found, isolated = asyncio.run(deliver(written, seed))
    assert isolated == []
    unsealed = [msgspec.structs.replace(record, digest="") for record in found]
    assert unsealed == sorted(written, key=lambda record: (record.epoch, record.sequence))
    for chain in by_epoch(found).values():
        previous = GENESIS
        for record in chain:
            assert is_linked(record, previous)
            previous = record.digest
