"""Writes the story of one meter from a seed: what flows through it, when it does, and when it fails.

A meter makes nothing and works no orders. Whose the flow is follows from the lease of the meter.
"""

import math
import random

from msgspec.structs import replace

from simulators import codes
from simulators.codes import State
from simulators.kinds import MAINTENANCE, TYPES
from simulators.machine_type import Flow
from simulators.records import Machine, Plant
from simulators.story import Pen, Segment, Story
from simulators.windows import Window, windows


def tell(machine: Machine, plant: Plant) -> Story:
    """The same plant, meter and seed tell the same story, whatever the start instant."""
    return _Author(machine, plant).story()


class _Author:
    """One pass from left to right. Each stretch ends with its window, in which one tenant has the meter."""

    def __init__(self, machine: Machine, plant: Plant) -> None:
        flow = TYPES[machine.kind].flow
        assert flow  # noqa: S101  who has none tells his story in behaviour.py
        self._machine, self._plant, self._flow = machine, plant, flow
        self._random = random.Random(f"{plant.seed}/{plant.site}/{machine.name}")
        self._pen = Pen()
        self._trouble_at = self._next_trouble()

    def story(self) -> Story:
        boots = self._boots()
        for window in windows(self._plant, self._machine.name):
            self._window(window, self._flow)
        return self._pen.story(boots)

    def _window(self, window: Window, flow: Flow) -> None:
        while self._pen.at < window.end:
            if self._pen.at >= self._trouble_at:
                self._trouble(window)
            if flow.batch_s is None:
                self._steady(window, flow, window.end, "idle", self._level(flow))
                continue
            self._steady(window, flow, self._pen.at + self._ms(flow.pause_s), "idle", 0)
            self._batch(window, flow, self._pen.at + self._ms(flow.batch_s))

    def _batch(self, window: Window, flow: Flow, until: int) -> None:
        level = self._level(flow)
        while self._pen.at < min(until, window.end):
            near = round(level * self._random.uniform(0.85, 1.15))
            self._steady(window, flow, until, "run", max(flow.low, min(flow.high, near)))
        if self._random.random() < flow.back_share:
            back = Segment(start=0, end=0, state="idle", level=-flow.low // 2, tenant=window.tenant)
            self._pen.until(min(window.end, self._pen.at + self._ms((3, 20))), back)

    def _steady(self, window: Window, flow: Flow, until: int, state: State, level: int) -> None:
        end = min(until, window.end, self._pen.at + self._ms(flow.steady_s))
        self._pen.until(end, Segment(start=0, end=0, state=state, level=level, tenant=window.tenant))

    def _trouble(self, window: Window) -> None:
        """The meter itself fails, or is looked after; what flows meanwhile is nobody's to know."""
        rates = self._machine.behaviour
        state, code = self._random.choices(
            (("fault", codes.UNKNOWN_STOP), ("maint", MAINTENANCE.code)),
            (rates.faults_per_hour, rates.maint_per_hour),
        )[0]
        like = Segment(start=0, end=0, state="idle", stop_code=code, tenant=window.tenant)
        self._pen.until(min(window.end, self._pen.at + self._ms((60, 600))), replace(like, state=state))
        self._trouble_at = self._next_trouble()

    def _next_trouble(self) -> float:
        rates = self._machine.behaviour
        return self._pen.at + self._gap(rates.faults_per_hour + rates.maint_per_hour)

    def _boots(self) -> tuple[int, ...]:
        found: list[int] = []
        at = self._gap(self._machine.behaviour.restarts_per_hour)
        while at < self._plant.duration_ms:
            found.append(round(at))
            at += 1 + self._gap(self._machine.behaviour.restarts_per_hour)
        return tuple(found)

    def _gap(self, per_hour: float) -> float:
        return self._random.expovariate(per_hour / 3_600_000) if per_hour > 0 else math.inf

    def _level(self, flow: Flow) -> int:
        return self._random.randint(flow.low, flow.high)

    def _ms(self, seconds: tuple[float, float]) -> int:
        return max(1, round(self._random.uniform(*seconds) * 1000))
