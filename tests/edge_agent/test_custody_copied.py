"""One outbox becomes two, or a database an older one: the collector's answers keep every fact single.

An outbox, the collector's custody and a SQLite store, without a broker: batches and receipts go by hand.
"""

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from collector.ingest import Ingest
from collector.isolate import Quarantine
from contract.chain import GENESIS, is_linked
from contract.facts import Quarantined
from contract.messages import decode_record
from contract.records import Interval, Loss, Meter, MeterReason, Record
from contract.series import LOSS, METER, QUARANTINE, STATE, USAGE, Series, fact_of
from contract.topics import Topic
from edge_agent.held import Put
from edge_agent.outbox import Outbox
from store.sqlite import SqliteStore, open_sqlite

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
START = 1_795_305_600_000
NOW = START + 30 * 86_400_000
GRID = 300_000
R = TypeVar("R", Interval, Meter)


def golden(kind: type[R], name: str) -> R:
    record = decode_record((GOLDEN / f"{name}.json").read_bytes())
    assert isinstance(record, kind)
    return replace(record, digest="")


INTERVAL, OPENING = golden(Interval, "interval"), golden(Meter, "meter")
TOPIC = Topic("batch", INTERVAL.site, INTERVAL.gateway)


class Gateway:
    """A meter with its outbox: ``work`` counts pieces in each slot of the grid, from where it was before."""

    def __init__(self, path: Path, limit_bytes: int = 10**6) -> None:
        self.path = path
        self.outbox = Outbox.open(
            path,
            site=INTERVAL.site,
            gateway=INTERVAL.gateway,
            limit_bytes=limit_bytes,
            ring_bytes=10**8,
            ring_ms=10**12,
        )
        self.at, self.epoch, self.sequence, self.pieces = START, "e1", 0, 0
        self.put: list[Record] = []
        if before := self.outbox.checkpoints().get("m"):
            at, self.epoch, sequence, pieces = before.decode().split()
            self.at, self.sequence, self.pieces = int(at), int(sequence), int(pieces)
        else:
            self.keep(self.numbered(OPENING, at=START))

    def numbered(self, like: R, **fields: object) -> R:
        if isinstance(like, Interval):
            fields["sequence_first"] = self.sequence
        record = replace(like, machine="m", epoch=self.epoch, sequence=self.sequence, **fields)
        self.sequence += 1
        return record

    def keep(self, *records: Record) -> None:
        checkpoint = f"{self.at} {self.epoch} {self.sequence} {self.pieces}".encode()
        self.outbox.commit([Put(machine="m", records=records, checkpoint=checkpoint)])
        self.put += records

    def work(self, slots: int, each: int = 1, *, until: int | None = None) -> None:
        """``until`` stretches the first slot: what was counted since the checkpoint is in it."""
        for _ in range(slots):
            end = until or self.at + GRID
            until = None
            counts = {"produced": each, "scrap": 0, "rework": 0, "energy_wh": 0, "shots": 0}
            self.pieces += each
            interval = self.numbered(
                INTERVAL,
                start=self.at,
                span_start=self.at,
                duration_ms=end - self.at,
                run_ms=end - self.at,
                stop_tenant_ms=0,
                quantities=counts,
                totals={**counts, "produced": self.pieces},
            )
            self.at = end
            self.keep(interval)

    def renew(self) -> None:
        """A new epoch from where the old one has come to."""
        before, self.epoch = self.epoch, f"{self.epoch}-{self.path.stem}"
        self.sequence = self.pieces = 0
        opening = self.numbered(
            OPENING,
            at=self.at,
            reason=MeterReason.CONFLICT,
            previous_epoch=before,
            previous_end=self.at,
        )
        self.keep(opening)

    async def deliver(self, custody: Ingest, *, receipts: bool = True) -> None:
        """Everything that waits, until there is nothing left; without receipts only what is in flight."""
        now, conflicts = NOW, set()
        while True:
            now += 3_600_000
            self.outbox.seal(now, "s-1")
            waiting = self.outbox.waiting()
            for batch in waiting:
                receipt = await custody.take(TOPIC, batch.payload)
                assert receipt is not None
                if receipts:
                    conflicts |= set(self.outbox.settle(receipt, now).conflicts)
            if not waiting or not receipts:
                break
        if ("m", self.epoch) in conflicts:
            self.renew()

    def relieve(self) -> None:
        for _ in range(10):
            self.outbox.relieve()


class Site:
    """A store with the collector before it, and the gateways."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = AsyncExitStack()
        self._gateways: list[Gateway] = []

    async def start(self, database: str = "store.db") -> None:
        self.store: SqliteStore = await self._open.enter_async_context(open_sqlite(self.folder / database))
        self.custody = Ingest(
            self.store, Quarantine(self.store, lambda: NOW), lambda: NOW, "c-1", Counter[str]()
        )

    async def stop_store_and_copy(self, name: str) -> None:
        """A backup of the database, as of now."""
        await self._open.aclose()
        shutil.copy(self.folder / "store.db", self.folder / name)
        await self.start()

    async def stop(self) -> None:
        for gateway in self._gateways:
            gateway.outbox.close()
        await self._open.aclose()

    def gateway(self, name: str, limit_bytes: int = 10**6) -> Gateway:
        self._gateways.append(Gateway(self.folder / f"{name}.db", limit_bytes))
        return self._gateways[-1]

    def copy(self, gateway: Gateway, name: str, limit_bytes: int = 10**6) -> Gateway:
        """As a card is cloned or a backup restored: the file and its log, at one moment."""
        for ending in ("", "-wal"):
            beside = gateway.path.with_name(gateway.path.name + ending)
            if beside.exists():
                shutil.copy(beside, self.folder / f"{name}.db{ending}")
        return self.gateway(name, limit_bytes)

    async def facts(self, *series: Series) -> list[Record]:
        rows = [row for one in series async for row in self.store.read(one, START - 1, NOW)]
        return [fact for row in rows if isinstance(fact := fact_of(row), Record)]

    async def usage(self) -> list[Interval]:
        return [fact for fact in await self.facts(USAGE) if isinstance(fact, Interval)]

    async def quarantined(self) -> set[tuple[str, int]]:
        rows = self.store.read(QUARANTINE, NOW - 1, NOW + 86_400_000)
        facts = [fact_of(row) async for row in rows]
        return {(fact.epoch, fact.sequence) for fact in facts if isinstance(fact, Quarantined)}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    await made.start()
    yield made
    await made.stop()


def pieces(intervals: Iterable[Interval]) -> int:
    return sum(interval.quantities["produced"] for interval in intervals)


def assert_single(intervals: Iterable[Interval]) -> None:
    """Within each epoch no instant and no sequence is there twice."""
    by_epoch: dict[str, list[Interval]] = {}
    for interval in sorted(intervals, key=lambda interval: interval.start):
        by_epoch.setdefault(interval.epoch, []).append(interval)
    for line in by_epoch.values():
        for one, other in pairwise(line):
            assert one.end <= other.start
            assert one.sequence < other.sequence_first


async def test_what_was_in_flight_when_the_copy_was_made_is_stored_once(site: Site) -> None:
    first = site.gateway("first")
    first.work(6)
    first.outbox.seal(NOW, "s-1")
    first.work(3)
    second = site.copy(first, "second")
    await first.deliver(site.custody)
    await second.deliver(site.custody)
    assert await site.quarantined() == set()
    assert pieces(await site.usage()) == 9
    assert (first.epoch, second.epoch) == ("e1", "e1")


async def test_a_restored_outbox_finds_its_names_taken_and_opens_a_new_epoch(site: Site) -> None:
    """Slots 0 to 9 by the first gateway; the second, restored from slot 4, meters on from slot 12."""
    first = site.gateway("first")
    first.work(4)
    await first.deliver(site.custody)
    second = site.copy(first, "second")
    first.work(6)
    await first.deliver(site.custody)
    second.work(1, each=8, until=START + 12 * GRID)  # the six that the first counted, and two more
    await second.deliver(site.custody)
    assert second.epoch == "e1-second"
    second.work(5)
    await second.deliver(site.custody)
    usage = await site.usage()
    assert_single(usage)
    assert pieces(usage) == 10 + 5
    assert await site.quarantined() == {("e1", 5)}
    (opened,) = [fact for fact in await site.facts(METER) if fact.epoch == "e1-second"]
    assert isinstance(opened, Meter)
    assert (opened.reason, opened.previous_epoch) == (MeterReason.CONFLICT, "e1")
    (told,) = second.outbox.rejected()
    assert (told.sequence, told.reason) == (5, "conflict")


async def test_two_copies_that_both_go_on_end_in_epochs_of_their_own(site: Site) -> None:
    first = site.gateway("first")
    first.work(3)
    second = site.copy(first, "second")
    for turn in range(6):
        first.work(2, each=1)
        second.work(2, each=100)
        for gateway in (first, second) if turn % 2 else (second, first):
            await gateway.deliver(site.custody)
    usage = await site.usage()
    assert_single(usage)
    stored = {(fact.epoch, fact.sequence): fact for fact in await site.facts(USAGE, METER)}
    quarantined = await site.quarantined()
    for record in (*first.put, *second.put):
        name = record.epoch, record.sequence
        one = stored.get(name)
        assert one is not None
        assert replace(one, digest="") == record or name in quarantined
    assert {first.epoch, second.epoch} - {"e1"}
    names = {(record.epoch, record.sequence) for record in (*first.put, *second.put)}
    assert stored.keys() == names


@pytest.mark.parametrize("merged_first", [True, False])
async def test_a_copy_that_merged_and_one_that_did_not_count_nothing_twice(
    site: Site, *, merged_first: bool
) -> None:
    first = site.gateway("first")
    first.work(24)
    second = site.copy(first, "second", limit_bytes=3000)
    second.relieve()
    assert second.outbox.depth().records == 3
    gateways = (second, first) if merged_first else (first, second)
    for gateway in gateways:
        await gateway.deliver(site.custody)
    usage = await site.usage()
    assert_single(usage)
    assert pieces(usage) == 24
    assert gateways[1].epoch != "e1"


async def test_a_database_restored_from_an_older_copy_is_refilled(site: Site) -> None:
    gateway = site.gateway("first", limit_bytes=12_000)
    gateway.work(5)
    await gateway.deliver(site.custody)
    await site.stop_store_and_copy("old.db")
    gateway.work(30)
    gateway.relieve()  # some of what comes is merged
    await gateway.deliver(site.custody)
    gateway.work(5)
    await gateway.deliver(site.custody)
    before = await site.facts(USAGE, METER, LOSS, STATE)
    assert pieces(await site.usage()) == 40
    await site.start("old.db")
    assert pieces(await site.usage()) == 5
    assert gateway.outbox.resend(START, NOW) == gateway.outbox.depth().records > 0
    await gateway.deliver(site.custody, receipts=False)  # a receipt may be lost on the way, too
    await gateway.deliver(site.custody)
    missing = {(fact.epoch, fact.sequence) for fact in before if fact not in await site.facts(USAGE, METER)}
    assert missing == set()
    assert await site.quarantined() == set()
    assert gateway.epoch == "e1"
    walk(await site.facts(USAGE, METER, LOSS, STATE))


def walk(records: Iterable[Record]) -> None:
    """The chain, from the database alone."""
    previous = GENESIS
    for record in sorted(records, key=lambda record: record.sequence):
        assert is_linked(record, previous)
        previous = record.digest


async def test_the_chain_of_merged_and_lost_records_walks_from_the_database(site: Site) -> None:
    gateway = site.gateway("first", limit_bytes=6000)
    for _ in range(40):
        gateway.work(3)
        gateway.relieve()
    await gateway.deliver(site.custody)
    assert await site.quarantined() == set()
    stored = await site.facts(USAGE, METER, LOSS, STATE)
    walk(stored)
    (loss,) = [fact for fact in stored if isinstance(fact, Loss)]
    usage = await site.usage()
    assert pieces(usage) + loss.records == 120
    assert loss.end == min(interval.start for interval in usage)
    assert usage[0].totals["produced"] - usage[0].quantities["produced"] == loss.records
