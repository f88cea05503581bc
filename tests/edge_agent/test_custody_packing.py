"""How queued records become a batch: linked in order, as many as fit."""

import hashlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contract.chain import GENESIS, is_linked, link
from contract.messages import decode_record
from contract.records import Loss, LossReason, Meter, Record
from edge_agent.packing import Front, Life, Queued, fronts_of, instant_of, pack, wire_form

A, B = ("cnc-01", "e1"), ("cnc-02", "e1")


def queued(row: int, life: Life = A, *, size: int = 40, digest: str = "", head: str = GENESIS) -> Queued:
    body = msgspec.json.encode({"row": row, "pad": ""})
    return Queued(row, life, digest, head, body[:-2] + b"x" * (size - len(body)) + body[-2:])


def test_each_new_record_is_linked_to_the_one_before_in_its_life() -> None:
    one, other, two = queued(1), queued(2, B, head="b" * 64), queued(3)
    taken = pack([one, other, two], 10_000)
    assert taken[0].digest == hashlib.sha256(GENESIS.encode() + one.body).hexdigest()
    assert taken[1].digest == hashlib.sha256(b"b" * 64 + other.body).hexdigest()
    assert taken[2].digest == hashlib.sha256(taken[0].digest.encode() + two.body).hexdigest()
    assert fronts_of(taken) == {A: Front(taken[2].digest, 3, 80), B: Front(taken[1].digest, 2, 40)}


def test_a_record_that_goes_again_keeps_its_digest_and_moves_no_head() -> None:
    again, new = queued(1, digest="a" * 64, head="c" * 64), queued(2, head="c" * 64)
    taken = pack([again, new], 10_000)
    assert taken[0].digest == "a" * 64
    assert taken[1].digest == link("c" * 64, new.body)
    assert fronts_of(pack([again], 10_000)) == {}


def test_a_batch_takes_one_record_even_if_it_is_too_large() -> None:
    assert len(pack([queued(1, size=500), queued(2)], 100)) == 1


def test_nothing_queued_makes_no_batch() -> None:
    assert pack([], 1000) == ()


@given(st.lists(st.integers(30, 300), min_size=1, max_size=30), st.integers(0, 4000))
def test_a_batch_is_the_longest_front_of_the_queue_that_fits(sizes: list[int], room: int) -> None:
    queue = [queued(n, (A, B)[n % 2], size=size) for n, size in enumerate(sizes)]
    taken = pack(queue, room)
    assert [linked.row for linked in taken] == list(range(len(taken)))

    def length(count: int) -> int:
        return len(b",".join(wire_form(q.body, "0" * 64) for q in queue[:count]))

    assert length(len(taken)) <= room or len(taken) == 1
    assert len(taken) == len(queue) or length(len(taken) + 1) > room


RECORDS: list[Record] = [
    Loss(
        site="s",
        area="a",
        machine="m",
        kind="k",
        epoch="e",
        gateway="g",
        sequence=4,
        sequence_first=2,
        start=70,
        end=90,
        records=3,
        reason=LossReason.CORRUPT,
    ),
    Meter(
        site="s",
        area="a",
        machine="m",
        kind="k",
        epoch="e",
        gateway="g",
        sequence=0,
        at=71,
        reason="first",  # type: ignore[arg-type]  # stands for the member; the wire form is the same
        previous_epoch="none",
        previous_end=None,
        profile="p@1",
        profile_digest="d",
        stop_table="t@1",
        agent="0.1.0",
        timezone="UTC",
        serial=1,
        boot_count=1,
        uptime_s=1,
        readings={},
    ),
]


def test_the_wire_form_is_the_record_with_its_digest() -> None:
    from contract.chain import canonical

    for record in RECORDS:
        digest = link(GENESIS, canonical(record))
        read = decode_record(wire_form(canonical(record), digest))
        assert msgspec.structs.replace(read, digest="") == decode_record(msgspec.json.encode(record))
        assert is_linked(read, GENESIS)


def test_the_instant_of_a_record_is_the_time_of_its_row() -> None:
    assert [instant_of(record) for record in RECORDS] == [70, 71]
