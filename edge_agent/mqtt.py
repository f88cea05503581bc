"""The broker, as the agent sees it: one connection with a last will, what arrives on it, what is sent."""

import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import aiomqtt
from msgspec import Struct

from daemon.mqtt_client import QUIET, Client
from edge_agent.cancel import cancellations, heed

TIMEOUT_S: Final = 10.0

_REFUSED: Final = 0x80
"""A SUBACK's code for no (MQTT 3.1.1, 3.9.3)."""

BrokerLostError = aiomqtt.MqttError
"""The connection cannot be made or is lost: make another."""


class Address(Struct, frozen=True, kw_only=True):
    """Where the broker is and how to log in."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    keepalive_s: int = 30

    def __str__(self) -> str:
        return f"{self.host}:{self.port}, {'with' if self.tls else 'without'} TLS"


class Arrival(Struct, frozen=True):
    topic: str
    payload: bytes
    retained: bool
    """Said before we listened."""


class Broker:
    """A connection that stands. Every method raises BrokerLostError."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has it (QoS 1). That is not when the database has it."""
        before = cancellations()
        await self._client.publish(topic, payload, qos=1, retain=retain)
        heed(before)

    async def mention(self, topic: str, payload: bytes) -> None:
        """Says it once, to whoever hears it (QoS 0)."""
        before = cancellations()
        await self._client.publish(topic, payload, qos=0)
        heed(before)

    async def ask_again(self, subscription: str) -> None:
        """What is retained under a subscription that stands comes once more (MQTT 3.1.1, 3.8.4)."""
        before = cancellations()
        await self._client.subscribe(subscription, qos=1)
        heed(before)

    @property
    def waiting(self) -> int:
        """Messages that arrived and were not taken yet."""
        return len(self._client.messages)

    async def arrivals(self) -> AsyncIterator[Arrival]:
        async for message in self._client.messages:
            if isinstance(message.payload, bytes):
                yield Arrival(str(message.topic), message.payload, bool(message.retain))


@asynccontextmanager
async def connected(
    address: Address, *, will: tuple[str, bytes] | None = None, subscriptions: Iterable[str] = ()
) -> AsyncIterator[Broker]:
    """One connection and no session behind it: custody rests with receipts, not with the broker's memory.

    ``will`` is topic and payload, retained. A client is never used for a second connection: what it still had
    in flight from the first would be sent again.
    """
    before = cancellations()
    async with Client(
        address.host,
        address.port,
        identifier=address.client_id,
        username=address.username,
        password=address.password,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        keepalive=address.keepalive_s,
        timeout=TIMEOUT_S,
        tls_context=address.tls,
        logger=QUIET,
        will=aiomqtt.Will(*will, qos=1, retain=True) if will else None,
    ) as client:
        client.pending_calls_threshold = 10_000  # our own queue is the limit; it would warn at 10
        heed(before)
        for name in subscriptions:
            granted = await client.subscribe(name, qos=1)
            heed(before)
            if any(getattr(code, "value", code) >= _REFUSED for code in granted):
                raise BrokerLostError(f"the broker refuses to let us hear {name}: see its access rules")
        yield Broker(client)
