"""Every field that the wire names, by hand: what is missing here or there is a break."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.messages import (
    Batch,
    GatewayStatus,
    Lease,
    MachineState,
    Order,
    Receipt,
    RecordException,
    Witness,
    decode_record,
)
from contract.series import ALL

GOLDEN = Path(__file__).parent / "golden"

COMMON = "type site area machine kind epoch gateway sequence digest"
FIELDS = {
    "meter": f"{COMMON} at reason previous_epoch previous_end profile profile_digest stop_table agent"
    " timezone serial boot_count uptime_s readings",
    "interval": f"{COMMON} tenant start duration_ms span_start sequence_first"
    " run_ms setup_ms test_ms stop_tenant_ms stop_host_ms stop_utility_ms stop_unknown_ms fault_ms idle_ms"
    " maint_ms off_ms unknown_ms unplaced_run_ms unplaced_stop_ms quantities totals measured order_id"
    " lease_id tenant_before tenant_after order_before order_after poll_ms polls_missed quality method reason"
    " clock",
    "transition": f"{COMMON} at cause state party stop_code vendor_code tenant order_id lease_id stop_table"
    " span_start span_ms span_since span_state span_party span_stop_code span_tenant span_order_id"
    " span_lease_id",
    "loss": f"{COMMON} sequence_first start end records reason",
    "batch": "site gateway session sealed records",
    "receipt": "batch collector at records accepted unreadable retry_after_ms exceptions",
    "state": "machine area kind epoch session at since state party stop_code vendor_code tenant order_id"
    " lease_id totals provisional clock",
    "status": "gateway session agent reason online since at machines machines_digest outbox_records"
    " outbox_oldest clock",
    "lease": "id machine by tenant order_id from issued",
    "order": "id order_id tenant article by wanted due closed issued",
    "witness": "id machine by gateway at profile profile_digest serial readings panel issued",
}
LATER = {"meter": "previous_machine previous_serial previous_readings"}
"""Fields that were appended, with a default at which they are written nowhere."""
RECORDS = ("meter", "interval", "transition", "loss")
MESSAGES: dict[str, type[msgspec.Struct]] = {
    "batch": Batch,
    "receipt": Receipt,
    "state": MachineState,
    "status": GatewayStatus,
    "lease": Lease,
    "order": Order,
    "witness": Witness,
}
MAY_BE_NULL = {
    ("meter", "previous_end"),
    ("receipt", "unreadable"),
    ("status", "at"),
    ("status", "outbox_oldest"),
    ("lease", "tenant"),
    ("lease", "order_id"),
    ("order", "due"),
}
EXCEPTION = "machine epoch sequence outcome reason detail"

STORED = {
    "usage": FIELDS["interval"],
    "state": FIELDS["transition"],
    "meter": f"{FIELDS['meter']} {LATER['meter']}",
    "loss": FIELDS["loss"],
    "lease": "site machine issued id tenant order_id by effective heard",
    "order": "site issued id order_id tenant article by wanted due closed heard",
    "witness": "site machine issued id by gateway at profile profile_digest serial readings panel heard",
    "correction": "site machine issued id by why target epoch sequence start end field old new supersedes",
    "quality": "site machine issued id order_id tenant by cause produced_at scrap rework",
    "signature": "site machine epoch gateway sequence digest until signed key signature",
    "batch": "site gateway sealed id records accepted rejected kept collector",
    "quarantine": "site gateway received batch part parts machine epoch sequence reason detail payload"
    " replayed",
}
TAGS = {
    "usage": "site area machine kind tenant epoch",
    "state": "site area machine kind epoch",
    "meter": "site area machine kind epoch",
    "loss": "site area machine kind epoch",
    "lease": "site machine",
    "order": "site",
    "witness": "site machine",
    "correction": "site machine",
    "quality": "site machine",
    "signature": "site machine epoch",
    "batch": "site gateway",
    "quarantine": "site gateway",
}


def load(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_bytes())
    return fields


def decode(name: str, fields: dict[str, Any]) -> object:
    payload = json.dumps(fields).encode()
    return decode_record(payload) if name in RECORDS else msgspec.json.decode(payload, type=MESSAGES[name])


@pytest.mark.parametrize("name", FIELDS)
def test_a_payload_has_exactly_its_fields_in_their_order(name: str) -> None:
    assert list(load(name)) == FIELDS[name].split()


def test_an_exception_has_exactly_its_fields() -> None:
    assert all(list(exception) == EXCEPTION.split() for exception in load("receipt")["exceptions"])
    assert RecordException.__struct_fields__ == tuple(EXCEPTION.split())


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, field) for name, fields in FIELDS.items() for field in fields.split() if field != "digest"],
)
def test_every_field_is_required(name: str, field: str) -> None:
    fields = load(name)
    del fields[field]
    with pytest.raises(msgspec.ValidationError, match=field):
        decode(name, fields)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in FIELDS.items() for field in fields.split()]
)
def test_a_field_is_null_only_where_that_is_said(name: str, field: str) -> None:
    fields = load(name) | {field: None}
    if (name, field) in MAY_BE_NULL:
        decode(name, fields)
        return
    with pytest.raises(msgspec.ValidationError):
        decode(name, fields)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_without_digest_is_one_that_was_not_sealed(name: str) -> None:
    fields = load(name)
    del fields["digest"]
    assert decode_record(json.dumps(fields).encode()).digest == ""


@pytest.mark.parametrize("name", RECORDS)
def test_an_unknown_field_in_a_record_is_an_error(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        decode(name, load(name) | {"colour": 1})


@pytest.mark.parametrize("name", MESSAGES)
def test_an_unknown_field_elsewhere_is_ignored(name: str) -> None:
    assert decode(name, load(name) | {"colour": 1}) == decode(name, load(name))


def test_an_unknown_type_of_record_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="Invalid value 'verdict'"):
        decode("loss", load("loss") | {"type": "verdict"})


def test_one_bad_record_does_not_fail_its_neighbours() -> None:
    fields = load("batch")
    fields["records"][1] = {"type": "verdict"}
    batch = decode("batch", fields)
    assert isinstance(batch, Batch)
    good = [decode_record(batch.records[index]) for index in (0, 2, 3)]
    assert [record.sequence for record in good] == [0, 2, 9]


WRONG = [
    ("interval", "machine", "CNC 07"),
    ("interval", "machine", "cnc-07\n"),
    ("interval", "tenant", ""),
    ("interval", "sequence", -1),
    ("interval", "sequence", 2**63),
    ("interval", "sequence", 1.0),
    ("interval", "run_ms", "5"),
    ("interval", "run_ms", True),
    ("interval", "duration_ms", 0),
    ("interval", "quality", "good"),
    ("interval", "quantities", {"Produced": 1}),
    ("interval", "quantities", {"produced": -1}),
    ("interval", "order_id", "a b"),
    ("transition", "state", "running"),
    ("transition", "party", "nobody"),
    ("meter", "profile", "two words"),
    ("meter", "reason", "because"),
    ("receipt", "batch", "A" * 64),
    ("receipt", "batch", "a" * 63),
    ("status", "reason", "crash"),
    ("lease", "by", ""),
    ("lease", "by", "a\tb"),
    ("lease", "from", -1),
    ("order", "order_id", "x" * 65),
    ("order", "article", "x" * 513),
    ("order", "closed", 0),
    ("witness", "readings", {"pieces": -1}),
    ("witness", "panel", {"run_h": "25,3"}),
    ("witness", "panel", {"run_h": 25.3}),
    ("witness", "profile_digest", "5c9e"),
]


@pytest.mark.parametrize(("name", "field", "value"), WRONG)
def test_a_value_outside_its_alphabet_is_an_error_that_names_the_field(
    name: str, field: str, value: Any
) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}"):
        decode(name, load(name) | {field: value})


@pytest.mark.parametrize("series", ALL, ids=lambda series: series.name)
def test_a_series_stores_exactly_its_fields_under_its_tags(series: Any) -> None:
    fields = [field for field in STORED[series.name].split() if field != "type"]
    assert sorted(series.fact.__struct_fields__) == sorted(fields)
    assert list(series.tags) == TAGS[series.name].split()
    assert series.time in fields
