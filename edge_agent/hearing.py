"""What the broker says to the agent: receipts, leases, orders. What cannot be read changes nothing."""

import contextlib
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from contract import topics
from contract.announcements import flaw
from contract.clock import PLAUSIBLE_MS
from contract.messages import GatewayStatus, Lease, Order
from edge_agent.batches import Batches
from edge_agent.machine import Machine
from edge_agent.mqtt import Arrival
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError
from edge_agent.poll import Desk, both

_AHEAD_MOST: Final = 10_000
"""So many topics are remembered of which the last message is ahead of the clock."""

Said = TypeVar("Said", Lease, Order, GatewayStatus)


class Hearing:
    def __init__(self, machines: Mapping[str, Machine], desk: Desk, batches: Batches, session: str) -> None:
        self._machines, self._desk, self._batches, self._session = machines, desk, batches, session
        self._issued: dict[str, int] = {}
        self._ahead: dict[str, Arrival] = {}
        """By topic, what was not followed because it is ahead of the clock."""

    def know(self, orders: Mapping[str, Order]) -> None:
        """What was announced before the agent was started."""
        self._desk.announced.update({order_id: order.tenant for order_id, order in orders.items()})
        self._issued |= {order_id: order.issued for order_id, order in orders.items()}

    async def hear(self, arrival: Arrival) -> None:
        topic = topics.parse(arrival.topic)
        match topic.kind if topic else None:
            case "receipt":
                await self._batches.received(arrival.payload)
            case "status" if not arrival.retained:
                self._namesake(arrival)
            case "lease":
                self._lease(arrival, self._machines.get(topic.name) if topic else None)
            case "order" if arrival.payload:  # cleared: the order is closed, which ends nothing else
                await self._order(arrival)

    async def hear_again(self) -> None:
        """What was ahead of the clock when it was heard: somebody may have put that right."""
        for arrival in list(self._ahead.values()):
            await self.hear(arrival)

    def _lease(self, arrival: Arrival, machine: Machine | None) -> None:
        """An empty payload is a topic that a broker lost or somebody cleared: it says nothing."""
        if machine is None or not arrival.payload:
            return
        lease = self._decoded(arrival, Lease)
        if lease is None:
            return
        if machine.hear(lease, *both(self._desk.clock)):
            # The lease outlives a power cut only in a checkpoint.
            self._desk.commit.put(machine.name, (), machine.checkpoint())

    def _namesake(self, arrival: Arrival) -> None:
        """Somebody came online under our gateway's name; the broker lets only one of us stay connected."""
        status = self._decoded(arrival, GatewayStatus)
        if status is not None and status.online and status.session != self._session:
            told = f"session {status.session} has it too; give each gateway a name of its own"
            self._desk.conditions.wrong("gateway name", "taken", told)

    async def _order(self, arrival: Arrival) -> None:
        order = self._decoded(arrival, Order)
        if order is None:
            return
        if self._issued.get(order.order_id, -1) >= order.issued:
            return  # every reconnect brings every order again
        self._issued[order.order_id] = order.issued
        self._desk.announced[order.order_id] = order.tenant
        with contextlib.suppress(OutboxAwayError):  # known until we stop; the topic retains it
            await self._desk.commit.call(Outbox.put_order, order)

    def _decoded(self, arrival: Arrival, kind: type[Said]) -> Said | None:
        try:
            said = msgspec.json.decode(arrival.payload, type=kind)
        except (ValueError, RecursionError) as error:
            self._desk.conditions.wrong(arrival.topic, "unreadable", str(error))
            return None
        if not isinstance(said, GatewayStatus) and (found := self._flaw(arrival, said)):
            self._desk.conditions.wrong(arrival.topic, "not followed", found)
            return None
        self._desk.conditions.well(arrival.topic)
        return said

    def _flaw(self, arrival: Arrival, said: Lease | Order) -> str:
        """Why no collector would keep the announcement as a fact: then it is not followed either.

        One that is only ahead of our clock is heard again later, since it may be the clock that is wrong.
        """
        topic, now = topics.parse(arrival.topic), self._desk.clock.wall_ms()
        named = topic.name if topic else ""
        found = flaw(said, named, now if now >= PLAUSIBLE_MS else None)
        self._ahead.pop(arrival.topic, None)
        if found and not flaw(said, named, None) and len(self._ahead) < _AHEAD_MOST:
            self._ahead[arrival.topic] = arrival
        return found
