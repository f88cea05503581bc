"""Every answer that an InfluxDB can give to a write, from a server that says what the test wants."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from contract.messages import ExceptionReason, Outcome
from contract.series import LEASE
from store.config import InfluxConfig
from store.influx import InfluxStore, open_influx
from store.protocol import ACCEPTED, StoreAwayError

EMPTY = '{"results":[{"statement_id":0}]}'
DATABASES = '{"results":[{"series":[{"name":"databases","columns":["name"],"values":[["plant"]]}]}]}'
HANG = -1
CUT = -2

Reply = tuple[int, str, dict[str, str]]


@dataclass
class Fake:
    """Answers writes and queries with the replies that are left for them, then with success."""

    version: str
    writes: list[Reply] = field(default_factory=list)
    queries: list[Reply] = field(default_factory=list)
    pings: list[Reply] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    async def ping(self, request: web.Request) -> web.StreamResponse:
        return await self._reply(request, self.pings, (204, "", {"X-Influxdb-Version": self.version}))

    async def query(self, request: web.Request) -> web.StreamResponse:
        asked = str((await request.post())["q"])
        if asked == "SHOW DATABASES":
            return web.Response(text=DATABASES)
        return await self._reply(request, self.queries, (200, EMPTY, {}))

    async def write(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        assert request.query["precision"] == "ms"
        return await self._reply(request, self.writes, (204, "", {}))

    async def buckets(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"buckets": [{"id": "b", "orgID": "o", "name": "plant"}]})

    async def dbrps(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"content": [{"id": "d"}]})

    async def _reply(self, request: web.Request, replies: list[Reply], otherwise: Reply) -> web.Response:
        self.seen.append(request.path)
        status, text, headers = replies.pop(0) if replies else otherwise
        if status == HANG:
            await asyncio.Event().wait()
        if status == CUT:
            assert request.transport
            request.transport.abort()
        return web.Response(status=abs(status), text=text, headers=headers)


@pytest.fixture(params=["1.6.7~rc0", "1.8.10", "v2.7.12"])
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[Fake]:
    fake, app = Fake(request.param), web.Application()
    app.router.add_get("/ping", fake.ping)
    app.router.add_post("/query", fake.query)
    app.router.add_post("/write" if fake.version.startswith("1.6") else "/api/v2/write", fake.write)
    app.router.add_get("/api/v2/buckets", fake.buckets)
    app.router.add_get("/api/v2/dbrps", fake.dbrps)
    async with TestServer(app, handler_cancellation=True, shutdown_timeout=0) as server:
        fake.url = str(server.make_url("")).rstrip("/")
        yield fake


@pytest.fixture
async def faked(fake: Fake) -> AsyncIterator[InfluxStore]:
    config = InfluxConfig(kind="influx", url=fake.url, database="plant", org="firm", timeout_s=0.5)
    async with open_influx(config) as store:
        yield store


def said(text: str) -> str:
    return f'{{"error":"{text}"}}'


async def test_lines_are_sent_as_they_are(fake: Fake, faked: InfluxStore, lease: Any) -> None:
    assert await faked.write([lease(2), lease(1)]) == [ACCEPTED] * 2
    tags, fields = "machine=press-1,site=north", 'heard={0}i,id="lease-{0}",tenant="acme"'
    lines = [f"lease,{tags} {fields.format(time)} {time}" for time in (2, 1)]
    assert fake.bodies == ["\n".join(lines).encode()]


AWAY: list[Reply] = [
    (401, said("unauthorized access"), {}),
    (403, said("forbidden"), {}),
    (404, said('database not found: \\"plant\\"'), {}),
    (301, "", {"Location": "https://elsewhere/"}),
    (200, "<html>please log in</html>", {}),
    (429, "", {}),
    (500, said("timeout"), {}),
    (502, "<html>", {}),
    (503, "", {}),
    (HANG, "", {}),
    (CUT, "", {}),
]


@pytest.mark.parametrize("reply", AWAY, ids=lambda reply: str(reply[0]))
async def test_what_is_not_the_fault_of_a_line_keeps_all(
    fake: Fake, faked: InfluxStore, lease: Any, reply: Reply
) -> None:
    fake.writes = [reply]
    written = await faked.write([lease(1), lease(2)])
    assert {(one.outcome, one.reason) for one in written} == {(Outcome.KEPT, ExceptionReason.STORE)}
    assert written[0].detail.startswith(("no answer", str(reply[0]), "the write was not confirmed"))
    assert len(fake.bodies) == 1
    assert await faked.write([lease(1), lease(2)]) == [ACCEPTED] * 2


BAD: list[tuple[int, str, ExceptionReason]] = [
    (400, "unable to parse 'x'", ExceptionReason.INVALID),
    (400, "partial write: field type conflict: x", ExceptionReason.TYPE),
    (422, "partial write: points beyond retention policy dropped=1", ExceptionReason.RETENTION),
]


@pytest.mark.parametrize("refusal", BAD, ids=lambda refusal: refusal[2].value)
async def test_a_bad_line_is_found_and_its_neighbour_stored(
    fake: Fake, faked: InfluxStore, lease: Any, refusal: tuple[int, str, ExceptionReason]
) -> None:
    status, text, reason = refusal
    fake.writes = [(status, said(text), {}), (204, "", {}), (status, said(text), {})]
    good, bad = await faked.write([lease(1), lease(2)])
    assert good is ACCEPTED
    assert (bad.outcome, bad.reason, bad.detail) == (Outcome.REJECTED, reason, f"{status} {text}")


@pytest.mark.parametrize("reply", [(400, said("limit exceeded"), {}), (413, "", {})], ids=["400", "413"])
async def test_a_limit_keeps_what_does_not_pass_and_stores_the_rest(
    fake: Fake, faked: InfluxStore, lease: Any, reply: Reply
) -> None:
    fake.writes = [reply, (204, "", {}), reply]
    written = await faked.write([lease(1), lease(2)])
    assert [one.outcome for one in written] == [Outcome.ACCEPTED, Outcome.KEPT]


async def test_a_batch_of_which_nothing_passes_is_kept(fake: Fake, faked: InfluxStore, lease: Any) -> None:
    fake.writes = [(400, said("unable to parse 'x'"), {})] * 3
    written = await faked.write([lease(1), lease(2)])
    assert {(one.outcome, one.detail) for one in written} == {
        (Outcome.KEPT, "every line was refused: 400 unable to parse 'x'")
    }


async def test_a_database_that_asks_for_rest_is_left_alone(
    fake: Fake, faked: InfluxStore, lease: Any
) -> None:
    fake.writes = [(429, said("slow down"), {"Retry-After": "30"})]
    assert faked.retry_after_ms == 0
    await faked.write([lease(1)])
    assert 29_000 < faked.retry_after_ms <= 30_000
    asked = len(fake.seen)
    (written,) = await faked.write([lease(1)])
    assert (written.outcome, "asked to wait" in written.detail) == (Outcome.KEPT, True)
    assert len(fake.seen) == asked


@pytest.mark.parametrize("reply", [*AWAY[:4], *AWAY[5:]], ids=lambda reply: str(reply[0]))
async def test_an_unanswered_look_keeps_the_rows_and_writes_nothing(
    fake: Fake, faked: InfluxStore, lease: Any, reply: Reply
) -> None:
    for replies in (fake.queries, fake.pings):
        replies += [reply, reply]  # a lost answer to a GET is asked for again by aiohttp
        (written,) = await faked.write([lease(1)])
        assert written.outcome is Outcome.KEPT
        replies.clear()
    assert fake.bodies == []


async def test_an_address_where_something_else_lives_keeps_the_rows(
    fake: Fake, faked: InfluxStore, lease: Any
) -> None:
    fake.pings = [(200, "hello", {})]
    (written,) = await faked.write([lease(1)])
    assert (written.outcome, written.detail) == (Outcome.KEPT, f"{fake.url} is not an InfluxDB")


ROW = (
    '{"results":[{"series":[{"name":"lease","columns":["time","id","machine","site"],"values":[[%s]]%s}]%s}]}'
)
ODD: list[tuple[str, str]] = [
    ("<html>", "not understood"),
    ("", "ends in the middle"),
    (said("shard gone"), "shard gone"),
    ('{"results":[{"error":"shard gone"}]}', "shard gone"),
    (ROW % ('1,"x","m","s"', ',"partial":true', ',"partial":true'), "ends in the middle"),
    (ROW % ('1.5,"x","m","s"', "", ""), "not understood"),
    (ROW % ('null,"x","m","s"', "", ""), "not understood"),
    (ROW % ('1,2.5,"m","s"', "", ""), "not understood"),
]


@pytest.mark.parametrize(("body", "problem"), ODD, ids=lambda value: value[:20])
async def test_an_odd_answer_to_a_query_is_no_data(
    fake: Fake, faked: InfluxStore, read: Any, body: str, problem: str
) -> None:
    fake.queries = [(200, body, {})]
    with pytest.raises(StoreAwayError, match=problem):
        await read(faked, LEASE)


async def test_rows_arrive_over_many_documents(fake: Fake, faked: InfluxStore, read: Any) -> None:
    more = ',"partial":true'
    bodies = [ROW % (f'{n},"l{n}","m","s"', more, more) for n in range(5)]
    fake.queries = [(200, "\n".join([*bodies, ROW % ('9,"l9","m","s"', "", ""), ""]), {})]
    assert [row.fields["id"] for row in await read(faked, LEASE)] == ["l0", "l1", "l2", "l3", "l4", "l9"]


async def test_nobody_at_the_address_keeps_the_rows(free_port: Any, lease: Any, read: Any) -> None:
    config = InfluxConfig(kind="influx", url=f"http://127.0.0.1:{free_port()}", database="plant")
    async with open_influx(config) as store:
        (written,) = await store.write([lease(1)])
        assert (written.outcome, written.reason) == (Outcome.KEPT, ExceptionReason.STORE)
        with pytest.raises(StoreAwayError, match="no answer"):
            await read(store, LEASE)
