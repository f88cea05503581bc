"""Which rows every store holds exactly as they were, and which it refuses."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.facts import (
    PART_BYTES,
    BatchFact,
    CorrectedField,
    Correction,
    LeaseFact,
    OrderFact,
    QualityResult,
    Quarantined,
    Target,
)
from contract.messages import ExceptionReason
from contract.names import INT64_MAX
from contract.records import Loss, LossReason, Meter, MeterReason
from contract.series import BY_NAME, LEASE, QUARANTINE, Row, fact_of, row_of
from store.protocol import ACCEPTED, Store

DAY = 86_400_000
NOW = 1_790_000_000_000
"""Some time in September 2026."""


_NAMED = {
    "site": "north",
    "machine": "press-1",
    "epoch": "e1",
    "area": "hall",
    "kind": "press",
    "gateway": "g1",
}
FACTS = [
    LeaseFact(
        site="north", machine="press-1", issued=NOW, id="l1", tenant="acme", order_id="none",
        by="王小明 (scanner)", effective=NOW + 5, heard=NOW + 7,
    ),
    OrderFact(
        site="north", issued=NOW, id="o1", order_id="A-17", tenant="acme", article='盖子 "50 mm", blau\\rot',
        by="mes", wanted=5_000, due=-1, closed=0, heard=NOW,
    ),
    Correction(
        site="north", machine="press-1", issued=NOW, id="c1", by="li", why="wrong tag", target=Target.USAGE,
        epoch="e1", sequence=-1, start=NOW, end=NOW + 1, field=CorrectedField.TENANT, old="a", new="b",
        supersedes="none",
    ),
    QualityResult(
        site="north", machine="press-1", issued=NOW, id="q1", order_id="A-17", tenant="acme", by="qa",
        cause="划痕", produced_at=NOW - 5, scrap=3, rework=0,
    ),
    BatchFact(
        site="north", gateway="g1", sealed=NOW, id="0" * 64, records=3, accepted=1, rejected=1, kept=1,
        collector="c1",
    ),
    Quarantined(
        site="north", gateway="g1", received=NOW, batch="0" * 64, part=0, parts=1, machine="none",
        epoch="none", sequence=-1, reason="invalid", detail="Expected `int`, got `str` - at `$.at`",
        payload='{"at":"x"}', replayed=0,
    ),
    Loss(
        **_NAMED, sequence=9, digest="f" * 64, sequence_first=2, start=NOW, end=NOW + DAY, records=8,
        reason=LossReason.OUTBOX_FULL,
    ),
    Meter(
        **_NAMED, sequence=0, digest="f" * 64, at=NOW, reason=MeterReason.FIRST, previous_epoch="none",
        previous_end=None, profile="press@3", profile_digest="abc", stop_table="std@1", agent="0.1.0",
        timezone="Asia/Shanghai", serial=2**32 - 1, boot_count=3, uptime_s=5,
        readings={"strokes": INT64_MAX, "energy": 0},
    ),
]  # fmt: skip


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
async def test_a_fact_comes_back_as_it_was(store: Store, read: Any, fact: Any) -> None:
    row = row_of(fact)
    assert await store.write([row]) == [ACCEPTED]
    (found,) = await read(store, BY_NAME[row.series])
    assert found == row
    assert fact_of(found) == fact


async def test_a_part_of_a_quarantined_payload_comes_back_whole(store: Store, read: Any) -> None:
    payload = "坊\"\\'," * (PART_BYTES // 7)
    tags = {"site": "north", "gateway": "g1"}
    row = Row(series="quarantine", time=NOW, tags=tags, fields={"payload": payload, "sequence": -1})
    assert await store.write([row]) == [ACCEPTED]
    assert await read(store, QUARANTINE) == [row]


@pytest.mark.parametrize("number", [INT64_MAX, -INT64_MAX - 1, 2**53 + 1, 0])
async def test_integers_are_exact(store: Store, read: Any, lease: Any, number: int) -> None:
    await store.write([lease(NOW, number=number)])
    assert (await read(store, LEASE))[0].fields["number"] == number


BAD: list[tuple[str, dict[str, Any]]] = [
    ("there is no series", {"series": "usages"}),
    ("has the tags", {"tags": {"site": "north"}}),
    ("tag machine", {"tags": {"site": "north", "machine": ""}}),
    ("tag machine", {"tags": {"site": "north", "machine": "a\nlease,site=x,machine=y id=1i 1"}}),
    ("tag machine", {"tags": {"site": "north", "machine": "a\\"}}),
    ("time", {"time": -1}),
    ("time", {"time": INT64_MAX}),
    ("no fields", {"fields": {}}),
    ("neither an integer nor a text", {"fields": {"x": 1.5}}),
    ("neither an integer nor a text", {"fields": {"x": True}}),
    ("beyond 64 bits", {"fields": {"x": INT64_MAX + 1}}),
    ("no field can be named", {"fields": {"": 1}}),
    ("not Unicode text", {"fields": {"x": "\ud800"}}),
    ("bytes", {"fields": {"x": "x" * 65_536}}),
    ("cannot be a field too", {"fields": {"site": 1}}),
]


@pytest.mark.parametrize(("flaw", "change"), BAD, ids=lambda value: str(value)[:40])
async def test_what_no_store_can_hold_is_rejected_and_its_neighbours_are_not(
    store: Store, read: Any, lease: Any, flaw: str, change: dict[str, Any]
) -> None:
    good = lease(NOW)
    parts: dict[str, Any] = {"series": good.series, "time": NOW + 1, "tags": good.tags, "fields": good.fields}
    written = await store.write([good, Row(**{**parts, **change}), lease(NOW + 2)])
    assert [one.outcome for one in written] == ["accepted", "rejected", "accepted"]
    assert written[1].reason is ExceptionReason.INVALID
    assert flaw in written[1].detail
    assert await read(store, LEASE) == [good, lease(NOW + 2)]


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_tags = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\\"), min_size=1, max_size=20
)
_names = st.from_regex(r"\A[a-z][a-z0-9_]{0,39}\Z").filter(
    lambda name: name not in ("time", "site", "machine")
)
_contents = st.dictionaries(st.sampled_from(["text_a", "text_b"]), _texts, max_size=2).flatmap(
    lambda texts: st.dictionaries(
        st.sampled_from(["number_a", "number_b"]), st.integers(-INT64_MAX - 1, INT64_MAX), min_size=1
    ).map(lambda numbers: {**texts, **numbers})
)
_rows = st.lists(
    st.builds(
        lambda time, machine, fields: (time, machine, fields),
        st.integers(NOW, NOW + 3 * DAY),
        _tags,
        _contents,
    ),
    max_size=12,
    unique_by=lambda parts: parts[:2],
)
_sites: Callable[[], int] = itertools.count().__next__


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=_rows)
async def test_any_rows_come_back_as_they_were(store: Store, read: Any, parts: list[Any]) -> None:
    site = f"site-{_sites()}"
    rows = [
        Row(series="lease", time=time, tags={"site": site, "machine": machine}, fields=fields)
        for time, machine, fields in parts
    ]
    assert await store.write(rows) == [ACCEPTED] * len(rows)
    assert await store.write(rows) == [ACCEPTED] * len(rows)
    in_order = sorted(rows, key=lambda row: (row.time, row.tags["machine"].encode()))
    assert await read(store, LEASE, tags={"site": site}) == in_order
