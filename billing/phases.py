"""What a machine was doing, as coarsely as a picture can show it: the twelve time fields in seven phases."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from billing.words import Words
from contract.states import TIME_FIELDS


class Phase(StrEnum):
    """The value is its letter in a strip of a day."""

    RUN = "R"
    SETUP = "S"
    STOP = "T"
    """Stopped by the tenant."""
    HELD = "H"
    """Held up by others: stops by host, utility or unknown party, and faults."""
    IDLE = "I"
    OFF = "O"
    UNKNOWN = "U"


OPEN: Final = "D"
"""In suspense or disputed: perhaps the tenant's, and not billed. It lies beside the phases."""
ELSEWHERE: Final = "."
"""In a strip: time that was not this tenant's."""

PHASES: Final = tuple(Phase)
OF_FIELD: Final = MappingProxyType(
    {
        "run_ms": Phase.RUN,
        "setup_ms": Phase.SETUP,
        "test_ms": Phase.SETUP,
        "stop_tenant_ms": Phase.STOP,
        "stop_host_ms": Phase.HELD,
        "stop_utility_ms": Phase.HELD,
        "stop_unknown_ms": Phase.HELD,
        "fault_ms": Phase.HELD,
        "idle_ms": Phase.IDLE,
        "maint_ms": Phase.OFF,
        "off_ms": Phase.OFF,
        "unknown_ms": Phase.UNKNOWN,
    }
)
FIELDS: Final = tuple((field, PHASES.index(OF_FIELD[field])) for field in TIME_FIELDS)
"""Each time field, and the place of its phase in ``PHASES``."""

CALLED: Final = MappingProxyType(
    {
        Phase.RUN: Words("run", "运行"),
        Phase.SETUP: Words("setup, trial run", "调机、打样试车"),
        Phase.STOP: Words("tenant stop", "承租方停机"),
        Phase.HELD: Words("other stop, fault", "其他停机、故障"),
        Phase.IDLE: Words("idle", "空闲"),
        Phase.OFF: Words("off, maintenance", "关机、保养"),
        Phase.UNKNOWN: Words("unknown", "未知"),
    }
)
OPEN_CALLED: Final = Words("waiting for a decision, not charged", "待确认，未计费")
