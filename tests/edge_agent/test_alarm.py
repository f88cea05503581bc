"""The alarm on an event loop: who waits is woken in time, with one timer for all."""

import asyncio
from typing import Any

from edge_agent.alarm import Alarm


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


async def passing(clock: Hands, until: int, step: int = 5) -> None:
    """Lets the alarm's timers run, whose delays are next to nothing at this scale."""
    while clock.now < until:
        clock.now += step
        for _ in range(20):
            await asyncio.sleep(0.0001)


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = Hands(), list[int]()
    alarm = Alarm(clock, tick_ms=5, scale=10_000)

    async def sleep(until: int) -> None:
        await alarm.until(until)
        assert until <= clock.now < until + 10
        woken.append(until)

    async with asyncio.TaskGroup() as tasks:
        for until in (300, 20, 100, 101, 20):
            tasks.create_task(sleep(until))
        await passing(clock, 320)
    assert sorted(woken) == [20, 20, 100, 101, 300]
    assert woken[:2] == [20, 20]
    assert woken[-1] == 300


async def test_a_timer_that_goes_off_early_is_set_again() -> None:
    clock = Hands()
    alarm = Alarm(clock, tick_ms=5, scale=10_000)
    sleeping = asyncio.create_task(alarm.until(100))
    await asyncio.sleep(0.03)  # by the loop's clock it was due 0.01 ms ago
    assert not sleeping.done()
    await passing(clock, 100)
    assert sleeping.done()


async def test_whoever_was_cancelled_or_answered_is_left_alone() -> None:
    clock, loop = Hands(), asyncio.get_running_loop()
    alarm = Alarm(clock, tick_ms=5, scale=10_000)
    answered: asyncio.Future[Any] = loop.create_future()
    alarm.ring(20, answered)
    sleeping = asyncio.create_task(alarm.until(20))
    await asyncio.sleep(0)
    answered.set_result("in time")
    sleeping.cancel()
    await passing(clock, 40)
    assert (answered.result(), sleeping.cancelled()) == ("in time", True)


async def test_thousands_who_wait_cost_the_loop_one_timer(monkeypatch: Any) -> None:
    clock, loop = Hands(), asyncio.get_running_loop()
    alarm, made = Alarm(clock, tick_ms=5), list[float]()
    call_later = loop.call_later

    def counted(delay: float, *told: Any) -> asyncio.TimerHandle:
        made.append(delay)
        return call_later(delay, *told)

    monkeypatch.setattr(loop, "call_later", counted)
    for number in range(4_500):
        alarm.ring(1_000 + number % 1_000, loop.create_future())
    assert made == [1.0]
