"""The shop window: the newest state of each machine, retained on the broker for whoever looks.

Only the newest counts, so nothing queues up: a state that was not sent yet is replaced by the one after it.
"""

import asyncio

from contract import topics
from contract.messages import MachineState, encode
from edge_agent.clock import Clock
from edge_agent.live import differs, now_showing
from edge_agent.machine import Machine
from edge_agent.mqtt import Broker


class Window:
    """``repeat_ms``: a state that does not change is told again so often (plant time)."""

    def __init__(self, clock: Clock, *, site: str, session: str, repeat_ms: int) -> None:
        self._clock, self._site, self._session, self._repeat_ms = clock, site, session, repeat_ms
        self._shown: dict[str, MachineState] = {}
        self._unsent: dict[str, MachineState] = {}
        self._came = asyncio.Event()

    @property
    def unsent(self) -> int:
        """Machines whose newest state the broker does not have yet."""
        return len(self._unsent)

    def show(self, machine: Machine) -> None:
        """The machine may look different now."""
        now = self._clock.wall_ms()
        state = now_showing(machine.scheme, machine.meter, self._session, now, machine.clock)
        before = self._shown.get(machine.name)
        if before is None or differs(before, state) or not 0 <= now - before.at < self._repeat_ms:
            self._shown[machine.name] = self._unsent[machine.name] = state
            self._came.set()

    async def send(self, broker: Broker) -> None:
        """For as long as the connection stands. A new broker is shown everything."""
        self._unsent = dict(self._shown)
        while True:
            while self._unsent:
                name, state = self._unsent.popitem()
                await broker.publish(topics.state(self._site, name), encode(state), retain=True)
            await self._came.wait()
            self._came.clear()
