"""A bus of thirty, one of them silent: its neighbours keep the rate that the pause rule promises.

The agent's own pollers on a clock that is wound by the test; the bus serves one after the other.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from edge_agent.block import Answers, Key, answers_from
from edge_agent.conditions import Conditions
from edge_agent.counts import Counts, Tally
from edge_agent.interpret import Reader
from edge_agent.link import SilentError
from edge_agent.machine import Machine
from edge_agent.poll import Desk, Poller
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.schedule import pause
from edge_agent.scheme import Identity, Scheme
from edge_agent.stop_codes import load_stop_table

PERIOD_MS = 1000
UNITS = 30
ANSWER_MS = 12
MINUTES = 5
SLOTS = MINUTES * 60_000 // PERIOD_MS
SILENT = "unit-07"


class Wound:
    """A clock that goes on when nobody has anything to do but to wait for it."""

    def __init__(self) -> None:
        self._now, self._order = 0, count()
        self._waiting: list[tuple[int, int, asyncio.Event]] = []

    def wall_ms(self) -> int:
        return 1_800_000_000_000 + self._now

    def mono_ms(self) -> int:
        return self._now

    async def sleep_until(self, mono_ms: int) -> None:
        if mono_ms > self._now:
            event = asyncio.Event()
            heapq.heappush(self._waiting, (mono_ms, next(self._order), event))
            await event.wait()

    async def wind(self, until: int) -> None:
        while True:
            for _ in range(20):  # as many steps as a task may take between two waits
                await asyncio.sleep(0)
            if not self._waiting or self._waiting[0][0] > until:
                return
            self._now, _, event = heapq.heappop(self._waiting)
            event.set()


class Bus:
    """One request at a time; the silent one takes the whole time limit."""

    def __init__(self, clock: Wound, timeout_ms: int, answers: Answers) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._clock, self._timeout_ms, self._answers, self._turn = clock, timeout_ms, answers, asyncio.Lock()

    async def read(self, name: str) -> Answers:
        async with self._turn:
            self.asked[name] += 1
            if name == SILENT:
                await self._clock.sleep_until(self._clock.mono_ms() + self._timeout_ms)
                raise SilentError("no answer")
            await self._clock.sleep_until(self._clock.mono_ms() + ANSWER_MS)
            self.answered[name] += 1
            return self._answers


@pytest.fixture(scope="module")
def profile(configs: Path) -> Profile:
    return load_profile(configs / "profiles" / "knit-flat.toml", load_stop_table(configs / "stop-codes.toml"))


def machine(name: str, profile: Profile) -> Machine:
    identity = Identity(
        site="s",
        area="a",
        machine=name,
        kind=profile.kind,
        gateway="gw1",
        profile=profile.label,
        profile_digest=profile.digest,
        stop_table=profile.stop_table.label,
        agent="1",
        timezone="Asia/Shanghai",
    )
    scheme = Scheme(identity=identity, profile=profile, poll_ms=PERIOD_MS, hold_polls=3, grid_ms=300_000)
    return Machine(scheme, serial=None, name_epoch=lambda: "e1")


class Nowhere:
    def put(self, *_: object) -> None:
        pass


async def polled(profile: Profile, words: Mapping[Key, int], timeout_ms: int) -> Bus:
    clock, reader = Wound(), Reader(profile)
    bus = Bus(clock, timeout_ms, answers_from(reader.plan.fast, words))
    desk = Desk(
        clock=clock,
        commit=cast("Any", Nowhere()),
        conditions=Conditions(),
        announced={},
        show=lambda _: None,
        wake=lambda: None,
        checkpoint_ms=10_000,
        counts=Counts(),
    )
    names = [f"unit-{n:02}" for n in range(1, UNITS + 1)]
    tasks = [
        asyncio.create_task(
            Poller(machine(name, profile), reader, lambda name=name: bus.read(name), desk, Tally("bus")).run()
        )  # type: ignore[misc]
        for name in names
    ]
    await clock.wind(MINUTES * 60_000)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return bus


def promised_asks(timeout_ms: int) -> int:
    """How often the rule asks a unit that never answers, at most."""
    asks = at = 0
    while at < MINUTES * 60_000:
        asks += 1
        at += max(timeout_ms, PERIOD_MS * (1 + pause(asks, PERIOD_MS, 3)))
    return asks


@pytest.mark.parametrize("timeout_ms", [200, 500, 1000, 3000])
async def test_neighbours_of_a_silent_unit_are_polled_as_often_as_the_pause_rule_promises(
    profile: Profile, maps: Any, timeout_ms: int
) -> None:
    words = {(register.table, n): 0 for register in profile.registers for n in range(56)}
    words |= {key: maps.knit()[key[1]] for key in words}
    bus = await polled(profile, words, timeout_ms)
    asks = bus.asked[SILENT]
    assert asks <= promised_asks(timeout_ms) + 1
    assert asks >= MINUTES * 60 // 30, "and it is asked at least every 30 s, so that it is found again"
    # An ask holds the bus for the time limit; beyond a period, that many slots of a neighbour are gone.
    lost = asks * -(-timeout_ms // PERIOD_MS) if timeout_ms + UNITS * ANSWER_MS > PERIOD_MS else 0
    neighbours = [bus.answered[f"unit-{n:02}"] for n in range(1, UNITS + 1) if f"unit-{n:02}" != SILENT]
    assert min(neighbours) >= SLOTS - 1 - lost
    assert min(neighbours) >= 0.85 * SLOTS
