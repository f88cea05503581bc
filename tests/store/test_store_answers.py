"""What InfluxDB's answers to a write mean; the texts are as 1.6.7 and 2.7.12 gave them."""

from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict

from contract.messages import ExceptionReason
from store.answers import LONGEST_WAIT_MS, Answer, Meaning, answer, message, wait_ms
from store.generation import Generation, generation

V2 = "failure writing points to database: "
CONFLICT = """\
partial write: field type conflict: input field "x" on measurement "m" is type string, already exists as \
type integer dropped=1"""
OUTSIDE = """\
partial write: dropped 1 points outside retention policy of duration 24h0m0s - oldest point m,a=1 at \
1970-01-01T00:00:01Z dropped because it violates a Retention Policy Lower Bound"""
LIMIT = 'partial write: max-values-per-tag limit exceeded (4/2): measurement="m" tag="a" value="5" dropped=1'
UNPARSED = "unable to parse 'm,a=1 x= 1': missing field value"

REFUSALS = [
    (400, "partial write: points beyond retention policy dropped=1", ExceptionReason.RETENTION),
    (422, V2 + OUTSIDE, ExceptionReason.RETENTION),
    (400, CONFLICT, ExceptionReason.TYPE),
    (422, V2 + CONFLICT, ExceptionReason.TYPE),
    (400, UNPARSED, ExceptionReason.INVALID),
    (400, f"partial write: {UNPARSED} dropped=0", ExceptionReason.INVALID),
    (400, "unable to parse 'm x=9i 99999999999999999': time outside range", ExceptionReason.INVALID),
    (400, LIMIT, None),
    (400, "partial write: max-series-per-database limit exceeded: (2) dropped=1", None),
    (400, "something that nobody has met", None),
    (413, "Request Entity Too Large", None),
]


@pytest.mark.parametrize("key", ["error", "message"])
@pytest.mark.parametrize(("status", "text", "reason"), REFUSALS)
def test_a_refusal_is_read(status: int, text: str, reason: Any, key: str) -> None:
    body = msgspec.json.encode({"code": "invalid", key: text}).decode()
    assert answer(status, body, {}) == Answer(
        meaning=Meaning.REFUSED, reason=reason, detail=f"{status} {text}"
    )


def test_what_a_tenant_typed_is_not_taken_for_the_databases_words() -> None:
    spoof = "unable to parse 'm s=\"partial write: points beyond retention policy\" x': bad timestamp"
    assert answer(400, spoof, {}).reason is ExceptionReason.INVALID
    assert answer(400, "line limit reached near 'field type conflict'", {}).reason is None


@pytest.mark.parametrize("status", [200, 301, 401, 403, 404, 408, 429, 500, 502, 503, 504])
def test_an_answer_that_is_not_about_the_lines_keeps_them(status: int) -> None:
    assert answer(status, "some text", {}) == Answer(meaning=Meaning.AWAY, detail=f"{status} some text")


def test_only_no_content_means_stored() -> None:
    assert answer(204, "", {}).meaning is Meaning.STORED


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"error":"database not found: \\"x\\""}', 'database not found: "x"'),
        ('{"code":"not found","message":"bucket"}', "bucket"),
        ('{"error":"partial write","data":[{"error_message":"the cause"}]}', "the cause"),
        ('{"error":"partial write","data":[]}', "partial write"),
        ('{"unknown":1}', '{"unknown":1}'),
        ("[1]", "[1]"),
        ("404 page not found\n", "404 page not found\n"),
        ("", ""),
        ("\ufffd", "\ufffd"),
    ],
)
def test_the_message_of_a_body(body: str, text: str) -> None:
    assert message(body) == text


DATE = "Mon, 23 Nov 2026 00:32:18 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 0),
        ({"Retry-After": "7"}, 7_000),
        ({"retry-after": " 7 "}, 7_000),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "-7"}, 0),
        ({"Retry-After": "7.5"}, 0),
        ({"Retry-After": "²"}, 0),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "99999999"}, LONGEST_WAIT_MS),
        ({"Retry-After": "Mon, 23 Nov 2026 00:32:48 GMT", "Date": DATE}, 30_000),
        ({"Retry-After": "Mon, 23 Nov 2026 00:32:08 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Mon, 23 Nov 2126 00:32:08 GMT", "Date": DATE}, LONGEST_WAIT_MS),
        ({"Retry-After": "Mon, 23 Nov 2026 00:32:48 GMT"}, 0),
        ({"Retry-After": "Mon, 23 Nov 2026 00:32:48 -0000", "Date": DATE}, 0),
    ],
)
def test_retry_after(headers: dict[str, str], wait: int) -> None:
    assert wait_ms(CIMultiDict(headers)) == wait
    assert answer(429, "", CIMultiDict(headers)).retry_after_ms == wait


@pytest.mark.parametrize(
    ("version", "major", "minor", "v2_write", "buckets"),
    [
        ("1.6.7~rc0", 1, 6, False, False),
        ("1.7.11", 1, 7, False, False),
        ("1.8.10", 1, 8, True, False),
        ("1.11.8", 1, 11, True, False),
        ("v2.7.12", 2, 7, True, True),
        ("2.0.4", 2, 0, True, True),
        ("3.0.1", 3, 0, True, False),
    ],
)
def test_the_generation_is_read_from_the_version(
    version: str, major: int, minor: int, *, v2_write: bool, buckets: bool
) -> None:
    found = generation(CIMultiDict({"x-influxdb-version": version}))
    assert found == Generation(major, minor)
    assert (found.has_v2_write, found.has_buckets) == (v2_write, buckets)


@pytest.mark.parametrize("headers", [{}, {"X-Influxdb-Version": ""}, {"X-Influxdb-Version": "unknown"}])
def test_who_gives_no_version_is_no_influxdb(headers: dict[str, str]) -> None:
    assert generation(headers) is None
