"""Looking at gauges: in a phase of its own, only after a good poll, and never at the cost of one."""

import logging
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from contract.gauges import Gauges
from edge_agent.block import Answer, answers_from
from edge_agent.conditions import Conditions
from edge_agent.gaze import Gaze, Terms
from edge_agent.interpret import Reader
from edge_agent.link import LinkError, SilentError
from edge_agent.profile import StopTable
from edge_agent.profile_file import load_profile
from tests.edge_agent.meter_bench import SCHEME
from tests.edge_agent.odd_words import words_of

PERIOD_MS = 15_000
READER = Reader(
    load_profile(Path(__file__).parent / "profiles" / "odd.toml", StopTable(label="t@1", codes=()))
)
FAST = answers_from(READER.plan.fast, words_of())
SLOW = answers_from(READER.plan.slow, words_of())


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.mono = 1_000_000

    def wall_ms(self) -> int:
        return 1_790_380_800_000 + self.mono

    def mono_ms(self) -> int:
        return self.mono

    async def sleep_until(self, mono_ms: int) -> None:
        self.mono = max(self.mono, mono_ms)


class Bench:
    """One machine that is looked at every second for as long as the test says."""

    def __init__(self, answers: Iterable[list[Answer] | LinkError], machine: str = "point-1") -> None:
        self.clock, self.shown, self.asked = Hands(), list[Gauges](), list[int]()
        self._answers = iter(answers)
        terms = Terms(self.clock, Conditions(), self.shown.append, PERIOD_MS)
        self.gaze = Gaze(replace(SCHEME.identity, machine=machine), READER, self._read, terms)

    async def _read(self) -> list[Answer]:
        self.asked.append(self.clock.mono)
        answer = next(self._answers, SLOW)
        if isinstance(answer, LinkError):
            raise answer
        return answer

    async def seconds(self, count: int) -> None:
        for _ in range(count):
            self.clock.mono += 1_000
            await self.gaze.look(FAST)


async def test_a_machine_is_looked_at_once_a_period_whatever_it_is_polled() -> None:
    bench = Bench([])
    await bench.seconds(61)
    assert len(bench.shown) == 4
    assert [later - sooner for sooner, later in zip(bench.asked, bench.asked[1:], strict=False)] == [
        15_000
    ] * 3
    first = bench.shown[0]
    assert first.values == {"flow_m3h": 12.5, "temperature_c": 25.5}
    assert (first.machine, first.kind, first.at) == ("point-1", "knit", 1_790_380_800_000 + bench.asked[0])


async def test_machines_are_looked_at_at_different_times() -> None:
    benches = [Bench([], machine=f"point-{n}") for n in range(30)]
    for bench in benches:
        await bench.seconds(15)
    assert len({bench.asked[0] for bench in benches}) > 10


async def test_a_machine_that_refuses_a_gauge_shows_the_others() -> None:
    bench = Bench([[None, *SLOW[1:]]])
    await bench.seconds(15)
    assert [shown.values for shown in bench.shown] == [{"temperature_c": 25.5}]


async def test_a_machine_that_shows_nothing_is_not_told_of() -> None:
    bench = Bench([[None, None]])
    await bench.seconds(15)
    assert bench.asked
    assert not bench.shown


async def test_a_look_that_fails_is_told_once_and_made_more_and_more_seldom(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench([SilentError("no answer within 1 s")] * 4)
    await bench.seconds(15 * (1 + 2 + 4 + 8 + 16) + 15)
    waits = [later - sooner for sooner, later in zip(bench.asked, bench.asked[1:], strict=False)]
    assert [wait // 15_000 for wait in waits][:4] == [2, 4, 8, 16]
    assert [record.getMessage() for record in caplog.records] == [
        "point-1: no gauges: no answer within 1 s",
        "point-1: gauges again",
    ]
    assert bench.shown, "and is found again"


async def test_a_machine_that_never_answers_is_looked_at_at_least_every_64_periods() -> None:
    bench = Bench([SilentError("no answer")] * 1_000)
    await bench.seconds(20_000)
    waits = [later - sooner for sooner, later in zip(bench.asked, bench.asked[1:], strict=False)]
    assert max(waits) == 64 * PERIOD_MS


async def test_gauges_that_come_with_a_poll_cost_no_request() -> None:
    inside = replace(READER.profile, gauges=(replace(READER.profile.gauges[0], register="energy_kwh"),))
    reader = Reader(
        replace(inside, registers=tuple(r for r in inside.registers if r.name not in {"flow", "temperature"}))
    )
    bench = Bench([])
    bench.gaze = Gaze(SCHEME.identity, reader, bench._read, bench.gaze._terms)
    assert reader.plan.slow == ()
    for _ in range(20):
        bench.clock.mono += 1_000
        await bench.gaze.look(answers_from(reader.plan.fast, words_of()))
    assert bench.asked == []
    assert bench.shown[0].values == {"flow_m3h": 678.91}
