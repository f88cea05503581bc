"""The golden lines are normative: one per series, as it rests in databases that are already out there."""

from pathlib import Path

import pytest

from contract import facts
from contract.line import line, lines
from contract.messages import decode_record
from contract.records import Record
from contract.series import ALL, BY_NAME, Row, fact_of, row_of
from contract.signature import decode_signature

GOLDEN = Path(__file__).parent / "golden"
EIGHT = 1_795_305_600_000
"""2026-11-22 08:00 in Shanghai."""
BATCH_ID = "c95c47b88d78fd39df81a9f1aca3c0787cb04a1c44ff62346ede276ca428bbc3"


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes().removesuffix(b"\n")


def record(name: str) -> Record:
    return decode_record(golden(f"{name}.json"))


FACTS: dict[str, Record | facts.Fact] = {
    "usage": record("interval"),
    "state": record("transition"),
    "meter": record("meter"),
    "loss": record("loss"),
    "lease": facts.LeaseFact(
        site="dongguan-3",
        machine="cnc-07",
        issued=EIGHT - 3_660_000,
        id="lease-0093",
        tenant="lantern",
        order_id="none",
        by="陈师傅, shift A",
        effective=EIGHT - 3_600_000,
        heard=EIGHT - 3_659_000,
    ),
    "order": facts.OrderFact(
        site="dongguan-3",
        issued=EIGHT - 7_200_000,
        id="mes-88120",
        order_id="4711",
        tenant="lantern",
        article='支架 M4 "left"',
        by="mes",
        wanted=2_000,
        due=EIGHT + 86_400_000,
        closed=0,
        heard=EIGHT - 7_199_000,
    ),
    "witness": facts.WitnessFact(
        site="dongguan-3",
        machine="cnc-07",
        issued=EIGHT - 60_000,
        id="wit-31",
        by="陈师傅, shift A",
        gateway="gw-1",
        at=EIGHT - 90_000,
        profile="haas-vf2@3",
        profile_digest="5c9e1d1c7f6f0f5f21c1a4c98c7cfd5f9ef0f1eac5bb04a8c2cf1d0c5a3f8e27",
        serial=20_260_017,
        readings={"parts": 104_211, "rejects": 37, "energy": 991_204},
        panel="parts=104211 run_h=25.3",
        heard=EIGHT - 59_000,
    ),
    "correction": facts.Correction(
        site="dongguan-3",
        machine="cnc-07",
        issued=EIGHT + 3_600_000,
        id="corr-7",
        by="wang.li",
        why="scanned the wrong card \\ see slip 18",
        target=facts.Target.USAGE,
        epoch="k3f9qa",
        sequence=2,
        start=-1,
        end=-1,
        field=facts.CorrectedField.TENANT,
        old="lantern",
        new="kite",
        supersedes="none",
    ),
    "quality": facts.QualityResult(
        site="dongguan-3",
        machine="cnc-07",
        issued=EIGHT + 7_200_000,
        id="qr-15",
        order_id="4711",
        tenant="lantern",
        by="inspection",
        cause="burr",
        produced_at=EIGHT + 120_000,
        scrap=2,
        rework=1,
    ),
    "signature": decode_signature(golden("signature.json")),
    "batch": facts.BatchFact(
        site="dongguan-3",
        gateway="gw-1",
        sealed=EIGHT + 301_000,
        id=BATCH_ID,
        records=4,
        accepted=2,
        rejected=1,
        kept=1,
        collector="collector-1",
    ),
    "quarantine": facts.Quarantined(
        site="dongguan-3",
        gateway="gw-1",
        received=EIGHT + 302_001,
        batch=BATCH_ID,
        part=0,
        parts=1,
        machine="cnc-07",
        epoch="k3f9qa",
        sequence=2,
        reason="conflict",
        detail="run_ms is 190000 in the store",
        payload='{"type":"interval","note":"as it came"}',
        replayed=0,
    ),
}


LINES = FACTS | {"meter_renamed": record("meter_renamed")}
"""With one that has the fields which came later."""


@pytest.mark.parametrize("name", LINES)
def test_a_fact_is_stored_as_its_golden_line(name: str) -> None:
    assert line(row_of(LINES[name])).encode() == golden(f"{name}.line")


@pytest.mark.parametrize("name", LINES)
def test_a_golden_fact_comes_back_from_its_row(name: str) -> None:
    row = row_of(LINES[name])
    assert fact_of(row) == LINES[name]
    assert row.series == name.partition("_")[0]


def test_a_record_stored_before_a_field_existed_is_the_same_row_still() -> None:
    """Sent again after an upgrade it must not be taken for another fact of its name."""
    assert not {name for name in row_of(FACTS["meter"]).fields if name.startswith("previous_m")}
    assert not {name for name in row_of(FACTS["meter"]).fields if name.endswith("_was")}


def test_every_series_has_a_golden_line() -> None:
    assert set(FACTS) == set(BY_NAME) == {series.name for series in ALL}
    assert {path.stem for path in GOLDEN.glob("*.line")} == set(LINES)


def test_lines_are_separated_and_not_ended() -> None:
    rows = [row_of(fact) for fact in FACTS.values()]
    assert lines(rows).split(b"\n") == [line(row).encode() for row in rows]
    assert lines([]) == b""


def test_equal_rows_are_equal_bytes_whatever_the_order_of_their_fields() -> None:
    row = row_of(FACTS["usage"])
    turned = Row(
        series=row.series,
        time=row.time,
        tags=dict(reversed(row.tags.items())),
        fields=dict(reversed(row.fields.items())),
    )
    assert line(turned) == line(row)
