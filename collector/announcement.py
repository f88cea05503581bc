"""Lease, order and witness messages, read into the facts that the store keeps. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from collector.verdict import Unreadable, brief
from contract.announcements import flaw
from contract.clock import PLAUSIBLE_MS
from contract.facts import ABSENT, LeaseFact, OrderFact, WitnessFact, lease_fact, order_fact, witness_fact
from contract.messages import Lease, Order, Witness
from contract.names import NONE
from contract.topics import Topic

Announced = LeaseFact | OrderFact | WitnessFact

PAYLOAD_LIMIT: Final = 8 * 1024
"""Most bytes of an announcement: three texts of a person and some numbers."""


def read_announcement(topic: Topic, payload: bytes, heard: int) -> Announced | Unreadable:
    """The fact that ``payload`` announces on a topic of leases, orders or witnesses; ``heard`` is UTC ms."""
    if len(payload) > PAYLOAD_LIMIT:
        return Unreadable(why=f"{len(payload)} bytes are more than {PAYLOAD_LIMIT}")
    try:
        return _READ[topic.kind](topic, payload, heard)
    except (ValueError, RecursionError) as error:
        return Unreadable(why=brief(str(error)))


def _lease(topic: Topic, payload: bytes, heard: int) -> LeaseFact:
    lease = msgspec.json.decode(payload, type=Lease)
    _demand_none(flaw(lease, topic.name, _clock(heard)))
    return lease_fact(topic.site, lease, heard)


def _order(topic: Topic, payload: bytes, heard: int) -> OrderFact:
    order = msgspec.json.decode(payload, type=Order)
    _demand_none(flaw(order, topic.name, _clock(heard)))
    return order_fact(topic.site, order, heard)


def _witness(topic: Topic, payload: bytes, heard: int) -> WitnessFact:
    witness = msgspec.json.decode(payload, type=Witness)
    _demand_none(flaw(witness, topic.name, _clock(heard)))
    return witness_fact(topic.site, witness, heard)


_READ: Final[Mapping[str, Callable[[Topic, bytes, int], Announced]]] = {
    "lease": _lease,
    "order": _order,
    "witness": _witness,
}
KINDS: Final = tuple(_READ)


def _clock(heard: int) -> int | None:
    """None while nobody has set our clock: nothing is ahead of that."""
    return heard if heard >= PLAUSIBLE_MS else None


def _demand_none(found: str) -> None:
    if found:
        raise ValueError(found)


def is_same(one: Announced, other: Announced) -> bool:
    """Whether both are one announcement, whenever it was heard."""
    return msgspec.structs.replace(one, heard=0) == msgspec.structs.replace(other, heard=0)


def lease_of(fact: LeaseFact) -> Lease:
    """The message that ``fact`` was heard as."""
    return Lease(
        id=fact.id,
        machine=fact.machine,
        by=fact.by,
        tenant=None if fact.tenant == NONE else fact.tenant,
        order_id=None if fact.order_id == NONE else fact.order_id,
        effective=fact.effective,
        issued=fact.issued,
    )


def order_of(fact: OrderFact) -> Order:
    return Order(
        id=fact.id,
        order_id=fact.order_id,
        tenant=fact.tenant,
        article=fact.article,
        by=fact.by,
        wanted=fact.wanted,
        due=None if fact.due == ABSENT else fact.due,
        closed=bool(fact.closed),
        issued=fact.issued,
    )
