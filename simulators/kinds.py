"""Every type of machine that a plant may have.

Their figures are plausible for shared workshops, not measurements of one: most stops last 1 to 10 minutes,
some under half a minute, a few half an hour.
"""

from collections.abc import Mapping
from typing import Final

from simulators import codes, effluent, energy, kemppi, knit, loom, retrofit, weld
from simulators.codes import Kind, State
from simulators.machine_type import Cause, MachineType

TYPES: Final[Mapping[Kind, MachineType]] = {
    each.kind: each
    for each in (
        *(knit.TYPE, weld.TYPE, loom.TYPE, effluent.TYPE),
        *(energy.THREE_PHASE, energy.SINGLE_PHASE, kemppi.TYPE, retrofit.TYPE),
    )
}

WATTS: Final[Mapping[Kind, Mapping[State, int]]] = {kind: each.watts for kind, each in TYPES.items()}

MAINTENANCE: Final = Cause("maint", codes.PLANNED_MAINTENANCE, 1, 780, 0.3)
ABSENCE: Final = Cause("stop", codes.OPERATOR_ABSENT, 1, 240, 0.7)
"""What follows a stop when nobody comes: the same stop with a later code."""
