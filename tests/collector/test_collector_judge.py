"""Each record is judged on its own: accepted, kept for a newer collector, or rejected with a reason."""

import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from collector.entry import Entry
from collector.judge import RECORDS_LIMIT, judge, read_batch
from collector.verdict import Unreadable
from contract.chain import seal
from contract.messages import BATCH_LIMIT, Batch, ExceptionReason, Outcome
from contract.records import Interval, Loss, Transition
from contract.topics import Topic


def judged(plant: SimpleNamespace, payload: bytes) -> list[Entry]:
    batch = read_batch(plant.TOPIC, payload)
    assert isinstance(batch, Batch), batch
    return judge(batch, plant.NOW)


def verdict(entry: Entry) -> tuple[Outcome, ExceptionReason | None]:
    return (entry.verdict.outcome, entry.verdict.reason) if entry.verdict else (Outcome.ACCEPTED, None)


ACCEPTED = (Outcome.ACCEPTED, None)
INVALID = (Outcome.REJECTED, ExceptionReason.INVALID)
CONFLICT = (Outcome.REJECTED, ExceptionReason.CONFLICT)

BAD_INTERVALS: dict[str, tuple[dict[str, Any], str]] = {
    "times that do not sum": ({"run_ms": 1}, "sum"),
    "no time at all": ({"run_ms": 0, "duration_ms": 0}, "duration_ms"),
    "an illegal tenant": ({"tenant": "Zhang San"}, "tenant"),
    "a span that begins later": ({"span_start": 1_800_000_000_000}, "span_start"),
    "merged from the future": ({"sequence_first": 9}, "sequence_first"),
    "a total below its quantity": (
        {"totals": {"produced": 0, "scrap": 0, "rework": 0, "energy_wh": 20}},
        "above its total",
    ),
    "totals of other names": ({"totals": {"produced": 1, "scrap": 0, "rework": 0}}, "same names"),
    "a standing quantity missing": ({"quantities": {"produced": 1}, "totals": {"produced": 1}}, "energy_wh"),
    "measured out of order": ({"measured": "produced,energy_wh"}, "sorted"),
    "measured twice": ({"measured": "produced,produced"}, "sorted"),
    "measured what is not there": ({"measured": "weft"}, "measured"),
    "before without a dispute": ({"tenant_before": "zhang"}, "disputed"),
    "after without a dispute": ({"order_after": "A-18"}, "disputed"),
    "a reserved machine": ({"machine": "none"}, "reserved"),
    "another site": ({"site": "anping"}, "belongs to"),
    "another gateway": ({"gateway": "gw2"}, "belongs to"),
    "a negative time": ({"run_ms": -1}, "run_ms"),
    "a fraction": ({"run_ms": 300_000.5}, "run_ms"),
    "a text for a number": ({"sequence": "1"}, "sequence"),
    "an unknown quality": ({"quality": "good"}, "quality"),
    "a digest that is none": ({"digest": "f00"}, "digest"),
    "a digest in capitals": ({"digest": "A" * 64}, "digest"),
}


@pytest.mark.parametrize(("changes", "about"), BAD_INTERVALS.values(), ids=BAD_INTERVALS)
def test_an_interval_that_breaks_a_rule_is_rejected(
    plant: SimpleNamespace, changes: dict[str, Any], about: str
) -> None:
    [entry] = judged(plant, plant.batch([{**plant.fields_of(plant.alone(plant.interval())), **changes}]))
    assert verdict(entry) == INVALID
    assert entry.verdict is not None
    assert about in entry.verdict.detail


ILLEGAL_QUANTITIES = ["start", "produced_total", "meter_raw", "time", "type", "Picks", "1st", "a" * 41]


@pytest.mark.parametrize("name", ILLEGAL_QUANTITIES)
def test_a_quantity_may_not_take_the_name_of_a_field(plant: SimpleNamespace, name: str) -> None:
    fields = plant.fields_of(plant.alone(plant.interval()))
    fields["quantities"][name] = fields["totals"][name] = 1
    [entry] = judged(plant, plant.batch([fields]))
    assert verdict(entry) == INVALID


BAD_TRANSITIONS: dict[str, dict[str, Any]] = {
    "to no state": {"state": "none"},
    "a span that ends elsewhere": {"span_ms": 999},
    "a span without length": {"span_ms": 0, "span_start": 1_799_997_000_000, "span_since": 1},
    "an unbroken state that begins inside its span": {"span_since": 1_799_996_999_500},
    "no state before a transition in mid-epoch": {"span_state": "none"},
    "a state before the first of an epoch": {"cause": "epoch_start"},
    "an unknown party": {"party": "weather"},
    "an unknown state": {"state": "dancing"},
}


@pytest.mark.parametrize("changes", BAD_TRANSITIONS.values(), ids=BAD_TRANSITIONS)
def test_a_transition_that_breaks_a_rule_is_rejected(plant: SimpleNamespace, changes: dict[str, Any]) -> None:
    fields = {**plant.fields_of(plant.alone(plant.transition(1))), **changes}
    assert fields["at"] == 1_799_997_000_000
    [entry] = judged(plant, plant.batch([fields]))
    assert verdict(entry) == INVALID


def first_transition(plant: SimpleNamespace, **changes: Any) -> Transition:
    at = plant.transition().at
    begin = {"cause": "epoch_start", "span_state": "none", "span_ms": 0, "span_start": at, "span_since": at}
    result: Transition = plant.transition(**{**begin, **changes})
    return result


def test_the_first_transition_of_an_epoch_closes_no_span(plant: SimpleNamespace) -> None:
    good = plant.alone(first_transition(plant))
    since = plant.alone(first_transition(plant, span_since=5))
    party = plant.alone(first_transition(plant, span_party="host"))
    assert [verdict(judged(plant, plant.batch([one]))[0]) for one in (good, since, party)] == [
        ACCEPTED,
        INVALID,
        INVALID,
    ]


def test_a_meter_stands_at_the_head_of_its_epoch(plant: SimpleNamespace) -> None:
    [entry] = judged(plant, plant.batch([plant.alone(plant.meter(sequence=1))]))
    assert verdict(entry) == INVALID


COMMON = ("site", "area", "machine", "kind", "epoch", "gateway")


def loss(plant: SimpleNamespace, **changes: Any) -> Loss:
    common = {name: getattr(plant.meter(), name) for name in COMMON}
    fields = {"sequence": 8, "sequence_first": 5, "start": plant.NOW - 9, "end": plant.NOW, "records": 4}
    result: Loss = plant.alone(
        msgspec.convert({**common, "reason": "outbox_full", **fields, **changes}, Loss)
    )
    return result


@pytest.mark.parametrize("changes", [{"records": 0}, {"sequence_first": 9}, {"start": 1_800_000_000_001}])
def test_a_loss_names_what_is_lost(plant: SimpleNamespace, changes: dict[str, Any]) -> None:
    assert verdict(judged(plant, plant.batch([loss(plant)]))[0]) == ACCEPTED
    assert verdict(judged(plant, plant.batch([loss(plant, **changes)]))[0]) == INVALID


def test_what_a_newer_agent_says_is_kept(plant: SimpleNamespace) -> None:
    fields = plant.fields_of(plant.alone(plant.interval()))
    payload = plant.batch([{**fields, "type": "alarm"}, {**fields, "sequence": 2, "humidity": 60}])
    assert [verdict(entry) for entry in judged(plant, payload)] == [
        (Outcome.KEPT, ExceptionReason.UNKNOWN_TYPE),
        (Outcome.KEPT, ExceptionReason.UNKNOWN_FIELD),
    ]


def test_an_unknown_field_is_kept_even_where_another_is_wrong(plant: SimpleNamespace) -> None:
    fields = {**plant.fields_of(plant.alone(plant.interval())), "quality": "good", "humidity": 60}
    [entry] = judged(plant, plant.batch([fields]))
    assert verdict(entry) == (Outcome.KEPT, ExceptionReason.UNKNOWN_FIELD)


@pytest.mark.parametrize("thing", [None, 5, "interval", [], {}, {"type": 5}, {"type": None}])
def test_what_is_no_record_is_rejected_without_a_name(plant: SimpleNamespace, thing: object) -> None:
    [entry] = judged(plant, plant.batch([thing]))
    assert verdict(entry) == INVALID
    assert entry.name == ("none", "none", -1)


def test_an_exception_is_named_as_far_as_its_name_can_be_read(plant: SimpleNamespace) -> None:
    fields = plant.fields_of(plant.alone(plant.interval()))
    entries = judged(
        plant, plant.batch([{**fields, "epoch": 5}, {**fields, "machine": "A B", "sequence": -4}])
    )
    assert [entry.name for entry in entries] == [("knit-01", "none", 1), ("none", "e1", -1)]


def test_a_gap_that_changed_hands_says_before_and_after(plant: SimpleNamespace) -> None:
    disputed = plant.interval(
        tenant="disputed", tenant_before="zhang", tenant_after="none", order_before="A-17", order_after="none"
    )
    assert verdict(judged(plant, plant.batch([plant.alone(disputed)]))[0]) == ACCEPTED


def test_an_interval_may_measure_nothing(plant: SimpleNamespace) -> None:
    assert verdict(judged(plant, plant.batch([plant.alone(plant.interval(measured="none"))]))[0]) == ACCEPTED


AHEAD = [
    (0, ACCEPTED),
    (60_000, ACCEPTED),
    (60_001, (Outcome.KEPT, ExceptionReason.FUTURE)),
    (86_400_000, (Outcome.KEPT, ExceptionReason.FUTURE)),
    (86_400_001, (Outcome.REJECTED, ExceptionReason.FUTURE)),
]


@pytest.mark.parametrize(("ahead", "expected"), AHEAD)
def test_how_far_a_record_may_be_ahead(plant: SimpleNamespace, ahead: int, expected: object) -> None:
    start = plant.NOW + ahead - plant.GRID_MS
    records = [
        plant.interval(1, start=start, span_start=start),
        plant.transition(9, at=plant.NOW + ahead, span_start=plant.NOW + ahead - 1000, span_since=5),
    ]
    assert [verdict(e) for e in judged(plant, plant.batch([*map(plant.alone, records)]))] == [expected] * 2


def test_a_clock_that_was_never_set_condemns_nothing(plant: SimpleNamespace) -> None:
    """A collector that boots in 1970 would send a whole plant's records into quarantine."""
    booted = 60_000
    batch = read_batch(plant.TOPIC, plant.batch([plant.alone(plant.interval())]))
    assert isinstance(batch, Batch)
    [entry] = judge(batch, booted)
    assert verdict(entry) == (Outcome.KEPT, ExceptionReason.FUTURE)


def sealed_day(plant: SimpleNamespace) -> list[Interval]:
    records: list[Interval] = plant.chained(plant.meter(), *map(plant.interval, range(1, 6)))
    return records


def test_a_sealed_epoch_is_accepted_in_any_order(plant: SimpleNamespace) -> None:
    records = sealed_day(plant)
    for order in (records, records[::-1], records[::2]):
        assert {verdict(entry) for entry in judged(plant, plant.batch(order))} == {ACCEPTED}


def test_a_changed_record_breaks_its_link(plant: SimpleNamespace) -> None:
    records = sealed_day(plant)
    records[2] = msgspec.structs.replace(records[2], tenant="li")
    assert [verdict(entry) for entry in judged(plant, plant.batch(records))] == [
        ACCEPTED,
        ACCEPTED,
        INVALID,
        ACCEPTED,
        ACCEPTED,
        ACCEPTED,
    ]


def test_the_first_record_of_an_epoch_follows_nothing(plant: SimpleNamespace) -> None:
    [entry] = judged(plant, plant.batch([plant.alone(plant.meter())]))
    assert verdict(entry) == INVALID


def test_a_merged_interval_follows_the_record_before_its_first(plant: SimpleNamespace) -> None:
    merged = plant.interval(3, sequence_first=2)
    good = plant.chained(plant.meter(), plant.interval(1), merged)
    assert {verdict(entry) for entry in judged(plant, plant.batch(good))} == {ACCEPTED}
    bad = [*good[:2], seal(merged, "b" * 64)]
    assert [verdict(entry) for entry in judged(plant, plant.batch(bad))] == [ACCEPTED, ACCEPTED, INVALID]


def test_a_merged_interval_follows_the_transitions_that_it_reaches_over(plant: SimpleNamespace) -> None:
    between = plant.transition(3), plant.transition(4)
    merged = plant.interval(5, sequence_first=2)
    good = plant.chained(plant.meter(), plant.interval(1), *between, merged)
    for kept in (good, good[1:], [*good[:2], good[4]], good[4:]):
        assert verdict(judged(plant, plant.batch(kept))[-1]) == ACCEPTED
    bad = [*good[:4], seal(merged, good[1].digest)]
    assert verdict(judged(plant, plant.batch(bad))[-1]) == INVALID


def test_a_link_is_known_even_from_a_record_of_an_unknown_type(plant: SimpleNamespace) -> None:
    first, second = plant.chained(plant.interval(1), plant.interval(2), previous="c" * 64)
    strange = {**plant.fields_of(first), "type": "alarm"}
    entries = judged(plant, plant.batch([strange, second, plant.alone(plant.interval(2, epoch="e2"))]))
    assert [verdict(entry)[0] for entry in entries] == [Outcome.KEPT, Outcome.ACCEPTED, Outcome.ACCEPTED]


def test_a_link_from_a_digest_that_is_none_proves_nothing(plant: SimpleNamespace) -> None:
    strange = {**plant.fields_of(plant.alone(plant.interval(1))), "digest": "零"}
    entries = judged(plant, plant.batch([strange, plant.alone(plant.interval(2))]))
    assert [verdict(entry) for entry in entries] == [INVALID, ACCEPTED]


def test_a_name_stands_once_in_a_batch(plant: SimpleNamespace) -> None:
    one, other = plant.alone(plant.interval()), plant.alone(plant.interval(tenant="li"))
    entries = judged(plant, plant.batch([one, one, other]))
    assert [verdict(entry) for entry in entries] == [ACCEPTED, ACCEPTED, CONFLICT]


def test_a_time_stands_once_in_an_epoch(plant: SimpleNamespace) -> None:
    start = plant.interval(1).start
    other = plant.alone(plant.interval(7, start=start, span_start=start, tenant="li"))
    entries = judged(plant, plant.batch([plant.alone(plant.interval(1)), other]))
    assert [verdict(entry) for entry in entries] == [ACCEPTED, CONFLICT]


def unreadable(plant: SimpleNamespace, payload: bytes, topic: Topic | None = None) -> str:
    batch = read_batch(topic or plant.TOPIC, payload)
    assert isinstance(batch, Unreadable)
    return batch.why


def test_a_batch_belongs_to_its_topic(plant: SimpleNamespace) -> None:
    assert "gw2" in unreadable(plant, plant.batch([], gateway="gw2"))
    assert "anping" in unreadable(plant, plant.batch([], site="anping"))
    assert "gw9" in unreadable(plant, plant.batch([]), Topic("batch", "qinghe", "gw9"))


NO_BATCHES = {
    "nothing": b"",
    "no JSON": b"\x00\xff",
    "another JSON": b"[1]",
    "half": b'{"site":"qinghe","gateway":"gw1","session":"s1","sealed":1,"records":[{',
    "no UTF-8": b'{"site":"qinghe","gateway":"gw1","session":"s1","sealed":1,"records":["\xff"]}',
    "too deep": b'{"site":"qinghe","gateway":"gw1","session":"s1","sealed":1,"records":' + b"[" * 60_000,
    "a sealed that is no instant": b'{"site":"qinghe","gateway":"gw1","session":"s","sealed":-1}',
    "too much": b" " * (BATCH_LIMIT + 1),
    "too many": json.dumps(
        {
            "site": "qinghe",
            "gateway": "gw1",
            "session": "s",
            "sealed": 1,
            "records": [{}] * (RECORDS_LIMIT + 1),
        }
    ).encode(),
}


@pytest.mark.parametrize("payload", NO_BATCHES.values(), ids=NO_BATCHES)
def test_what_is_no_batch_is_unreadable(plant: SimpleNamespace, payload: bytes) -> None:
    assert unreadable(plant, payload)


def test_an_unknown_field_of_the_envelope_is_ignored(plant: SimpleNamespace) -> None:
    assert [verdict(e) for e in judged(plant, plant.batch(sealed_day(plant)[:1], shift="night"))] == [
        ACCEPTED
    ]
