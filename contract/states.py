"""Machine states, parties and the twelve time fields of an interval (DESIGN 3, after ISO 22400-2)."""

from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    NONE = "none"  # only as the state before the first of an epoch
    UNKNOWN = "unknown"
    RUN = "run"
    SETUP = "setup"
    STOP = "stop"
    FAULT = "fault"
    IDLE = "idle"
    MAINT = "maint"
    OFF = "off"
    TEST = "test"


class Party(StrEnum):
    """Who caused a stop or a fault. Looked up in the stop-code table, never guessed from the state."""

    NONE = "none"
    TENANT = "tenant"
    HOST = "host"
    UTILITY = "utility"
    UNKNOWN = "unknown"


STOP_FIELDS: Final = MappingProxyType(
    {
        Party.TENANT: "stop_tenant_ms",
        Party.HOST: "stop_host_ms",
        Party.UTILITY: "stop_utility_ms",
        Party.UNKNOWN: "stop_unknown_ms",
        Party.NONE: "stop_unknown_ms",
    }
)

TIME_FIELDS: Final = (
    "run_ms",
    "setup_ms",
    "test_ms",
    "stop_tenant_ms",
    "stop_host_ms",
    "stop_utility_ms",
    "stop_unknown_ms",
    "fault_ms",
    "idle_ms",
    "maint_ms",
    "off_ms",
    "unknown_ms",
)
"""They tile an interval: their sum is ``duration_ms``, always."""

times_of: Final = attrgetter(*TIME_FIELDS)
"""The times of an interval, in the order of TIME_FIELDS."""


def time_field(state: State, party: Party) -> str:
    """The time field that a moment in this state is counted in."""
    return STOP_FIELDS[party] if state is State.STOP else f"{state}_ms"
