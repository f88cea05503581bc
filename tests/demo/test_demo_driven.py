"""Plant time passes only when everybody has done what was due."""

import asyncio

from demo.driven import DrivenClock


async def test_time_waits_for_the_slowest_worker() -> None:
    clock, log = DrivenClock(1_000_000, workers=2), []
    answered = asyncio.Event()

    async def quick() -> None:
        for due in (10, 20, 30):
            await clock.sleep_until(due)
            log.append(("quick", clock.mono_ms()))

    async def slow() -> None:
        await clock.sleep_until(15)
        log.append(("slow asks", clock.mono_ms()))
        await answered.wait()
        log.append(("slow has it", clock.mono_ms()))
        clock.leave()

    tasks = [asyncio.create_task(quick()), asyncio.create_task(slow())]
    for _ in range(10):
        await asyncio.sleep(0)
    assert log == [("quick", 10), ("slow asks", 15)]
    answered.set()
    await asyncio.gather(*tasks)
    assert log[2:] == [("slow has it", 15), ("quick", 20), ("quick", 30)]
    assert clock.wall_ms() == 1_000_030


async def test_a_cancelled_worker_is_not_waited_for() -> None:
    clock = DrivenClock(0, workers=2)
    gone = asyncio.create_task(clock.sleep_until(5))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    clock.leave()
    await clock.sleep_until(7)
    assert clock.mono_ms() == 7
