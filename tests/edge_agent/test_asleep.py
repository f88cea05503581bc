"""A gateway that sleeps: its time goes on, and what it asked before is old when it wakes."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from contract.clock import REAL
from edge_agent.block import Block, Table
from edge_agent.clock import SystemClock
from edge_agent.endpoint_link import EndpointLink, Manners
from edge_agent.link import SilentError


class Asleep:
    """The kernel's clocks: while a machine sleeps, one of them goes on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.slept_s = 0.0
        patch.setattr(time, "clock_gettime", self._s)
        patch.setattr(time, "clock_gettime_ns", lambda clock: int(self._s(clock) * 1e9))
        patch.setattr(time, "monotonic", lambda: self._s(time.CLOCK_MONOTONIC))

    def _s(self, clock: int) -> float:
        return 1000 + (self.slept_s if clock == time.CLOCK_BOOTTIME else 0)


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> Asleep:
    return Asleep(monkeypatch)


def test_a_night_asleep_has_passed(asleep: Asleep) -> None:
    clock = SystemClock(REAL)
    before = clock.mono_ms()
    asleep.slept_s = 8 * 3600
    assert clock.mono_ms() - before == 8 * 3_600_000


class Sleeps:
    """A connection on which the answer had come before the machine fell asleep, and was read after."""

    connected = True

    def __init__(self, asleep: Asleep) -> None:
        self._asleep = asleep

    async def ask(self, block: Block, unit: int, _limit_s: float | None = None) -> Sequence[int]:
        self._asleep.slept_s += 8 * 3600
        return [unit] * block.count

    def close(self) -> None:
        pass


async def test_what_was_asked_before_a_night_asleep_says_nothing_of_the_morning(asleep: Asleep) -> None:
    transport: Any = Sleeps(asleep)
    with pytest.raises(SilentError, match="lay unread"):
        await EndpointLink(transport, Manners()).read(Block(Table.HOLDING, 0, 1), 1)
