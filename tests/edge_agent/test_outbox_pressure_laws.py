"""Law: whatever the pressure, each record that was put is receipted, held or named lost, and only once.

Random histories of machines, with pressure, offers, receipts, restarts and sending again. The collector's own
judgement is asked of every batch.
"""

import shutil
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from collector.judge import judge
from contract.chain import GENESIS, is_linked
from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException, decode_record
from contract.records import Interval, Loss, Meter, Record, Transition
from contract.states import TIME_FIELDS
from edge_agent.held import Put, Sealed
from edge_agent.outbox import Outbox

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
INTERVAL, METER, TRANSITION = (
    replace(decode_record((GOLDEN / f"{name}.json").read_bytes()), digest="")
    for name in ("interval", "meter", "transition")
)
START = 1_795_305_600_000
LIMIT = 8000  # some eight intervals
Name = tuple[str, str, int]


def name_of(record: Record) -> Name:
    return record.machine, record.epoch, record.sequence


def first_of(record: Record) -> int:
    return record.sequence_first if isinstance(record, Interval | Loss) else record.sequence


class Life:
    """A meter that runs, turns and changes hands."""

    def __init__(self, machine: str, epoch: str) -> None:
        self.machine, self.epoch = machine, epoch
        self.at, self.pieces = START, 0
        self.records: list[Record] = []
        self._add(METER, at=START)

    def _add(self, like: Record, **fields: object) -> None:
        sequence = len(self.records)
        if isinstance(like, Interval):
            fields["sequence_first"] = sequence
        record = replace(like, machine=self.machine, epoch=self.epoch, sequence=sequence, **fields)
        self.records.append(record)

    def turn(self) -> None:
        if not isinstance(self.records[-1], Transition):
            since = self.at - 1000
            self._add(TRANSITION, at=self.at, span_start=since, span_ms=1000, span_since=since)

    def run(self, duration: int, pieces: int, tenant: str) -> None:
        self.pieces += pieces
        counts = {"produced": pieces, "scrap": 0, "rework": 0, "energy_wh": 2 * pieces, "shots": 0}
        totals = {**counts, "produced": self.pieces, "energy_wh": 2 * self.pieces}
        self._add(
            INTERVAL,
            start=self.at,
            span_start=self.at,
            duration_ms=duration,
            run_ms=duration - 1,
            stop_tenant_ms=1,
            tenant=tenant,
            quantities=counts,
            totals=totals,
        )
        self.at += duration


STEP = st.tuples(
    st.sampled_from([300_000, 300_000, 300_000, 77_777]),
    st.integers(0, 5),
    st.sampled_from(["zhang", "zhang", "zhang", "li"]),
    st.sampled_from([False, False, True]),
)


class Pressed(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = 2 * START  # the collector's clock is later than everything
        self.lives = {("a", "e1"): Life("a", "e1"), ("b", "e1"): Life("b", "e1")}
        self.put = dict.fromkeys(self.lives, 0)
        self.sent: dict[Name, Record] = {}
        """As first offered: these bytes may be in the store."""
        self.ended: set[Name] = set()
        self.flying: list[Sealed] = []
        self.outbox = self.opened()

    def opened(self) -> Outbox:
        return Outbox.open(
            self.folder / "outbox.db",
            site=INTERVAL.site,
            gateway=INTERVAL.gateway,
            limit_bytes=LIMIT,
            ring_bytes=10**9,
            ring_ms=10**15,
        )

    def teardown(self) -> None:
        self.settle_everything()
        self.every_record_is_somewhere_once()
        self.outbox.close()
        shutil.rmtree(self.folder)

    @rule(life=st.sampled_from(["a", "b"]), steps=st.lists(STEP, min_size=1, max_size=20))
    def a_machine_works(self, life: str, steps: list[tuple[int, int, str, bool]]) -> None:
        name = max(key for key in self.lives if key[0] == life)
        meter = self.lives[name]
        for duration, pieces, tenant, turns in steps:
            if turns:
                meter.turn()
            meter.run(duration, pieces, tenant)
        new = tuple(meter.records[self.put[name] :])
        self.put[name] = len(meter.records)
        self.outbox.commit([Put(machine=life, records=new)])

    @rule(life=st.sampled_from(["a", "b"]))
    def an_epoch_begins(self, life: str) -> None:
        last = max(key for key in self.lives if key[0] == life)
        name = (life, f"e{int(last[1][1:]) + 1}")
        self.lives[name] = Life(*name)
        self.lives[name].at = self.lives[last].at
        self.put[name] = 0

    @rule(times=st.integers(1, 6))
    def pressure_is_relieved(self, times: int) -> None:
        for _ in range(times):
            self.outbox.relieve()

    @rule(limit=st.integers(1500, 6000), fresh=st.booleans())
    def batches_are_offered(self, limit: int, *, fresh: bool) -> None:
        sealed = self.outbox.seal(self.now, "s-1", in_flight=3, limit=limit, fresh=fresh)
        for batch in sealed:
            self.judge(batch)
        self.flying += sealed

    def judge(self, sealed: Sealed) -> None:
        batch = msgspec.json.decode(sealed.payload, type=Batch)
        for entry in judge(batch, self.now):
            assert entry.verdict is None, entry.verdict
            assert entry.record is not None
            assert self.sent.setdefault(entry.name, entry.record) == entry.record

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def a_receipt_comes(self, data: st.DataObject, outcome: Outcome) -> None:
        """One that is lost is one that does not come."""
        batch = data.draw(st.sampled_from(self.flying))
        names = [name_of(record) for record in self.records_of(batch)]
        excepted = [] if outcome is Outcome.ACCEPTED else data.draw(st.lists(st.sampled_from(names)))
        self.settle(batch, outcome, set(excepted))

    def records_of(self, batch: Sealed) -> list[Record]:
        return [decode_record(raw) for raw in msgspec.json.decode(batch.payload, type=Batch).records]

    def settle(self, batch: Sealed, outcome: Outcome, excepted: set[Name]) -> None:
        names = [name_of(record) for record in self.records_of(batch)]
        exceptions = [
            RecordException(
                machine=machine,
                epoch=epoch,
                sequence=sequence,
                outcome=outcome,
                reason=ExceptionReason.STORE,
                detail="",
            )
            for machine, epoch, sequence in excepted
        ]
        receipt = Receipt(
            batch=batch.id,
            collector="c",
            at=self.now,
            records=len(names),
            accepted=len(names) - len(excepted),
            unreadable=None,
            retry_after_ms=0,
            exceptions=exceptions,
        )
        assert self.outbox.settle(receipt, self.now).complaint is None
        self.flying.remove(batch)
        self.ended |= set(names) - (excepted if outcome is Outcome.KEPT else set())

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * 1000

    @rule(start=st.integers(0, 100), length=st.integers(0, 100))
    def a_person_sends_again(self, start: int, length: int) -> None:
        self.outbox.resend(START + start * 300_000, START + (start + length) * 300_000)

    @rule()
    def the_agent_restarts(self) -> None:
        self.outbox.close()
        self.outbox = self.opened()

    def settle_everything(self) -> None:
        while True:
            self.now += 3_600_000
            sealed = self.outbox.seal(self.now, "s-1")
            for batch in sealed:
                self.judge(batch)
            self.flying += sealed
            if not self.flying:
                return
            for batch in list(self.flying):
                self.settle(batch, Outcome.ACCEPTED, set())

    def present(self) -> dict[Name, Record]:
        """What was ever offered, and what never was and is held."""
        held = self.outbox._db.execute("SELECT body FROM record WHERE digest = ''").fetchall()
        fresh = [decode_record(body) for (body,) in held]
        assert not {name_of(record) for record in fresh} & self.sent.keys()
        return {**self.sent, **{name_of(record): record for record in fresh}}

    @invariant()
    def every_record_is_somewhere_once(self) -> None:
        present = self.present()
        for key, life in self.lives.items():
            own = sorted(
                (record for name, record in present.items() if name[:2] == key), key=lambda r: r.sequence
            )
            self.check_life(life.records[: self.put[key]], own)

    def check_life(self, put: list[Record], present: list[Record]) -> None:
        counted: Counter[int] = Counter()
        alone = {record.sequence for record in present if isinstance(record, Transition | Meter)}
        counted.update(alone)
        for record in present:
            inside = range(first_of(record), record.sequence + 1)
            if isinstance(record, Interval):
                parts = [part for n in inside if isinstance(part := put[n], Interval)]
                counted.update(part.sequence for part in parts)
                self.check_sums(record, parts)
            elif isinstance(record, Loss):
                gone = [put[n] for n in inside if n not in alone]
                counted.update(part.sequence for part in gone)
                assert record.records == len(gone)
                assert record.start <= min(self.start(part) for part in gone)
                assert record.end >= max(self.end(part) for part in gone)
        assert counted == Counter(range(len(put)))
        self.check_line(present)

    @staticmethod
    def start(record: Record) -> int:
        return record.at if isinstance(record, Meter | Transition) else record.start

    @staticmethod
    def end(record: Record) -> int:
        return record.at if isinstance(record, Meter | Transition) else record.end

    def check_sums(self, merged: Interval, parts: list[Interval]) -> None:
        for field in (*TIME_FIELDS, "duration_ms", "polls_missed"):
            assert getattr(merged, field) == sum(getattr(part, field) for part in parts)
        for quantity, count in merged.quantities.items():
            assert count == sum(part.quantities[quantity] for part in parts)
        assert (merged.start, merged.end, merged.totals) == (parts[0].start, parts[-1].end, parts[-1].totals)
        assert {part.tenant for part in parts} == {merged.tenant}

    def check_line(self, present: list[Record]) -> None:
        """Intervals and losses tile the time line; totals go on wherever nothing was lost."""
        line = [record for record in present if isinstance(record, Interval | Loss)]
        for one, other in pairwise(line):
            assert one.end == other.start
            if isinstance(one, Interval) and isinstance(other, Interval):
                before = {name: total - other.quantities[name] for name, total in other.totals.items()}
                assert one.totals == before

    @invariant()
    def the_chain_walks(self) -> None:
        heads: dict[tuple[str, str], str] = {}
        for record in sorted(self.sent.values(), key=name_of):
            life = record.machine, record.epoch
            assert is_linked(record, heads.get(life, GENESIS))
            heads[life] = record.digest

    @invariant()
    def the_books_agree(self) -> None:
        kept = self.outbox._db.execute(
            "SELECT place + 10 * again AS at, count(*), sum(size) FROM record GROUP BY at"
        ).fetchall()
        tally = self.outbox._db.execute("SELECT * FROM tally WHERE records > 0").fetchall()
        assert sorted(kept) == sorted(tally)
        for machine, epoch, fresh, sealed in self.outbox._db.execute(
            "SELECT machine, epoch, fresh, sealed FROM life"
        ).fetchall():
            held = self.outbox._db.execute(
                "SELECT coalesce(sum(size), 0), min(sequence) FROM record"
                " WHERE machine = ? AND epoch = ? AND digest = ''",
                (machine, epoch),
            ).fetchone()
            assert fresh == held[0]
            assert held[1] is None or held[1] > sealed


TestPressed = Pressed.TestCase
TestPressed.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
