"""Batches on their way: sealed from the outbox, published until their receipt has come.

Nothing is remembered here but what to send next; what must not be lost is in the outbox. Time-outs and
back-off are real time, whatever the plant's clock says.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import msgspec

from contract.messages import BATCH_LIMIT, Receipt
from edge_agent.clock import real_ms
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.custody import resend_after_ms
from edge_agent.mqtt import Broker
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxAwayError

IN_FLIGHT: Final = 4
"""Batches under way at a time; what waits behind them rests in the outbox."""
_LINGER_S: Final = 0.2
"""Records that close together travel together: a grid boundary closes an interval on every machine."""
_APART_S: Final = 1.0
"""Between two sealings, unless batches are full: of thousands of machines there is always one with something
to tell, and each batch costs the disk three commits, however small it is."""
_FULL: Final = 50
"""About so many records fill a batch."""
_FULL_BYTES: Final = BATCH_LIMIT * 3 // 4
"""A batch of more had no room for the next record: there may be others behind it."""
_LOOK_S: Final = 1.0
"""How often the outbox is looked at when nobody says that something came."""


class _Flight:
    """A batch without receipt."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.attempt = 0
        self.due = 0.0
        """When to publish it (again), event loop time."""


class Batches:
    def __init__(
        self,
        commit: GroupCommit,
        conditions: Conditions,
        *,
        topic: str,
        session: str,
        plant_ms: Callable[[], int],
        conflict: Callable[[str, str], None],
    ) -> None:
        self._commit, self._conditions = commit, conditions
        self._topic, self._session = topic, session
        self._plant_ms, self._conflict = plant_ms, conflict
        self._flights: dict[str, _Flight] = {}
        self._came = asyncio.Event()
        self._unreadable: set[str] = set()
        """Batches that no collector could read so far: kept, and not counted among those under way."""
        self._quiet_until = 0.0
        self._sealed_at, self._is_behind = 0.0, False
        """When batches were last made (event loop time), and whether the last of them was full."""
        self._news = 0
        """How often something was put since then."""
        self._store_away = False
        """The store takes nothing: what was never offered stays so, since only that may still merge."""

    @property
    def in_flight(self) -> int:
        """Batches without a receipt, the unreadable ones included."""
        return len(self._flights)

    @property
    def unreadable(self) -> int:
        return len(self._unreadable)

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._news += 1
        self._came.set()

    async def send(self, broker: Broker) -> None:
        """For as long as the connection stands. On a new one everything without receipt goes at once."""
        waiting = await self._commit.call(Outbox.waiting)
        self._flights = {sealed.id: _Flight(sealed.payload) for sealed in waiting}
        while True:
            with contextlib.suppress(OutboxAwayError):  # told by who commits; what is sealed goes on its way
                await self._seal()
            for flight in list(self._flights.values()):
                if flight.due <= _now():
                    await self._publish(broker, flight)
            await self._wait()

    async def received(self, payload: bytes) -> None:
        """A receipt. One that is unreadable, unknown or wrong changes nothing: the batch goes again.

        Nor does one that comes while the disk takes nothing.
        """
        try:
            receipt = msgspec.json.decode(payload, type=Receipt)
        except (ValueError, RecursionError) as error:
            self._conditions.wrong("receipts", "unreadable", str(error))
            return
        # What a receipt does is done whole, even if the connection that brought it is lost meanwhile.
        await asyncio.shield(self._settle(receipt))

    async def _settle(self, receipt: Receipt) -> None:
        try:
            done = await self._commit.call(Outbox.settle, receipt, real_ms())
        except OutboxAwayError:
            return
        if done.known and receipt.unreadable is not None:
            self._unreadable.add(receipt.batch)
            told = f"{len(self._unreadable)} are kept; the last: {receipt.unreadable}"
            self._conditions.wrong("batches", "unreadable to the collector", told)
            self._came.set()
            return
        if done.complaint is not None:
            self._conditions.wrong("receipts", "not followed", done.complaint)
            return
        self._conditions.well("receipts")
        self._flights.pop(receipt.batch, None)
        self._unreadable.discard(receipt.batch)
        if not self._unreadable:
            self._conditions.well("batches")
        if done.known:
            self._store_away = done.retry_after_ms > 0
            self._quiet_until = _now() + done.retry_after_ms / 1000
        for machine, epoch in done.conflicts:
            self._conflict(machine, epoch)
        self._came.set()

    async def _seal(self) -> None:
        if _now() < self._quiet_until:
            return
        self._news = 0
        if self._commit.unwritten:
            await self._commit.flush()
        sealed = await self._commit.call(
            Outbox.seal,
            real_ms(),
            self._session,
            in_flight=IN_FLIGHT + len(self._unreadable),
            sealed_ms=self._plant_ms(),
            fresh=not self._store_away,
        )
        for batch in sealed:
            self._flights[batch.id] = _Flight(batch.payload)
        if sealed:
            self._sealed_at = _now()
            self._is_behind = len(sealed[-1].payload) > _FULL_BYTES

    async def _publish(self, broker: Broker, flight: _Flight) -> None:
        flight.attempt += 1
        flight.due = _now() + resend_after_ms(flight.attempt) / 1000
        await broker.publish(self._topic, flight.payload)

    async def _wait(self) -> None:
        next_due = min((flight.due for flight in self._flights.values()), default=_now() + _LOOK_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(_LOOK_S, next_due - _now()))):
                await self._came.wait()
        self._came.clear()
        if not self._is_behind:  # what waits behind full batches has company enough
            await self._linger()

    async def _linger(self) -> None:
        until = max(_now() + _LINGER_S, self._sealed_at + _APART_S)
        while (left_s := until - _now()) > 0 and self._news < _FULL:  # noqa: ASYNC110  each sets one event
            await asyncio.sleep(min(left_s, _LINGER_S))


def _now() -> float:
    return asyncio.get_running_loop().time()
