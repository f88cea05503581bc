"""Gauges on the wire and in the database: golden forms, and what is no message of theirs."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import topics
from contract.gauges import RESERVED, Gauges, Point, decode, encode, line

GOLDEN = Path(__file__).parent / "golden" / "outside_custody"
EIGHT = 1_795_305_600_000
"""2026-11-22 08:00 in Shanghai."""
SHOWN = Gauges(
    machine="cnc-07",
    area="hall-1",
    kind="cnc",
    at=EIGHT,
    values={"spindle_temperature": 41.5, "power_w": 2200.0, "drift": -1.25e-07},
)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes().removesuffix(b"\n")


def test_the_message_is_the_golden_one_and_is_read_back() -> None:
    assert encode(SHOWN) == golden("gauges.json")
    assert decode("dongguan-3", "cnc-07", golden("gauges.json")) == Point(site="dongguan-3", shown=SHOWN)


def test_the_line_is_the_golden_one() -> None:
    """Every number has a point or an exponent: a whole one would make the column one of integers."""
    assert line(Point(site="dongguan-3", shown=SHOWN)).encode() == golden("gauges.line")


def test_its_topic_is_one_of_ours() -> None:
    topic = topics.gauges("dongguan-3", "cnc-07")
    assert topic == "gongfang/v1/dongguan-3/machine/cnc-07/gauges"
    assert topics.parse(topic) == topics.Topic("gauges", "dongguan-3", "cnc-07")


REFUSED = [
    (b"", "truncated"),
    (b"{}", "missing required field"),
    (golden("gauges.json").replace(b"cnc-07", b"cnc-08"), "speaks for cnc-08 on the topic of cnc-07"),
    (golden("gauges.json").replace(b"drift", b"Drift"), "matching regex"),
    (golden("gauges.json").replace(b"drift", b"time"), "has a gauge 'time'"),
    (golden("gauges.json").replace(b"-1.25e-7", b"1e999"), "out of range"),
    (golden("gauges.json").replace(b"-1.25e-7", b'"x"'), "Expected `float`"),
    (b'{"machine":"cnc-07","area":"a","kind":"k","at":1,"values":{}}', "shows nothing"),
]


@pytest.mark.parametrize(("payload", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_is_no_message_of_gauges_is_told_why(payload: bytes, why: str) -> None:
    found = decode("dongguan-3", "cnc-07", payload)
    assert isinstance(found, str)
    assert why in found


def test_whole_numbers_of_a_foreign_sender_are_floats() -> None:
    found = decode("s", "m", b'{"machine":"m","area":"a","kind":"k","at":1,"values":{"x":412}}')
    assert isinstance(found, Point)
    assert line(found) == "gauge,area=a,kind=k,machine=m,site=s x=412.0 1"


names = st.from_regex(r"\A[a-z][a-z0-9_]{0,39}\Z").filter(lambda name: name not in RESERVED)


@given(st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_whatever_is_shown_survives_the_wire_to_the_last_bit(values: dict[str, float]) -> None:
    shown = Gauges(machine="m", area="a", kind="k", at=1, values=values)
    found = decode("s", "m", encode(shown))
    assert isinstance(found, Point)
    assert found.shown == shown
    fields = line(found).split(" ")[1].split(",")
    assert {name: float(text) for name, text in (field.split("=") for field in fields)} == values


@given(st.binary(max_size=200))
def test_any_bytes_are_a_point_or_a_reason(payload: bytes) -> None:
    found = decode("s", "m", payload)
    assert isinstance(found, str) or all(math.isfinite(value) for value in found.shown.values.values())
