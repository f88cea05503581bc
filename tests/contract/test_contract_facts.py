"""Facts: from the message, to a flat row and back, and payloads that every store keeps."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import facts
from contract.messages import Lease, Order, decode_record
from contract.names import LABEL, NAME, ORDER_ID
from contract.records import Interval, Record
from contract.series import ALL, Row, fact_of, is_quantity_name, row_of

GOLDEN = Path(__file__).parent / "golden"

counts = st.integers(0, 2**63 - 1)
names = st.from_regex(NAME)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
quantity_names = st.from_regex(r"\A[a-z][a-z0-9_]{0,39}\Z").filter(is_quantity_name)


@st.composite
def quantities(draw: st.DrawFn) -> dict[str, dict[str, int]]:
    """Quantities and totals always have the same names."""
    found = draw(st.dictionaries(quantity_names, st.tuples(counts, counts), max_size=5))
    return {
        "quantities": {name: pair[0] for name, pair in found.items()},
        "totals": {name: pair[1] for name, pair in found.items()},
    }


def fields_of(fact: type[Any], names_given: set[str]) -> dict[str, Any]:
    """A strategy per field, from its declared type."""
    found = {}
    for field in msgspec.structs.fields(fact):
        if field.name not in names_given:
            found[field.name] = strategy_of(msgspec.inspect.type_info(field.type))
    return found


some_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def strategy_of(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    found: st.SearchStrategy[Any]
    match kind:
        case msgspec.inspect.IntType(ge=low, le=high):
            found = st.integers(-1 if low is None else low, 2**63 - 1 if high is None else high)
        case msgspec.inspect.StrType(pattern=pattern):
            found = st.from_regex(pattern) if pattern else some_text
        case msgspec.inspect.EnumType(cls=members):
            found = st.sampled_from(list(members))
        case msgspec.inspect.DictType():
            found = st.dictionaries(quantity_names, counts, max_size=5)
        case msgspec.inspect.UnionType(types=types):
            found = st.one_of(*map(strategy_of, types))
        case _:
            assert isinstance(kind, msgspec.inspect.NoneType), f"no strategy for {kind}"
            found = st.none()
    return found


def facts_of(fact: type[Any]) -> st.SearchStrategy[Any]:
    if fact is Interval:
        fields = fields_of(fact, {"quantities", "totals"})
        return st.builds(lambda pairs, **rest: Interval(**pairs, **rest), quantities(), **fields)
    if fact is facts.Correction:  # whose it was is a name, whatever else a text may be
        return st.builds(fact, **{**fields_of(fact, set()), "new": st.from_regex(NAME)})
    return st.builds(fact, **fields_of(fact, set()))


ANY_FACT: tuple[type[Any], ...] = (*get_args(Record), *get_args(facts.Fact))


def test_every_fact_has_one_series() -> None:
    assert {series.fact for series in ALL} == set(ANY_FACT)
    assert len(ALL) == len(ANY_FACT)


@pytest.mark.parametrize("fact", ANY_FACT, ids=lambda fact: fact.__name__)
@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_fact_comes_back_from_its_row(fact: type[Any], data: st.DataObject) -> None:
    made = data.draw(facts_of(fact))
    row = row_of(made)
    assert fact_of(row) == made
    assert all(type(value) in {int, str} for value in row.fields.values())
    assert row.tags.keys().isdisjoint(row.fields)


@pytest.mark.parametrize("name", ["interval", "meter", "transition", "loss"])
def test_a_row_with_a_column_that_is_none_of_ours_is_an_error(name: str) -> None:
    row = row_of(decode_record((GOLDEN / f"{name}.json").read_bytes()))
    stranger = Row(series=row.series, time=row.time, tags=row.tags, fields={**row.fields, "colour": "red"})
    with pytest.raises(msgspec.ValidationError, match="colour"):
        fact_of(stranger)


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("produced", True),
        ("energy_wh", True),
        ("tenant", False),
        ("run_ms", False),
        ("digest", False),
        ("time", False),
        ("type", False),
        ("readings", False),
        ("picks_total", False),
        ("picks_raw", False),
    ],
)
def test_a_quantity_has_no_name_that_a_flat_row_needs(name: str, may: bool) -> None:  # noqa: FBT001  a table
    assert is_quantity_name(name) is may


@given(st.binary(max_size=200))
def test_any_payload_comes_back_from_its_text(payload: bytes) -> None:
    text = facts.payload_text(payload)
    assert facts.payload_bytes(text) == payload
    assert text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b'{"a": 1}', '{"a": 1}'),
        ("支架".encode(), "支架"),
        (b"", "base64:"),
        (b"\xff\xfe", "base64://4="),
        (b"a\nb", "base64:YQpi"),
        (b"a\x00b", "base64:YQBi"),
        (b"base64:YQ==", "base64:YmFzZTY0OllRPT0="),
    ],
)
def test_text_stays_text_and_the_rest_is_base64(payload: bytes, text: str) -> None:
    assert facts.payload_text(payload) == text
    assert facts.payload_bytes(text) == payload


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=50), st.integers(1, 3000))
@settings(max_examples=40)
def test_parts_join_to_the_whole_and_none_is_too_long(text: str, times: int) -> None:
    whole = text * times
    parts = facts.payload_parts(whole)
    assert "".join(parts) == whole
    sizes = [len(part.encode()) for part in parts]
    assert max(sizes) <= facts.PART_BYTES
    assert all(size > facts.PART_BYTES - 4 for size in sizes[:-1])
    assert sizes[-1] > 0 or not whole


def test_a_character_is_never_cut() -> None:
    whole = "x" * (facts.PART_BYTES - 1) + "架" * 3
    assert facts.payload_parts(whole) == ["x" * (facts.PART_BYTES - 1), "架" * 3]


def test_the_parts_of_nothing_are_one_empty_part() -> None:
    assert facts.payload_parts("") == [""]


leases = st.builds(
    Lease,
    id=st.from_regex(LABEL),
    machine=names,
    by=texts,
    tenant=st.none() | names,
    order_id=st.none() | st.from_regex(ORDER_ID),
    effective=counts,
    issued=counts,
)


@given(leases, counts)
def test_a_lease_fact_ends_when_its_message_did(lease: Lease, heard: int) -> None:
    fact = facts.lease_fact("dongguan-3", lease, heard)
    assert (fact.site, fact.machine, fact.id, fact.by) == ("dongguan-3", lease.machine, lease.id, lease.by)
    assert (fact.issued, fact.effective, fact.heard) == (lease.issued, lease.effective, heard)
    if lease.tenant is None and lease.order_id is None:
        assert fact.ends
    assert (lease.tenant or "none", lease.order_id or "none") == (fact.tenant, fact.order_id)


@pytest.mark.parametrize(
    ("due", "closed", "stored"), [(None, False, (-1, 0)), (0, True, (0, 1)), (5, False, (5, 0))]
)
def test_an_order_fact_is_flat(due: int | None, closed: bool, stored: tuple[int, int]) -> None:  # noqa: FBT001  a table
    order = Order(
        id="o-1",
        order_id="4711",
        tenant="lantern",
        article="支架",
        by="mes",
        wanted=5,
        due=due,
        closed=closed,
        issued=7,
    )
    fact = facts.order_fact("dongguan-3", order, 9)
    assert (fact.due, fact.closed) == stored
    assert (fact.id, fact.order_id, fact.tenant, fact.article) == ("o-1", "4711", "lantern", "支架")
    assert (fact.by, fact.wanted, fact.issued, fact.heard) == ("mes", 5, 7, 9)
