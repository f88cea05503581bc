"""The broker, as the collector sees it: one connection, what arrives on it, what is sent."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiomqtt
from msgspec import Struct

from contract import topics
from contract.messages import Receipt, encode
from daemon.mqtt_client import QUIET, Client

BATCHES: Final = f"{topics.ROOT}/+/gateway/+/batch"
ANNOUNCEMENTS: Final = (
    f"{topics.ROOT}/+/machine/+/lease",
    f"{topics.ROOT}/+/order/+",
    f"{topics.ROOT}/+/machine/+/witness",
)
GAUGES: Final = f"{topics.ROOT}/+/machine/+/gauges"
TIMEOUT_S: Final = 10.0
_REFUSED: Final = 0x80
"""A SUBACK's code for no (MQTT 3.1.1, 3.9.3)."""
KEEPALIVE_S: Final = 30

BrokerAwayError = aiomqtt.MqttError
"""The connection cannot be made or is lost: make another."""


class Address(Struct, frozen=True, kw_only=True):
    """Where the broker is and how to log in."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: bool = False
    tls_ca_file: str | None = None
    """None trusts the certificate authorities of the operating system."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}, {'with' if self.tls else 'without'} TLS"


class Arrival(Struct, frozen=True):
    topic: topics.Topic
    payload: bytes


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[aiomqtt.Client]:
    """One connection and no session behind it: custody rests with receipts, not with the broker's memory.

    Raises BrokerAwayError. A client is never used for a second connection: what it still had in flight from
    the first would be sent again.
    """
    tls = ssl.create_default_context(cafile=address.tls_ca_file) if address.tls else None
    async with Client(
        address.host,
        address.port,
        identifier=address.client_id,
        username=address.username,
        password=address.password,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        keepalive=KEEPALIVE_S,
        timeout=TIMEOUT_S,
        tls_context=tls,
        logger=QUIET,
    ) as client:
        yield client


async def subscribe(client: aiomqtt.Client, shared: str = "") -> None:
    """Batches may be shared with other collectors; announcements may not: shared ones are never retained.

    Raises BrokerAwayError also when the broker does not let us hear them: it says so in its answer only.
    """
    await _hear(client, f"$share/{shared}/{BATCHES}" if shared else BATCHES)
    for subscription in ANNOUNCEMENTS:
        await _hear(client, subscription)


async def _hear(client: aiomqtt.Client, topic: str) -> None:
    granted = await client.subscribe(topic, qos=1)
    if any(getattr(code, "value", code) >= _REFUSED for code in granted):
        raise BrokerAwayError(f"the broker refuses to let us hear {topic}: see its access rules")


async def subscribe_gauges(client: aiomqtt.Client, shared: str = "") -> None:
    """Lost ones are not sent again, so each of several collectors need not hear all."""
    await client.subscribe(f"$share/{shared}/{GAUGES}" if shared else GAUGES, qos=0)


async def arrivals(client: aiomqtt.Client) -> AsyncIterator[Arrival | None]:
    """Everything that arrives; None for what is on a topic that is none of ours. Raises BrokerAwayError."""
    async for message in client.messages:
        topic = topics.parse(str(message.topic))
        payload = message.payload
        yield Arrival(topic, payload) if topic and isinstance(payload, bytes) else None


def topic_of(arrival: Arrival) -> str:
    """The topic string of a lease or an order."""
    build = topics.lease if arrival.topic.kind == "lease" else topics.order
    return build(arrival.topic.site, arrival.topic.name)


async def answer(client: aiomqtt.Client, to: topics.Topic, receipt: Receipt) -> None:
    """Raises BrokerAwayError; the gateway then sends its batch again."""
    await client.publish(topics.receipt(to.site, to.name), encode(receipt), qos=1)
