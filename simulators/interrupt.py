"""Interruptions: what stands in the way of a piece, for how long, and how the machine gets going again."""

import random
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from simulators import codes
from simulators.kinds import ABSENCE, MAINTENANCE, TYPES
from simulators.machine_type import Cause
from simulators.records import Machine
from simulators.story import Segment

SHORTEST_S: Final = 4.0
LONGEST_S: Final = 45 * 60.0

_GUARDED: Final = frozenset({codes.FABRIC_DROP, codes.NEEDLE, codes.TORCH_CLEAN, codes.PLANNED_MAINTENANCE})
"""Causes that make somebody reach into the machine."""


class Step(Struct, frozen=True):
    ms: int
    like: Segment


def seconds(dice: random.Random, median_s: float, spread: float) -> int:
    """A log-normal duration in ms: many short, few long, none absurd."""
    drawn = median_s * dice.lognormvariate(0.0, spread)
    return round(min(LONGEST_S, max(SHORTEST_S, drawn)) * 1000)


def per_ms(machine: Machine) -> float:
    """Interruptions of all kinds per ms of running."""
    rates = machine.behaviour
    return (rates.stops_per_hour + rates.faults_per_hour + rates.maint_per_hour) / 3_600_000


def interruption(dice: random.Random, machine: Machine, work: Segment, left_ms: int) -> list[Step]:
    """Standing still, and perhaps a slow start; the slow part runs at most `left_ms`."""
    of = TYPES[machine.kind]
    cause = _cause(dice, machine)
    steps = [_still(dice, cause, work)]
    if cause.state == "stop" and dice.random() < 0.08:
        steps.append(_still(dice, msgspec.structs.replace(ABSENCE, vendor=of.by_hand), work))
    if dice.random() < 0.35:
        slow_ms = min(left_ms, round(dice.uniform(8, 60) * 1000))
        steps.append(Step(slow_ms, msgspec.structs.replace(work, slow=True)))
    return steps


def _cause(dice: random.Random, machine: Machine) -> Cause:
    rates = machine.behaviour
    of = TYPES[machine.kind]
    groups: Sequence[Sequence[Cause]] = (of.stops, of.faults, (MAINTENANCE,))
    weights = (rates.stops_per_hour, rates.faults_per_hour, rates.maint_per_hour)
    group = dice.choices(groups, weights)[0]
    return dice.choices(group, [cause.weight for cause in group])[0]


def _still(dice: random.Random, cause: Cause, work: Segment) -> Step:
    reach = dice.random()
    like = msgspec.structs.replace(
        work,
        state=cause.state,
        stop_code=cause.code,
        vendor=cause.vendor,
        operator=0 if cause.code == codes.OPERATOR_ABSENT else work.operator,
        guard_open=cause.code in _GUARDED and reach < 0.7,
        e_stop=cause.state == "fault" and reach < 0.3,
    )
    return Step(seconds(dice, cause.median_s, cause.spread), like)
