"""A bus of thirty, some of them silent: the neighbours keep their rate.

The agent's own pollers and link on a clock that is wound by the test; the bus serves one after the other.
"""

import asyncio
import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import count, pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from edge_agent.block import Block
from edge_agent.breaker import Breakers, Patience
from edge_agent.conditions import Conditions
from edge_agent.counts import Counts, Tally
from edge_agent.endpoint_link import EndpointLink, Manners
from edge_agent.interpret import Reader
from edge_agent.link import SilentError, read_fast
from edge_agent.machine import Machine
from edge_agent.poll import Desk, Poller
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.schedule import phase_of
from edge_agent.scheme import Identity, Scheme
from edge_agent.stop_codes import load_stop_table

PERIOD_MS = 1000
UNITS = 30
ANSWER_MS = 12
MINUTES = 3
SLOTS = MINUTES * 60_000 // PERIOD_MS
FOR_EVER = 1 << 60


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
    """A transport: one request at a time, and a silent unit takes the whole time limit."""

    connected = True

    def __init__(self, clock: Wound, timeout_ms: int, silent: Mapping[int, int], words: list[int]) -> None:
        self.asked: Counter[int] = Counter()
        self.answered: Counter[int] = Counter()
        self.wasted_ms = 0
        """On waiting for who does not answer."""
        self.asked_at: dict[int, list[int]] = defaultdict(list)
        self._clock, self._timeout_ms, self._silent, self._words = clock, timeout_ms, silent, words

    async def connect(self) -> None:
        raise AssertionError("it is connected")

    async def ask(self, block: Block, unit: int, limit_s: float | None = None) -> list[int]:
        now = self._clock.mono_ms()
        self.asked[unit] += 1
        self.asked_at[unit].append(now)
        if now >= self._silent.get(unit, FOR_EVER):
            limit_ms = self._timeout_ms if limit_s is None else min(self._timeout_ms, int(limit_s * 1000))
            self.wasted_ms += limit_ms
            await self._clock.sleep_until(now + limit_ms)
            raise SilentError("no answer")
        await self._clock.sleep_until(now + ANSWER_MS)
        self.answered[unit] += 1
        return self._words[block.address : block.end]

    def close(self) -> None:
        pass


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


async def polled(profile: Profile, words: list[int], timeout_ms: int, silent: Mapping[int, int]) -> Bus:
    """``silent``: from which ms on which unit does not answer."""
    clock, reader = Wound(), Reader(profile)
    bus = Bus(clock, timeout_ms, silent, words)
    link = EndpointLink(
        bus,
        Manners(stale_s=timeout_ms / 1000),
        breakers=Breakers(Patience(limit_ms=timeout_ms)),
        now_ms=clock.mono_ms,
        monotonic=lambda: clock.mono_ms() / 1000,
    )
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

    def poller(unit: int) -> Poller:
        metered = machine(f"unit-{unit:02}", profile)
        read, phase_ms = lambda: read_fast(link, reader.plan, unit), phase_of("bus", unit, PERIOD_MS)
        return Poller(metered, reader, read, desk, Tally("bus"), phase_ms=phase_ms)

    tasks = [asyncio.create_task(poller(unit).run()) for unit in range(1, UNITS + 1)]
    await clock.wind(MINUTES * 60_000)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return bus


@pytest.fixture
def words(maps: Any) -> list[int]:
    knit = maps.knit()
    return [knit.get(address, 0) for address in range(100)]


@pytest.mark.parametrize(
    ("timeout_ms", "share", "dies_at"),
    [(200, 0.99, 0), (500, 0.99, 60_000), (1000, 0.98, 60_000), (3000, 0.92, 0), (3000, 0.92, 60_000)],
)
async def test_one_silent_unit_of_thirty_does_not_cost_its_neighbours_their_rate(
    profile: Profile, words: list[int], timeout_ms: int, share: float, dies_at: int
) -> None:
    bus = await polled(profile, words, timeout_ms, {7: dies_at})
    neighbours = [bus.answered[unit] for unit in range(1, UNITS + 1) if unit != 7]
    assert min(neighbours) >= share * SLOTS
    asked = [at for at in bus.asked_at[7] if at >= dies_at]
    pauses = [later - earlier for earlier, later in pairwise([*asked, MINUTES * 60_000])]
    assert max(pauses) <= 30_000 + PERIOD_MS + timeout_ms, "so that it is found again"


@pytest.mark.parametrize("timeout_ms", [200, 1000])
async def test_half_of_the_bus_silent_costs_the_other_half_a_tenth_of_its_time(
    profile: Profile, words: list[int], timeout_ms: int
) -> None:
    """At first, each of the fifteen is asked once more than the rule for retries allows for."""
    silent = dict.fromkeys(range(1, UNITS + 1, 2), 60_000)
    bus = await polled(profile, words, timeout_ms, silent)
    neighbours = [bus.answered[unit] for unit in range(2, UNITS + 1, 2)]
    first_s = (len(silent) + 4) * timeout_ms / 1000
    assert min(neighbours) >= 0.87 * SLOTS - first_s
    assert bus.wasted_ms <= (len(silent) + 5) * timeout_ms + 0.1 * (MINUTES - 1) * 60_000
    for unit in silent:
        assert any(at >= 90_000 for at in bus.asked_at[unit]), f"unit {unit} was forgotten"


async def test_where_nobody_answers_nobody_loses_by_asking(profile: Profile, words: list[int]) -> None:
    """A hall that is switched off at night: each machine is found within half a minute of the morning."""
    bus = await polled(profile, words, 1000, dict.fromkeys(range(1, UNITS + 1), 0))
    for unit in range(1, UNITS + 1):
        late = [at for at in bus.asked_at[unit] if at >= 120_000]
        assert max(b - a for a, b in pairwise(late)) <= 30_000 + UNITS * 1000 + PERIOD_MS
