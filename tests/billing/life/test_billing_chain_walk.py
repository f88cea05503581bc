"""Chains walked again: a record that was changed, taken out, put in or refused, and what is said of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.chain import head_of, instant_of
from billing.chain_walk import Walk, rejected
from contract.chain import canonical, link
from contract.facts import Quarantined, payload_text
from contract.messages import encode
from contract.records import Interval, Loss, LossReason, Record
from tests.billing.life.conftest import DAY_MS, MIDNIGHT, month, replace

MONTH = month()
FIRST = MIDNIGHT - 21 * DAY_MS


def walk(records: list[Record], walked: Walk | None = None, seed: int = 0) -> Walk:
    """Day by day, within a day in any order, as the series of a store give them."""
    found = walked or Walk()
    shuffled = random.Random(seed)
    for day in range(32):
        of = [one for one in records if day == (instant_of(one) - FIRST) // DAY_MS]
        for record in shuffled.sample(of, len(of)):
            found.add(record)
        found.settle()
    found.settle(last=True)
    return found


def told(records: list[Record]) -> list[tuple[int, str]]:
    return [(each.sequence, each.text.split(":")[0]) for each in walk(records).breaks]


@given(st.integers(0, 2**32))
def test_a_chain_as_it_was_sealed_has_no_break_in_whatever_order_a_day_is_read(seed: int) -> None:
    found = walk(MONTH, seed=seed)
    assert found.breaks == []
    assert found.heads == {"knit-01/e1": f"{len(MONTH) - 1} {MONTH[-1].digest} {instant_of(MONTH[-1])}"}


CHANGES = {"run_ms": 1, "order_id": "A-2", "tenant": "rongda", "lease_id": "L2", "duration_ms": 7}


@given(st.sampled_from(sorted(CHANGES)), st.integers(0, len(MONTH) - 1))
def test_one_field_of_one_interval_is_found_at_that_interval(field: str, n: int) -> None:
    if not isinstance(MONTH[n], Interval):
        return
    changed = [*MONTH[:n], replace(MONTH[n], **{field: CHANGES[field]}), *MONTH[n + 1 :]]
    assert told(changed) == [(n, "its content is not what was sealed")]


@given(st.integers(1, len(MONTH) - 2), st.integers(1, 4))
def test_records_that_were_removed_are_missed(n: int, many: int) -> None:
    left = [*MONTH[:n], *MONTH[n + many :]]
    if n + many >= len(MONTH):
        return
    said = f"records {n} to {n + many - 1} are missing" if many > 1 else f"record {n} is missing"
    assert told(left) == [(n, said)]


def test_two_breaks_are_both_found() -> None:
    records = [*MONTH[:10], *MONTH[11:40], replace(MONTH[40], run_ms=0, order_id="X"), *MONTH[41:]]
    assert told(records) == [(10, "record 10 is missing"), (40, "its content is not what was sealed")]


def test_a_digest_that_was_changed_breaks_at_the_record_and_at_the_next() -> None:
    records = [*MONTH[:10], replace(MONTH[10], digest="0" * 64), *MONTH[11:]]
    assert [sequence for sequence, _ in told(records)] == [10, 11]


def test_the_first_record_of_an_epoch_is_missed_too() -> None:
    assert told(MONTH[1:]) == [(0, "record 0 is missing")]


def test_a_second_record_in_one_place_is_found() -> None:
    twin = replace(MONTH[10], start=MONTH[10].start + 1, duration_ms=5)  # type: ignore[union-attr]
    assert told([*MONTH, twin]) == [(10, "a second record stands in this place")]
    assert told([twin, *MONTH[:10], *MONTH[11:]]) == [(10, "its content is not what was sealed")]


def forged(n: int) -> list[Record]:
    """The chain written anew from record ``n`` on, consistently, by somebody who knows how."""
    found, digest = list(MONTH[:n]), MONTH[n - 1].digest
    for record in MONTH[n:]:
        changed = replace(record, order_id="A-2")
        digest = link(digest, canonical(changed))
        found.append(replace(changed, digest=digest))
    return found


def test_a_chain_that_was_written_anew_is_found_by_the_head_that_was_frozen() -> None:
    heads = {life: head_of(text) for life, text in walk(MONTH).heads.items()}
    assert walk(forged(60)).breaks == []
    (found,) = walk(forged(60), Walk(heads=heads)).breaks
    assert found.text == "its digest is not the one that was frozen"
    (found,) = walk(MONTH[:-1], Walk(heads=heads)).breaks
    assert found.text == f"the chain ends here; it went to record {len(MONTH) - 1} when it was frozen"


def quarantined(record: Record, parts: int = 1) -> list[Quarantined]:
    text = payload_text(encode(record))
    cut = [text] if parts == 1 else [text[:100], text[100:]]
    return [
        Quarantined(
            site="qinghe",
            gateway="gw-1",
            received=FIRST + part,
            batch="b",
            part=part,
            parts=len(cut),
            machine=record.machine,
            epoch=record.epoch,
            sequence=record.sequence,
            reason="retention",
            detail="x",
            payload=payload,
            replayed=0,
        )
        for part, payload in enumerate(cut)
    ]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_record_in_quarantine_stands_in_its_chain(parts: int) -> None:
    refused = rejected(quarantined(MONTH[10], parts))
    assert walk([*MONTH[:10], *MONTH[11:]], Walk(refused)).breaks == []
    assert walk(MONTH, Walk(refused)).breaks == []


def test_a_part_of_a_record_is_no_record() -> None:
    refused = rejected(quarantined(MONTH[10], 2)[:1])
    (found,) = walk([*MONTH[:10], *MONTH[11:]], Walk(refused)).breaks
    assert found.sequence == 10


def test_what_was_lost_is_told_by_a_loss_and_is_no_break() -> None:
    """A loss stands for records that were never sealed: the chain goes on over it."""
    base = {
        name: getattr(MONTH[10], name) for name in ("site", "area", "machine", "kind", "epoch", "gateway")
    }
    lost = Loss(
        **base,
        sequence=12,
        sequence_first=10,
        start=instant_of(MONTH[10]),
        end=instant_of(MONTH[13]),
        records=3,
        reason=LossReason.OUTBOX_FULL,
    )
    digest = MONTH[9].digest
    rest: list[Record] = []
    for record in (lost, *MONTH[13:]):
        digest = link(digest, canonical(record))
        rest.append(replace(record, digest=digest))
    assert walk([*MONTH[:10], *rest]).breaks == []
