"""Instants that no clock shows are refused where they come in and survived where they are stored."""

import asyncio
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.__main__ import main
from collector.announce import lease, order
from collector.announcement import read_announcement
from collector.instant import parse_instant, shown
from collector.verdict import Unreadable
from contract.facts import LeaseFact, OrderFact, lease_fact, order_fact
from contract.messages import Lease, Order, encode
from contract.names import TIME_LIMIT
from contract.series import Row, row_of
from contract.topics import Topic
from store.sqlite import SqliteStore

NOW = 1_800_000_000_000
ABSURD = [TIME_LIMIT, 2**63 - 1]


def a_lease(effective: int) -> Lease:
    return lease(machine="m", tenant="li", order_id=None, by="w", effective=effective, issued=NOW)


def an_order(due: int | None) -> Order:
    return order(order_id="A-1", tenant="li", article="x", wanted=3, by="w", issued=NOW, due=due)


@pytest.mark.parametrize("at", ABSURD)
def test_an_announcement_for_an_absurd_instant_is_unreadable(at: int) -> None:
    for message, topic in ((a_lease(at), "lease"), (an_order(at), "order")):
        name = "m" if topic == "lease" else "A-1"
        said = read_announcement(Topic(topic, "qinghe", name), encode(message), NOW)
        assert isinstance(said, Unreadable)
        assert "2262" in said.why


def test_the_last_instant_of_all_is_good() -> None:
    last = TIME_LIMIT - 1
    assert isinstance(read_announcement(Topic("lease", "s", "m"), encode(a_lease(last)), NOW), LeaseFact)
    assert isinstance(read_announcement(Topic("order", "s", "A-1"), encode(an_order(last)), NOW), OrderFact)


@pytest.mark.parametrize("text", ["2263-01-01T00:00Z", "9999-12-31T23:59-14:00", "+999999d"])
def test_nobody_types_an_instant_that_no_store_can_hold(text: str) -> None:
    with pytest.raises(ValueError, match="2262"):
        parse_instant(text, NOW)


@given(st.integers())
def test_every_integer_can_be_shown(ms: int) -> None:
    assert shown(ms, ZoneInfo("Asia/Shanghai"))


async def test_what_was_stored_before_there_were_bounds_is_listed(
    sqlite: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = row_of(lease_fact("qinghe", a_lease(5), NOW + 1))
    rows: list[Row] = [
        row_of(lease_fact("qinghe", a_lease(2**63 - 1), NOW)),
        row_of(order_fact("qinghe", an_order(2**63 - 1), NOW)),
        msgspec.structs.replace(strange, time=NOW + 1, fields={**strange.fields, "effective": "soon"}),
    ]
    assert [one.outcome for one in await sqlite.write(rows)] == ["accepted"] * 3
    path = tmp_path / "collector.toml"
    text = f'[collector]\nname = "c"\n[store]\nkind = "sqlite"\npath = "{tmp_path}/store.db"\n'
    path.write_text(text, "utf-8")
    for kind in ("lease", "order"):
        assert await asyncio.to_thread(main, [kind, "list", "--config", str(path)]) == 0
        assert re.search(r" 9223372036854775807 ms ", capsys.readouterr().out)


def test_nothing_is_announced_too_early_for_a_clock_that_was_never_set() -> None:
    heard = read_announcement(Topic("lease", "qinghe", "m"), encode(a_lease(NOW)), 60_000)
    assert isinstance(heard, LeaseFact)
    assert (heard.issued, heard.heard) == (NOW, 60_000)
