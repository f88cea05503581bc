"""The chain, computed a second time with nothing but json and hashlib."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import chain
from contract.messages import decode_record
from contract.records import Interval, Loss, Record

GOLDEN = Path(__file__).parent / "golden"
IN_ORDER = ("meter", "transition", "interval", "loss")


def payload(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def by_hand(text: bytes) -> bytes:
    fields = json.loads(text)
    del fields["digest"]
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", IN_ORDER)
def test_the_canonical_form_has_sorted_keys_no_spaces_and_no_digest(name: str) -> None:
    assert chain.canonical(decode_record(payload(name))) == by_hand(payload(name))


def test_the_golden_records_are_a_chain_from_genesis() -> None:
    previous = "0" * 64
    for name in IN_ORDER:
        record = decode_record(payload(name))
        digest = hashlib.sha256(previous.encode() + by_hand(payload(name))).hexdigest()
        assert record.digest == digest == chain.link(previous, chain.canonical(record))
        assert chain.is_linked(record, previous)
        previous = digest


def test_genesis_is_64_zeros() -> None:
    assert chain.GENESIS == "0" * 64


def interval() -> Interval:
    record = decode_record(payload("interval"))
    assert isinstance(record, Interval)
    return record


counts = st.integers(0, 2**63 - 1)
intervals = st.builds(
    lambda sequence, run_ms, quantities, measured: msgspec.structs.replace(
        interval(), sequence=sequence, run_ms=run_ms, quantities=quantities, measured=measured
    ),
    counts,
    counts,
    st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9_]{0,39}\Z"), counts, max_size=6),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
)


@given(intervals)
def test_any_interval_has_the_same_form_in_both_computations(record: Interval) -> None:
    assert chain.canonical(record) == by_hand(msgspec.json.encode(record))


@given(intervals)
def test_the_digest_survives_the_wire(record: Interval) -> None:
    sealed = chain.seal(record, "a" * 64)
    read: Record = msgspec.json.decode(msgspec.json.encode(sealed), type=Interval)
    assert chain.is_linked(read, "a" * 64)
    assert not chain.is_linked(read, "b" * 64)


def test_every_changed_field_breaks_the_link() -> None:
    record = chain.seal(interval(), chain.GENESIS)
    for field in Interval.__struct_fields__:
        value = getattr(record, field)
        changed = value + 1 if isinstance(value, int) else {"x": 1} if isinstance(value, dict) else "other"
        if field != "digest":
            assert not chain.is_linked(msgspec.structs.replace(record, **{field: changed}), chain.GENESIS)


def test_a_field_added_later_leaves_the_digest_of_older_records_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Newer(Loss, frozen=True, kw_only=True, tag="loss"):
        cause: str = "none"

    older = decode_record(payload("loss"))
    newer = msgspec.json.decode(payload("loss"), type=Newer)
    monkeypatch.setitem(chain.ADDED_LATER, "cause", "none")
    assert chain.canonical(newer) == chain.canonical(older)
    told = msgspec.structs.replace(newer, cause="fire")
    assert chain.canonical(told) != chain.canonical(older)
