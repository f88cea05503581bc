"""The two kinds of machine in figures: counters, causes of stops, power, and how often things go wrong.

The figures are plausible for a shared workshop, not measurements of one: most stops last 1 to 10 minutes,
some under half a minute, a few half an hour.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from simulators import codes
from simulators.codes import STATES, Kind, State
from simulators.records import Behaviour

_KNIT_TOTALS = ("run_s", "stop_s", "power_on_s", "pieces_total", "pieces_ng_total", "courses_total")
_KNIT_STOPS_16 = (
    *("stops_yarn_break", "stops_knot", "stops_yarn_out", "stops_needle"),
    *("stops_fabric_drop", "stops_racking", "stops_manual", "stops_other"),
)
_WELD_TOTALS = (
    *("cycle_s", "arc_on_ds", "power_on_s", "parts_total", "parts_ok", "parts_ng", "parts_rework"),
    *("weld_starts", "weld_length_total", "wire_used", "gas_used"),
)
_ALL_TOTALS = ("boot_count", "energy_total")
COUNTERS: Final[Mapping[Kind, Mapping[str, int]]] = {
    "knit": dict.fromkeys(_ALL_TOTALS + _KNIT_TOTALS, 32) | dict.fromkeys(_KNIT_STOPS_16, 16),
    "weld": dict.fromkeys(_ALL_TOTALS + _WELD_TOTALS, 32) | {"arc_fail": 16},
}
"""Width in bits of each counter whose first value a plant file may set."""

DEFAULTS: Final[Mapping[Kind, Behaviour]] = {
    "knit": Behaviour(
        stops_per_hour=2.6,
        faults_per_hour=0.12,
        maint_per_hour=0.06,
        restarts_per_hour=0.05,
        scrap_share=0.03,
        rework_share=0.0,
        setup_s=360,
        test_share=0.2,
        jitter=0.04,
    ),
    "weld": Behaviour(
        stops_per_hour=3.2,
        faults_per_hour=0.25,
        maint_per_hour=0.08,
        restarts_per_hour=0.05,
        scrap_share=0.02,
        rework_share=0.03,
        setup_s=480,
        test_share=0.25,
        jitter=0.06,
    ),
}


class Cause(Struct, frozen=True):
    """One reason to stand still: how often beside its neighbours, and how long (log-normal)."""

    state: State
    code: int
    weight: float
    median_s: float
    spread: float
    """Sigma of the logarithm."""


_KNIT_STOPS = (
    Cause("stop", codes.YARN_BREAK, 34, 75, 0.9),
    Cause("stop", codes.KNOT, 20, 35, 0.8),
    Cause("stop", codes.YARN_OUT, 10, 150, 0.7),
    Cause("stop", codes.FABRIC_DROP, 8, 240, 0.8),
    Cause("stop", codes.PROGRAM_ERROR, 2, 300, 0.7),
    Cause("stop", codes.TENANT_OPERATOR, 8, 200, 0.9),
    Cause("stop", codes.WAIT_QC, 2, 400, 0.6),
    Cause("stop", codes.WAIT_MATERIAL, 4, 600, 0.7),
    Cause("stop", codes.RACKING, 4, 240, 0.6),
    Cause("stop", codes.OPERATOR_ABSENT, 5, 420, 0.8),
    Cause("stop", codes.POWER_FAIL, 0.6, 120, 0.8),
    Cause("stop", codes.AIR, 1.0, 180, 0.7),
    Cause("stop", codes.UNKNOWN_STOP, 1.4, 90, 0.8),
)
_WELD_STOPS = (
    Cause("stop", codes.TENANT_OPERATOR, 14, 150, 0.9),
    Cause("stop", codes.WAIT_QC, 4, 300, 0.6),
    Cause("stop", codes.WAIT_MATERIAL, 12, 420, 0.8),
    Cause("stop", codes.YARN_OUT, 6, 260, 0.5),
    Cause("stop", codes.ROBOT_ALARM, 6, 90, 0.7),
    Cause("stop", codes.POWER_SOURCE, 10, 60, 0.8),
    Cause("stop", codes.TORCH_CLEAN, 30, 40, 0.5),
    Cause("stop", codes.OPERATOR_ABSENT, 6, 420, 0.8),
    Cause("stop", codes.POWER_FAIL, 0.6, 120, 0.8),
    Cause("stop", codes.AIR, 1.2, 180, 0.7),
    Cause("stop", codes.GAS, 4, 240, 0.6),
    Cause("stop", codes.UNKNOWN_STOP, 1.2, 90, 0.8),
)
STOPS: Final[Mapping[Kind, tuple[Cause, ...]]] = {"knit": _KNIT_STOPS, "weld": _WELD_STOPS}

FAULTS: Final[Mapping[Kind, tuple[Cause, ...]]] = {
    "knit": (
        Cause("fault", codes.NEEDLE, 8, 900, 0.6),
        Cause("fault", codes.RACKING, 2, 1200, 0.5),
    ),
    "weld": (
        Cause("fault", codes.ROBOT_ALARM, 5, 600, 0.7),
        Cause("fault", codes.POWER_SOURCE, 5, 420, 0.7),
    ),
}
MAINTENANCE: Final = Cause("maint", codes.PLANNED_MAINTENANCE, 1, 780, 0.3)
ABSENCE: Final = Cause("stop", codes.OPERATOR_ABSENT, 1, 240, 0.7)
"""What follows a stop when nobody comes: the same stop with a later code."""

WATTS: Final[Mapping[Kind, Mapping[State, int]]] = {
    # run, setup, stop, fault, idle, maint, off, test
    "knit": dict(zip(STATES, (1150, 420, 310, 280, 260, 240, 0, 900), strict=True)),
    "weld": dict(zip(STATES, (6400, 950, 780, 640, 620, 560, 0, 5200), strict=True)),
}

STOP_CLASSES: Final[Mapping[Kind, Sequence[int]]] = {
    "knit": (
        *(codes.YARN_BREAK, codes.KNOT, codes.YARN_OUT, codes.NEEDLE),
        *(codes.FABRIC_DROP, codes.RACKING, codes.TENANT_OPERATOR, codes.UNKNOWN_STOP),
    ),
    "weld": (codes.POWER_SOURCE, codes.UNKNOWN_STOP),
}
"""A machine's own stop counters, in sequence; a code that is not here moves the last one."""
