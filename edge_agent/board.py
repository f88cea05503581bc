"""The board: what each machine shows now, told once to whoever looks. Outside custody.

Only the newest counts, and a broker that does not hear it misses it: nothing queues, nothing is repeated.
"""

import asyncio

from contract import topics
from contract.gauges import Gauges, encode
from edge_agent.mqtt import Broker


class Board:
    def __init__(self, site: str) -> None:
        self._site = site
        self._unsent: dict[str, Gauges] = {}
        self._came = asyncio.Event()

    @property
    def unsent(self) -> int:
        """Machines of which the newest is not sent yet."""
        return len(self._unsent)

    def show(self, gauges: Gauges) -> None:
        """In the place of what the same machine showed before."""
        self._unsent[gauges.machine] = gauges
        self._came.set()

    async def send(self, broker: Broker) -> None:
        """For as long as the connection stands. What came before it is of the past, and is left out."""
        self._unsent.clear()
        while True:
            while self._unsent:
                _, gauges = self._unsent.popitem()
                await broker.mention(topics.gauges(self._site, gauges.machine), encode(gauges))
            await self._came.wait()
            self._came.clear()
