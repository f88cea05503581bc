"""Whatever answers at the address of an InfluxDB: each row has an outcome, and nothing raises but "away"."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from contract.messages import ExceptionReason, Outcome
from contract.series import LEASE, Row
from store import results
from store.answers import LONGEST_WAIT_MS, Meaning, answer
from store.config import InfluxConfig
from store.generation import generation
from store.halving import attempts
from store.influx import open_influx
from store.protocol import StoreAwayError, Written

fuzz = settings(settings.get_profile("fuzz"))

TEXTS = [
    "unable to parse 'x': bad timestamp",
    "partial write: field type conflict: x",
    "partial write: points beyond retention policy dropped=1",
    "partial write: max-series-per-database limit exceeded: (2) dropped=1",
    "database not found",
    "timeout",
]
bodies = (
    st.text()
    | st.sampled_from(TEXTS)
    | st.sampled_from(TEXTS).map(lambda text: msgspec.json.encode({"error": text}).decode())
    | st.sampled_from(["[" * 5000, '{"error":' * 5000, '{"error":{"error":1}}', '{"data":[{}]}', "\ud800"])
)
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "Date", "X-Influxdb-Version"]),
    st.text(max_size=40)
    | st.sampled_from(["Mon, 23 Nov 2026 00:32:18 GMT", "9" * 5000, "1.8.10", "2", "9999"]),
    max_size=3,
)
statuses = st.sampled_from([200, 204, 301, 400, 401, 404, 413, 422, 429, 500, 503]) | st.integers(100, 999)


@fuzz
@given(status=statuses, body=bodies, said=headers)
@example(status=400, body='{"error":' * 5000, said={})
def test_any_answer_to_a_write_means_something(status: int, body: str, said: dict[str, str]) -> None:
    found = answer(status, body, CIMultiDict(said))
    assert (found.meaning is Meaning.STORED) == (status == 204)
    assert 0 <= found.retry_after_ms <= LONGEST_WAIT_MS
    assert found.reason is None or status in {400, 422}
    generation(CIMultiDict(said))


@fuzz
@given(count=st.integers(1, 12), data=st.data())
def test_whatever_is_answered_each_line_has_one_outcome_and_only_stored_ones_are_accepted(
    count: int, data: st.DataObject
) -> None:
    lines = [f"line {n}" for n in range(count)]
    stored: set[str] = set()
    written: list[Written] = []
    plan = attempts(lines)
    piece, asked = next(plan), 0
    try:
        while True:
            asked += 1
            found = answer(data.draw(statuses), data.draw(bodies), CIMultiDict[str]())
            if found.meaning is Meaning.STORED:
                stored |= set(piece)
            piece = plan.send(found)
    except StopIteration as done:
        written = done.value
    assert len(written) == count
    assert asked <= 2 * count
    assert {
        line for line, one in zip(lines, written, strict=True) if one.outcome is Outcome.ACCEPTED
    } == stored
    assert all((one.reason is None) == (one.outcome is Outcome.ACCEPTED) for one in written)
    limits = [one for one in written if "limit exceeded" in one.detail or "nobody has met" in one.detail]
    assert all(one.reason is ExceptionReason.STORE for one in limits)


ANSWER = (
    b'{"results":[{"statement_id":0,"series":[{"name":"lease","columns":["time","by","effective","heard","id",'
    b'"machine","order_id","site","tenant"],"values":[[1800000000000,"w",5,6,"l-1","knit-01","none","qinghe",'
    b'"zhang"]],"partial":true}],"partial":true}]}\n{"results":[{"statement_id":0}]}\n'
)


@fuzz
@given(data=st.data())
def test_a_spoiled_answer_to_a_query_is_rows_or_not_understood(mutant: Any, data: st.DataObject) -> None:
    for line in data.draw(mutant(ANSWER)).split(b"\n"):
        try:
            rows = list(results.rows(results.document(line)))
        except msgspec.DecodeError:
            continue
        assert all(isinstance(row, Row) for row in rows)
        with suppress(msgspec.DecodeError):
            assert len(results.stored(results.document(line))) == len(rows)


@asynccontextmanager
async def says(said: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """A server that answers each connection once, with these bytes, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            sizes = re.findall(rb"(?i)content-length: *(\d+)", head)
            length = int(sizes[0]) if sizes else 0
            body = await reader.readexactly(length)
            writer.write(said(head.split(b" ")[1] + b" " + body))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.close()
    await server.wait_closed()


def http(status: bytes, body: bytes, *more: bytes) -> bytes:
    lines = (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Connection: close", *more)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


DATABASES = b'{"results":[{"series":[{"name":"databases","columns":["name"],"values":[["plant"]]}]}]}'


def right(asked: bytes) -> bytes:
    if asked.startswith(b"/ping"):
        return http(b"204 No Content", b"", b"X-Influxdb-Version: 1.6.7~rc0")
    if b"SHOW+DATABASES" in asked:
        return http(b"200 OK", DATABASES)
    if asked.startswith(b"/query"):
        return http(b"200 OK", ANSWER)
    return http(b"400 Bad Request", b'{"error":"unable to parse \'x\': bad timestamp"}')


def row(time: int) -> Row:
    fields: dict[str, int | str] = {"id": f"l-{time}", "heard": 5}
    return Row(series="lease", time=time, tags={"site": "qinghe", "machine": "knit-01"}, fields=fields)


@settings(fuzz, max_examples=min(80, fuzz.max_examples))
@given(data=st.data())
async def test_whatever_bytes_answer_rows_are_kept_or_judged_and_reading_says_away(
    mutant: Any, data: st.DataObject
) -> None:
    """Bytes of HTTP, spoiled where one of these is asked: ping, the list of databases, a look, a write."""
    place = data.draw(st.sampled_from([b"/ping", b"SHOW+DATABASES", b"SELECT", b"/write"]))
    spoiled = data.draw(mutant(right(place if place.startswith(b"/") else b"/query " + place)))

    def said(asked: bytes) -> bytes:
        return spoiled if place in asked else right(asked)

    async with says(said) as url:
        config = InfluxConfig(kind="influx", url=url, database="plant", timeout_s=0.3)
        async with open_influx(config) as store:
            written = await store.write([row(1_800_000_000_000), row(5)])
            assert len(written) == 2
            assert all(isinstance(one, Written) for one in written)
            try:
                rows = [each async for each in store.read(LEASE, 0, 2_000_000_000_000)]
                assert all(isinstance(each, Row) for each in rows)
            except StoreAwayError:
                pass


TABLE = b'{"results":[{"series":[{"name":"%s","columns":["time","id"],"values":[%s]}]}]}'
ODD = {
    "no UTF-8": b'{"error":"\xff"}',
    "nested without bottom": b'{"results":' * 5000,
    "a series that is none of ours": TABLE % (b"cpu", b'[5,"x"]'),
    "fewer cells than columns": TABLE % (b"lease", b"[5]"),
    "more cells than columns": TABLE % (b"lease", b'[5,"x","y"]'),
    "no time": b'{"results":[{"series":[{"name":"lease","columns":["id"],"values":[["x"]]}]}]}',
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_an_odd_answer_to_a_query_is_not_understood(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        list(results.rows(results.document(line)))
    with pytest.raises(msgspec.DecodeError):
        results.stored(results.document(line))


def test_a_list_of_databases_with_empty_rows_names_none() -> None:
    line = b'{"results":[{"series":[{"name":"databases","columns":["name"],"values":[[],["plant"]]}]}]}'
    assert results.names(results.document(line)) == {"plant"}


def test_a_wait_of_thousands_of_digits_is_the_longest_there_is() -> None:
    assert answer(429, "", CIMultiDict({"Retry-After": "9" * 5000})).retry_after_ms == LONGEST_WAIT_MS
