"""Whatever bytes arrive, there is an outcome for each record and an answer for each batch; nothing raises."""

import copy
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.announcement import Announced, read_announcement
from collector.answer import receipt
from collector.judge import judge, read_batch
from collector.quarantine import Case, parts, timed
from collector.verdict import ACCEPTED, Unreadable, Verdict
from contract.facts import PART_BYTES, payload_bytes
from contract.messages import Batch, Lease, Order, Outcome, encode
from contract.series import row_of
from contract.topics import Topic
from store.admission import flaw

unhurried = settings(deadline=None)
"""A busy machine is no failure."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["none", "disputed", "interval", "meter", "a" * 64, "knit-01", "run"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def spoiled(draw: st.DrawFn, plant: SimpleNamespace) -> dict[str, Any]:
    """A good record of which up to three fields are dropped, replaced or added."""
    good = draw(st.sampled_from([plant.meter(), plant.interval(), plant.transition()]))
    fields: dict[str, Any] = copy.deepcopy(plant.fields_of(plant.alone(good)))
    for key in draw(st.lists(st.sampled_from(sorted(fields)), max_size=3)):
        if draw(st.booleans()):
            fields[key] = draw(json_values)
        else:
            fields.pop(key, None)
    return fields | draw(st.dictionaries(st.sampled_from(["humidity", "type"]), json_values, max_size=1))


def check(plant: SimpleNamespace, payload: bytes) -> None:
    """What holds for every payload."""
    batch = read_batch(plant.TOPIC, payload)
    if isinstance(batch, Unreadable):
        assert batch.why
        return
    judged: list[tuple[Any, Verdict]] = [(e, e.verdict or ACCEPTED) for e in judge(batch, plant.NOW)]
    assert len(judged) == len(batch.records)
    for entry, verdict in judged:
        assert (verdict.outcome is Outcome.ACCEPTED) == (verdict.reason is None)
        if verdict == ACCEPTED:
            assert flaw(row_of(entry.record)) is None
    answer = receipt("0" * 64, "c1", plant.NOW, judged)
    assert answer.accepted + len(answer.exceptions) == answer.records
    encode(answer)


@unhurried
@given(payload=st.binary(max_size=300))
def test_any_bytes_have_an_outcome(plant: SimpleNamespace, payload: bytes) -> None:
    check(plant, payload)


@unhurried
@given(records=st.lists(json_values, max_size=5))
def test_any_json_in_a_batch_has_an_outcome(plant: SimpleNamespace, records: list[Any]) -> None:
    check(plant, plant.batch(records))


@unhurried
@given(data=st.data())
def test_a_spoiled_record_has_an_outcome(plant: SimpleNamespace, data: st.DataObject) -> None:
    records = data.draw(st.lists(spoiled(plant), min_size=1, max_size=3))
    check(plant, plant.batch(records))


@unhurried
@given(data=st.data(), cut=st.integers(0, 2000), byte=st.integers(0, 255))
def test_a_batch_damaged_on_its_way_has_an_outcome(
    plant: SimpleNamespace, data: st.DataObject, cut: int, byte: int
) -> None:
    payload = bytearray(plant.batch([plant.alone(plant.interval())]))
    payload[cut % len(payload)] = byte
    check(plant, bytes(payload))
    check(plant, bytes(payload[: cut % len(payload)]))


@unhurried
@given(data=st.data())
def test_a_bad_record_never_changes_what_becomes_of_its_neighbours(
    plant: SimpleNamespace, data: st.DataObject
) -> None:
    good = plant.chained(plant.meter(), plant.interval(1), plant.interval(2))
    bad = data.draw(spoiled(plant)) | {"machine": "knit-02"}
    at = data.draw(st.integers(0, 3))
    batch = read_batch(plant.TOPIC, plant.batch([*good[:at], bad, *good[at:]]))
    assert isinstance(batch, Batch)
    entries = judge(batch, plant.NOW)
    assert [entry.verdict for entry in entries[:at] + entries[at + 1 :]] == [None] * 3


ANNOUNCEMENTS: dict[str, Lease | Order] = {
    "lease": Lease(
        id="l-1", machine="knit-01", by="王", tenant="zhang", order_id=None, effective=5, issued=5
    ),
    "order": Order(
        id="o-1",
        order_id="A-17",
        tenant="zhang",
        article="x",
        by="y",
        wanted=1,
        due=None,
        closed=False,
        issued=5,
    ),
}
TOPICS = {"lease": Topic("lease", "qinghe", "knit-01"), "order": Topic("order", "qinghe", "A-17")}


@unhurried
@given(
    kind=st.sampled_from(["lease", "order"]),
    changes=st.dictionaries(
        st.sampled_from(["id", "machine", "by", "tenant", "order_id", "from", "issued", "wanted", "due"]),
        json_values,
        max_size=3,
    ),
    dropped=st.sets(st.sampled_from(["id", "by", "tenant", "issued"]), max_size=1),
)
def test_any_announcement_is_a_fact_or_unreadable(
    plant: SimpleNamespace, kind: str, changes: dict[str, Any], dropped: set[str]
) -> None:
    fields = msgspec.json.decode(encode(ANNOUNCEMENTS[kind])) | changes
    payload = msgspec.json.encode({key: value for key, value in fields.items() if key not in dropped})
    fact = read_announcement(TOPICS[kind], payload, plant.NOW)
    if isinstance(fact, Unreadable):
        assert fact.why
    else:
        assert isinstance(fact, Announced)
        assert flaw(row_of(fact)) is None


@unhurried
@given(kind=st.sampled_from(["lease", "order"]), payload=st.binary(min_size=1, max_size=100))
def test_any_bytes_announced_are_a_fact_or_unreadable(
    plant: SimpleNamespace, kind: str, payload: bytes
) -> None:
    assert isinstance(read_announcement(TOPICS[kind], payload, plant.NOW), Announced | Unreadable)


@unhurried
@given(payload=st.binary(max_size=200), times=st.integers(1, 500), at=st.integers(0, 2**40))
def test_a_quarantined_payload_comes_back_whole(payload: bytes, times: int, at: int) -> None:
    payload = (payload * times)[: 3 * PART_BYTES]
    case = Case(site="s", gateway="g", batch="0" * 64, reason="invalid", detail="", payload=payload)
    facts = timed(parts(case), at)
    assert [fact.received for fact in facts] == list(range(at, at + len(facts)))
    assert all(flaw(row_of(fact)) is None for fact in facts)
    assert payload_bytes("".join(fact.payload for fact in facts)) == payload
