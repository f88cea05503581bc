"""The broker inside the collector's process, for one box and for trying it out.

It speaks MQTT 3.1.1, forgets everything when it stops and takes shared subscriptions without delivering to
them. Custody does not depend on it: what it forgets is sent again by those who have no receipt.
"""

import asyncio
import errno
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

log = logging.getLogger(__name__)

LISTENER: Final = "default"


class CannotListenError(Exception):
    """The port is taken, or the address is none of this machine."""


class OneUser(BaseAuthPlugin):  # type: ignore[misc]  # the library has no types
    """Lets in who knows the one user name and password."""

    @dataclass
    class Config:
        """What the broker fills from its configuration."""

        username: str
        password: str

    async def authenticate(self, *, session: Session) -> bool:
        given = f"{session.username or ''}\0{session.password or ''}"
        return hmac.compare_digest(given.encode(), f"{self.config.username}\0{self.config.password}".encode())


_ANYBODY: Final = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


def _config(username: str | None, password: str | None) -> BrokerConfig:
    one_user = {f"{__name__}.{OneUser.__name__}": {"username": username, "password": password or ""}}
    return BrokerConfig(
        listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
        plugins=one_user if username else _ANYBODY,
    )


class _Door:
    """Owns the connections: the broker would leave some of them open when it stops."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._visits: set[asyncio.Task[None] | None] = set()

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visits.add(visit := asyncio.current_task())
        try:
            await self._broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), LISTENER
            )
        except Exception:
            log.debug("a client's connection ended in the broker", exc_info=True)
        finally:
            writer.close()
            self._visits.discard(visit)

    async def clear(self) -> None:
        visits = [visit for visit in self._visits if visit is not None]
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


@asynccontextmanager
async def embedded(
    host: str = "127.0.0.1", port: int = 0, *, username: str | None = None, password: str | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Yields host and port of a broker that runs until the block ends; port 0 lets the kernel choose.

    Without a user name anybody who can reach the address is let in. Raises CannotListenError.
    """
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    broker = Broker(_config(username, password))
    door = _Door(broker)
    try:
        server = await asyncio.start_server(door.enter, host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            in_use = f"[broker] port {port} is in use; is another collector running?"
            raise CannotListenError(in_use) from error
        raise CannotListenError(f"the embedded broker cannot listen on {host}:{port}: {error}") from error
    await broker.start()
    try:
        yield host, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await broker.shutdown()
        await door.clear()
        await server.wait_closed()
