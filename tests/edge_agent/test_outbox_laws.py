"""Law: whatever is lost, doubled, late or cut short, every record ends once, or is still held."""

import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.chain import GENESIS, link
from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException, decode_record
from contract.records import Loss
from edge_agent.held import Put, Sealed
from edge_agent.outbox import Outbox
from tests.edge_agent.losses import loss

Name = tuple[str, str, int]
ENDS = (Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REJECTED, Outcome.KEPT)
PLACES = {2: Outcome.ACCEPTED, 3: Outcome.REJECTED}
IN_FLIGHT = 3


def named(name: Name) -> Loss:
    machine, epoch, sequence = name
    return loss(sequence, machine, epoch)


def names_of(sealed: Sealed) -> list[Name]:
    records = map(decode_record, msgspec.json.decode(sealed.payload, type=Batch).records)
    return [(record.machine, record.epoch, record.sequence) for record in records]


class Custody(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = 1_795_305_600_000
        self.next_sequence: dict[tuple[str, str], int] = {}
        self.fates: dict[Name, Outcome | None] = {}
        """None while no receipt has ended the record."""
        self.digests: dict[Name, str] = {}
        self.flying: list[Sealed] = []
        self.receipts: list[Receipt] = []
        self.checkpoints: dict[str, bytes] = {}
        self.outbox = self.opened()

    def opened(self) -> Outbox:
        return Outbox.open(
            self.folder / "outbox.db",
            site="s",
            gateway="g",
            limit_bytes=10**6,
            ring_bytes=10**9,
            ring_ms=10**15,
        )

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.folder)

    @rule(
        puts=st.lists(
            st.tuples(st.sampled_from("ab"), st.sampled_from(["e1", "e2"]), st.integers(0, 6)), max_size=4
        )
    )
    def put(self, puts: list[tuple[str, str, int]]) -> None:
        wanted = []
        for machine, epoch, count in puts:
            first = self.next_sequence.get((machine, epoch), 0)
            self.next_sequence[machine, epoch] = first + count
            names = [(machine, epoch, sequence) for sequence in range(first, first + count)]
            self.fates.update(dict.fromkeys(names))
            self.checkpoints[machine] = f"{epoch} {first + count}".encode()
            wanted.append(
                Put(
                    machine=machine,
                    records=tuple(map(named, names)),
                    checkpoint=self.checkpoints[machine],
                )
            )
        self.outbox.commit(wanted)

    @rule(limit=st.integers(400, 3000))
    def seal(self, limit: int) -> None:
        free = IN_FLIGHT - len(self.flying)
        sealed = self.outbox.seal(self.now, "s-1", in_flight=IN_FLIGHT, limit=limit)
        assert len(sealed) <= free
        for batch in sealed:
            for raw in msgspec.json.decode(batch.payload, type=Batch).records:
                record = decode_record(raw)
                name = record.machine, record.epoch, record.sequence
                assert self.fates[name] is None
                assert self.digests.setdefault(name, record.digest) == record.digest
        self.flying += sealed

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def collector_answers(self, data: st.DataObject) -> None:
        """The receipt is made, and may be lost: it only counts when it is delivered."""
        batch = data.draw(st.sampled_from(self.flying))
        names = names_of(batch)
        outcomes = data.draw(st.lists(st.sampled_from(ENDS), min_size=len(names), max_size=len(names)))
        exceptions = [
            RecordException(
                machine=name[0],
                epoch=name[1],
                sequence=name[2],
                outcome=outcome,
                reason=ExceptionReason.STORE,
                detail="",
            )
            for name, outcome in zip(names, outcomes, strict=True)
            if outcome is not Outcome.ACCEPTED
        ]
        self.receipts.append(
            Receipt(
                batch=batch.id,
                collector="c",
                at=self.now,
                records=len(names),
                accepted=len(names) - len(exceptions),
                unreadable=data.draw(st.sampled_from([None, None, None, "what is this"])),
                retry_after_ms=data.draw(st.sampled_from([0, 45_000])),
                exceptions=exceptions,
            )
        )

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), miscounted=st.sampled_from([0, 0, 0, 1]))
    def receipt_arrives(self, data: st.DataObject, miscounted: int) -> None:
        """Any receipt ever made: first, again, or long after another one ended the batch."""
        receipt = data.draw(st.sampled_from(self.receipts))
        receipt = msgspec.structs.replace(receipt, accepted=receipt.accepted + miscounted)
        batch = next((batch for batch in self.flying if batch.id == receipt.batch), None)
        done = self.outbox.settle(receipt, self.now)
        assert done.known == (batch is not None)
        if batch is None or miscounted or receipt.unreadable:
            assert (done.complaint is not None) == done.known
            return
        assert done.complaint is None
        assert done.accepted + done.rejected + done.kept == receipt.records
        self.flying.remove(batch)
        ends = {(e.machine, e.epoch, e.sequence): e.outcome for e in receipt.exceptions}
        for name in names_of(batch):
            outcome = ends.get(name, Outcome.ACCEPTED)
            self.fates[name] = None if outcome is Outcome.KEPT else outcome

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * 1000

    @rule(start=st.integers(0, 10), length=st.integers(0, 10))
    def a_person_sends_again(self, start: int, length: int) -> None:
        again = [name for name, fate in self.fates.items() if fate and start <= name[2] < start + length]
        assert self.outbox.resend(start, start + length) == len(again)
        self.fates.update(dict.fromkeys(again))

    @rule()
    def the_agent_restarts(self) -> None:
        self.outbox.close()
        self.outbox = self.opened()

    @invariant()
    def every_record_has_one_fate(self) -> None:
        rows = self.outbox._db.execute("SELECT machine, epoch, sequence, place FROM record").fetchall()
        assert len(rows) == len(self.fates)
        assert {tuple(name): PLACES.get(place) for *name, place in rows} == self.fates

    @invariant()
    def the_same_bytes_wait(self) -> None:
        assert self.outbox.waiting() == self.flying
        assert self.outbox.checkpoints() == self.checkpoints

    @invariant()
    def the_chain_walks_from_genesis(self) -> None:
        heads: dict[tuple[str, str], str] = {}
        rows = self.outbox._db.execute(
            "SELECT machine, epoch, digest, body FROM record WHERE digest != '' ORDER BY row"
        )
        for machine, epoch, digest, body in rows:
            assert digest == link(heads.get((machine, epoch), GENESIS), body)
            heads[machine, epoch] = digest
        kept = {
            (machine, epoch): head
            for machine, epoch, head in self.outbox._db.execute("SELECT machine, epoch, head FROM life")
            if head != GENESIS
        }
        assert kept == heads

    @invariant()
    def depth_agrees(self) -> None:
        depth = self.outbox.depth()
        held = [fate for fate in self.fates.values() if fate is None]
        assert (depth.records, depth.ring_records) == (len(held), len(self.fates) - len(held))
        assert depth.batches == len(self.flying)


TestCustody = Custody.TestCase
TestCustody.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
