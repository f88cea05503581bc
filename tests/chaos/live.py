"""How old the live state is when somebody sees it, and how a backlog goes while it is watched."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from collector.mqtt import Address, BrokerAwayError, connected
from contract import topics
from contract.clock import ClockPair
from contract.messages import MachineState

FRESH_MS: Final = 2_000
"""Live state must not be older, real time, also while a backlog drains."""
DRAINED: Final = 200
"""So few records always wait on their way."""


class Seen(Struct, frozen=True):
    """A live state that arrived at ``at`` (real UTC ms), ``age_ms`` (real) after the machine was read."""

    at: int
    age_ms: int


async def watch(port: int, clock: ClockPair, now_ms: Callable[[], int], seen: list[Seen]) -> None:
    """Until the broker goes; what was retained before is not live."""
    window = Address(host="127.0.0.1", port=port, client_id="chaos-window")
    with contextlib.suppress(BrokerAwayError):
        async with connected(window) as client:
            await client.subscribe(topics.state("+", "+"), qos=0)
            async for message in client.messages:
                if not message.retain and isinstance(message.payload, bytes):
                    state, now = msgspec.json.decode(message.payload, type=MachineState), now_ms()
                    seen.append(Seen(now, (clock.plant(now) - state.at) // clock.scale))


class Outlasted(Struct, frozen=True, kw_only=True):
    """A store that was away, and what came after."""

    away_ms: int
    backlog: int
    """Records that waited when it was there again."""
    drain_ms: int | None
    """Until no more than DRAINED waited; None if that never came."""
    during: tuple[int, ...]
    """Ages of live state while the store was away, ascending, real ms."""
    after: tuple[int, ...]
    """And while the backlog drained."""

    @property
    def stale(self) -> int:
        """How many live states were older than FRESH_MS."""
        return sum(age > FRESH_MS for age in (*self.during, *self.after))


def outlasted(began: int, ended: int, depths: Sequence[tuple[int, int]], seen: Sequence[Seen]) -> Outlasted:
    """``depths`` are (real ms, records that wait), in order of time; real UTC ms throughout."""
    backlog = max((depth for at, depth in depths if began <= at <= ended), default=0)
    drained = next((at for at, depth in depths if at > ended and depth <= DRAINED), None)
    until = drained if drained is not None else max((at for at, _ in depths), default=ended)
    return Outlasted(
        away_ms=ended - began,
        backlog=backlog,
        drain_ms=None if drained is None else drained - ended,
        during=tuple(sorted(one.age_ms for one in seen if began <= one.at < ended)),
        after=tuple(sorted(one.age_ms for one in seen if ended <= one.at <= until)),
    )


def percentile(ages: Sequence[int], share: float) -> int:
    """Of ascending ``ages``; 0 of none."""
    return ages[min(len(ages) - 1, int(len(ages) * share))] if ages else 0
