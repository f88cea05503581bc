"""When the log is told how many machines are metered."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge_agent.allowance import Allowance
from edge_agent.conditions import Conditions
from edge_agent.muster import Muster


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("edge_agent.muster._LOOK_S", 0.005)
    monkeypatch.setattr("edge_agent.muster._FIRST_S", 0.2)
    caplog.set_level(logging.INFO)


class Hall:
    """Machines that were asked, of those there are."""

    def __init__(self, met: int, machines: int) -> None:
        self.roster = SimpleNamespace(met=met, machines=dict.fromkeys(range(machines)))
        self.conditions = Conditions()
        self.conditions.allowance = Allowance(1, 0.05)
        self.muster = Muster(cast("Any", self.roster), self.conditions)

    async def passes(self, seconds: float) -> None:
        running = asyncio.create_task(self.muster.run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if getattr(record, "kind", "") == "roll"
    ]


async def test_it_is_told_once_when_all_were_asked(caplog: pytest.LogCaptureFixture) -> None:
    await Hall(3, 3).passes(0.1)
    assert lines(caplog) == ["INFO machines: 3 of 3 metered"]


async def test_those_that_do_not_answer_keep_it_waiting_only_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hall = Hall(2, 3)
    hall.conditions.ails("knit-01", "bus", "silent", "no answer")
    await hall.passes(0.1)
    assert lines(caplog) == []
    await hall.passes(0.4)
    assert lines(caplog) == ["WARNING machines: 1 of 3 metered; silent 1 (knit-01); 1 not asked yet"]


async def test_changes_that_were_not_told_singly_are_told_together(caplog: pytest.LogCaptureFixture) -> None:
    hall = Hall(3, 3)
    running = asyncio.create_task(hall.muster.run())
    await asyncio.sleep(0.05)
    for machine in ("knit-01", "knit-02", "knit-03"):
        hall.conditions.ails(machine, "bus", "silent", "no answer")
    await asyncio.sleep(0.2)
    running.cancel()
    [together] = lines(caplog)[1:]
    assert together.startswith(
        "WARNING machines: 0 of 3 metered; silent 3 (knit-01, knit-02, knit-03); 2 changes"
    )


async def test_machines_that_come_with_another_configuration_are_counted_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hall = Hall(3, 3)
    running = asyncio.create_task(hall.muster.run())
    await asyncio.sleep(0.05)
    hall.roster.machines[3] = None
    hall.muster.call()
    await asyncio.sleep(0.05)
    hall.roster.met = 4
    await asyncio.sleep(0.05)
    running.cancel()
    assert lines(caplog) == ["INFO machines: 3 of 3 metered", "INFO machines: 4 of 4 metered"]
