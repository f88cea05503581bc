"""One machine at one instant: what its registers said, read whole, never mixed with another read."""

from typing import Final

from msgspec import Struct

from contract.names import NONE
from contract.records import Reason
from contract.states import Party, State

NO_ORDER: Final = NONE
"""The order register says that there is no order."""


class Sample(Struct, frozen=True, kw_only=True, gc=False):
    at: int
    """UTC ms on the meter's own time line."""
    state: State
    party: Party
    stop_code: int
    """Canonical stop code; 0 when nothing stops the machine."""
    vendor_code: int
    order_id: str | None
    """From the order register (NO_ORDER when it is 0); None where the profile has no such register."""
    serial: int
    boot_count: int
    uptime_s: int
    heartbeat: int | None = None
    """A number that a live controller changes every second; None where the machine has none."""
    readings: dict[str, int]
    """Raw value of each counter, in the device's own units."""


class Fault(Struct, frozen=True, kw_only=True, gc=False):
    """A read that gave no sample."""

    reason: Reason
    detail: str
