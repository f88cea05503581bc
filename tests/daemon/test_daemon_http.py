"""/metrics and /healthz over a real connection, asked well and badly."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from daemon.exposition import Family, Sample
from daemon.health import Grade, Health, Trouble, judged
from daemon.http import CONNECTIONS, RETRY_S, Told, serve
from daemon.listen import Listen


def many(samples: int) -> Iterator[Sample]:
    return (("", {"endpoint": f"e{n}"}, n) for n in range(samples))


@asynccontextmanager
async def served(port: int, *, samples: int = 3, troubles: Iterable[Trouble] = ()) -> AsyncIterator[str]:
    async def metrics() -> list[Family]:
        return [Family("polls_total", "counter", "Polls.", many(samples))]

    async def health() -> Health:
        return judged("agent", "gw1", "0.1.0", troubles)

    told: asyncio.Queue[str | None] = asyncio.Queue()
    task = asyncio.create_task(
        serve(Listen(host="127.0.0.1", port=port), Told(metrics, health), told.put_nowait)
    )
    try:
        assert await told.get() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def got(url: str, method: str = "GET") -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_metrics_come_in_the_format_of_prometheus(free_port: Callable[[], int]) -> None:
    async with served(free_port()) as url:
        status, kind, text = await got(f"{url}/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert text.splitlines()[-1] == 'polls_total{endpoint="e2"} 2'


@pytest.mark.parametrize(
    ("troubles", "status"),
    [
        ((), 200),
        ((Trouble(subject="broker", kind="lost"),), 200),
        ((Trouble(subject="disk", kind="takes nothing", detail="full", grade=Grade.FAILING),), 503),
    ],
)
async def test_health_says_why(
    troubles: tuple[Trouble, ...], status: int, free_port: Callable[[], int]
) -> None:
    async with served(free_port(), troubles=troubles) as url:
        got_status, kind, text = await got(f"{url}/healthz")
    found = json.loads(text)
    assert (got_status, kind) == (status, "application/json")
    assert [(one["subject"], one["kind"]) for one in found["reasons"]] == [
        (t.subject, t.kind) for t in troubles
    ]
    assert (found["process"], found["name"], found["version"]) == ("agent", "gw1", "0.1.0")


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/", 404, "/metrics"),
        ("GET", "/metrics/knit-01", 404, "/healthz"),
        ("POST", "/metrics", 405, "POST is not answered"),
        ("DELETE", "/healthz", 405, "by GET"),
    ],
)
async def test_what_is_asked_wrongly_is_told_what_there_is(
    method: str, path: str, status: int, says: str, free_port: Callable[[], int]
) -> None:
    async with served(free_port()) as url:
        got_status, _, text = await got(url + path, method)
    assert (got_status, says in text) == (status, True)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\0" * 5_000,
        b"",
    ],
)
async def test_garbage_is_refused_and_leaves_no_line_in_the_log(
    garbage: bytes, free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with served(port) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(garbage)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert not answer or answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        assert (await got(f"{url}/healthz"))[0] == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_whoever_holds_connections_open_takes_no_more_than_a_few(free_port: Callable[[], int]) -> None:
    port = free_port()
    async with served(port) as url:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        for _, holder in held:
            holder.close()
        await asyncio.sleep(0.2)
        assert (await got(f"{url}/healthz"))[0] == 200


async def test_a_plant_of_4500_endpoints_does_not_hold_up_the_loop(free_port: Callable[[], int]) -> None:
    """45,000 lines; between two pieces of them everybody else has his turn."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    async with served(free_port(), samples=45_000) as url:
        watching = asyncio.create_task(watch())
        _, _, text = await got(f"{url}/metrics")
        watching.cancel()
    assert text.count("\n") == 45_002
    assert longest < 0.1


async def test_an_address_that_is_taken_is_told_and_tried_again(
    free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.http.RETRY_S", 0.01)
    assert RETRY_S > 1
    port, told = free_port(), asyncio.Queue[str | None]()

    async def nothing() -> list[Family]:
        return []

    async def health() -> Health:
        return judged("agent", "gw1", "1", ())

    async with served(port):
        at = Listen(host="127.0.0.1", port=port)
        second = asyncio.create_task(serve(at, Told(nothing, health), told.put_nowait))
        assert f"cannot listen on 127.0.0.1:{port}" in str(await told.get())
    while await told.get() is not None:
        pass
    assert (await got(f"http://127.0.0.1:{port}/healthz"))[0] == 200
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


async def test_a_bug_is_told_in_the_log_and_answered_as_ours(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> Health:
        raise ZeroDivisionError

    async def nothing() -> list[Family]:
        return []

    port, told = free_port(), asyncio.Queue[str | None]()
    at = Listen(host="127.0.0.1", port=port)
    task = asyncio.create_task(serve(at, Told(nothing, broken), told.put_nowait))
    await told.get()
    assert (await got(f"http://127.0.0.1:{port}/healthz"))[0] == 500
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "/healthz cannot be answered" in caplog.text
