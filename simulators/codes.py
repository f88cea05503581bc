"""States, parties, canonical stop codes and status bits, as the machines of this package report them."""

from enum import IntFlag
from typing import Literal

State = Literal["run", "setup", "stop", "fault", "idle", "maint", "off", "test"]
Party = Literal["tenant", "host", "utility", "unknown", "none"]
Kind = Literal["knit", "weld", "loom", "effluent", "energy", "energy-1p", "kemppi", "retrofit"]

NONE = "none"
"""What a ledger says where there is no order, no tenant or no party."""

STATES: tuple[State, ...] = ("run", "setup", "stop", "fault", "idle", "maint", "off", "test")


class Bit(IntFlag):
    """Status word, header register 9.

    Exactly one state is true at an instant, the first that the bits show: off (POWER clear), fault (FAULT or
    E_STOP), maint, setup, test, run (RUNNING), stop (STOPPED); with none of them the machine is idle.
    """

    POWER = 1 << 0
    READY = 1 << 1
    RUNNING = 1 << 2
    SETUP = 1 << 3
    MAINT = 1 << 4
    MANUAL = 1 << 5
    STOPPED = 1 << 6
    FAULT = 1 << 7
    E_STOP = 1 << 8
    GUARD_OPEN = 1 << 9
    SLOW = 1 << 10
    ORDER = 1 << 11
    TARGET = 1 << 12
    TEST = 1 << 13
    VALID = 1 << 15


YARN_BREAK = 10
KNOT = 11
YARN_OUT = 12
FABRIC_DROP = 13
PROGRAM_ERROR = 14
TENANT_OPERATOR = 15
WAIT_QC = 16
WAIT_MATERIAL = 17
NEEDLE = 30
RACKING = 31
ROBOT_ALARM = 32
POWER_SOURCE = 33
TORCH_CLEAN = 34
MECHANISM = 35
OPERATOR_ABSENT = 36
PLANNED_MAINTENANCE = 37
POWER_FAIL = 50
AIR = 51
GAS = 52
TARGET_REACHED = 60
UNKNOWN_STOP = 99


def party_of(state: State, stop_code: int) -> Party:
    """Who caused a stop or a fault, by the canonical table; `none` in every other state."""
    if state not in ("stop", "fault"):
        return "none"
    if 10 <= stop_code <= 17:
        return "tenant"
    if 30 <= stop_code <= 37:
        return "host"
    return "utility" if 50 <= stop_code <= 53 else "unknown"
