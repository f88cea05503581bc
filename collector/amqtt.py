"""The broker inside the collector's process, for one box and for trying it out.

It speaks MQTT 3.1.1, forgets everything when it stops and takes shared subscriptions without delivering to
them. Custody does not depend on it: what it forgets is sent again by those who have no receipt.
"""

import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import BrokerError
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session


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
        name, word = session.username or "", session.password or ""
        known = self.config
        return hmac.compare_digest(f"{name}\0{word}".encode(), f"{known.username}\0{known.password}".encode())


_ANYBODY = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


def _config(host: str, port: int, username: str | None, password: str | None) -> BrokerConfig:
    one_user = {f"{__name__}.{OneUser.__name__}": {"username": username, "password": password}}
    return BrokerConfig(
        listeners={"default": ListenerConfig(type=ListenerType.TCP, bind=f"{host}:{port}")},
        plugins=one_user if username else _ANYBODY,
    )


@asynccontextmanager
async def embedded(
    host: str = "127.0.0.1", port: int = 0, *, username: str | None = None, password: str | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Yields host and port of a broker that runs until the block ends; port 0 lets the kernel choose.

    Without a user name anybody who can reach the address is let in. Raises CannotListenError.
    """
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    broker = Broker(_config(host, port, username, password))
    try:
        await broker.start()
    except BrokerError as error:
        raise CannotListenError(str(error)) from error
    try:
        yield host, broker._servers["default"].instance.sockets[0].getsockname()[1]  # noqa: SLF001  no other way
    finally:
        await broker.shutdown()
