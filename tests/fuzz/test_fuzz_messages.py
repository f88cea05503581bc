"""Whatever bytes cross the broker, either way: an outcome with a reason, and nothing else changes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.announcement import Announced, read_announcement
from collector.answer import receipt
from collector.cases import content, held
from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.judge import judge, read_batch
from collector.quarantine import Case, parts, timed
from collector.replay import Again, read_again
from collector.signatures import read_signatures
from collector.verdict import ACCEPTED, Unreadable
from contract import topics
from contract.messages import Batch, Receipt, batch_id, decode_record, encode
from contract.records import Interval
from contract.series import USAGE, fact_of, row_of
from edge_agent.batches import Batches
from edge_agent.conditions import Conditions
from edge_agent.custody import Member, rule
from edge_agent.hearing import Hearing
from edge_agent.held import Put
from edge_agent.mqtt import Arrival
from edge_agent.outbox import Outbox
from store.admission import flaw
from store.sqlite import open_sqlite

fuzz = settings(settings.get_profile("fuzz"))
NOW = 1_795_305_600_000
SITE, GATEWAY, MACHINE = "dongguan-3", "gw-1", "cnc-07"
TOPIC = topics.Topic("batch", SITE, GATEWAY)
DEEP = b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"


def judged(payload: bytes) -> None:
    """As the collector does, up to the store."""
    batch = read_batch(TOPIC, payload)
    if isinstance(batch, Unreadable):
        assert batch.why
        return
    entries = judge(batch, NOW)
    assert len(entries) == len(batch.records)
    for entry in entries:
        if entry.verdict is None:
            assert entry.record is not None
            assert flaw(row_of(entry.record)) is None
            assert decode_record(encode(entry.record)) == entry.record
        else:
            assert entry.verdict.reason
    encode(receipt(batch_id(payload), "c1", NOW, [(e, e.verdict or ACCEPTED) for e in entries]))


@fuzz
@given(data=st.data())
def test_a_spoiled_batch_has_an_outcome(
    golden: Callable[[str], bytes], mutant: Any, data: st.DataObject
) -> None:
    judged(data.draw(mutant(golden("batch.json"))))


@fuzz
@given(data=st.data())
def test_a_spoiled_signature_is_kept_or_has_a_reason(
    golden: Callable[[str], bytes], mutant: Any, data: st.DataObject
) -> None:
    spoiled = data.draw(mutant(golden("signature.json").strip()))
    head = f'{{"site":"{SITE}","gateway":"{GATEWAY}","session":"s","sealed":{NOW},"records":[],'.encode()
    batch = read_batch(TOPIC, head + b'"signatures":[' + spoiled + b"]}")
    for one in [] if isinstance(batch, Unreadable) else read_signatures(batch):
        assert one.why if one.head is None else fact_of(row_of(one.head)) == one.head


@pytest.mark.parametrize("name", ["interval", "transition", "meter", "loss"])
@fuzz
@given(data=st.data())
def test_a_spoiled_record_in_a_good_batch_has_an_outcome(
    golden: Callable[[str], bytes], mutant: Any, name: str, data: st.DataObject
) -> None:
    head = f'{{"site":"{SITE}","gateway":"{GATEWAY}","session":"s","sealed":{NOW},"records":['.encode()
    judged(head + data.draw(mutant(golden(f"{name}.json").strip())) + b"]}")


@fuzz
@given(data=st.data())
@example(data=None)
def test_a_spoiled_payload_in_quarantine_is_judged_again_or_told_why_not(
    golden: Callable[[str], bytes], mutant: Any, data: st.DataObject | None
) -> None:
    payload = data.draw(mutant(golden("batch.json"))) if data else DEEP
    whole = data.draw(st.booleans()) if data else True
    case = Case(
        site=SITE,
        gateway=GATEWAY if not data or data.draw(st.booleans()) else "none",
        batch=batch_id(payload),
        reason="unreadable" if whole else "invalid",
        detail="",
        payload=payload,
    )
    [one] = held(timed(parts(case), NOW))
    again = read_again(one, NOW)
    if isinstance(again, Unreadable):
        assert again.why
    else:
        assert content(one) == payload
        assert not isinstance(again, Again) or isinstance(again.batch, Batch)


@pytest.mark.parametrize("kind", ["lease", "order"])
@fuzz
@given(data=st.data())
def test_a_spoiled_announcement_is_a_fact_or_unreadable(
    golden: Callable[[str], bytes], mutant: Any, kind: str, data: st.DataObject
) -> None:
    payload = data.draw(mutant(golden(f"{kind}.json")))
    named = msgspec.json.decode(golden(f"{kind}.json"))
    topic = topics.Topic(kind, SITE, named["machine" if kind == "lease" else "order_id"])
    fact = read_announcement(topic, payload, NOW)
    assert isinstance(fact, Announced | Unreadable)
    if not isinstance(fact, Unreadable):
        assert flaw(row_of(fact)) is None


async def test_whatever_comes_the_collector_stores_only_what_was_sent_and_answers(
    golden: Callable[[str], bytes], mutant: Any, tmp_path: Path
) -> None:
    """All the way into a store; drawn by hand, since the store is one for all examples."""
    async with open_sqlite(tmp_path / "store.db") as store:
        custody = Ingest(store, Quarantine(store, lambda: NOW), lambda: NOW, "c1", Counter())

        @settings(fuzz, max_examples=min(200, fuzz.max_examples))
        @given(payload=mutant(golden("batch.json")))
        async def take(payload: bytes) -> None:
            answer = await custody.take(TOPIC, payload)
            assert answer is not None
            assert answer.batch == batch_id(payload)
            assert answer.accepted + len(answer.exceptions) == answer.records

        await asyncio.to_thread(_in_a_loop_of(asyncio.get_running_loop(), take))
        rows = [row async for row in store.read(USAGE, 0, 2 * NOW)]
    assert all(isinstance(fact_of(row), Interval) for row in rows)


def _in_a_loop_of(loop: asyncio.AbstractEventLoop, test: Any) -> Callable[[], None]:
    """The hypothesis test, its coroutines run in ``loop``, which waits meanwhile in another thread."""
    inner = test.hypothesis.inner_test
    test.hypothesis.inner_test = lambda **drawn: asyncio.run_coroutine_threadsafe(
        inner(**drawn), loop
    ).result(60)
    return cast("Callable[[], None]", test)


# --- the agent's side -----------------------------------------------------------------------------------


class Direct:
    """In place of the thread that owns the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.puts: list[Any] = []

    async def call(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return function(self.outbox, *args, **named)

    def put(self, *args: Any) -> None:
        self.puts.append(args)


class Heard(list[Any]):
    """Leases that a machine was told; every one is news."""

    def tell(self, lease: Any, *_: int) -> bool:
        self.append(lease)
        return True


@contextmanager
def agent(golden: Callable[[str], bytes]) -> Iterator[SimpleNamespace]:
    """What hears, with one batch of one record on its way, and a machine that remembers its leases."""
    record = msgspec.structs.replace(cast("Any", decode_record(golden("meter.json"))), digest="")
    with (
        TemporaryDirectory() as directory,
        Outbox.open(
            Path(directory) / "outbox.db",
            site=SITE,
            gateway=GATEWAY,
            limit_bytes=2**30,
            ring_bytes=2**30,
            ring_ms=2**40,
        ) as outbox,
    ):
        outbox.commit([Put(machine=record.machine, records=(record,))])
        [sealed] = outbox.seal(NOW, "s", sealed_ms=NOW)
        commit, conditions, conflicts = Direct(outbox), Conditions(), Counter[tuple[str, str]]()
        batches = Batches(
            cast("Any", commit),
            conditions,
            topic=topics.batch(SITE, GATEWAY),
            session="s",
            plant_ms=lambda: NOW,
            conflict=lambda machine, epoch: conflicts.update([(machine, epoch)]),
        )
        heard = Heard()
        machine = SimpleNamespace(name=MACHINE, hear=heard.tell, checkpoint=lambda: b"")
        clock = SimpleNamespace(wall_ms=lambda: NOW, mono_ms=lambda: 0)
        announced: dict[str, str] = {}
        desk = SimpleNamespace(clock=clock, commit=commit, conditions=conditions, announced=announced)
        hearing = Hearing(cast("Any", {MACHINE: machine}), cast("Any", desk), batches, "s")
        yield SimpleNamespace(
            hearing=hearing, outbox=outbox, sealed=sealed, record=record, heard=heard, announced=announced
        )


def right(at: SimpleNamespace) -> Receipt:
    return Receipt(
        batch=at.sealed.id,
        collector="c1",
        at=NOW,
        records=1,
        accepted=1,
        unreadable=None,
        retry_after_ms=0,
        exceptions=[],
    )


def hear(at: SimpleNamespace, topic: str, payload: bytes) -> None:
    asyncio.run(at.hearing.hear(Arrival(topic, payload, retained=False)))


@fuzz
@given(data=st.data())
def test_a_spoiled_receipt_releases_nothing_but_the_batch_that_it_names(
    golden: Callable[[str], bytes], mutant: Any, data: st.DataObject
) -> None:
    with agent(golden) as at:
        payload = data.draw(mutant(encode(right(at))) | mutant(golden("receipt.json")))
        hear(at, topics.receipt(SITE, GATEWAY), payload)
        if at.outbox.depth().records == 0:
            followed = msgspec.json.decode(payload, type=Receipt)
            assert (followed.batch, followed.records, followed.unreadable) == (at.sealed.id, 1, None)
            assert followed.accepted + len(followed.exceptions) == 1
        else:
            hear(at, topics.receipt(SITE, GATEWAY), encode(right(at)))
            assert at.outbox.depth().records == 0 or at.outbox.depth().batches == 0


@pytest.mark.parametrize("payload", [b"", b"\xff", DEEP, b'{"collector":"\xff"}', b"null", b"[]"])
def test_a_receipt_that_is_none_changes_nothing(golden: Callable[[str], bytes], payload: bytes) -> None:
    with agent(golden) as at:
        hear(at, topics.receipt(SITE, GATEWAY), payload)
        assert at.outbox.depth().records == 1


@fuzz
@given(
    exceptions=st.lists(
        st.tuples(
            st.sampled_from(["cnc-07", "cnc-08"]),
            st.integers(-1, 3),
            st.sampled_from(["accepted", "kept", "rejected"]),
            st.sampled_from(["conflict", "store", "invalid"]),
        ),
        max_size=4,
    ),
    records=st.integers(0, 5),
    accepted=st.integers(0, 5),
    unreadable=st.none() | st.just("x"),
    retry=st.integers(0, 2**63 - 1),
)
def test_a_receipt_that_contradicts_itself_rules_nothing(
    exceptions: list[tuple[str, int, str, str]],
    records: int,
    accepted: int,
    unreadable: str | None,
    retry: int,
) -> None:
    members = [Member(n, "cnc-07", "e1", n, 0) for n in range(3)]
    listed = [
        {"machine": m, "epoch": "e1", "sequence": n, "outcome": o, "reason": r, "detail": ""}
        for m, n, o, r in exceptions
    ]
    fields = {"batch": "a" * 64, "collector": "c", "at": 0, "retry_after_ms": retry, "exceptions": listed}
    counts = {"records": records, "accepted": accepted, "unreadable": unreadable}
    said = msgspec.convert({**fields, **counts}, Receipt)
    ruling = rule(members, said, NOW)
    ruled = [*ruling.accepted, *(x.row for x in ruling.rejected), *(x.row for x in ruling.kept)]
    if ruling.complaint is None:
        assert sorted(ruled) == [0, 1, 2]
        assert len(ruling.accepted) == accepted == records - len(exceptions)
        assert all(NOW < kept.due <= NOW + 3_600_000 for kept in ruling.kept)
    else:
        assert ruled == []


@pytest.mark.parametrize("kind", ["lease", "order", "status"])
@fuzz
@given(data=st.data())
@example(data=None)
def test_a_spoiled_announcement_is_heard_or_not_and_breaks_nothing(
    golden: Callable[[str], bytes], mutant: Any, kind: str, data: st.DataObject | None
) -> None:
    payload = data.draw(mutant(golden(f"{kind}.json"))) if data else DEEP
    named = {
        "lease": topics.lease(SITE, MACHINE),
        "order": topics.order(SITE, "4711"),
        "status": topics.status(SITE, GATEWAY),
    }
    with agent(golden) as at:
        hear(at, named[kind], payload)
        assert at.outbox.depth().records == 1
        assert all(lease.machine == MACHINE for lease in at.heard)
        assert set(at.announced) <= set(at.outbox.orders())


UNFOLLOWED: dict[str, tuple[str, dict[str, Any]]] = {
    "a lease of another machine": ("lease", {"machine": "cnc-08"}),
    "a lease to nobody by name": ("lease", {"tenant": "none"}),
    "a lease to a dispute": ("lease", {"tenant": "disputed"}),
    "a lease for a disputed order": ("lease", {"order_id": "disputed"}),
    "an order on another's topic": ("order", {"order_id": "4712"}),
    "an order of nobody by name": ("order", {"tenant": "none"}),
}


@pytest.mark.parametrize(("kind", "changes"), UNFOLLOWED.values(), ids=UNFOLLOWED)
def test_what_no_collector_keeps_as_a_fact_no_agent_follows(
    golden: Callable[[str], bytes], kind: str, changes: dict[str, Any]
) -> None:
    """Or it would be metered under a lease that nobody can look up."""
    fields = msgspec.json.decode(golden(f"{kind}.json"))
    topic = topics.lease(SITE, MACHINE) if kind == "lease" else topics.order(SITE, fields["order_id"])
    with agent(golden) as at:
        for payload in (msgspec.json.encode(fields | changes), msgspec.json.encode(fields)):
            before = len(at.heard) + len(at.announced)
            hear(at, topic, payload)
            news = len(at.heard) + len(at.announced) - before
            assert news == (0 if payload != msgspec.json.encode(fields) else 1)
        named = topics.parse(topic)
        assert named is not None
        said = msgspec.json.encode(fields | changes)
        assert isinstance(read_announcement(named, said, NOW), Unreadable)


def test_a_receipt_doubled_late_or_for_another_batch_changes_nothing_more(
    golden: Callable[[str], bytes],
) -> None:
    with agent(golden) as at:
        topic, answer = topics.receipt(SITE, GATEWAY), right(at)
        hear(at, topic, encode(msgspec.structs.replace(answer, batch="0" * 64)))
        assert at.outbox.depth().records == 1
        for _ in range(3):
            hear(at, topic, encode(answer))
            assert at.outbox.depth().records == 0
            assert at.outbox.depth().ring_records == 1
        kept = {"machine": at.record.machine, "epoch": at.record.epoch, "sequence": at.record.sequence}
        late = {**kept, "outcome": "kept", "reason": "store", "detail": "", "type": "x"}
        said = {**msgspec.to_builtins(answer), "accepted": 0, "exceptions": [late]}
        hear(at, topic, msgspec.json.encode(said))
        assert at.outbox.depth().records == 0, "what was released is not taken back by a late answer"
