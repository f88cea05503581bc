"""The shop window: the newest state of each machine, retained on the broker for whoever looks.

Only the newest counts, so nothing queues up: a state that was not sent yet is replaced by the one after it.
"""

import asyncio

from contract import topics
from contract.messages import MachineState, encode
from edge_agent.clock import Clock
from edge_agent.live import is_as, now_showing
from edge_agent.machine import Machine
from edge_agent.mqtt import Broker


class Window:
    """``repeat_ms``: a state that does not change is told again so often (plant time)."""

    def __init__(self, clock: Clock, *, site: str, session: str, repeat_ms: int) -> None:
        self._clock, self._site, self._session, self.repeat_ms = clock, site, session, repeat_ms
        self._shown: dict[str, MachineState] = {}
        self._unsent: dict[str, MachineState] = {}
        self._gone: set[str] = set()
        """Machines that are not metered here any more, until the broker knows."""
        self._came = asyncio.Event()

    @property
    def unsent(self) -> int:
        """Machines whose newest state the broker does not have yet."""
        return len(self._unsent) + len(self._gone)

    def show(self, machine: Machine) -> None:
        """The machine may look different now."""
        self._gone.discard(machine.name)
        now, before = self._clock.wall_ms(), self._shown.get(machine.name)
        if before and is_as(before, machine.meter) and 0 <= now - before.at < self.repeat_ms:
            return
        state = now_showing(machine.scheme, machine.meter, self._session, now, machine.clock)
        self._shown[machine.name] = self._unsent[machine.name] = state
        self._came.set()

    def gone(self, machine: str) -> None:
        """Nobody meters it here any more: its topic is cleared, since its last state would look like now."""
        self._shown.pop(machine, None)
        self._unsent.pop(machine, None)
        self._gone.add(machine)
        self._came.set()

    async def send(self, broker: Broker) -> None:
        """For as long as the connection stands. A new broker is shown everything."""
        self._unsent = dict(self._shown)
        while True:
            while self._gone or self._unsent:
                await self._send_one(broker)
            await self._came.wait()
            self._came.clear()

    async def _send_one(self, broker: Broker) -> None:
        if self._gone:
            name, payload = next(iter(self._gone)), b""
        else:
            name, state = self._unsent.popitem()
            payload = encode(state)
        await broker.publish(topics.state(self._site, name), payload, retain=True)
        if not payload:
            self._gone.discard(name)
