"""A welding system of Kemppi's behind its Modbus TCP interface, after the published control table.

What the welding system reports stands in input registers 0 to 11, the bits of the first one in discrete
inputs 0 to 15 too. What the robot commands stands in holding registers and coils of the same numbers: whoever
reads the wrong table reads the robot's wishes. It counts nothing.
"""

from collections.abc import Mapping
from typing import Final

from simulators import codes, weld
from simulators.device import COILS, DISCRETE_INPUTS, HOLDING, INPUT, Image
from simulators.machine_type import Cause, MachineType
from simulators.totals import Moment, Rate
from simulators.weld import CURRENT_A, TRAVEL_MM_MIN, VOLTAGE_DV, WIRE_DM_MIN, Arc

SYSTEM_READY, POWER_SOURCE_READY, ARC_ON, CYCLE_ON = 1 << 0, 1 << 1, 1 << 2, 1 << 3
ERROR, ACCESS, ONLINE_VALID = 1 << 5, 1 << 8, 1 << 9
"""Bits of the status word."""
START_WELDING, ROBOT_READY, ONLINE_CONTROL, ROBOT_MODE = 1 << 0, 1 << 1, 1 << 2, 1 << 7
"""Bits of the robot's control word."""
_MIG, _CHANNEL, _WATCHDOG_MS = 1, 7, 1000
_ERRORS: Final = {codes.POWER_SOURCE: 27, codes.ROBOT_ALARM: 62}
"""An error number of the maker's for each fault: invented, since only a person reads them."""


class Kemppi:
    """Turns a moment of a welding system into registers."""

    rates: Mapping[str, Rate] = {}

    def image(self, now: Moment, _offset: int, _now_ms: int) -> Image:
        status, control = _status(now), _control(now)
        burning = bool(status & ARC_ON)
        values = (
            *(1200 if burning else 0, WIRE_DM_MIN if burning else 0),
            *(VOLTAGE_DV if burning else 0, CURRENT_A if burning else 0),
            _ERRORS.get(now.segment.stop_code, 1) if status & ERROR else 0,
            *(1, _CHANNEL, VOLTAGE_DV - 12 if burning else 0, _WATCHDOG_MS),
            *(_MIG, TRAVEL_MM_MIN if burning else 0),
        )
        return {
            INPUT: ((0, [status, *values]),),
            DISCRETE_INPUTS: ((0, _bits(status)),),
            HOLDING: ((0, [control, _CHANNEL, WIRE_DM_MIN, VOLTAGE_DV, *[0] * 8]),),
            COILS: ((0, _bits(control)),),
        }

    def counted(self, _now: Moment) -> dict[str, int]:
        return {}


def _status(now: Moment) -> int:
    state = now.segment.state
    if state == "off":
        return 0
    found = POWER_SOURCE_READY | ACCESS | ONLINE_VALID
    if state == "fault":
        return found | ERROR
    if state not in ("run", "test"):
        return found | SYSTEM_READY
    return found | SYSTEM_READY | CYCLE_ON | (ARC_ON if _arc(now).burning else 0)


def _control(now: Moment) -> int:
    wants = now.segment.state in ("run", "test")
    return ROBOT_READY | ONLINE_CONTROL | ROBOT_MODE | (START_WELDING if wants else 0)


def _arc(now: Moment) -> Arc:
    if now.next is None or now.segment.state != "run":
        return Arc(0, 0, burning=False)
    return weld.arc(now.run_ms - now.next.run_from, now.next.run_to - now.next.run_from)


def _bits(word: int) -> list[int]:
    return [word >> n & 1 for n in range(16)]


TYPE: Final = MachineType(
    kind="kemppi",
    profile="kemppi-dcm",
    counters={"boot_count": 32},
    after=lambda _: {},
    make=lambda _: Kemppi(),
    behaviour=weld.TYPE.behaviour,
    watts=weld.TYPE.watts,
    stops=weld.TYPE.stops,
    faults=(
        Cause("fault", codes.POWER_SOURCE, 5, 420, 0.7),
        Cause("fault", codes.ROBOT_ALARM, 3, 600, 0.7),
    ),
    inline=True,
    taught=True,
    shows={"test": "run", "setup": "idle", "stop": "idle", "maint": "idle"},
    shows_code=False,
    shows_order=False,
)
