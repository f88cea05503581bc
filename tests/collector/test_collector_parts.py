"""The small pure parts: instants, silence, waiting, conditions, tables, and what a broker is given back."""

import itertools
import logging
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from collector import tables
from collector.announcement import lease_of, order_of
from collector.backoff import FIRST_S, LONGEST_S, waits
from collector.condition import REMEMBERED, Condition
from collector.instant import lasted, parse_instant, shown
from collector.restore import missing
from collector.silence import heard
from collector.verdict import DETAIL_LENGTH, brief
from contract.facts import LeaseFact, OrderFact, lease_fact, order_fact
from contract.messages import Lease, Order

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = 1_795_392_000_000  # 2026-11-23T00:00:00Z

INSTANTS = [
    ("now", NOW),
    ("+10m", NOW + 600_000),
    ("+0s", NOW),
    ("+2h", NOW + 7_200_000),
    ("+7d", NOW + 7 * 86_400_000),
    ("2026-11-23T08:00+08:00", NOW),
    ("2026-11-23T00:00:00.250Z", NOW + 250),
    ("1970-01-01T00:00Z", 0),
]


@pytest.mark.parametrize(("text", "expected"), INSTANTS)
def test_an_instant_is_now_or_ahead_or_written_with_its_offset(text: str, expected: int) -> None:
    assert parse_instant(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "then", "-10m", "+10", "+1w", "2026-11-23T08:00", "1969-01-01T00:00Z"])
def test_what_is_no_instant_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no instant|time zone|before 1970"):
        parse_instant(text, NOW)


def test_times_are_shown_to_a_person() -> None:
    assert shown(NOW + 999, SHANGHAI) == "2026-11-23 08:00:00+08:00"
    assert shown(NOW, ZoneInfo("UTC")) == "2026-11-23 00:00:00+00:00"
    amounts = [-5, 0, 59_999, 60_000, 3_600_000, 90_000_000]
    assert [lasted(ms) for ms in amounts] == ["0 s", "0 s", "59 s", "1 min 0 s", "1 h 0 min", "1 d 1 h"]


def test_who_was_not_heard_for_two_grids_is_silent() -> None:
    found = heard({"a": NOW - 600_000, "b": NOW - 600_001, "c": NOW + 5}, NOW, 300_000)
    assert [(one.name, one.silent_ms, one.is_silent) for one in found] == [
        ("b", 600_001, True),
        ("a", 600_000, False),
        ("c", 0, False),
    ]


def test_waiting_doubles_to_a_limit_and_never_falls_in_step() -> None:
    least, most = (list(itertools.islice(waits(lambda dice=dice: dice), 9)) for dice in (0.0, 1.0))  # type: ignore[misc]
    assert most[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert most[-1] == LONGEST_S
    assert least == [pause / 2 for pause in most]


def test_a_condition_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    condition = Condition(logging.getLogger("test"), "is away", "is back")
    for _ in range(3):
        condition.well()
    for _ in range(3):
        condition.bad("why", "the store")
    condition.bad("why", "the broker")
    for _ in range(3):
        condition.well("the store")
        condition.well("the broker", "localhost:1883")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the store is away: why"),
        ("WARNING", "the broker is away: why"),
        ("INFO", "the store is back"),
        ("INFO", "the broker is back: localhost:1883"),
    ]
    assert not condition.all()


def test_conditions_of_names_without_end_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    condition = Condition(logging.getLogger("test"), "is bad", "is good")
    for number in range(REMEMBERED + 5):
        condition.bad("why", str(number))
    assert len(caplog.records) == REMEMBERED


def test_a_detail_fits_a_receipt() -> None:
    assert brief("a\nb\x1b" + "c" * 500) == "a?b?" + "c" * (DETAIL_LENGTH - 4)


def lease(machine: str, issued: int, tenant: str | None = "zhang", **changes: Any) -> LeaseFact:
    fields = {"id": f"l-{issued}", "order_id": None, "by": "王", "effective": issued, **changes}
    return lease_fact("qinghe", Lease(machine=machine, issued=issued, tenant=tenant, **fields), NOW)


def order(order_id: str, issued: int, *, closed: bool = False, due: int | None = None) -> OrderFact:
    fields: dict[str, Any] = {"tenant": "zhang", "article": "x", "by": "y", "wanted": 3}
    message = Order(id=f"o-{issued}", order_id=order_id, issued=issued, closed=closed, due=due, **fields)
    return order_fact("qinghe", message, NOW)


def test_facts_go_back_into_the_messages_they_came_from() -> None:
    for fact in (lease("a", 1), lease("a", 1, None), lease("a", 1, None, order_id="A-1")):
        assert lease_fact("qinghe", lease_of(fact), NOW) == fact
    for announced in (order("A-1", 1), order("A-1", 1, closed=True, due=5)):
        assert order_fact("qinghe", order_of(announced), NOW) == announced


def test_only_what_a_broker_forgot_is_given_back_and_only_the_latest() -> None:
    leases = [lease("a", 3), lease("a", 1), lease("b", 2), lease("c", 4, None), lease("a", 2)]
    orders = [order("A-1", 1), order("A-2", 1), order("A-2", 2, closed=True), order("A-3", 1)]
    known = {"gongfang/v1/qinghe/machine/b/lease", "gongfang/v1/qinghe/order/A-3"}
    given = {
        topic: msgspec.json.decode(payload)["issued"] for topic, payload in missing(leases, orders, known)
    }
    assert given == {
        "gongfang/v1/qinghe/machine/a/lease": 3,
        "gongfang/v1/qinghe/machine/c/lease": 4,
        "gongfang/v1/qinghe/order/A-1": 1,
    }


def test_a_star_marks_the_latest_lease_of_each_machine() -> None:
    rows = tables.leases([lease("b", 2), lease("a", 5), lease("a", 1)], SHANGHAI).rows
    assert [(row[0], row[1]) for row in rows] == [
        ("", "qinghe/a"),
        ("*", "qinghe/a"),
        ("*", "qinghe/b"),
    ]
