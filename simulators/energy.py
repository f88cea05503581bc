"""Two rail-mounted energy meters of Acrel's, after their published register maps (docs/machines.md).

Holding registers only, high word first, and with holes: what is not in the map answers exception 2. Energy is
counted in steps of 0.01 kWh. The three-phase meter counts behind its transformers: the energy of the plant is
what it shows times both their ratios.
"""

from collections.abc import Mapping
from typing import Final

from simulators.device import HOLDING, Image
from simulators.header import abcd
from simulators.machine_type import Flow, MachineType
from simulators.records import Behaviour
from simulators.totals import Moment, Rate

STEP_WMS: Final = 36_000_000
"""0.01 kWh in W ms."""
VOLTS_D, HERTZ_C, FACTOR_M = 2310, 5000, 920
"""0.1 V, 0.01 Hz, and the power factor in 0.001."""
_TARIFFS: Final = (13, 27, 38, 22)
"""How the day's energy lies in the meter's own four tariffs (sharp, peak, flat, valley), in hundredths."""


class ThreePhase:
    """Turns a moment of a feeder into the registers of the meter behind its transformers."""

    rates: Mapping[str, Rate] = {
        "forward": lambda segment: max(0, segment.level),
        "reverse": lambda segment: max(0, -segment.level),
    }

    def __init__(self, first: Mapping[str, int]) -> None:
        self._first = first
        self._ratio = first["pt"] * first["ct"]

    def image(self, now: Moment, _offset: int, _now_ms: int) -> Image:
        forward, reverse = (self._first[way] + self._steps(now, way) for way in ("forward", "reverse"))
        watts = now.segment.level // self._ratio
        phases = [watts // 3, watts // 3, watts - watts // 3 * 2]
        return {
            HOLDING: (
                (0x0000, [*_energies(forward + reverse), *_energies(forward), *_energies(reverse)]),
                (0x0061, [*[VOLTS_D] * 3, *map(_amps, phases), *map(_i16, (*phases, watts))]),
                (0x0077, [HERTZ_C]),
                (0x0164, [word for power in (*phases, watts) for word in abcd(power)]),
            )
        }

    def counted(self, now: Moment) -> dict[str, int]:
        ways = {"energy_wh": "forward", "reverse_wh": "reverse"}
        return {name: self._steps(now, way) * 10 * self._ratio for name, way in ways.items()}

    def _steps(self, now: Moment, way: str) -> int:
        return now.sums[way] // (STEP_WMS * self._ratio)


class SinglePhase:
    """Turns a moment of a circuit into registers. There is no direction: all energy counts forward."""

    rates: Mapping[str, Rate] = {"watt_ms": lambda segment: abs(segment.level)}

    def __init__(self, first: Mapping[str, int]) -> None:
        self._first = first

    def image(self, now: Moment, _offset: int, _now_ms: int) -> Image:
        watts = abs(now.segment.level)
        apparent, reactive = watts * 1000 // FACTOR_M, watts * 426 // 1000
        measured = (0, VOLTS_D, _amps(watts), watts, reactive, apparent, FACTOR_M, HERTZ_C)
        return {HOLDING: ((0, [*_energies(self._first["total"] + self._steps(now)), *measured]),)}

    def counted(self, now: Moment) -> dict[str, int]:
        return {"energy_wh": self._steps(now) * 10}

    def _steps(self, now: Moment) -> int:
        return now.sums["watt_ms"] // STEP_WMS


def _energies(total: int) -> list[int]:
    """The total and its four tariffs, which add up to it."""
    parts = [total * share // 100 for share in _TARIFFS[:3]]
    return [word for value in (total, *parts, total - sum(parts)) for word in abcd(value)]


def _amps(watts: int) -> int:
    """0.01 A of one phase."""
    return abs(watts) * 1_000_000 // (VOLTS_D * FACTOR_M)


def _i16(value: int) -> int:
    return value & 0xFFFF


def _behaviour() -> Behaviour:
    return Behaviour(
        stops_per_hour=0,
        faults_per_hour=0,
        maint_per_hour=0,
        restarts_per_hour=0.05,
        scrap_share=0,
        rework_share=0,
        setup_s=0,
        test_share=0,
        jitter=0,
    )


THREE_PHASE: Final = MachineType(
    kind="energy",
    profile="acrel-adl",
    counters={"boot_count": 32, "forward": 32, "reverse": 32, "pt": 14, "ct": 14},
    after=lambda run_s: {"forward": run_s * 4, "reverse": run_s // 90, "pt": 1, "ct": 1},
    make=lambda seat: ThreePhase(seat.first),
    behaviour=_behaviour(),
    flow=Flow(low=-9_000, high=32_000, steady_s=(20, 400)),
)
SINGLE_PHASE: Final = MachineType(
    kind="energy-1p",
    profile="acrel-ddsy",
    counters={"boot_count": 32, "total": 32},
    after=lambda run_s: {"total": run_s // 4},
    make=lambda seat: SinglePhase(seat.first),
    behaviour=_behaviour(),
    flow=Flow(low=150, high=9_000, steady_s=(20, 400)),
)
