"""What a process says of itself over HTTP: ``/metrics`` and ``/healthz``. It takes nothing in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from daemon.exposition import CONTENT_TYPE, Family, lines
from daemon.health import Health
from daemon.listen import Listen

RETRY_S: Final = 30.0
"""How long an address that cannot be listened on is left alone."""
_AT_A_TIME: Final = 500
"""Lines made in one go, about a millisecond's work; then whoever else waits for the loop has his turn."""
_BACKLOG: Final = 16
CONNECTIONS: Final = 16
"""At a time: each takes a file descriptor, and machines need theirs."""
_PATHS: Final = "there are /metrics (Prometheus) and /healthz (JSON), by GET\n"


_log = logging.getLogger("gongfang.http")
_wire = logging.getLogger("gongfang.http.wire")
"""The library's. It would tell with a traceback of every client that does not speak HTTP."""
_wire.setLevel(logging.CRITICAL)


class Told(Struct, frozen=True):
    """Where the answers come from. Neither may wait for long for anybody."""

    metrics: Callable[[], Awaitable[Iterable[Family]]]
    health: Callable[[], Awaitable[Health]]


async def serve(at: Listen, told: Told, tell: Callable[[str | None], None]) -> None:
    """For ever. A process that cannot be watched does its work all the same: ``tell`` hears why it cannot
    listen, then None when it can, and it tries again.
    """
    while True:
        runner = web.AppRunner(_application(told), access_log=None, logger=_wire, shutdown_timeout=1)
        await runner.setup()
        try:
            async with await _listening(runner, at):
                tell(None)
                await asyncio.Event().wait()
        except OSError as error:
            tell(f"cannot listen on {at}: {error.strerror or error}")
        finally:
            await runner.cleanup()
        await asyncio.sleep(RETRY_S)


async def _listening(runner: web.AppRunner, at: Listen) -> asyncio.Server:
    """Raises OSError."""
    server = runner.server
    assert server is not None  # noqa: S101  it was set up

    def door() -> asyncio.BaseProtocol:
        return server() if len(server.connections) < CONNECTIONS else _Full()

    return await asyncio.get_running_loop().create_server(door, at.host, at.port, backlog=_BACKLOG)


class _Full(asyncio.Protocol):
    """Whoever comes while too many are here is sent away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _application(told: Told) -> web.Application:
    turn = asyncio.Lock()

    async def metrics(request: web.Request) -> web.StreamResponse:
        async with turn:  # one at a time, so that many who ask cost the loop no more than one
            return await _streamed(request, lines(await told.metrics()))

    async def health(_: web.Request) -> web.Response:
        found = await told.health()
        body = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
        return web.Response(body=body, status=found.status.http_status, content_type="application/json")

    application = web.Application(middlewares=[_explained], client_max_size=0)
    application.add_routes([web.get("/metrics", metrics), web.get("/healthz", health)])
    return application


async def _streamed(request: web.Request, text: Iterator[str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
    await response.prepare(request)
    while piece := "".join(islice(text, _AT_A_TIME)):
        await response.write(piece.encode())
        await asyncio.sleep(0)
    await response.write_eof()
    return response


@web.middleware
async def _explained(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return web.Response(text=f"{request.path} is not here; {_PATHS}", status=404)
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return web.Response(text=f"{request.method} is not answered; {_PATHS}", status=405, headers=allowed)
    except (web.HTTPException, ConnectionError):  # who asked may have gone away
        raise
    except Exception:  # noqa: BLE001  a bug in what is told must not end who works
        _log.exception("%s cannot be answered", request.path)
        return web.Response(text="a fault of this process: its log says more\n", status=500)
