"""Announces leases and orders: a person's decision, as a retained message that agents and collectors hear.

A program that has the decisions (an MES, a scanner at the machine) uses the same functions with a client of
its own. ``issued`` is part of the fact's name: two orders of a site, or two leases of a machine, need
different instants.
"""

import secrets

import aiomqtt

from contract import topics
from contract.messages import Lease, Order, encode


def new_id(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(8)}"


def lease(
    *, machine: str, tenant: str | None, order_id: str | None, by: str, effective: int, issued: int
) -> Lease:
    """``tenant`` holds the machine from ``effective`` on; instants in UTC ms."""
    return Lease(
        id=new_id("lease"),
        machine=machine,
        by=by,
        tenant=tenant,
        order_id=order_id,
        effective=effective,
        issued=issued,
    )


def lease_end(*, machine: str, by: str, effective: int, issued: int) -> Lease:
    """Nobody holds the machine from ``effective`` on."""
    return lease(machine=machine, tenant=None, order_id=None, by=by, effective=effective, issued=issued)


def order(
    *, order_id: str, tenant: str, article: str, wanted: int, by: str, issued: int, due: int | None = None
) -> Order:
    """``tenant`` wants ``wanted`` pieces of ``article``; instants in UTC ms."""
    return Order(
        id=new_id("order"),
        order_id=order_id,
        tenant=tenant,
        article=article,
        by=by,
        wanted=wanted,
        due=due,
        closed=False,
        issued=issued,
    )


async def publish_lease(client: aiomqtt.Client, site: str, message: Lease) -> None:
    """Raises aiomqtt.MqttError when the broker does not take it."""
    await client.publish(topics.lease(site, message.machine), encode(message), qos=1, retain=True)


async def publish_order(client: aiomqtt.Client, site: str, message: Order) -> None:
    """Raises aiomqtt.MqttError when the broker does not take it."""
    await client.publish(topics.order(site, message.order_id), encode(message), qos=1, retain=True)
