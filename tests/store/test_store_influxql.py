"""What is asked in InfluxQL, and how the answers are read."""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.series import LEASE, Row
from contract.stored import stored_of
from store import influxql, results

DAY = influxql.DAY_MS


def test_a_question_names_its_range_and_tags() -> None:
    assert influxql.select(LEASE, 5, 9, {"site": "north", "machine": "it's"}) == (
        'SELECT * FROM "lease" WHERE time >= 5ms AND time < 9ms '
        """AND "site" = 'north' AND "machine" = 'it\\'s'"""
    )
    assert influxql.first(LEASE, 5, 9, {}).endswith("time < 9ms LIMIT 1")
    assert influxql.last(LEASE, 5, 9, {}).endswith("time < 9ms ORDER BY time DESC LIMIT 1")


def test_names_and_texts_cannot_leave_their_quotes() -> None:
    assert influxql.name('a"b\\c\n') == '"a\\"b\\\\c\\n"'
    assert influxql.text("a'; DROP DATABASE x; --\\") == "'a\\'; DROP DATABASE x; --\\\\'"


def test_a_database_is_created_with_its_retention() -> None:
    assert influxql.create_database("plant", 0) == 'CREATE DATABASE "plant"'
    assert influxql.create_database("plant", 30) == 'CREATE DATABASE "plant" WITH DURATION 30d'


@given(start=st.integers(0, 40 * DAY), length=st.integers(-DAY, 4 * DAY))
def test_days_tile_a_stretch_of_time(start: int, length: int) -> None:
    days = list(influxql.days(start, start + length))
    assert sum(last - first for first, last in days) == max(0, length)
    assert all(first // DAY == (last - 1) // DAY for first, last in days)
    assert [last for _, last in days[:-1]] == [first for first, _ in days[1:]]


def test_rows_near_each_other_are_looked_for_together(lease: Any) -> None:
    rows = [lease(1000), lease(2000, "b"), lease(1000 + 3_600_000, "b")]
    (asked,) = influxql.contents(rows)
    assert "time >= 1000ms AND time <= 3601000ms" in asked
    assert asked.count(" OR ") == 1


def test_a_late_row_and_another_series_are_asked_for_apart(lease: Any, usage: Any) -> None:
    asked = influxql.contents([lease(10 * DAY), lease(5), usage(5, 1), lease(10 * DAY + 1)])
    assert [question.split("WHERE ")[1].split(" AND (")[0] for question in asked] == [
        "time >= 5ms AND time <= 5ms",
        f"time >= {10 * DAY}ms AND time <= {10 * DAY + 1}ms",
        "time >= 5ms AND time <= 5ms",
    ]


@given(times=st.lists(st.integers(0, 3 * DAY), max_size=300))
def test_every_key_is_asked_for(times: list[int]) -> None:
    rows = [
        Row(series="lease", time=time, tags={"site": "s", "machine": f"m{time % 7}"}, fields={"id": "x"})
        for time in times
    ]
    asked = list(influxql.contents(rows))
    bounds = [[int(word[:-2]) for word in question.split() if word.endswith("ms")] for question in asked]
    for row in rows:
        holders = [n for n, (first, last) in enumerate(bounds) if first <= row.time <= last]
        assert any(f"'{row.tags['machine']}'" in asked[n] for n in holders)
    assert len(asked) <= 1 + 3 * 24 + len(times) // influxql.MOST_ROWS


def test_whether_records_are_there_is_asked_without_their_content(usage: Any) -> None:
    (asked,) = influxql.presence([usage(5, 1, "a"), usage(6, 2, "a"), usage(6, 1, "b")])
    assert asked == (
        'SELECT "sequence", "sequence_first", "site", "area", "machine", "kind", "tenant", "epoch" '
        """FROM "usage" WHERE time >= 5ms AND time <= 6ms AND ("machine" = 'a' OR "machine" = 'b')"""
    )


def test_the_newest_rows_are_asked_for_by_machine_and_epoch() -> None:
    lives = [("a", "e1"), ("b", "e2")]
    asked = influxql.newest(["usage", "state"], lives, 5)
    assert asked == (
        'SELECT last("sequence") AS "sequence" FROM "usage", "state" WHERE time >= 5ms AND '
        """(("machine" = 'a' AND "epoch" = 'e1') OR ("machine" = 'b' AND "epoch" = 'e2')) """
        'GROUP BY "machine", "epoch"'
    )
    assert "time" not in influxql.newest(["usage"], lives)


def test_names_near_each_other_are_asked_for_together() -> None:
    exact, around = influxql.named(("a", "e1"), [(5, 5), (905, 905), (7, 9), (900, 900)])
    assert """("machine" = 'a' AND "epoch" = 'e1')""" in exact
    assert '(("sequence" >= 5 AND "sequence" <= 9) OR ("sequence" >= 900 AND "sequence" <= 905))' in exact
    assert '("sequence" >= 900 AND ("sequence" <= 905 OR "sequence_first" <= 905))' in around
    assert ('FROM "meter", "state" WHERE' in exact, 'FROM "loss", "usage" WHERE' in around) == (True, True)


@given(names=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 300)), max_size=200))
def test_every_name_is_asked_for(names: list[tuple[int, int]]) -> None:
    ranges = [(first, first + more) for first, more in names]
    asked = list(influxql.named(("a", "e1"), ranges))
    exact = [re.findall(r'\("sequence" >= (\d+) AND "sequence" <= (\d+)\)', question) for question in asked]
    found = [(int(low), int(high)) for question in exact for low, high in question]
    assert all(any(low <= first and last <= high for low, high in found) for first, last in ranges)
    assert all(len(question) <= influxql.MOST_RANGES for question in exact)


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@given(body=st.binary(max_size=60), size=st.integers(1, 7))
async def test_lines_do_not_depend_on_the_pieces(body: bytes, size: int) -> None:
    assert [line async for line in results.lines(pieces(body, size))] == body.split(b"\n")


ANSWER = (
    b'{"results":[{"statement_id":0,"series":[{"name":"lease","columns":["time","heard","id","machine",'
    b'"more","site"],"values":[[5,9223372036854775807,"l1","press","","north"],'
    b'[6,-1,"l2","press",null,"north"]],"partial":true}],"partial":true}]}'
)


def test_an_answer_becomes_rows_without_the_fields_that_are_null() -> None:
    answer = results.document(ANSWER)
    tags = {"site": "north", "machine": "press"}
    assert list(results.rows(answer)) == [
        Row(series="lease", time=5, tags=tags, fields={"heard": 2**63 - 1, "id": "l1", "more": ""}),
        Row(series="lease", time=6, tags=tags, fields={"heard": -1, "id": "l2"}),
    ]
    assert results.stored(answer) == [stored_of(row, LEASE) for row in results.rows(answer)]
    assert answer.is_partial
    assert not answer.trouble


def test_a_tag_that_the_answer_does_not_have_is_empty() -> None:
    """InfluxDB shows a tag only where something stored has it."""
    answer = results.document(ANSWER.replace(b'"site"', b'"place"').replace(b'"north"', b"null"))
    assert [row.tags["site"] for row in results.rows(answer)] == ["", ""]
    assert results.stored(answer) == [stored_of(row, LEASE) for row in results.rows(answer)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"results":[{"statement_id":0,"error":"database not found: x"}]}',
        b'{"error":"database not found: x"}',
    ],
)
def test_an_answer_may_say_what_is_wrong(body: bytes) -> None:
    assert results.document(body).trouble == "database not found: x"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", ANSWER[:-1], ANSWER.replace(b"[5,", b"[5.5,")])
def test_an_answer_that_is_not_ours_is_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        results.document(body)


def test_a_row_without_a_time_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="time"):
        results.rows(results.document(ANSWER.replace(b"[5,", b"[null,")))  # at once: who asks catches it here
    with pytest.raises(msgspec.ValidationError, match="time"):
        results.stored(results.document(ANSWER.replace(b"[5,", b"[null,")))
