"""The golden payloads are normative: a change in one breaks agents that are already out there.

A field may be appended with a default; nothing else.
"""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.messages import (
    Batch,
    ExceptionReason,
    GatewayStatus,
    Lease,
    MachineState,
    Message,
    Order,
    Outcome,
    Receipt,
    RecordException,
    StatusReason,
    Witness,
    batch_id,
    decode_record,
    encode,
)
from contract.records import (
    Cause,
    Clock,
    Interval,
    Loss,
    LossReason,
    Meter,
    MeterReason,
    Method,
    Quality,
    Reason,
    Record,
    Transition,
)
from contract.signature import Signature, decode_signature, encode_signature, signed_bytes
from contract.states import Party, State

GOLDEN = Path(__file__).parent / "golden"
EIGHT = 1_795_305_600_000
"""2026-11-22 08:00 in Shanghai."""


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes().removesuffix(b"\n")


METER = Meter(
    site="dongguan-3",
    area="hall-1",
    machine="cnc-07",
    kind="cnc",
    epoch="k3f9qa",
    gateway="gw-1",
    sequence=0,
    digest="55141f7d3a93804781d055aa824dffa87eaa740fc9de978680db20129e95d828",
    at=EIGHT,
    reason=MeterReason.STATE_LOST,
    previous_epoch="h81xw2",
    previous_end=EIGHT - 61_000,
    profile="haas-vf2@3",
    profile_digest="5c9e1d1c7f6f0f5f21c1a4c98c7cfd5f9ef0f1eac5bb04a8c2cf1d0c5a3f8e27",
    stop_table="stops@2",
    agent="0.1.0",
    timezone="Asia/Shanghai",
    serial=20_260_017,
    boot_count=41,
    uptime_s=86_400,
    readings={"parts": 104_211, "rejects": 37, "energy": 991_204},
)

TRANSITION = Transition(
    site="dongguan-3",
    area="hall-1",
    machine="cnc-07",
    kind="cnc",
    epoch="k3f9qa",
    gateway="gw-1",
    sequence=1,
    digest="639d5c2e795c2f8c8a4f9bc4c3e805ede166ad3f374d4368d046959a1911ce15",
    at=EIGHT + 200_000,
    cause=Cause.STATE,
    state=State.STOP,
    party=Party.TENANT,
    stop_code=12,
    vendor_code=3001,
    tenant="lantern",
    order_id="4711",
    lease_id="lease-0093",
    stop_table="stops@2",
    span_start=EIGHT,
    span_ms=200_000,
    span_since=EIGHT - 3_600_000,
    span_state=State.RUN,
    span_party=Party.NONE,
    span_stop_code=0,
    span_tenant="lantern",
    span_order_id="4711",
    span_lease_id="lease-0093",
)

INTERVAL = Interval(
    site="dongguan-3",
    area="hall-1",
    machine="cnc-07",
    kind="cnc",
    epoch="k3f9qa",
    gateway="gw-1",
    sequence=2,
    digest="1b2825673c918db01f30cc436ae225196562d26cd5b5ca347af1c1d6be6ee3b2",
    tenant="lantern",
    start=EIGHT,
    duration_ms=300_000,
    span_start=EIGHT,
    sequence_first=2,
    run_ms=200_000,
    setup_ms=0,
    test_ms=0,
    stop_tenant_ms=100_000,
    stop_host_ms=0,
    stop_utility_ms=0,
    stop_unknown_ms=0,
    fault_ms=0,
    idle_ms=0,
    maint_ms=0,
    off_ms=0,
    unknown_ms=0,
    unplaced_run_ms=0,
    unplaced_stop_ms=0,
    quantities={"produced": 6, "scrap": 1, "rework": 0, "energy_wh": 512, "shots": 12},
    totals={"produced": 6, "scrap": 1, "rework": 0, "energy_wh": 512, "shots": 12},
    measured="energy_wh,produced,scrap,shots",
    order_id="4711",
    lease_id="lease-0093",
    tenant_before="none",
    tenant_after="none",
    order_before="none",
    order_after="none",
    poll_ms=1000,
    polls_missed=2,
    quality=Quality.ACTUAL,
    method=Method.POLLED,
    reason=Reason.NONE,
    clock=Clock.SYNCED,
)

LOSS = Loss(
    site="dongguan-3",
    area="hall-1",
    machine="cnc-07",
    kind="cnc",
    epoch="k3f9qa",
    gateway="gw-1",
    sequence=9,
    digest="4ce713741a4ee31e0e069324b2336ddcecd12d092e4ab15498b8804cdb079fc3",
    sequence_first=3,
    start=EIGHT + 300_000,
    end=EIGHT + 2_100_000,
    records=7,
    reason=LossReason.OUTBOX_FULL,
)

RENAMED = msgspec.structs.replace(
    METER,
    machine="cnc-17",
    epoch="m2p4vd",
    digest="81e8044ebcb2de6998a4c99eae1f54447a5e8046fd8aeea98138d4713e2ed9d9",
    reason=MeterReason.RENAMED,
    previous_epoch="k3f9qa",
    previous_end=EIGHT,
    previous_machine="cnc-07",
    previous_serial=20_260_017,
    previous_readings=METER.readings,
)

RECORDS: dict[str, Record] = {
    "meter": METER,
    "transition": TRANSITION,
    "interval": INTERVAL,
    "loss": LOSS,
}

BATCH = Batch(
    site="dongguan-3",
    gateway="gw-1",
    session="s-5d1c",
    sealed=EIGHT + 301_000,
    records=[msgspec.Raw(encode(record)) for record in RECORDS.values()],
)

MESSAGES: dict[str, Message] = {
    "batch": BATCH,
    "receipt": Receipt(
        batch=batch_id(encode(BATCH)),
        collector="collector-1",
        at=EIGHT + 302_000,
        records=4,
        accepted=2,
        unreadable=None,
        retry_after_ms=45_000,
        exceptions=[
            RecordException(
                machine="cnc-07",
                epoch="k3f9qa",
                sequence=1,
                outcome=Outcome.KEPT,
                reason=ExceptionReason.STORE,
                detail="max series per database exceeded",
            ),
            RecordException(
                machine="cnc-07",
                epoch="k3f9qa",
                sequence=2,
                outcome=Outcome.REJECTED,
                reason=ExceptionReason.CONFLICT,
                detail="run_ms is 190000 in the store",
            ),
        ],
    ),
    "state": MachineState(
        machine="cnc-07",
        area="hall-1",
        kind="cnc",
        epoch="k3f9qa",
        session="s-5d1c",
        at=EIGHT + 260_000,
        since=EIGHT + 200_000,
        state=State.STOP,
        party=Party.TENANT,
        stop_code=12,
        vendor_code=3001,
        tenant="lantern",
        order_id="4711",
        lease_id="lease-0093",
        totals={"produced": 6, "scrap": 1, "rework": 0, "energy_wh": 512},
        provisional=True,
        clock=Clock.FREE,
    ),
    "status": GatewayStatus(
        gateway="gw-1",
        session="s-5d1c",
        agent="0.1.0",
        reason=StatusReason.LOST,
        online=False,
        since=EIGHT,
        at=None,
        machines=12,
        machines_digest="70dbc9c30d2eeb3bb9bf6f74afe6a9c3ae1b0f1aa1d0b80d8e9de21e0a7ae3c8",
        outbox_records=31,
        outbox_oldest=EIGHT - 300_000,
        clock=Clock.STEPPED,
    ),
    "lease": Lease(
        id="lease-0093",
        machine="cnc-07",
        by="陈师傅, shift A",
        tenant="lantern",
        order_id=None,
        effective=EIGHT - 3_600_000,
        issued=EIGHT - 3_660_000,
    ),
    "order": Order(
        id="mes-88120",
        order_id="4711",
        tenant="lantern",
        article='支架 M4 "left"',
        by="mes",
        wanted=2_000,
        due=EIGHT + 86_400_000,
        closed=False,
        issued=EIGHT - 7_200_000,
    ),
    "witness": Witness(
        id="wit-31",
        machine="cnc-07",
        by="陈师傅, shift A",
        gateway="gw-1",
        at=EIGHT - 90_000,
        profile="haas-vf2@3",
        profile_digest="5c9e1d1c7f6f0f5f21c1a4c98c7cfd5f9ef0f1eac5bb04a8c2cf1d0c5a3f8e27",
        serial=20_260_017,
        readings={"parts": 104_211, "rejects": 37, "energy": 991_204},
        panel={"parts": "104211", "run_h": "25.3"},
        issued=EIGHT - 60_000,
    ),
}


SIGNATURE = Signature(
    site="dongguan-3",
    machine="cnc-07",
    epoch="k3f9qa",
    gateway="gw-1",
    sequence=3,
    digest=RECORDS["loss"].digest,
    until=EIGHT + 57_600_000,
    signed=EIGHT + 57_901_000,
    key="56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c",
    signature="8c3dd89c3478e1921cc2592bf5bade7e7bfd09d6449b7700e2f2ae409f40f0b4"
    "09a840943fae25884ae31bd7ab7314c7e00d27cac89910f9de168a6a3ab54a03",
)
"""By the key whose 32 private bytes are 0 to 31: whoever writes another agent can try theirs against it."""

MESSAGES["batch_signed"] = msgspec.structs.replace(
    BATCH, records=[], signatures=[msgspec.Raw(encode_signature(SIGNATURE))]
)
MESSAGES["receipt_signed"] = msgspec.structs.replace(
    MESSAGES["receipt"], records=0, accepted=0, exceptions=[], signatures=1
)


ALL_RECORDS = RECORDS | {"meter_renamed": RENAMED}
"""With one that has the fields which came later."""


@pytest.mark.parametrize("name", ALL_RECORDS)
def test_a_record_is_encoded_as_its_golden_file(name: str) -> None:
    assert encode(ALL_RECORDS[name]) == golden(f"{name}.json")


@pytest.mark.parametrize("name", ALL_RECORDS)
def test_a_golden_record_is_read_back(name: str) -> None:
    assert decode_record(golden(f"{name}.json")) == ALL_RECORDS[name]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_encoded_as_its_golden_file(name: str) -> None:
    assert encode(MESSAGES[name]) == golden(f"{name}.json")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_is_read_back(name: str) -> None:
    assert msgspec.json.decode(golden(f"{name}.json"), type=type(MESSAGES[name])) == MESSAGES[name]


def test_the_records_of_a_golden_batch_are_the_golden_records() -> None:
    batch = msgspec.json.decode(golden("batch.json"), type=Batch)
    assert [decode_record(raw) for raw in batch.records] == list(RECORDS.values())


def test_a_batch_or_a_receipt_without_signatures_is_the_bytes_that_it_always_was() -> None:
    """So an agent that signs goes on with a collector that knows nothing of it, and the other way round."""
    for name in ("batch", "receipt"):
        assert b"signatures" not in golden(f"{name}.json")


def test_the_golden_signature_is_signed_by_its_key() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = key.public_key().public_bytes_raw()
    assert SIGNATURE.key == hashlib.sha256(public).hexdigest()
    fields = json.loads(golden("signature.json"))
    by_hand = bytes.fromhex(fields.pop("signature"))
    told = b"gongfang/v1 chain head\n" + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    assert told == signed_bytes(SIGNATURE)
    key.public_key().verify(by_hand, told)
    assert encode_signature(SIGNATURE) == golden("signature.json")
    assert decode_signature(golden("signature.json")) == SIGNATURE


def test_every_payload_has_a_golden_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*ALL_RECORDS, *MESSAGES, "signature"}
