"""Names, topics, states and plant time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import topics
from contract.clock import REAL, ClockPair
from contract.names import is_name, is_order_id
from contract.records import Interval
from contract.states import STOP_FIELDS, TIME_FIELDS, Party, State, time_field
from contract.topics import Topic

LONG = "x" * 64

NAMES = {
    "a": True,
    "0": True,
    "cnc-07": True,
    "hall.1_b-2": True,
    LONG: True,
    LONG + "x": False,
    "": False,
    "-cnc": False,
    ".cnc": False,
    "CNC": False,
    "cnc 7": False,
    "cnc/7": False,
    "cnc+": False,
    "cnc\n": False,
    "机床": False,
    "none": False,
    "disputed": False,
    "nones": True,
}

ORDER_IDS = {
    "4711": True,
    "PO-2026_11.b": True,
    "-": True,
    LONG.upper(): True,
    LONG + "x": False,
    "": False,
    "a b": False,
    "a/b": False,
    "4711\n": False,
    "订单": False,
    "none": False,
    "disputed": False,
    "NONE": True,
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_lower_case_short_and_not_reserved(text: str) -> None:
    assert is_name(text) is NAMES[text]


@pytest.mark.parametrize("text", ORDER_IDS)
def test_an_order_id_may_have_capitals_too(text: str) -> None:
    assert is_order_id(text) is ORDER_IDS[text]


names = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,63}\Z").filter(is_name)
order_ids = st.from_regex(r"\A[A-Za-z0-9._-]{1,64}\Z").filter(is_order_id)

BUILT = {
    "gongfang/v1/dongguan-3/gateway/gw-1/status": (topics.status, Topic("status", "dongguan-3", "gw-1")),
    "gongfang/v1/dongguan-3/gateway/gw-1/batch": (topics.batch, Topic("batch", "dongguan-3", "gw-1")),
    "gongfang/v1/dongguan-3/gateway/gw-1/receipt": (topics.receipt, Topic("receipt", "dongguan-3", "gw-1")),
    "gongfang/v1/dongguan-3/machine/cnc-07/state": (topics.state, Topic("state", "dongguan-3", "cnc-07")),
    "gongfang/v1/dongguan-3/machine/cnc-07/lease": (topics.lease, Topic("lease", "dongguan-3", "cnc-07")),
    "gongfang/v1/dongguan-3/order/PO-4711": (topics.order, Topic("order", "dongguan-3", "PO-4711")),
}


@pytest.mark.parametrize("topic", BUILT)
def test_a_topic_is_built_and_taken_apart(topic: str) -> None:
    build, parts = BUILT[topic]
    assert build(parts.site, parts.name) == topic
    assert topics.parse(topic) == parts


@given(st.sampled_from(list(BUILT.values())), names, names, order_ids)
def test_parsing_is_the_way_back_from_building(
    built: tuple[object, Topic], site: str, name: str, order_id: str
) -> None:
    _, parts = built
    build = getattr(topics, parts.kind)
    whose = order_id if parts.kind == "order" else name
    assert topics.parse(build(site, whose)) == Topic(parts.kind, site, whose)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gongfang/v1",
        "gongfang/v2/dongguan-3/gateway/gw-1/batch",
        "other/v1/dongguan-3/gateway/gw-1/batch",
        "gongfang/v1/dongguan-3/gateway/gw-1/state",
        "gongfang/v1/dongguan-3/machine/cnc-07/batch",
        "gongfang/v1/dongguan-3/machine/cnc-07",
        "gongfang/v1/dongguan-3/machine/cnc-07/state/more",
        "gongfang/v1/dongguan-3/machine//state",
        "gongfang/v1/DONGGUAN/machine/cnc-07/state",
        "gongfang/v1/dongguan-3/machine/none/lease",
        "gongfang/v1/none/machine/cnc-07/lease",
        "gongfang/v1/dongguan-3/order/none",
        "gongfang/v1/dongguan-3/order/a b",
        "gongfang/v1/dongguan-3/order/4711/more",
        "gongfang/v1/+/machine/+/state",
        "/gongfang/v1/dongguan-3/order/4711",
    ],
)
def test_any_other_topic_is_none_of_ours(topic: str) -> None:
    assert topics.parse(topic) is None


@given(st.text())
def test_parsing_never_fails(topic: str) -> None:
    parts = topics.parse(topic)
    assert parts is None or getattr(topics, parts.kind)(parts.site, parts.name) == topic


def test_the_time_fields_are_the_fields_of_an_interval() -> None:
    assert len(TIME_FIELDS) == len(set(TIME_FIELDS)) == 12
    assert set(TIME_FIELDS) < set(Interval.__struct_fields__)


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize("state", [state for state in State if state is not State.NONE])
def test_every_moment_is_counted_in_one_time_field(state: State, party: Party) -> None:
    field = time_field(state, party)
    assert field in TIME_FIELDS
    assert (field in STOP_FIELDS.values()) == (state is State.STOP)


@pytest.mark.parametrize(
    ("state", "party", "field"),
    [
        (State.STOP, Party.HOST, "stop_host_ms"),
        (State.STOP, Party.NONE, "stop_unknown_ms"),
        (State.FAULT, Party.HOST, "fault_ms"),
        (State.UNKNOWN, Party.NONE, "unknown_ms"),
    ],
)
def test_only_a_stop_is_counted_by_party(state: State, party: Party, field: str) -> None:
    assert time_field(state, party) == field


@given(st.integers(0, 2**52))
def test_without_a_pair_plant_time_is_real_time(real_ms: int) -> None:
    assert REAL.plant(real_ms) == real_ms


def test_plant_time_runs_from_the_pair_at_its_scale() -> None:
    pair = ClockPair(real_ms=1000, plant_ms=50_000, scale=60)
    assert [pair.plant(real_ms) for real_ms in (999, 1000, 1001, 2000)] == [49_940, 50_000, 50_060, 110_000]
